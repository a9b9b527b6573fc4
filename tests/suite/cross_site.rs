//! A page of another site can make a browser send the cookie, and must gain nothing by it.

use reqwest::{Client, Method, StatusCode};

use crate::service::{Service, assert_refused};

#[tokio::test]
async fn a_cross_site_log_on_is_403_and_does_nothing() {
    let service = Service::start().await;
    for (name, value) in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        let request = Service::credential_request(&Client::new(), &service.running.url).header(name, value);
        let answer = request.send().await.unwrap();
        assert!(!answer.headers().contains_key("set-cookie"));
        assert_refused(answer, 403).await;
    }
    for (name, value) in [("Origin", service.running.url.as_str()), ("Sec-Fetch-Site", "same-origin")] {
        let request = Service::credential_request(&Client::new(), &service.running.url).header(name, value);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{name}: {value}");
    }
}

#[tokio::test]
async fn behind_the_authorizer_a_cross_site_request_with_the_cookie_is_401() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let request = |method: Method, path: &str| {
        Client::new().request(method, format!("{}{path}", service.running.url)).header("Origin", "https://evil.example")
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

#[tokio::test]
async fn a_foreign_name_for_this_machine_is_not_its_own_origin() {
    let service = Service::start().await;
    let port = service.running.url.rsplit(':').next().unwrap();
    let request = Service::credential_request(&Client::new(), &service.running.url)
        .header("Host", format!("evil.example:{port}"))
        .header("Origin", format!("http://evil.example:{port}"));
    assert_refused(request.send().await.unwrap(), 403).await;
}
