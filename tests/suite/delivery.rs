//! Cookie and bearer, and the two choices that an operator has for old clients.

use std::time::Duration;

use jea_auth::{
    app,
    config::{AUDIENCE_MAX_BYTES, ISSUER_MAX_BYTES},
    event::Event,
    http::TokenDelivery,
    machine,
    signing_key::{Algorithm, PUBLISHED_AHEAD_MIN},
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{EMAIL, PASSWORD, Service, assert_refused, cookies_of, token_of};

// Check 38.
#[tokio::test]
async fn a_renewed_token_goes_back_by_the_carrier_that_the_old_one_came_by() {
    let service = Service::start().await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let url = format!("{}/users/api/checkin", service.running.url);

    let by_bearer = Client::new().post(&url).header("Authorization", format!("bearer {token}")).send().await.unwrap();
    assert!(cookies_of(&by_bearer).is_empty());
    let body: Value = by_bearer.json().await.unwrap();
    assert_eq!(service.user_with(body["jwt"].as_str().unwrap()).await, StatusCode::OK);

    let by_both = Client::new().post(&url).header("Cookie", format!("session_token={token}")).bearer_auth(&token);
    let by_both = by_both.send().await.unwrap();
    assert_eq!(cookies_of(&by_both).len(), 1);
    let body: Value = by_both.json().await.unwrap();
    assert_eq!(body["jwt"], "Session key cookie", "a script cannot trade the cookie for a readable token");
}

// Check 34.
#[tokio::test]
async fn two_tokens_that_differ_are_none() {
    let service = Service::start().await;
    let (one, two) = (service.new_token().await, service.new_token().await);
    let url = format!("{}/users/api/user", service.running.url);
    for (cookie, bearer) in [
        (format!("session_token={one}; session_token={two}"), None),
        (format!("session_token={one}"), Some(&two)),
        (format!("session_token={one}; session_token="), None),
    ] {
        let mut request = Client::new().get(&url).header("Cookie", cookie);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        assert_refused(request.send().await.unwrap(), 401).await;
    }
    let twice = Client::new().get(&url).header("Cookie", format!("session_token={one}; session_token={one}"));
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::OK);
    let line = format!("session_token={one}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    let whole_line = Client::new().get(&url).header("Cookie", line);
    assert_eq!(whole_line.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn body_delivery_puts_the_token_into_the_answer_and_sets_no_cookie() {
    let service = Service::start_with(jea_auth::local::Options {
        delivery: TokenDelivery::Body,
        ..jea_auth::local::Options::in_memory()
    })
    .await;
    let answer = service.log_on(EMAIL, PASSWORD).await;
    assert!(cookies_of(&answer).is_empty());
    let body: Value = answer.json().await.unwrap();
    let token = body["jwt"].as_str().unwrap();
    assert_eq!(service.user_with(token).await, StatusCode::OK);
    let by_cookie =
        service.request(Method::POST, "/users/api/checkin").header("Cookie", format!("session_token={token}"));
    assert_eq!(cookies_of(&by_cookie.send().await.unwrap()).len(), 1, "either carrier under either delivery");
}

#[tokio::test]
async fn a_failed_log_on_can_be_200_for_clients_that_read_a_body_only_then() {
    let failed_logon_status = StatusCode::OK;
    let service =
        Service::start_with(jea_auth::local::Options { failed_logon_status, ..jea_auth::local::Options::in_memory() })
            .await;
    let answer = service.log_on(EMAIL, "wrong").await;
    assert!(cookies_of(&answer).is_empty());
    assert_eq!(assert_refused(answer, 200).await, "No matching username and password pair was found!");
    assert_refused(service.get("/users/api/user").await, 401).await;
}

/// The longest names that may be configured, characters that JSON escapes, and the longest signature.
// Checks 33, 48.
#[tokio::test]
async fn over_https_cookies_are_secure_and_the_longest_is_one_that_browsers_keep() {
    let service = Service::start().await;
    let rotation = app::rotation(&service.running.config);
    service.advance(Duration::from_secs(1));
    let made = rotation.make_now(service.now(), &machine::random(), Some(Algorithm::Rs256)).await.unwrap();
    assert!(made.is_some());
    service.advance(PUBLISHED_AHEAD_MIN);
    let mut config = service.config();
    let issuer = format!("https://{}", "a".repeat(ISSUER_MAX_BYTES - 8));
    config.site.issuer.clone_from(&issuer);
    config.site.cookie_domain = Some("example.org".to_owned());
    config.site.origins.scheme = "https://";
    config.tokens.issuer = issuer;
    config.tokens.audience = "\"".repeat(AUDIENCE_MAX_BYTES);
    let function = app::logon(&config, service.clock());
    let event: Event = serde_json::from_value(json!({
        "httpMethod": "POST",
        "path": "/users/api/auth",
        "headers": {"content-type": "application/json"},
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": json!({"email": EMAIL, "password": PASSWORD}).to_string(),
    }))
    .unwrap();
    let answer = function.handle(&event).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.headers["strict-transport-security"], "max-age=63072000; includeSubDomains");
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    for (cookie, life) in cookies.iter().zip([43_200, 7_776_000]) {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, format!("Path=/; Max-Age={life}; HttpOnly; Secure; SameSite=Lax; Domain=example.org"));
        assert!(pair.len() <= 4096, "{} bytes", pair.len());
    }
}
