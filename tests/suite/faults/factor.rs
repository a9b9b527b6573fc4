//! The second factor where something is missing: the password, DynamoDB, the secret that it was sealed with.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    domain::{
        account::{Account, Email, Name, Status},
        factor::{Factor, TotpSecret},
        throttle::CODE_PACE,
    },
    functions::app,
    local::Options,
    platform::store::StoreError,
};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{
    event::event,
    factor::{NEEDED, STEP, WRONG, code, enrol, lacks, log_on},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, assert_refused, context_of, token_of},
};

// Check 76.
#[tokio::test]
async fn a_table_that_is_copied_has_no_code_and_a_factor_that_does_not_open_lets_nobody_in() {
    let service = Service::start().await;
    let (secret, codes) = enrol(&service).await;
    let account = service.account().await;
    let factor = account.factor.clone().unwrap();
    let bytes = TotpSecret::parse(&secret).unwrap();
    assert!(!factor.sealed.windows(20).any(|window| window == bytes.expose()));
    assert!(factor.recovery.len() == codes.len() && account.begun_factor.is_none());
    let spoil = |account: &Account| {
        let mut changed = account.clone();
        changed.factor.as_mut().unwrap().sealed[20] ^= 1;
        Ok::<_, StoreError>(changed)
    };
    let email = Email::canonical(EMAIL);
    service.store().change_account(&email, spoil).await.unwrap().unwrap();
    for otp in [code(&service, &secret), codes[0].clone()] {
        assert_refused(log_on(&service, PASSWORD, Some(&otp)).await, 503).await;
    }
    lacks(log_on(&service, PASSWORD, None).await, 401, NEEDED).await;
}

// Check 76.
#[tokio::test]
async fn without_the_password_nothing_tells_whether_there_is_a_factor() {
    let service = Service::start().await;
    enrol(&service).await;
    service.add_account("plain@jeplus.org", PASSWORD, Status::Active).await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = app::logon(&config, service.clock());
    let mut seen = Vec::new();
    for email in [EMAIL, "plain@jeplus.org", "nobody@jeplus.org"] {
        service.advance(Duration::from_mins(15));
        // The keys are read once a minute.
        function.handle(&event("GET", "/.well-known/jwks.json").event()).await;
        wire.calls.lock().unwrap().clear();
        let credential = json!({"email": email, "password": "a wrong password", "otp": "123456"});
        let answer = function.handle(&event("POST", "/users/api/auth").json(&credential).event()).await;
        let mut calls: Vec<String> = wire.calls.lock().unwrap().iter().map(|(target, _)| target.clone()).collect();
        calls.sort();
        seen.push((answer.status, format!("{:?}", answer.headers), answer.body, calls));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
}

// Check 76.
#[tokio::test]
async fn a_code_that_cannot_be_used_up_is_503_and_leaves_no_session() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = app::logon(&config, service.clock());
    let before = service.sessions(EMAIL).await.len();
    let credential = json!({"email": EMAIL, "password": PASSWORD, "otp": code(&service, &secret)});
    let log_on = event("POST", "/users/api/auth").json(&credential).event();
    wire.fail("UpdateItem", "jea-auth-accounts", Fault::InternalError);
    let answer = function.handle(&log_on).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(service.sessions(EMAIL).await.len(), before);
    *wire.rule.lock().unwrap() = None;
    assert_eq!(function.handle(&log_on).await.status, StatusCode::OK, "the code is as good as before");
    assert_eq!(function.handle(&log_on).await.status, StatusCode::UNAUTHORIZED, "once");

    service.advance(STEP);
    let credential = json!({"email": EMAIL, "password": PASSWORD, "otp": code(&service, &secret)});
    wire.fail("UpdateItem", "jea-auth-accounts", Fault::Lost);
    let answer = function.handle(&event("POST", "/users/api/auth").json(&credential).event()).await;
    assert_eq!(answer.status, StatusCode::OK, "it was this very request that used the code");
}

// Check 76.
#[tokio::test(flavor = "multi_thread")]
async fn a_factor_that_comes_or_goes_while_a_log_on_runs_is_one_that_comes_or_goes_after_it() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    let factor = service.account().await.factor;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = Arc::new(app::logon(&config, service.clock()));
    let email = Email::canonical(EMAIL);
    let set = async |factor: Option<Factor>| {
        let change = |account: &Account| Ok::<_, StoreError>(Account { factor: factor.clone(), ..account.clone() });
        service.store().change_account(&email, change).await.unwrap().unwrap();
    };
    // It comes, or it goes, between the look at the account and the write of the session.
    for (before, after, otp) in [(None, factor.clone(), None), (factor.clone(), None, Some(code(&service, &secret)))] {
        set(before).await;
        let sessions = service.sessions(EMAIL).await.len();
        let credential = json!({"email": EMAIL, "password": PASSWORD, "otp": otp});
        let log_on = event("POST", "/users/api/auth").json(&credential).event();
        wire.fail("PutItem", "jea-auth-sessions", Fault::Held);
        let running = tokio::spawn({
            let function = Arc::clone(&function);
            async move { function.handle(&log_on).await }
        });
        wire.arrived().await;
        set(after).await;
        wire.release();
        let answer = running.await.unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
        assert_eq!(service.sessions(EMAIL).await.len() - sessions, 1);
    }
}

#[tokio::test]
async fn old_clients_get_200_for_a_code_that_is_missing_or_wrong() {
    let service = Service::start_with(Options { failed_logon_status: StatusCode::OK, ..Options::in_memory() }).await;
    enrol(&service).await;
    lacks(log_on(&service, PASSWORD, None).await, 200, NEEDED).await;
    lacks(log_on(&service, PASSWORD, Some("no code")).await, 200, WRONG).await;
    let lines = service.sessions(EMAIL).await;
    assert_eq!(lines.len(), 1, "none was opened");
}

// Check 76.
#[tokio::test(flavor = "multi_thread")]
async fn confirming_goes_on_while_the_account_changes() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = Arc::new(app::logon(&config, service.clock()));
    let token = token_of(&log_on(&service, PASSWORD, Some(&code(&service, &secret))).await);
    service.advance(STEP);
    let credential = json!({"email": EMAIL, "password": PASSWORD, "otp": code(&service, &secret)});
    let confirm = event("POST", "/users/api/confirm").json(&credential).by(&context_of(&token)).event();
    wire.fail("UpdateItem", "jea-auth-accounts", Fault::Held);
    let running = tokio::spawn({
        let function = Arc::clone(&function);
        async move { function.handle(&confirm).await }
    });
    wire.arrived().await;
    let rename =
        |account: &Account| Ok::<_, StoreError>(Account { name: Name::parse("Zhang").unwrap(), ..account.clone() });
    service.store().change_account(&Email::canonical(EMAIL), rename).await.unwrap().unwrap();
    wire.release();
    let answer = running.await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

/// More often than wrong codes may be tried: each was right, and nothing was written.
// Check 76.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_gets_its_attempt_back_whatever_else_fails() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    let context = context_of(&token_of(&log_on(&service, PASSWORD, Some(&code(&service, &secret))).await));
    service.advance(STEP);
    let otp = code(&service, &secret);
    let change = json!({"password": PASSWORD, "new_password": "another long enough password", "otp": otp});
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = app::logon(&config, service.clock());
    for (path, call, body) in [
        ("/users/api/totp/codes", "UpdateItem", json!({"otp": otp})),
        ("/users/api/password", "TransactWriteItems", change),
    ] {
        let asks = event("POST", path).json(&body).by(&context).event();
        for _ in 0..=CODE_PACE.burst {
            wire.fail(call, "-accounts", Fault::InternalError);
            let answer = function.handle(&asks).await;
            assert_eq!(answer.status.as_u16(), 503, "{path}: {}", answer.body);
            *wire.rule.lock().unwrap() = None;
        }
    }
    let asks = event("POST", "/users/api/totp/codes").json(&json!({"otp": otp})).by(&context).event();
    let answer = function.handle(&asks).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
}
