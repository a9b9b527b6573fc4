//! How long things live, in simulated time, and what a log-off and an outage do.

use std::time::Duration;

use jea_auth::{
    domain::{ids::SessionId, signing_key::PUBLISHED_AHEAD_MIN},
    functions::{
        app::{self, Stack},
        config::Config,
    },
    local::Options,
    platform::machine,
};
use reqwest::StatusCode;
use serde_json::json;
use tracing::instrument::WithSubscriber;

use crate::support::{
    client,
    event::log_on_event,
    log::Log,
    service::{EMAIL, PASSWORD, Service, assert_refused, claims_of, cookies_of, token_of},
};

const HOUR: Duration = Duration::from_hours(1);
const SKEW: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_token_lives_twelve_hours_and_the_skew() {
    let service = Service::start().await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    service.advance((12 * HOUR).checked_sub(Duration::from_secs(1)).unwrap());
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    service.advance(SKEW + Duration::from_secs(1));
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
}

// Check 39.
#[tokio::test]
async fn check_ins_carry_a_session_to_seven_days_and_no_further() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let mut last = String::new();
    for _ in 0..42 {
        service.advance((4 * HOUR).checked_sub(Duration::from_secs(1)).unwrap());
        let answer = service.post("/users/api/checkin").await;
        assert_eq!(answer.status(), StatusCode::OK);
        last = cookies_of(&answer).remove(0);
    }
    // 42 seconds are left of seven days.
    assert!(last.contains("; Max-Age=42; "), "{last}");
    service.advance(Duration::from_secs(43));
    assert_refused(service.post("/users/api/checkin").await, 401).await;
}

#[tokio::test]
async fn the_first_token_of_a_session_stays_valid_until_its_own_end() {
    let service = Service::start().await;
    let first = token_of(&service.log_on(EMAIL, PASSWORD).await);
    service.advance(8 * HOUR);
    assert_eq!(service.post("/users/api/checkin").await.status(), StatusCode::OK);
    service.advance((4 * HOUR).checked_sub(Duration::from_secs(1)).unwrap());
    assert_eq!(service.user_with(&first).await, StatusCode::OK);
}

// Check 40.
#[tokio::test]
async fn a_log_off_is_seen_by_every_authorizer_within_five_seconds() {
    let service = Service::start().await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let elsewhere = |token: &str| {
        service.request(reqwest::Method::GET, "/orders").header("Cookie", format!("session_token={token}"))
    };
    assert_eq!(elsewhere(&token).send().await.unwrap().status(), StatusCode::NOT_FOUND, "admitted, and remembered");
    assert_eq!(service.post("/users/api/logout").await.status(), StatusCode::OK);
    service.advance(Duration::from_secs(5));
    assert_eq!(elsewhere(&token).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

// Check 43.
#[tokio::test]
async fn an_expired_session_that_is_still_stored_counts_as_gone() {
    let service = Service::start().await;
    let log_on = service.log_on(EMAIL, PASSWORD).await;
    let claims = claims_of(&token_of(&log_on));
    let account = service.account().await;
    let sid = SessionId::parse(claims["sid"].as_str().unwrap()).unwrap();
    let (ids, end) = ((&account.sub, &sid), service.now().plus(HOUR));
    service.store().extend_session(ids, service.now(), end).await.unwrap().unwrap();
    service.advance(HOUR);
    assert!(service.store().has_session(&account.sub, &sid).await.unwrap(), "TTL has not removed it");
    for path in ["/users/api/checkin", "/users/api/logout"] {
        assert_refused(service.post(path).await, 401).await;
    }
    assert_refused(service.get("/users/api/user").await, 401).await;
}

#[tokio::test]
async fn without_tables_or_keys_the_answer_is_503_with_retry_after_and_no_cookie() {
    let service = Service::start().await;
    let config = Config { stack: "other-stack".to_owned(), ..service.config() };
    let log_on = log_on_event(EMAIL, PASSWORD).event();
    let function = app::logon(&config, machine::system_clock());
    for is_ready in [false, false, true] {
        if is_ready {
            prepare(&config).await;
        }
        let answer = function.handle(&log_on).await;
        assert_eq!(answer.status.as_u16(), if is_ready { 401 } else { 503 }, "{}", answer.body);
        assert!(!answer.headers.contains_key("set-cookie"));
        assert_eq!(answer.headers.contains_key("retry-after"), !is_ready);
    }
}

/// Makes tables and keys while the function runs: it recovers without a restart.
async fn prepare(config: &Config) {
    let store = jea_auth::platform::store::Store::new(config.aws.dynamodb(), &config.stack);
    store.create_tables().await.unwrap();
    let kms = jea_auth::platform::kms::Kms::new(config.aws.kms(), &config.stack);
    jea_auth::service::rotation::Rotation { store, kms }.make_due(machine::now(), &machine::random()).await.unwrap();
}

/// The stack starts once with a clock that is two hours ahead, and then with the right one.
// Check 14.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { data: Some(folder.path().to_owned()), ..Options::in_memory() };
    let ahead = Service::start_with(options()).await;
    ahead.advance(2 * HOUR);
    Stack::of(&ahead.running.config)
        .rotation()
        .make_now(ahead.now(), &machine::random(), None, PUBLISHED_AHEAD_MIN)
        .await
        .unwrap()
        .unwrap();
    ahead.advance(Duration::from_mins(11));
    assert_eq!(ahead.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    let stranger = client::plain();
    let guess = async |url: &str, password: &str| {
        let credential = json!({"email": EMAIL, "password": password});
        stranger.post(format!("{url}/users/api/auth")).json(&credential).send().await.unwrap()
    };
    for _ in 0..12 {
        let _ = guess(&ahead.running.url, "wrong").await;
    }
    ahead.running.stop().await;

    let log = Log::default();
    let right = Service::start_again(options()).with_subscriber(log.subscriber()).await;
    let waits = guess(&right.running.url, PASSWORD).await;
    assert_eq!(
        (waits.status(), &waits.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"30".parse().unwrap())
    );
    right.advance(Duration::from_secs(30));
    assert_eq!(guess(&right.running.url, PASSWORD).await.status(), StatusCode::OK, "one interval later");
    assert!(log.text().contains("by a clock that is ahead of this one"), "{}", log.text());
}
