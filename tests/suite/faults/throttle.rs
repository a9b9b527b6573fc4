//! Attempts on an account, and from an address.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    domain::{
        secret::ServiceSecret,
        throttle::{BucketKey, Pace},
    },
    functions::{app, logon::LogonFunction},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    client,
    event::log_on_event,
    service::{EMAIL, PASSWORD, Service, assert_refused, cookies_of},
};

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
async fn a_success_gives_back_its_own_attempt_and_no_more() {
    let service = Service::start().await;
    // Without cookies, so that no device is known.
    let log_on = async |password: &str| {
        let request = Service::credential_request(&client::plain(), &service.running.url);
        request.json(&json!({"email": EMAIL, "password": password})).send().await.unwrap().status().as_u16()
    };
    for _ in 0..9 {
        assert_eq!(log_on("wrong").await, 401);
    }
    assert_eq!(log_on(PASSWORD).await, 200, "the tenth");
    assert_eq!(log_on("wrong").await, 429, "it gave back its attempt, less one second");
    service.advance(Duration::from_secs(1));
    assert_eq!(log_on("wrong").await, 401);
    assert_eq!(log_on(PASSWORD).await, 429);
}

// Check 13.
#[tokio::test]
async fn of_many_guesses_at_once_no_more_than_the_burst_are_compared() {
    let service = Service::start().await;
    let function = Arc::new(app::logon(&service.running.config, service.clock()));
    let guesses: Vec<_> = (0..50)
        .map(|_| {
            let function = Arc::clone(&function);
            tokio::spawn(async move { function.handle(&log_on_event(EMAIL, "wrong").event()).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap().as_u16());
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
async fn a_success_gives_its_address_the_one_attempt_that_it_took() {
    let service = Service::start().await;
    for number in 0..99 {
        assert_refused(service.log_on(&format!("user-{number}@jeplus.org"), "wrong").await, 401).await;
    }
    for _ in 0..3 {
        let right = Service::credential_request(&client::plain(), &service.running.url).send().await.unwrap();
        assert_eq!(right.status(), StatusCode::OK, "the hundredth, again and again");
    }
    assert_refused(service.log_on("nobody@jeplus.org", "wrong").await, 401).await;
    assert_refused(service.log_on("nobody@jeplus.org", "wrong").await, 429).await;
}

// Check 15.
#[tokio::test]
async fn strangers_cannot_lock_out_the_owner_on_a_device_that_logged_on_before() {
    let service = Service::start().await;
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "the device is known now");
    let stranger = || Service::credential_request(&client::plain(), &service.running.url);
    let wrong = json!({"email": EMAIL, "password": "wrong"});
    // Of ten attempts, the first was the owner's.
    for _ in 0..9 {
        assert_refused(stranger().json(&wrong).send().await.unwrap(), 401).await;
    }
    assert_refused(stranger().send().await.unwrap(), 429).await;
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "the owner is in");
    assert_refused(stranger().send().await.unwrap(), 429).await;
    // A known device has a burst of its own, of which one was for the owner, and no more.
    for _ in 0..9 {
        assert_refused(service.log_on(EMAIL, "wrong").await, 401).await;
    }
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 429).await;
}

// Check 15.
#[tokio::test]
async fn a_device_cookie_opens_nothing_and_helps_no_other_account() {
    let service = Service::start().await;
    service.add_account("other@jeplus.org", PASSWORD, jea_auth::domain::account::Status::Active).await;
    let log_on = service.log_on(EMAIL, PASSWORD).await;
    let device = cookies_of(&log_on)[1].split(';').next().unwrap().to_owned();
    let with_device = |email: &str, password: &str| {
        let request = client::plain().post(format!("{}/users/api/auth", service.running.url)).header("Cookie", &device);
        request.json(&json!({"email": email, "password": password})).send()
    };
    let user = client::plain().get(format!("{}/users/api/user", service.running.url)).header("Cookie", &device);
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
        function.handle(&log_on_event(EMAIL, password).from(&address).header("cookie", cookie).event()).await
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
    // The burst of ten but for the owner's first log-on, when the device was not known, then one every 30 s of an hour.
    assert_eq!(compared, 9 + 119);
}

/// A function of its own for each, as busy functions have several instances: what one remembers the others do not know.
fn instances(service: &Service) -> [LogonFunction; 2] {
    [(); 2].map(|()| app::logon(&service.running.config, service.clock()))
}

/// A script of the owner's logs on every second for four minutes, while strangers from many addresses guess.
// Checks 17, 61.
#[tokio::test]
async fn strangers_beside_an_owner_who_succeeds_every_second_get_the_burst_and_the_pace() {
    let service = Service::start().await;
    let [one, other] = instances(&service);
    for second in 0..20 {
        let owner = one.handle(&log_on_event(EMAIL, PASSWORD).event()).await;
        assert_eq!(owner.status.as_u16(), 200, "nobody else is there, in second {second}");
        service.advance(Duration::from_secs(1));
    }
    let (mut compared, mut succeeded) = (0, 0);
    for second in 0..240 {
        for number in 0..5 {
            let guess = log_on_event(EMAIL, "wrong").from(&format!("198.51.{second}.{number}")).event();
            compared += u64::from(other.handle(&guess).await.status.as_u16() == 401);
        }
        let owner = one.handle(&log_on_event(EMAIL, PASSWORD).event()).await;
        succeeded += u64::from(owner.status.as_u16() == 200);
        service.advance(Duration::from_secs(1));
    }
    println!("{compared} guesses compared in 240 s; the owner logged on {succeeded} times");
    assert!((8..=10 + 240 / 30).contains(&compared), "{compared}");
}

// Check 61.
#[tokio::test]
async fn an_account_that_floods_the_service_with_its_own_password_is_bounded() {
    let service = Service::start().await;
    let function = app::logon(&service.running.config, service.clock());
    let mut succeeded = 0;
    for number in 0..600 {
        let event = log_on_event(EMAIL, PASSWORD).from(&format!("198.51.100.{}", number % 250)).event();
        succeeded += u64::from(function.handle(&event).await.status.as_u16() == 200);
        service.advance(Duration::from_millis(100));
    }
    // Ten a second for a minute: what the bucket holds, then one a second.
    println!("{succeeded} of 600 log-ons in 60 s");
    assert!((240..=300 + 60).contains(&succeeded), "{succeeded}");
}

/// Whoever knew the password once, and made very many device cookies with it.
// Check 62.
#[tokio::test]
async fn device_cookies_can_be_stockpiled_for_sixteen_buckets_and_not_beyond_a_new_password() {
    let service = Service::start().await;
    let function = app::logon(&service.running.config, service.clock());
    let mut cookies = Vec::new();
    for number in 0..60 {
        let answer =
            function.handle(&log_on_event(EMAIL, PASSWORD).from(&format!("198.51.100.{number}")).event()).await;
        let cookie = answer.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap();
        cookies.push(cookie.split(';').next().unwrap().to_owned());
    }
    let guesses = async || {
        let mut compared = 0;
        for cookie in &cookies {
            for _ in 0..10 {
                let guess = log_on_event(EMAIL, "wrong").header("cookie", cookie).event();
                compared += u64::from(function.handle(&guess).await.status.as_u16() == 401);
            }
        }
        compared
    };
    let compared = guesses().await;
    assert!((100..=16 * 10).contains(&compared), "{compared} of 600");
    service.advance(Duration::from_hours(1));
    let administration = service.administration();
    administration.end_sessions(&service.account().await.email).await.unwrap().unwrap();
    assert_eq!(guesses().await, 10, "they are no devices any more: the account's bucket counts");
}

// Check 63.
#[tokio::test]
async fn strangers_behind_the_same_address_or_with_a_planted_cookie_do_not_keep_a_known_device_waiting() {
    let service = Service::start().await;
    let device = cookies_of(&service.log_on(EMAIL, PASSWORD).await)[1].split(';').next().unwrap().to_owned();
    for number in 0..100 {
        let _ = service.log_on(&format!("user-{number}@jeplus.org"), "wrong").await;
    }
    for _ in 0..10 {
        let _ = Service::credential_request(&client::plain(), &service.running.url).send().await.unwrap();
    }
    let with = |cookie: String| {
        let request = Service::credential_request(&client::plain(), &service.running.url).header("Cookie", cookie);
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(with(String::new()).await, 429, "a stranger waits");
    assert_eq!(with(device.clone()).await, 200);
    assert_eq!(with(format!("known_device=planted; known_device=x.y.1.9.z; {device}")).await, 200);
}

/// A request that was held up for half a minute, or an instance whose clock lies as far back, finds the bucket ahead of its own
/// time.
// Check 13.
#[tokio::test]
async fn a_time_that_lies_back_gives_no_attempt_more() {
    let service = Service::start().await;
    let store = service.store();
    let (secret, pace) =
        (ServiceSecret::new(&vec![0; 32].into()), Pace { burst: 3, interval: Duration::from_secs(30) });
    let bucket = BucketKey::address(&secret, "192.0.2.1");
    let (now, back) = (service.now(), service.now().minus(Duration::from_secs(59)));
    for _ in 0..3 {
        store.take_attempt(&bucket, pace, now).await.unwrap().unwrap();
    }
    for _ in 0..5 {
        assert_eq!(store.take_attempt(&bucket, pace, back).await.unwrap(), Err(pace.interval));
        assert_eq!(store.take_attempt(&bucket, pace, now).await.unwrap(), Err(pace.interval));
    }
    assert!(store.take_attempt(&bucket, pace, now.plus(pace.interval)).await.unwrap().is_ok());
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
        let bucket = BucketKey::address(&secret, &format!("192.0.2.{case}"));
        let steps = proptest::collection::vec(0_u64..5_000, 40).new_tree(&mut runner).unwrap().current();
        let (mut now, mut tat) = (service.now(), None);
        for (number, step) in steps.into_iter().enumerate() {
            // Bursts within one moment are as likely as pauses.
            now = now.plus(Duration::from_millis(if step % 2 == 0 { 0 } else { step }));
            // Now and then a clock that was ahead has counted.
            if step % 97 == 0 {
                tat = Some(now.plus(Duration::from_hours(2)));
                store
                    .take_attempt(&bucket, pace, now.plus(Duration::from_hours(2)).minus(pace.interval))
                    .await
                    .unwrap()
                    .unwrap();
            }
            let expected = pace.take(tat, now);
            let taken = store.take_attempt(&bucket, pace, now).await.unwrap();
            assert_eq!(taken, expected, "case {case}, step {number}, {pace:?}");
            tat = tat.map(|tat| tat.min(pace.empty(now)));
            if let Ok(taken) = taken {
                tat = Some(taken.tat);
                let back = pace.given_back_by_success(taken);
                if step % 3 == 0 && !back.is_zero() {
                    store.give_back(&bucket, back).await.unwrap();
                    tat = Some(taken.tat.minus(back));
                }
            }
        }
    }
}
