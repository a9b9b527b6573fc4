//! Attempts on an account, and from an address.

use std::time::Duration;

use jea_auth::{
    app,
    throttle::{Pace, ServiceSecret},
};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

use crate::service::{EMAIL, PASSWORD, Service, assert_refused, cookies_of};

// Checks 12, 14.
#[tokio::test]
async fn beyond_the_burst_every_attempt_waits_whether_the_account_exists_or_not() {
    let service = Service::start().await;
    for email in [EMAIL, "nobody@jeplus.org"] {
        for _ in 0..10 {
            assert_refused(service.log_on(email, "wrong").await, 401).await;
        }
        // The right password waits as well, and trying does not make it longer.
        for _ in 0..3 {
            let answer = service.log_on(email, PASSWORD).await;
            assert_eq!(answer.headers()["retry-after"], "30");
            assert_refused(answer, 429).await;
        }
    }
    service.advance(Duration::from_millis(29_999));
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 429).await;
    service.advance(Duration::from_millis(1));
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
}

// Check 17.
#[tokio::test]
async fn a_success_gives_the_account_its_burst_back() {
    let service = Service::start().await;
    for _ in 0..3 {
        for _ in 0..9 {
            assert_refused(service.log_on(EMAIL, "wrong").await, 401).await;
        }
        assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    }
}

// Check 13.
#[tokio::test]
async fn of_many_guesses_at_once_no_more_than_the_burst_are_compared() {
    let service = Service::start().await;
    let guesses = (0..50).map(|_| service.log_on(EMAIL, "wrong"));
    let mut statuses = Vec::new();
    for answer in futures(guesses).await {
        statuses.push(answer.status().as_u16());
    }
    let compared = statuses.iter().filter(|status| **status == 401).count();
    let waiting = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((compared, compared + waiting), (10, 50), "{statuses:?}");
}

// Check 20.
#[tokio::test]
async fn confirm_takes_from_the_same_bucket() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let credential = json!({"email": EMAIL, "password": "wrong"});
    for attempt in 0..11 {
        let answer = service.request(Method::POST, "/users/api/confirm").json(&credential).send().await.unwrap();
        assert_refused(answer, if attempt < 10 { 403 } else { 429 }).await;
    }
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 429).await;
}

// Check 16.
#[tokio::test]
async fn an_address_has_a_bucket_of_its_own_that_no_header_changes() {
    let service = Service::start().await;
    for number in 0..100 {
        assert_refused(service.log_on(&format!("user-{number}@jeplus.org"), "wrong").await, 401).await;
    }
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    let request = service.request(Method::POST, "/users/api/auth").json(&credential);
    let answer = request.header("X-Forwarded-For", "203.0.113.9").send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_refused(answer, 429).await;
}

// Check 17.
#[tokio::test]
async fn a_success_does_not_give_the_address_its_burst_back() {
    let service = Service::start().await;
    for number in 0..99 {
        assert_refused(service.log_on(&format!("user-{number}@jeplus.org"), "wrong").await, 401).await;
    }
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "the hundredth");
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 429).await;
}

// Check 15.
#[tokio::test]
async fn strangers_cannot_lock_out_the_owner_on_a_device_that_logged_on_before() {
    let service = Service::start().await;
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "the device is known now");
    let stranger = || Service::credential_request(&Client::new(), &service.running.url);
    let wrong = json!({"email": EMAIL, "password": "wrong"});
    for _ in 0..10 {
        assert_refused(stranger().json(&wrong).send().await.unwrap(), 401).await;
    }
    assert_refused(stranger().send().await.unwrap(), 429).await;
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "the owner is in");
    assert_refused(stranger().send().await.unwrap(), 429).await;
    // A known device has a burst of its own, and no more.
    for _ in 0..10 {
        assert_refused(service.log_on(EMAIL, "wrong").await, 401).await;
    }
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 429).await;
}

// Check 15.
#[tokio::test]
async fn a_device_cookie_opens_nothing_and_helps_no_other_account() {
    let service = Service::start().await;
    service.add_account("other@jeplus.org", PASSWORD, jea_auth::account::Status::Active).await;
    let log_on = service.log_on(EMAIL, PASSWORD).await;
    let device = cookies_of(&log_on)[1].split(';').next().unwrap().to_owned();
    let with_device = |email: &str, password: &str| {
        let request = Client::new().post(format!("{}/users/api/auth", service.running.url)).header("Cookie", &device);
        request.json(&json!({"email": email, "password": password})).send()
    };
    let user = Client::new().get(format!("{}/users/api/user", service.running.url)).header("Cookie", &device);
    assert_refused(user.send().await.unwrap(), 401).await;
    assert_refused(with_device(EMAIL, "wrong").await.unwrap(), 401).await;
    for _ in 0..10 {
        assert_refused(with_device("other@jeplus.org", "wrong").await.unwrap(), 401).await;
    }
    assert_refused(with_device("other@jeplus.org", PASSWORD).await.unwrap(), 429).await;
}

/// An hour of simulated time: strangers from many addresses try 10,000 times, and the owner logs on a hundred times
/// from a device that is known.
// Check 15.
#[tokio::test]
async fn ten_thousand_hostile_tries_an_hour_do_not_keep_the_owner_out() {
    let service = Service::start().await;
    let function = app::logon(&service.running.config, service.clock());
    let mut device = String::new();
    let log_on = async |address: String, password: &str, cookie: &str| {
        let event = serde_json::from_value(json!({
            "httpMethod": "POST",
            "path": "/users/api/auth",
            "headers": {"content-type": "application/json", "cookie": cookie},
            "requestContext": {"identity": {"sourceIp": address}},
            "body": json!({"email": EMAIL, "password": password}).to_string(),
        }));
        function.handle(&event.unwrap()).await
    };
    let mut compared = 0;
    for round in 0..100 {
        let answer = log_on("192.0.2.1".to_owned(), PASSWORD, &device).await;
        assert_eq!(answer.status.as_u16(), 200, "round {round}");
        let cookie = answer.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap();
        device = cookie.split(';').next().unwrap().to_owned();
        for number in 0..100 {
            let address = format!("198.51.{round}.{number}");
            let status = log_on(address, "wrong", "").await.status.as_u16();
            assert!(matches!(status, 401 | 429), "{status}");
            compared += usize::from(status == 401);
            service.advance(Duration::from_millis(360));
        }
    }
    // The burst of ten, then one every 30 s of an hour.
    assert_eq!(compared, 10 + 119);
}

/// The store's conditional updates against the rule itself, step by step.
// Check 19.
#[tokio::test]
async fn a_bucket_in_the_store_is_the_bucket_of_the_model() {
    use proptest::strategy::{Strategy, ValueTree};
    let service = Service::start().await;
    let store = service.store();
    let secret = ServiceSecret::new(&vec![0; 32].into());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for case in 0..30 {
        let pace = Pace { burst: case % 5 + 1, interval: Duration::from_millis(u64::from(case) * 700 + 1) };
        let bucket = secret.address_bucket(&format!("192.0.2.{case}"));
        let steps = proptest::collection::vec(0_u64..5_000, 40).new_tree(&mut runner).unwrap().current();
        let (mut now, mut tat) = (service.now(), None);
        for (number, step) in steps.into_iter().enumerate() {
            // Bursts within one moment are as likely as pauses.
            now = now.plus(Duration::from_millis(if step % 2 == 0 { 0 } else { step }));
            let expected = match pace.take(tat, now) {
                Ok(next) => {
                    tat = Some(next);
                    Duration::ZERO
                }
                Err(wait) => wait,
            };
            let taken = store.take_attempt(&bucket, pace, now).await.unwrap();
            assert_eq!(taken, expected, "case {case}, step {number}, {pace:?}");
        }
    }
}

/// All of them at once.
async fn futures<F: Future<Output = reqwest::Response>>(all: impl Iterator<Item = F>) -> Vec<reqwest::Response> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                done.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
