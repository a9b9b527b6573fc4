//! Cookie and bearer, and the two choices that an operator has for old clients.

use jea_auth::http::TokenDelivery;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::service::{EMAIL, PASSWORD, Service, assert_refused, cookies_of, options, token_of};

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
    let service = Service::start_with(jea_auth::local::Options { delivery: TokenDelivery::Body, ..options() }).await;
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
    let service = Service::start_with(jea_auth::local::Options { failed_logon_status, ..options() }).await;
    let answer = service.log_on(EMAIL, "wrong").await;
    assert!(cookies_of(&answer).is_empty());
    assert_eq!(assert_refused(answer, 200).await, "No matching username and password pair was found!");
    assert_refused(service.get("/users/api/user").await, 401).await;
}
