//! A second factor that an operator demands: the way that leads to it, and nothing beside it until then.

use std::time::Duration;

use jea_auth::{domain::account::Status, functions::app, local::Options};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    event::event,
    factor::{STEP, code, give_role, lacks, must_enrol},
    owner::{bearer, ok, send},
    passkeys,
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, assert_refused, client, context_of, cookies_of, token_of},
};

async fn service(demand: &str) -> Service {
    Service::start_with(Options { require_factor: demand.to_owned(), ..Options::in_memory() }).await
}

/// Logs on as somebody new.
async fn log_on(service: &Service, body: &Value) -> Response {
    client().post(format!("{}/users/api/auth", service.running.url)).json(body).send().await.unwrap()
}

fn credential() -> Value {
    json!({"email": EMAIL, "password": PASSWORD})
}

fn enrolling() -> Value {
    json!({"email": EMAIL, "password": PASSWORD, "enrol": true})
}

// Check 82.
#[tokio::test]
async fn who_must_have_a_second_factor_sets_one_up_and_goes_on() {
    let service = service("all").await;
    must_enrol(log_on(&service, &credential()).await, 401).await;
    let wrong = json!({"email": EMAIL, "password": "wrong", "enrol": true});
    assert_refused(log_on(&service, &wrong).await, 401).await;
    assert!(service.sessions(EMAIL).await.is_empty(), "none was opened");
    for enrol in [json!(false), Value::Null] {
        must_enrol(log_on(&service, &json!({"email": EMAIL, "password": PASSWORD, "enrol": enrol})).await, 401).await;
    }

    let opened = log_on(&service, &enrolling()).await;
    assert_eq!(cookies_of(&opened).len(), 2, "the device becomes a known one, as at any log-on");
    let token = token_of(&opened);
    assert_eq!(ok(opened).await["status"], "Logged in successfully!");
    let asks = async |method: Method, path: &str, body: &Value| {
        bearer(&service, method, path, &token).json(body).send().await.unwrap()
    };
    for (method, path) in [(Method::POST, "checkin"), (Method::GET, "sessions"), (Method::POST, "user")] {
        assert_refused(asks(method, path, &json!({})).await, 401).await;
    }
    assert_eq!(ok(asks(Method::GET, "user", &Value::Null).await).await["data"]["email"], EMAIL);
    assert_eq!(ok(asks(Method::GET, "totp", &Value::Null).await).await["data"]["set"], false);
    let begun = ok(asks(Method::POST, "totp", &Value::Null).await).await;
    let secret = begun["data"]["secret"].as_str().unwrap().to_owned();
    let otp = json!({"otp": code(&service, &secret)});
    ok(asks(Method::POST, "totp/confirm", &otp).await).await;
    service.advance(Duration::from_secs(5));
    ok(asks(Method::POST, "checkin", &Value::Null).await).await;
    ok(asks(Method::GET, "sessions", &Value::Null).await).await;

    let last: Value = asks(Method::DELETE, "totp", &Value::Null).await.json().await.unwrap();
    let expected =
        json!({"ok": false, "status": "This account must have a second factor.", "reason": "factor-required"});
    assert_eq!(last, expected);
    assert!(service.account().await.factor.is_some());
    service.advance(STEP);
    lacks(log_on(&service, &enrolling()).await, 401, crate::support::factor::NEEDED).await;
    let mut whole = enrolling();
    whole["otp"] = code(&service, &secret).into();
    let whole = token_of(&log_on(&service, &whole).await);
    ok(bearer(&service, Method::GET, "sessions", &whole).send().await.unwrap()).await;
}

#[tokio::test]
async fn old_clients_get_200_where_a_second_factor_is_lacking() {
    let demand = "all".to_owned();
    let options = Options { require_factor: demand, failed_logon_status: StatusCode::OK, ..Options::in_memory() };
    must_enrol(log_on(&Service::start_with(options).await, &credential()).await, 200).await;
}

#[tokio::test]
async fn where_nothing_asks_for_it_enrol_is_passed_over() {
    let service = service("admin").await;
    let token = token_of(&log_on(&service, &enrolling()).await);
    ok(bearer(&service, Method::GET, "sessions", &token).send().await.unwrap()).await;
    let number = json!({"email": EMAIL, "password": PASSWORD, "enrol": 1});
    assert_refused(log_on(&service, &number).await, 400).await;
}

/// Each of these would open a session that is good for everything.
// Check 82.
#[tokio::test]
async fn a_role_that_is_given_later_holds_for_all_that_opens_or_renews_a_session() {
    let service = service("admin").await;
    let token = service.new_token().await;
    give_role(&service, "user").await;
    ok(bearer(&service, Method::POST, "checkin", &token).send().await.unwrap()).await;
    give_role(&service, "admin").await;
    let asks =
        async |path: &str, body: &Value| bearer(&service, Method::POST, path, &token).json(body).send().await.unwrap();
    assert_refused(asks("checkin", &Value::Null).await, 401).await;
    must_enrol(asks("confirm", &credential()).await, 401).await;
    let passwords = json!({"password": PASSWORD, "new_password": "another long enough password"});
    must_enrol(asks("password", &passwords).await, 403).await;
    must_enrol(log_on(&service, &credential()).await, 401).await;
    ok(bearer(&service, Method::GET, "user", &token).send().await.unwrap()).await;
    assert_eq!(service.sessions(EMAIL).await.len(), 1, "none was opened");
    // The session of before can set one up, too, and is renewed then.
    let begun = ok(asks("totp", &Value::Null).await).await;
    let otp = json!({"otp": code(&service, begun["data"]["secret"].as_str().unwrap())});
    ok(asks("totp/confirm", &otp).await).await;
    ok(asks("checkin", &Value::Null).await).await;
}

// Check 82.
#[tokio::test]
async fn access_keys_are_asked_for_no_factor() {
    let service = service("admin").await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    give_role(&service, "admin").await;
    let token = service.new_token_with(key["data"]["key"].as_str().unwrap()).await;
    ok(bearer(&service, Method::POST, "checkin", &token).send().await.unwrap()).await;
    ok(bearer(&service, Method::GET, "keys", &token).send().await.unwrap()).await;
}

// Check 82.
#[tokio::test]
async fn another_s_role_demands_nothing_of_others() {
    let service = service("admin").await;
    give_role(&service, "admin").await;
    service.add_account("plain@jeplus.org", PASSWORD, Status::Active).await;
    let plain = log_on(&service, &json!({"email": "plain@jeplus.org", "password": PASSWORD})).await;
    assert_eq!(plain.status(), StatusCode::OK);
    must_enrol(log_on(&service, &credential()).await, 401).await;
}

/// The factor and the end of the limit are one write.
// Checks 82, 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_factor_whose_answer_was_lost_is_confirmed_again() {
    for (fault, status) in [(Fault::InternalError, 503), (Fault::Lost, 200), (Fault::Unanswered, 503)] {
        let service = service("all").await;
        let token = token_of(&log_on(&service, &enrolling()).await);
        let begun = ok(bearer(&service, Method::POST, "totp", &token).send().await.unwrap()).await;
        let otp = json!({"otp": code(&service, begun["data"]["secret"].as_str().unwrap())});
        let (wire, mut config) = (Wire::default(), service.config());
        config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
        let function = app::logon(&config, service.clock());
        // What the authorizer handed on of it before.
        let mut context = context_of(&token);
        context["limited"] = "true".into();
        let confirm = event("POST", "/users/api/totp/confirm").json(&otp).by(&context).event();
        wire.fail("TransactWriteItems", "-accounts", fault);
        assert_eq!(function.handle(&confirm).await.status.as_u16(), status, "{fault:?}");
        *wire.rule.lock().unwrap() = None;
        let is_done = fault != Fault::InternalError;
        let account = service.account().await;
        assert_eq!(account.factor.is_some(), is_done, "{fault:?}");
        assert_eq!(service.sessions(EMAIL).await[0].limited, !is_done, "{fault:?}: both or neither");
        // Sent again, as it was before the limit was lifted.
        let again = function.handle(&confirm).await;
        assert_eq!(again.status.as_u16(), 200, "{fault:?}: {}", again.body);
        assert!(!service.sessions(EMAIL).await[0].limited);
    }
}

/// The passkey and the end of the limit are one write.
// Check 82.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_passkey_whose_answer_was_lost_is_there_and_the_session_whole() {
    for (fault, status) in [(Fault::InternalError, 503), (Fault::Lost, 200), (Fault::Unanswered, 503)] {
        let demand = "all".to_owned();
        let service =
            Service::start_with(Options { passkeys: true, require_factor: demand, ..Options::in_memory() }).await;
        let opened = service.request(Method::POST, "/users/api/auth").json(&enrolling()).send().await.unwrap();
        let (options, authenticator) = passkeys::begin(&service).await;
        let (wire, mut config) = (Wire::default(), service.config());
        config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
        let mut context = context_of(&token_of(&opened));
        context["limited"] = "true".into();
        let body = passkeys::registration(&service, &options, &authenticator);
        let add = event("POST", "/users/api/passkeys").json(&body).by(&context).event();
        wire.fail("TransactWriteItems", "-accounts", fault);
        let function = app::logon(&config, service.clock());
        let answer = function.handle(&add).await;
        assert_eq!(answer.status.as_u16(), status, "{fault:?}: {}", answer.body);
        *wire.rule.lock().unwrap() = None;
        let is_done = fault != Fault::InternalError;
        assert_eq!(service.account().await.passkeys.len(), usize::from(is_done), "{fault:?}");
        assert_eq!(service.sessions(EMAIL).await[0].limited, !is_done, "{fault:?}: both or neither");
        // What a browser must not make once more, which tells a page that there is one.
        let (again, _) = passkeys::begin(&service).await;
        assert_eq!(again["excludeCredentials"].as_array().unwrap().len(), usize::from(is_done), "{fault:?}");
        // Sent again, as it was before the limit was lifted.
        let answer = function.handle(&add).await;
        assert_eq!(answer.status.as_u16(), if is_done { 200 } else { 400 }, "{fault:?}: {}", answer.body);
    }
}
