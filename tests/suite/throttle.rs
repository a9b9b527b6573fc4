//! Attempts on an account, and from an address.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::service::{EMAIL, PASSWORD, Service, assert_refused};

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
