//! The API behind the authorizer.

use std::{net::SocketAddr, sync::atomic::Ordering};

use jea_auth::{
    domain::{
        account::{Email, Name, Role},
        ids::AccountId,
    },
    functions::app,
    local::Options,
    platform::store::Added,
    service::administration::{Particulars, RoleChange},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    backend::backend,
    event::authorization,
    service::{EMAIL, PASSWORD, Service, assert_refused, claims_of, token_of},
};

async fn service_before(address: SocketAddr) -> Service {
    Service::start_with(Options {
        backend: Some(format!("http://{address}/base").parse().unwrap()),
        ..Options::in_memory()
    })
    .await
}

// Check 50.
#[tokio::test]
async fn a_request_with_a_token_reaches_the_backend_whole_with_the_identity_of_its_session() {
    let (address, _) = backend().await;
    let service = service_before(address).await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let request = service.request(Method::PUT, "/orders/17?a=1&a=2").body(vec![0, 255]);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let seen: Value = answer.json().await.unwrap();
    assert_eq!((&seen["method"], &seen["uri"]), (&json!("PUT"), &json!("/base/orders/17?a=1&a=2")));
    assert_eq!(seen["body"], json!([0, 255]));
    let header = |name: &str| headers_of(&seen, name);
    let claims = claims_of(&token);
    assert_eq!(header("x-user-id"), [claims["sub"].as_str().unwrap()]);
    assert_eq!(header("x-session-id"), [claims["sid"].as_str().unwrap()]);
    assert_eq!(header("x-user-email"), [EMAIL]);
    assert_eq!(header("x-user-name"), ["Yi"]);
    assert_eq!(header("x-user-role"), ["none"], "no role is not the client's header");
}

fn headers_of<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = seen["headers"].as_array().unwrap().iter();
    headers.filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
}

/// What API Gateway does to a path, and what it does not pass on or gives back under another name.
#[tokio::test]
async fn the_way_to_the_backend_is_no_more_transparent_than_that_of_the_gateway() {
    let (address, _) = backend().await;
    let service = service_before(address).await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    for (path, got) in [
        ("/", "/base/"),
        ("/orders/17/", "/base/orders/17"),
        ("/orders//17", "/base/orders//17"),
        ("//orders", "/base/orders"),
        ("/a%2Fb/%2e%2e/c%25d?x=%2F", "/base/a/b/../c%25d?x=%2F"),
        ("/orders/../%2e%2e/admin", "/base/orders/../../admin"),
        ("/users/api/auth/", "/base/users/api/auth"),
    ] {
        assert_eq!(raw_path(&service, &token, path).await, got, "{path}");
    }
    let mut request = service.request(Method::PUT, "/orders").header("X-Own", "kept").body("x");
    let dropped = ["Content-Encoding", "Content-MD5", "Via", "TE", "Upgrade"];
    for name in dropped {
        request = request.header(name, "x");
    }
    let answer = request.send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("x-own"), Some("kept"));
    for (name, value) in [
        ("server", "backend"),
        ("date", "Sat, 21 Nov 2026 21:30:00 GMT"),
        ("www-authenticate", "Basic"),
        ("connection", "x-hop"),
    ] {
        assert_eq!(header(&format!("x-amzn-remapped-{name}")), Some(value), "{name}");
        assert_ne!(header(name), Some(value), "{name}");
    }
    let seen: Value = answer.json().await.unwrap();
    assert_eq!(headers_of(&seen, "x-own"), ["kept"]);
    for name in dropped {
        assert!(headers_of(&seen, &name.to_lowercase()).is_empty(), "{name}");
    }
}

// Check 50.
#[tokio::test]
async fn an_identity_beyond_ascii_reaches_a_backend_percent_encoded_and_a_function_as_it_is() {
    let (address, _) = backend().await;
    let service = service_before(address).await;
    let (email, name, role) = ("jos\u{e9}@example.org", "\u{5f20}\u{6bc5} 100%", "\u{17d}\u{e1}k");
    let mut account = service.account().await;
    account.email = Email::parse(email).unwrap();
    email.clone_into(&mut account.registered_email);
    (account.name, account.role) = (Name::parse(name).unwrap(), Some(Role::parse(role).unwrap()));
    account.sub = AccountId::parse("of-another-system:1").unwrap();
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    let token = token_of(&service.log_on(email, PASSWORD).await);
    let seen: Value = service.get("/orders").await.json().await.unwrap();
    assert_eq!(headers_of(&seen, "x-user-email"), ["jos%C3%A9@example.org"]);
    assert_eq!(headers_of(&seen, "x-user-name"), ["%E5%BC%A0%E6%AF%85 100%25"]);
    assert_eq!(headers_of(&seen, "x-user-role"), ["%C5%BD%C3%A1k"]);
    assert_eq!(headers_of(&seen, "x-user-id"), ["of-another-system:1"]);

    let function = app::authorizer(&service.running.config, service.clock());
    let verdict = function.handle(&authorization().bearer(&token).event()).await.unwrap();
    let context = |name: &str| verdict["context"][name].as_str().unwrap().to_owned();
    assert_eq!((context("email"), context("name"), context("role")), (email.into(), name.into(), role.into()));
}

#[tokio::test]
async fn a_backend_sees_a_changed_role_within_five_seconds() {
    let (address, _) = backend().await;
    let service = service_before(address).await;
    service.log_on(EMAIL, PASSWORD).await;
    let role = async || {
        let seen: Value = service.get("/orders").await.json().await.unwrap();
        headers_of(&seen, "x-user-role").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(role().await, ["none"]);
    let particulars = Particulars { role: RoleChange::Set(Role::parse("editor").unwrap()), ..Particulars::default() };
    let administration = service.administration();
    administration.set(&service.account().await.email, &particulars).await.unwrap().unwrap();
    service.advance(std::time::Duration::from_secs(5));
    assert_eq!(role().await, ["editor"]);
}

// Checks 50, 72.
#[tokio::test]
async fn a_request_that_says_itself_who_it_comes_from_is_refused() {
    let (address, count) = backend().await;
    let service = service_before(address).await;
    service.log_on(EMAIL, PASSWORD).await;
    for name in ["X-User-Id", "x-user-email", "X-USER-NAME", "X_User_Role", "x_session-id"] {
        let forged = service.request(Method::GET, "/orders").header(name, "forged");
        assert_refused(forged.send().await.unwrap(), 401).await;
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    assert_eq!(service.get("/orders").await.status(), StatusCode::CREATED);
}

/// Asks for a path that an HTTP client would tidy up, and tells what the backend saw.
async fn raw_path(service: &Service, token: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = service.running.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    serde_json::from_str::<Value>(body).unwrap()["uri"].as_str().unwrap().to_owned()
}

// Check 49.
#[tokio::test]
async fn a_request_without_a_token_never_reaches_the_backend() {
    let (address, count) = backend().await;
    let service = service_before(address).await;
    for path in ["/", "/orders", "/users/api/auth/", "/orders/", "//orders", "/%2e%2e/orders"] {
        assert_refused(service.get(path).await, 401).await;
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    service.log_on(EMAIL, PASSWORD).await;
    assert_eq!(service.get("/users/api/auth").await.status(), StatusCode::CREATED, "a wrong method is the backend's");
    assert_eq!(service.get("/users/api/user").await.status(), StatusCode::OK, "an operation is not");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_backend_that_does_not_answer_is_503() {
    let service = service_before(SocketAddr::from(([127, 0, 0, 1], 1))).await;
    service.log_on(EMAIL, PASSWORD).await;
    let answer = service.get("/orders").await;
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_refused(answer, 503).await;
}
