//! A password that its owner must change: it opens nothing but its own change.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    domain::{
        account::{Account, Email, TEMPORARY_LIFE},
        time::Timestamp,
    },
    functions::{app, logon::LogonFunction},
    local::Options,
    platform::store::StoreError,
    web::event::Event,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    event::event,
    factor::{self, NEEDED, USED, WRONG, code, enrol, must_enrol, wrong_code},
    mails::{self, mails},
    owner::{bearer, ok, send},
    proxy::{Fault, Wire},
    service::{EMAIL, NEW_PASSWORD, NO_MATCH, PASSWORD, Service, assert_refused, client, cookies_of, token_of},
};

const CHANGE: &str = "This password must be changed: send new_password with it.";

/// Makes the account's password one that its owner must change.
async fn make_temporary(service: &Service) {
    let hash = service.account().await.password_hash.unwrap();
    service.administration().set_temporary_password(&Email::canonical(EMAIL), hash).await.unwrap().unwrap();
}

/// Logs on as somebody new, with more members than email and temporary password.
async fn log_on(service: &Service, more: &Value) -> Response {
    let mut body = json!({"email": EMAIL, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client().post(format!("{}/users/api/auth", service.running.url)).json(&body).send().await.unwrap()
}

/// What an answer says that lacks another password.
async fn must_change(answer: Response, status: u16) {
    assert_eq!(answer.status().as_u16(), status);
    assert!(!answer.headers().contains_key("set-cookie"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"ok": false, "status": CHANGE, "change": "password"}));
}

// Check 83.
#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_password_opens_nothing_but_its_own_change() {
    let service = mails::service().await;
    let before = service.new_token().await;
    make_temporary(&service).await;
    assert_eq!(service.user_with(&before).await, StatusCode::UNAUTHORIZED, "sessions of before have ended");
    must_change(log_on(&service, &json!({})).await, 401).await;
    must_change(log_on(&service, &json!({"new_password": null, "enrol": true})).await, 401).await;
    for (new, expected) in [
        ("too short", "new_password: "),
        ("passwordpassword", "new_password: "),
        (EMAIL, "new_password: "),
        (PASSWORD, "new_password: "),
    ] {
        let refused = assert_refused(log_on(&service, &json!({"new_password": new})).await, 400).await;
        assert!(refused.starts_with(expected), "{new}: {refused}");
    }
    let wrong = json!({"password": "a wrong password", "new_password": NEW_PASSWORD});
    assert_eq!(assert_refused(log_on(&service, &wrong).await, 401).await, NO_MATCH);
    assert!(service.sessions(EMAIL).await.is_empty(), "none was opened");
    assert!(service.account().await.temporary_until.is_some(), "nothing was changed");

    let changed = log_on(&service, &json!({"new_password": NEW_PASSWORD})).await;
    assert!(cookies_of(&changed)[1].starts_with("known_device="), "as at any log-on");
    let token = token_of(&changed);
    let body = ok(changed).await;
    assert_eq!((&body["status"], &body["user"]), (&json!("Logged in successfully!"), &json!("Yi")));
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    ok(bearer(&service, Method::POST, "checkin", &token).send().await.unwrap()).await;
    assert!(service.account().await.temporary_until.is_none());
    assert_eq!(assert_refused(log_on(&service, &json!({})).await, 401).await, NO_MATCH);
    let told = mails(&service, 1).await;
    assert_eq!(told[0].subject, "jea-auth: Your password was changed");
    // It stays, also if another one is sent with it.
    for _ in 0..2 {
        let again = json!({"password": NEW_PASSWORD, "new_password": "yet another long enough password"});
        assert_eq!(log_on(&service, &again).await.status(), StatusCode::OK, "passed over where nothing asks for it");
    }
}

#[tokio::test]
async fn old_clients_get_200_for_a_temporary_password() {
    let options = Options { failed_logon_status: StatusCode::OK, ..Options::in_memory() };
    let service = Service::start_with(options).await;
    make_temporary(&service).await;
    must_change(log_on(&service, &json!({})).await, 200).await;
    assert_refused(log_on(&service, &json!({"new_password": "too short"})).await, 400).await;
}

// Check 83.
#[tokio::test]
async fn after_its_days_a_temporary_password_matches_nothing() {
    let service = Service::start().await;
    make_temporary(&service).await;
    let end = service.account().await.temporary_until.unwrap();
    service.advance(end.since(service.now()).saturating_sub(Duration::from_millis(1)));
    must_change(log_on(&service, &json!({})).await, 401).await;
    service.advance(Duration::from_millis(1));
    for more in [json!({}), json!({"new_password": NEW_PASSWORD}), json!({"new_password": "x", "enrol": true})] {
        assert_eq!(assert_refused(log_on(&service, &more).await, 401).await, NO_MATCH, "{more}");
    }
    // An operator gives another one, which has its own days.
    make_temporary(&service).await;
    let left = service.account().await.temporary_until.unwrap().since(service.now());
    assert!(left > TEMPORARY_LIFE.saturating_sub(Duration::from_secs(2)), "{left:?}");
    must_change(log_on(&service, &json!({})).await, 401).await;
}

/// Nothing is used up, and nothing changed, until all is there.
// Checks 83, 86.
#[tokio::test]
async fn a_code_comes_before_another_password_and_is_not_used_up_by_a_refusal() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    make_temporary(&service).await;
    let with = |otp: &str| json!({"otp": otp, "new_password": NEW_PASSWORD});
    factor::lacks(log_on(&service, &json!({"new_password": NEW_PASSWORD})).await, 401, NEEDED).await;
    factor::lacks(log_on(&service, &with(&wrong_code(&service, &secret))).await, 401, WRONG).await;
    let otp = code(&service, &secret);
    // More often than the bucket of codes has attempts at once.
    for _ in 0..3 {
        must_change(log_on(&service, &json!({"otp": otp})).await, 401).await;
        let unfit = json!({"otp": otp, "new_password": "too short"});
        assert_refused(log_on(&service, &unfit).await, 400).await;
    }
    assert_eq!(log_on(&service, &with(&otp)).await.status(), StatusCode::OK);
    let again = json!({"password": NEW_PASSWORD, "otp": otp});
    factor::lacks(log_on(&service, &again).await, 401, USED).await;
}

// Checks 82, 83.
#[tokio::test]
async fn another_password_comes_before_a_factor_that_is_demanded() {
    let service = Service::start_with(Options { require_factor: "all".to_owned(), ..Options::in_memory() }).await;
    make_temporary(&service).await;
    must_change(log_on(&service, &json!({"enrol": true})).await, 401).await;
    must_enrol(log_on(&service, &json!({"new_password": NEW_PASSWORD})).await, 401).await;
    assert!(service.account().await.temporary_until.is_some(), "nothing was changed");
    let token = token_of(&log_on(&service, &json!({"new_password": NEW_PASSWORD, "enrol": true})).await);
    assert!(service.account().await.temporary_until.is_none());
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    let more = bearer(&service, Method::GET, "sessions", &token).send().await.unwrap();
    assert_refused(more, 401).await;
}

// Check 83.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_changes_of_a_temporary_password_at_once_one_succeeds() {
    let service = Service::start().await;
    make_temporary(&service).await;
    let mut together = JoinSet::new();
    let url = format!("{}/users/api/auth", service.running.url);
    for number in 0..6 {
        let new = format!("long enough password {number}");
        let body = json!({"email": EMAIL, "password": PASSWORD, "new_password": new});
        let asked = client().post(&url).json(&body).send();
        together.spawn(async move { (new, asked.await.unwrap().status().as_u16()) });
    }
    let answers = together.join_all().await;
    let set: Vec<&String> = answers.iter().filter(|(_, status)| *status == 200).map(|(new, _)| new).collect();
    assert_eq!(set.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(_, status)| [200, 401].contains(status)), "{answers:?}");
    assert_eq!(service.sessions(EMAIL).await.len(), 1);
    assert_eq!(log_on(&service, &json!({"password": set[0]})).await.status(), StatusCode::OK);
}

/// A log-on function behind a proxy, and what changes the temporary password there.
async fn behind_proxy(service: &Service) -> (Wire, Arc<LogonFunction>, Event) {
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let body = json!({"email": EMAIL, "password": PASSWORD, "new_password": NEW_PASSWORD});
    let change = event("POST", "/users/api/auth").json(&body).event();
    (wire, Arc::new(app::logon(&config, service.clock())), change)
}

// Checks 83, 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_temporary_password_is_done_once_or_not_at_all() {
    let service = Service::start().await;
    make_temporary(&service).await;
    let generation = service.account().await.generation;
    let (wire, function, change) = behind_proxy(&service).await;
    wire.fail("TransactWriteItems", "-accounts", Fault::InternalError);
    assert_eq!(function.handle(&change).await.status.as_u16(), 503);
    *wire.rule.lock().unwrap() = None;
    must_change(log_on(&service, &json!({})).await, 401).await;
    wire.fail("TransactWriteItems", "-accounts", Fault::Lost);
    assert_eq!(function.handle(&change).await.status.as_u16(), 200);
    assert_eq!(service.account().await.generation, generation + 1, "once, and the clock stands still");
    assert_eq!(service.sessions(EMAIL).await.len(), 1);

    // It has arrived, and no answer to it ever does: the new password logs on.
    service
        .administration()
        .set_temporary_password(&Email::canonical(EMAIL), service.account().await.password_hash.unwrap())
        .await
        .unwrap()
        .unwrap();
    let body = json!({"email": EMAIL, "password": NEW_PASSWORD, "new_password": PASSWORD});
    let change = event("POST", "/users/api/auth").json(&body).event();
    wire.fail("TransactWriteItems", "-accounts", Fault::Unanswered);
    assert_eq!(function.handle(&change).await.status.as_u16(), 503);
    *wire.rule.lock().unwrap() = None;
    assert_eq!(function.handle(&change).await.status.as_u16(), 401);
    assert_eq!(log_on(&service, &json!({})).await.status(), StatusCode::OK);
}

/// What an operator does while the password is changed has come after the log-on, or before it: no session is left that enabling
/// the account would wake.
// Checks 42, 83.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_disabled_while_its_temporary_password_is_changed_gets_no_session() {
    let service = Service::start().await;
    make_temporary(&service).await;
    let (wire, function, change) = behind_proxy(&service).await;
    wire.fail("TransactWriteItems", "-accounts", Fault::Held);
    let running = tokio::spawn(async move { function.handle(&change).await });
    wire.arrived().await;
    let (administration, email) = (service.administration(), Email::canonical(EMAIL));
    administration.disable(&email).await.unwrap().unwrap();
    wire.release();
    assert_eq!(running.await.unwrap().status.as_u16(), 401);
    administration.enable(&email).await.unwrap().unwrap();
    assert!(service.sessions(EMAIL).await.is_empty());
    must_change(log_on(&service, &json!({})).await, 401).await;
}

/// Whoever has a session that needed no password, and one that an operator gave, changes it first.
// Check 83.
#[tokio::test]
async fn a_temporary_password_confirms_nothing_and_can_be_changed_in_a_session() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let end = service.now().plus(TEMPORARY_LIFE);
    let end = Timestamp::from_seconds(end.seconds());
    let change = |account: &Account| Ok::<_, StoreError>(Account { temporary_until: Some(end), ..account.clone() });
    service.store().change_account(&Email::canonical(EMAIL), change).await.unwrap().unwrap();
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    must_change(send(&service, Method::POST, "confirm", &credential).await, 401).await;
    let passwords = json!({"password": PASSWORD, "new_password": NEW_PASSWORD});
    ok(send(&service, Method::POST, "password", &passwords).await).await;
    assert!(service.account().await.temporary_until.is_none());
}
