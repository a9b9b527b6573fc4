//! Requests of an owner, and what they are answered.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::service::{Service, assert_common_headers};

/// Sends JSON in the session of the service's own client.
pub async fn send(service: &Service, method: Method, path: &str, body: &Value) -> Response {
    service.request(method, &format!("/users/api/{path}")).json(body).send().await.unwrap()
}

/// What a successful answer holds.
pub async fn ok(answer: Response) -> Value {
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.url());
    assert_common_headers(&answer);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["ok"], true);
    body
}

pub fn bearer(service: &Service, method: Method, path: &str, token: &str) -> RequestBuilder {
    super::client::plain().request(method, format!("{}/users/api/{path}", service.running.url)).bearer_auth(token)
}
