//! A page of another site can make a browser send the cookie, and must gain nothing by it.

use jea_auth::{domain::token::Issuer, functions::app};
use reqwest::{Method, StatusCode};

use crate::support::{
    client,
    event::{METHOD_ARN, effect, event},
    service::{Service, assert_refused},
};

// Check 36.
#[tokio::test]
async fn a_cross_site_log_on_is_403_and_does_nothing() {
    let service = Service::start().await;
    for (name, value) in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        let request = Service::credential_request(&client::plain(), &service.running.url).header(name, value);
        let answer = request.send().await.unwrap();
        assert!(!answer.headers().contains_key("set-cookie"));
        let sentence = assert_refused(answer, 403).await;
        assert!(sentence.contains("--allow-origin"), "it says what would let the page in: {sentence}");
    }
    let mut config = service.config();
    config.site.issuer = Issuer::parse("https://api.example.org").unwrap();
    let log_on = event("POST", "/users/api/auth").header("Origin", "https://evil.example");
    let answer = app::logon(&config, service.clock()).handle(&log_on.event()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("AllowedOrigins"), "{}", answer.body);
    for (name, value) in [("Origin", service.running.url.as_str()), ("Sec-Fetch-Site", "same-origin")] {
        let request = Service::credential_request(&client::plain(), &service.running.url).header(name, value);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{name}: {value}");
    }
}

// Check 36.
#[tokio::test]
async fn behind_the_authorizer_a_cross_site_request_with_the_cookie_is_401() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let request = |method: Method, path: &str| {
        client::plain()
            .request(method, format!("{}{path}", service.running.url))
            .header("Origin", "https://evil.example")
    };
    let cookie = format!("session_token={token}");
    for path in ["/users/api/checkin", "/users/api/logout", "/orders"] {
        let answer = request(Method::POST, path).header("Cookie", &cookie).send().await.unwrap();
        assert_refused(answer, 401).await;
    }
    let reads = request(Method::GET, "/users/api/user").header("Cookie", &cookie).send().await.unwrap();
    assert_eq!(reads.status(), StatusCode::OK, "a read changes nothing, and its answer is not for that page");
    let by_bearer = request(Method::POST, "/users/api/checkin").bearer_auth(&token).send().await.unwrap();
    assert_eq!(by_bearer.status(), StatusCode::OK, "no browser adds a bearer by itself");
}

// Check 36.
#[tokio::test]
async fn a_foreign_name_for_this_machine_is_not_its_own_origin() {
    let service = Service::start().await;
    let port = service.running.url.rsplit(':').next().unwrap();
    let request = Service::credential_request(&client::plain(), &service.running.url)
        .header("Host", format!("evil.example:{port}"))
        .header("Origin", format!("http://evil.example:{port}"));
    assert_refused(request.send().await.unwrap(), 403).await;
}

const APP: &str = "https://app.example.org";

async fn service_for_app() -> Service {
    let allowed_origins = vec![APP.to_owned()];
    Service::start_with(jea_auth::local::Options { allowed_origins, ..jea_auth::local::Options::in_memory() }).await
}

// Check 37.
#[tokio::test]
async fn a_browser_app_on_a_configured_origin_can_use_everything() {
    let service = service_for_app().await;
    for path in ["/users/api/auth", "/users/api/user", "/orders/17", "/"] {
        let preflight = client::plain().request(Method::OPTIONS, format!("{}{path}", service.running.url));
        let preflight = preflight
            .header("Origin", APP)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "content-type,x-trace");
        let answer = preflight.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        assert_readable(&answer);
        assert!(answer.headers()["access-control-allow-methods"].to_str().unwrap().contains("POST"));
        assert_eq!(answer.headers()["access-control-allow-headers"], "content-type,x-trace");
    }
    let app = crate::support::service::client();
    let log_on = Service::credential_request(&app, &service.running.url).header("Origin", APP).send().await.unwrap();
    assert_eq!(log_on.status(), StatusCode::OK);
    assert_readable(&log_on);
    for (method, path, status) in [
        (Method::GET, "/users/api/user", 200),
        (Method::POST, "/users/api/checkin", 200),
        (Method::GET, "/orders", 404),
    ] {
        let request = app.request(method, format!("{}{path}", service.running.url)).header("Origin", APP);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_readable(&answer);
    }
    let refused = client::plain().get(format!("{}/users/api/user", service.running.url)).header("Origin", APP);
    let refused = refused.send().await.unwrap();
    assert_readable(&refused);
    assert_refused(refused, 401).await;
}

// Check 37.
#[tokio::test]
async fn a_preflight_to_another_api_behind_the_authorizer_is_a_request_like_any_other() {
    let service = service_for_app().await;
    let authorizer = app::authorizer(&service.running.config, service.clock());
    for (host, expected) in
        [(service.running.url.trim_start_matches("http://"), "Allow"), ("orders.example.org", "Deny")]
    {
        let preflight =
            event("OPTIONS", "/orders").header("Origin", APP).header("Access-Control-Request-Method", "POST");
        let policy = authorizer.handle(&preflight.to(host).for_authorizer(OPTIONS_ARN).event()).await.unwrap();
        assert_eq!(effect(&policy), expected, "{host}");
    }
}

const OPTIONS_ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/OPTIONS/orders";

/// API Gateway routes by `X-HTTP-Method-Override`, so what a request calls itself is not what it becomes.
// Checks 36, 37.
#[tokio::test]
async fn nothing_that_may_become_another_method_passes_as_a_preflight_or_as_a_read() {
    let service = service_for_app().await;
    let authorizer = app::authorizer(&service.running.config, service.clock());
    let host = service.running.url.trim_start_matches("http://");
    let cookie = format!("session_token={}", service.new_token().await);
    let asks = async |method: &str, arn: &str, origin: &str, cookie: &str, other: &str| {
        let asks =
            event(method, "/orders").to(host).for_authorizer(arn).header("Origin", origin).header("Cookie", cookie);
        let asks = asks.header("Access-Control-Request-Method", "POST").header(other, "POST");
        effect(&authorizer.handle(&asks.event()).await.unwrap()).to_owned()
    };
    assert_eq!(asks("OPTIONS", OPTIONS_ARN, APP, "", "X-Other").await, "Allow");
    assert_eq!(asks("OPTIONS", METHOD_ARN, APP, "", "X-Other").await, "Deny");
    assert_eq!(asks("OPTIONS", OPTIONS_ARN, APP, "", "X-HTTP-Method-Override").await, "Deny");
    assert_eq!(asks("OPTIONS", OPTIONS_ARN, APP, "", "x-http-method-override").await, "Deny");
    let (evil, post_arn) = ("https://evil.example", METHOD_ARN.replace("/GET/", "/POST/"));
    assert_eq!(asks("GET", METHOD_ARN, evil, &cookie, "X-Other").await, "Allow");
    assert_eq!(asks("GET", &post_arn, evil, &cookie, "X-Other").await, "Deny");
    assert_eq!(asks("GET", METHOD_ARN, evil, &cookie, "X-HTTP-Method-Override").await, "Deny");
}

fn assert_readable(answer: &reqwest::Response) {
    assert_eq!(answer.headers()["access-control-allow-origin"], APP, "{}", answer.url());
    assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
    assert_eq!(answer.headers()["access-control-expose-headers"], "Retry-After");
}

#[tokio::test]
async fn with_several_origins_the_gateway_s_own_answers_are_readable_by_none() {
    let allowed_origins = vec![APP.to_owned(), "https://other.example.org".to_owned()];
    let service =
        Service::start_with(jea_auth::local::Options { allowed_origins, ..jea_auth::local::Options::in_memory() })
            .await;
    let get = |path: &str| client::plain().get(format!("{}{path}", service.running.url)).header("Origin", APP).send();
    assert_readable(&get("/users/api/info").await.unwrap());
    let refused = get("/users/api/user").await.unwrap();
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
    assert_refused(refused, 401).await;
}

// Check 37.
#[tokio::test]
async fn cors_is_off_by_default_and_for_every_other_origin() {
    let (closed, open) = (Service::start().await, service_for_app().await);
    for (service, origin) in
        [(&closed, APP), (&open, "https://evil.example"), (&open, "null"), (&open, "https://app.example.org.evil")]
    {
        let url = &service.running.url;
        let preflight =
            client::plain().request(Method::OPTIONS, format!("{url}/users/api/auth")).header("Origin", origin);
        let refused = preflight.header("Access-Control-Request-Method", "POST").send().await.unwrap();
        let allowed = refused.headers().get("access-control-allow-origin").map(|origin| origin.to_str().unwrap());
        assert!(allowed.is_none_or(|allowed| allowed == APP), "never the one that asks: {allowed:?}");
        assert_refused(refused, 401).await;
        let info = client::plain().get(format!("{url}/users/api/info")).header("Origin", origin).send().await.unwrap();
        assert_eq!(info.status(), StatusCode::OK);
        assert!(!info.headers().contains_key("access-control-allow-origin"));
    }
    // OPTIONS that is no preflight is a transaction like any other.
    let options =
        client::plain().request(Method::OPTIONS, format!("{}/orders", open.running.url)).header("Origin", APP);
    assert_refused(options.send().await.unwrap(), 401).await;
}
