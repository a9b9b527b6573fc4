//! What a session may do that may not do everything: one of an access key for reading, and one that must set up a second factor
//! first.

use std::{
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use jea_auth::{
    domain::{
        account::{Account, Email},
        factor::Factor,
        ids::SessionId,
        session::Session,
    },
    functions::app,
    local::Options,
    platform::store::{Kept, KeptSession, StoreError},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    backend::backend,
    client,
    event::{METHOD_ARN, effect, event},
    owner::{bearer, ok, send},
    service::{EMAIL, PASSWORD, Service, assert_refused, claims_of, client, token_of},
};

/// A service before a backend, and how often that was asked.
async fn before_backend() -> (Service, Arc<AtomicUsize>) {
    let (address, count) = backend().await;
    let backend = Some(format!("http://{address}").parse().unwrap());
    (Service::start_with(Options { backend, ..Options::in_memory() }).await, count)
}

/// Changes the account as its owner or an operator would.
async fn change(service: &Service, change: impl Fn(&mut Account)) -> Account {
    let change = |account: &Account| {
        let mut account = account.clone();
        change(&mut account);
        Ok::<_, StoreError>(account)
    };
    service.store().change_account(&Email::canonical(EMAIL), change).await.unwrap().unwrap().after
}

/// Makes an access key, and gives back its text.
async fn key(service: &Service) -> String {
    service.log_on(EMAIL, PASSWORD).await;
    let made = ok(send(service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    made["data"]["key"].as_str().unwrap().to_owned()
}

/// A token of a session of its own.
async fn token_by(service: &Service, password: &str) -> String {
    let credential = json!({"email": EMAIL, "password": password});
    let url = format!("{}/users/api/auth", service.running.url);
    token_of(&client().post(url).json(&credential).send().await.unwrap())
}

/// What comes of a request with this token, by either carrier.
async fn asked(service: &Service, token: &str, method: &str, path: &str) -> u16 {
    let method: Method = method.parse().unwrap();
    let asks = || client::plain().request(method.clone(), format!("{}{path}", service.running.url));
    let (by_bearer, by_cookie) = (asks().bearer_auth(token), asks().header("Cookie", format!("session_token={token}")));
    let status = by_bearer.send().await.unwrap().status();
    assert_eq!(by_cookie.send().await.unwrap().status(), status, "{method} {path}");
    status.as_u16()
}

// Check 84.
#[tokio::test]
async fn a_session_of_a_key_for_reading_reads_and_changes_nothing_at_any_api() {
    let (service, count) = before_backend().await;
    let key = key(&service).await;
    let whole = token_by(&service, &key).await;
    assert_eq!(asked(&service, &whole, "POST", "/orders").await, 201);
    change(&service, |account| account.access_keys.values_mut().for_each(|key| key.read_only = true)).await;
    // What the key may do is told by the account, also of sessions that it has opened before.
    service.advance(Duration::from_secs(6));
    let reading = token_by(&service, &key).await;
    for token in [&whole, &reading] {
        let before = count.load(Ordering::SeqCst);
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"] {
            for path in ["/orders", "/", "/users/api", "/users/api/checkins"] {
                assert_eq!(asked(&service, token, method, path).await, 401, "{method} {path}");
            }
        }
        for (method, path) in [
            ("POST", "user"),
            ("POST", "password"),
            ("POST", "confirm"),
            ("POST", "keys"),
            ("POST", "totp"),
            ("POST", "totp/confirm"),
            ("DELETE", "totp"),
            ("DELETE", "sessions"),
            ("DELETE", "sessions/x"),
            ("DELETE", "keys/x"),
            ("DELETE", "checkin"),
            ("PUT", "logout"),
        ] {
            assert_eq!(asked(&service, token, method, &format!("/users/api/{path}")).await, 401, "{method} {path}");
        }
        assert_eq!(count.load(Ordering::SeqCst), before, "the backend was asked");
        assert_eq!(asked(&service, token, "GET", "/orders").await, 201);
        assert_eq!(asked(&service, token, "HEAD", "/orders").await, 201);
        assert_ne!(asked(&service, token, "OPTIONS", "/orders").await, 401);
        for path in ["user", "sessions", "keys"] {
            assert_eq!(asked(&service, token, "GET", &format!("/users/api/{path}")).await, 200, "{path}");
        }
    }
    let renewed = ok(bearer(&service, Method::POST, "checkin", &reading).send().await.unwrap()).await;
    let renewed = renewed["jwt"].as_str().unwrap();
    assert_eq!(asked(&service, renewed, "DELETE", "/orders").await, 401, "a new token of it can do no more");
    ok(bearer(&service, Method::POST, "logout", &reading).send().await.unwrap()).await;
    assert_eq!(service.user_with(&reading).await, StatusCode::UNAUTHORIZED);
    let by_password = service.new_token().await;
    assert_eq!(asked(&service, &by_password, "POST", "/orders").await, 201, "a key bounds its own sessions alone");
}

// Check 84.
#[tokio::test]
async fn a_key_for_reading_is_made_listed_and_bounded_as_one() {
    let (service, _) = before_backend().await;
    service.log_on(EMAIL, PASSWORD).await;
    for (body, expected) in [
        (json!({"name": "reads", "read_only": true}), true),
        (json!({"name": "writes", "read_only": false, "days": 1}), false),
        (json!({"name": "writes, too", "read_only": null}), false),
        (json!({"name": "and so does this"}), false),
    ] {
        let made = ok(send(&service, Method::POST, "keys", &body).await).await["data"].clone();
        assert_eq!(made["read_only"], expected, "{made}");
        let listed = ok(send(&service, Method::GET, "keys", &Value::Null).await).await["data"].clone();
        let listed = listed.as_array().unwrap().iter().find(|key| key["id"] == made["id"]).unwrap();
        assert_eq!(listed["read_only"], expected, "{listed}");
        let token = token_by(&service, made["key"].as_str().unwrap()).await;
        let status = if expected { 401 } else { 201 };
        assert_eq!(asked(&service, &token, "POST", "/orders").await, status, "{made}");
        assert_eq!(asked(&service, &token, "GET", "/orders").await, 201);
    }
    for read_only in [json!("true"), json!(1), json!({})] {
        let body = json!({"name": "odd", "read_only": read_only});
        assert_refused(send(&service, Method::POST, "keys", &body).await, 400).await;
    }
}

/// API Gateway routes by `X-HTTP-Method-Override`.
// Check 84.
#[tokio::test]
async fn what_may_become_another_method_is_more_than_reading() {
    let service = Service::start().await;
    let key = key(&service).await;
    change(&service, |account| account.access_keys.values_mut().for_each(|key| key.read_only = true)).await;
    let token = token_by(&service, &key).await;
    let authorizer = app::authorizer(&service.running.config, service.clock());
    let post_arn = METHOD_ARN.replace("/GET/", "/POST/");
    for (method, path, arn, header, expected) in [
        ("GET", "/orders", METHOD_ARN, "X-Other", "Allow"),
        ("GET", "/orders", METHOD_ARN, "X-HTTP-Method-Override", "Deny"),
        ("GET", "/orders", post_arn.as_str(), "X-Other", "Deny"),
        ("POST", "/users/api/checkin", post_arn.as_str(), "X-Other", "Allow"),
        ("POST", "/users/api/checkin/", post_arn.as_str(), "X-Other", "Allow"),
        ("POST", "/users/api/checkin", post_arn.as_str(), "X-HTTP-Method-Override", "Deny"),
    ] {
        let asks = event(method, path).for_authorizer(arn).bearer(&token).header(header, "DELETE");
        let policy = authorizer.handle(&asks.event()).await.unwrap();
        assert_eq!(effect(&policy), expected, "{method} {path} {header}");
    }
}

/// Opens a session that can do nothing but set up a second factor, and gives back its token.
async fn limited(service: &Service) -> String {
    let token = service.new_token().await;
    let sid = SessionId::parse(claims_of(&token)["sid"].as_str().unwrap()).unwrap();
    let session = service.sessions(EMAIL).await.into_iter().find(|session| session.sid == sid).unwrap();
    service.store().end_session(&session.sub, &sid).await.unwrap();
    service.store().add_session(&Session { limited: true, ..session }).await.unwrap();
    token
}

/// Has the account get a second factor, and lifts the limit of the session of this token.
async fn lift(service: &Service, token: &str) -> Kept {
    let sid = SessionId::parse(claims_of(token)["sid"].as_str().unwrap()).unwrap();
    let before = service.account().await;
    let recovery = Vec::new();
    let factor =
        Factor { sealed: vec![1], last_step: 0, last_use: String::new(), recovery, confirmed_by: Some(sid.clone()) };
    let after = Account { factor: Some(factor), ..before.clone() };
    service.store().change_account_and_keep(&before, &after, KeptSession::Lifted(&sid)).await.unwrap()
}

// Check 82.
#[tokio::test]
async fn a_limited_session_sets_up_a_factor_and_does_nothing_else_until_then() {
    let (service, count) = before_backend().await;
    let (token, other) = (limited(&service).await, limited(&service).await);
    for (method, path) in [
        ("GET", "/orders"),
        ("HEAD", "/orders"),
        ("OPTIONS", "/orders"),
        ("POST", "/orders"),
        ("GET", "/"),
        ("HEAD", "/users/api/user"),
        ("POST", "/users/api/user"),
        ("POST", "/users/api/checkin"),
        ("POST", "/users/api/confirm"),
        ("POST", "/users/api/password"),
        ("GET", "/users/api/sessions"),
        ("DELETE", "/users/api/sessions"),
        ("GET", "/users/api/keys"),
        ("POST", "/users/api/keys"),
        ("DELETE", "/users/api/totp"),
        ("GET", "/users/api/totp/confirm"),
        ("GET", "/users/api/nothing"),
    ] {
        assert_eq!(asked(&service, &token, method, path).await, 401, "{method} {path}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "the backend was asked");
    assert_eq!(asked(&service, &token, "GET", "/users/api/user").await, 200);
    assert_eq!(asked(&service, &token, "POST", "/users/api/totp").await, 200);
    let wrong = bearer(&service, Method::POST, "totp/confirm", &token).json(&json!({"otp": "no code"})).send().await;
    assert_refused(wrong.unwrap(), 400).await;

    assert_eq!(lift(&service, &token).await, Kept::Changed);
    assert_eq!(asked(&service, &token, "POST", "/orders").await, 201);
    let renewed = bearer(&service, Method::POST, "checkin", &token).json(&Value::Null).send().await.unwrap();
    assert_eq!(renewed.status(), StatusCode::OK);
    assert_eq!(asked(&service, &other, "GET", "/orders").await, 401, "another one was opened by the password alone");
    let ended = bearer(&service, Method::POST, "logout", &other).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::OK);
    assert_eq!(lift(&service, &other).await, Kept::SessionEnded);
}

// Check 82.
#[tokio::test]
async fn a_function_is_told_that_a_session_is_limited() {
    let service = Service::start().await;
    let authorizer = app::authorizer(&service.running.config, service.clock());
    let (whole, limited) = (service.new_token().await, limited(&service).await);
    for (token, expected) in [(&whole, Value::Null), (&limited, json!("true"))] {
        let asks = event("GET", "/users/api/user").for_authorizer(METHOD_ARN).bearer(token);
        let policy = authorizer.handle(&asks.event()).await.unwrap();
        assert_eq!((effect(&policy), &policy["context"]["limited"]), ("Allow", &expected));
    }
}
