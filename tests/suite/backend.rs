//! The API behind the authorizer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Json, Router, extract::Request, http::StatusCode as Status};
use jea_auth::local::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{EMAIL, PASSWORD, Service, assert_refused, claims_of, token_of};

/// A backend that tells what it was asked, and counts.
async fn backend() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let router = Router::new().fallback(move |request: Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let (method, uri) = (request.method().to_string(), request.uri().to_string());
        async move {
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
            (Status::CREATED, Json(json!({"method": method, "uri": uri, "headers": headers, "body": body.to_vec()})))
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, count)
}

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
    assert_eq!(
        raw_path(&service, &token, "/orders/../%2e%2e/admin").await,
        "/base/orders/../%2e%2e/admin",
        "as it came"
    );
    let header = |name: &str| -> Vec<&str> {
        let headers = seen["headers"].as_array().unwrap().iter();
        headers.filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
    };
    let claims = claims_of(&token);
    assert_eq!(header("x-user-id"), [claims["sub"].as_str().unwrap()]);
    assert_eq!(header("x-session-id"), [claims["sid"].as_str().unwrap()]);
    assert_eq!(header("x-user-email"), [EMAIL]);
    assert_eq!(header("x-user-name"), ["Yi"]);
    assert_eq!(header("x-user-role"), ["none"], "no role is not the client's header");
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
    for path in ["/", "/orders", "/users/api/auth/", "//orders", "/%2e%2e/orders"] {
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
