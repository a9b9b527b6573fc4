//! Cookie and bearer, and the two choices that an operator has for old clients.

use std::time::Duration;

use jea_auth::{
    domain::{
        signing_key::{Algorithm, PUBLISHED_AHEAD_MIN},
        token::{ISSUER_MAX_BYTES, Issuer},
    },
    functions::{
        app::{self, Stack},
        config::AUDIENCE_MAX_BYTES,
        logon::TokenDelivery,
    },
    platform::machine,
};
use reqwest::{
    Method, StatusCode, Url,
    cookie::{CookieStore, Jar},
};
use serde_json::{Value, json};

use crate::support::{
    client,
    event::{authorization, effect, event, log_on_event},
    service::{EMAIL, PASSWORD, Service, assert_refused, context_of, cookies_of, token_of},
};

// Check 38.
#[tokio::test]
async fn a_renewed_token_goes_back_by_the_carrier_that_the_old_one_came_by() {
    let service = Service::start().await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let url = format!("{}/users/api/checkin", service.running.url);

    let by_bearer = client::plain().post(&url).header("Authorization", format!("bearer {token}")).send().await.unwrap();
    assert!(cookies_of(&by_bearer).is_empty());
    let body: Value = by_bearer.json().await.unwrap();
    assert_eq!(service.user_with(body["jwt"].as_str().unwrap()).await, StatusCode::OK);

    let by_both = client::plain().post(&url).header("Cookie", format!("session_token={token}")).bearer_auth(&token);
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
        let mut request = client::plain().get(&url).header("Cookie", cookie);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        assert_refused(request.send().await.unwrap(), 401).await;
    }
    let twice = client::plain().get(&url).header("Cookie", format!("session_token={one}; session_token={one}"));
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::OK);
    let line = format!("session_token={one}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    let whole_line = client::plain().get(&url).header("Cookie", line);
    assert_eq!(whole_line.send().await.unwrap().status(), StatusCode::OK);
}

/// Java's `CookieManager` quotes a cookie that was set with `Max-Age` and without `Expires`.
// Checks 15, 34.
#[tokio::test]
async fn quotes_around_a_cookie_are_no_part_of_it_and_a_bearer_has_none() {
    let service = Service::start().await;
    let answer = service.log_on(EMAIL, PASSWORD).await;
    let token = token_of(&answer);
    let device = cookies_of(&answer).remove(1).split(';').next().unwrap().replace("known_device=", "");
    let get = |name: &str, value: String| {
        client::plain().get(format!("{}/users/api/user", service.running.url)).header(name, value).send()
    };
    for cookie in [
        format!("session_token=\"{token}\""),
        format!("$Version=\"1\"; session_token=\"{token}\";$Path=\"/\"; known_device=\"{device}\";$Path=\"/\""),
        format!("session_token={token}; session_token=\"{token}\""),
    ] {
        assert_eq!(get("Cookie", cookie.clone()).await.unwrap().status(), StatusCode::OK, "{cookie}");
    }
    for cookie in [format!("session_token=\"\"{token}\"\""), format!("session_token=\"{token}")] {
        assert_refused(get("Cookie", cookie).await.unwrap(), 401).await;
    }
    assert_refused(get("Authorization", format!("Bearer \"{token}\"")).await.unwrap(), 401).await;

    let log_on = |cookie: String| {
        Service::credential_request(&client::plain(), &service.running.url).header("Cookie", cookie).send()
    };
    for _ in 0..11 {
        let credential = json!({"email": EMAIL, "password": "wrong"});
        let url = format!("{}/users/api/auth", service.running.url);
        client::plain().post(url).json(&credential).send().await.unwrap();
    }
    assert_refused(log_on(String::new()).await.unwrap(), 429).await;
    let known = log_on(format!("$Version=\"1\"; known_device=\"{device}\";$Path=\"/\"")).await.unwrap();
    assert_eq!(known.status(), StatusCode::OK, "a device is known by its cookie, quoted or not");
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
    let rotation = Stack::of(&service.running.config).rotation();
    service.advance(Duration::from_secs(1));
    let made = rotation
        .make_now(service.now(), &machine::random(), Some(Algorithm::Rs256), PUBLISHED_AHEAD_MIN)
        .await
        .unwrap();
    assert!(made.is_some());
    service.advance(PUBLISHED_AHEAD_MIN);
    let mut config = service.config();
    let issuer = Issuer::parse(&format!("https://{}", "a".repeat(ISSUER_MAX_BYTES - 8))).unwrap();
    config.site.issuer.clone_from(&issuer);
    config.site.cookie_domain = Some("example.org".to_owned());
    config.site.origins.scheme = "https://";
    config.tokens.issuer = issuer;
    config.tokens.audience = "\"".repeat(AUDIENCE_MAX_BYTES);
    let function = app::logon(&config, service.clock());
    let answer = function.handle(&log_on_event(EMAIL, PASSWORD).event()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.headers["strict-transport-security"], "max-age=63072000");
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 4, "two of the domain, and two that clear those of the host");
    for (cookie, life) in cookies.iter().zip([43_200, 7_776_000]) {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, format!("Path=/; Max-Age={life}; HttpOnly; Secure; SameSite=Lax; Domain=example.org"));
        assert!(pair.len() <= 4096, "{} bytes", pair.len());
    }
}

/// A browser, the service at its host, and what `CookieDomain` is there.
struct Browser<'a> {
    service: &'a Service,
    jar: Jar,
    host: &'static str,
}

impl Browser<'_> {
    fn cookies(&self) -> String {
        let url: Url = format!("https://{}/", self.host).parse().unwrap();
        self.jar.cookies(&url).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// Sends a request to the log-on function, keeps the cookies of the answer, and gives them back as they came.
    async fn send(&self, domain: Option<&str>, path: &str, context: &Value) -> Vec<String> {
        let mut config = self.service.config();
        config.site.issuer = Issuer::parse(&format!("https://{}", self.host)).unwrap();
        config.site.cookie_domain = domain.map(str::to_owned);
        let asks = event("POST", path).json(&json!({"email": EMAIL, "password": PASSWORD}));
        let asks = asks.header("cookie", &self.cookies()).to(self.host).by(context);
        let answer = app::logon(&config, self.service.clock()).handle(&asks.event()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let lines = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
        let lines: Vec<String> = lines.collect();
        for line in &lines {
            self.jar.add_cookie_str(line, &format!("https://{}/", self.host).parse().unwrap());
        }
        lines
    }

    /// What the authorizer says to a request of this browser.
    async fn verdict(&self) -> String {
        let function = app::authorizer(&self.service.config(), self.service.clock());
        let policy = function.handle(&authorization().header("Cookie", &self.cookies()).event()).await.unwrap();
        effect(&policy).to_owned()
    }
}

// Checks 33, 34.
#[tokio::test]
async fn a_domain_that_cookies_get_later_leaves_nobody_with_two_of_them() {
    let service = Service::start().await;
    let browser = Browser { service: &service, jar: Jar::default(), host: "auth.example.org" };
    browser.send(None, "/users/api/auth", &Value::Null).await;
    let planted = format!("session_token={}; Path=/; Domain=example.org", service.new_token().await);
    browser.jar.add_cookie_str(&planted, &"https://auth.example.org/".parse().unwrap());
    assert_eq!(browser.cookies().matches("session_token=").count(), 2, "{}", browser.cookies());
    assert_eq!(browser.verdict().await, "Deny");

    let lines = browser.send(Some("example.org"), "/users/api/auth", &Value::Null).await;
    assert!(lines[0].starts_with("session_token=ey") && lines[0].ends_with("; Domain=example.org"), "{lines:?}");
    assert!(lines[1].starts_with("known_device=") && lines[1].ends_with("; Domain=example.org"), "{lines:?}");
    let clears = |name: &str| format!("{name}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
    assert_eq!(lines[2..], [clears("session_token"), clears("known_device")]);
    assert_eq!(browser.cookies().matches("session_token=").count(), 1);
    assert_eq!(browser.verdict().await, "Allow", "logging on again was the way out");

    let token = browser.cookies().split("session_token=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let lines = browser.send(Some("example.org"), "/users/api/checkin", &context_of(&token)).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    let lines = browser.send(Some("example.org"), "/users/api/logout", &context_of(&token)).await;
    assert_eq!(lines, [format!("{}; Domain=example.org", clears("session_token")), clears("session_token")]);
    assert!(!browser.cookies().contains("session_token"));
}

// Check 33.
#[tokio::test]
async fn where_the_domain_is_the_host_itself_both_are_one_cookie() {
    let service = Service::start().await;
    let browser = Browser { service: &service, jar: Jar::default(), host: "auth.example.org" };
    for domain in [None, Some("auth.example.org"), Some(".Auth.Example.org")] {
        assert_eq!(browser.send(domain, "/users/api/auth", &Value::Null).await.len(), 2, "{domain:?}");
    }
}
