//! The account in its owner's hand: details, password and sessions.

use std::time::Duration;

use jea_auth::domain::account::Status;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    client,
    owner::{bearer, ok, send},
    service::{EMAIL, PASSWORD, STEP_UP, Service, assert_refused, client, cookies_of, token_of},
};

async fn details(service: &Service) -> Value {
    ok(service.get("/users/api/user").await).await["data"].clone()
}

#[tokio::test]
async fn an_owner_changes_details_and_every_session_sees_the_new_name() {
    let service = Service::start().await;
    let other = service.new_token().await;
    service.log_on(EMAIL, PASSWORD).await;
    let before = details(&service).await;
    let address = "1 High St\nLondon";
    let change = json!({
        "nickname": "Zhang Yi", "company": "jEPlus", "address": address, "title": "", "tel": null, "jess_pwd": "x",
    });
    let answer = send(&service, Method::POST, "user", &change).await;
    let text = answer.text().await.unwrap();
    assert_eq!(text, r#"{"ok":true,"status":"Account details updated successfully!","session":null}"#);
    let expected = json!({
        "nickname": "Zhang Yi", "email": EMAIL, "role": null, "address": address, "country": "GB", "company": "jEPlus",
    });
    assert_eq!(details(&service).await, expected);
    assert_ne!(before, expected);
    let renewed = ok(bearer(&service, Method::POST, "checkin", &other).send().await.unwrap()).await;
    assert_eq!(renewed["user"], "Zhang Yi");
    // What was given can be sent back.
    let given = details(&service).await;
    ok(send(&service, Method::POST, "user", &given).await).await;
    assert_eq!(details(&service).await, given);
}

#[tokio::test]
async fn details_that_are_not_an_owner_s_to_change_are_refused_whole() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let before = details(&service).await;
    for (change, sentence) in [
        (
            json!({"company": "x", "role": "admin"}),
            "role: this cannot be changed here. Leave it out, or send it as it is.",
        ),
        (json!({"email": "a@b.c"}), "email: this cannot be changed here. Leave it out, or send it as it is."),
        (json!({"company": "x", "sub": "1"}), "sub: this cannot be changed here. Leave it out, or send it as it is."),
        (json!({"company": "x\u{7}"}), "company: send no control characters."),
        (json!({"company": "a\nb"}), "company: send no control characters."),
        (json!({"company": ["secret"]}), "company: send a text, or null to leave it as it is."),
        (json!(["company"]), "Send one JSON object with members of the account details, each once."),
    ] {
        assert_eq!(assert_refused(send(&service, Method::POST, "user", &change).await, 400).await, sentence);
    }
    let plain = service.request(Method::POST, "/users/api/user").body("{}").send().await.unwrap();
    assert_eq!(assert_refused(plain, 415).await, "Content-Type: send one, application/json.");
    let large = json!({"company": "x".repeat(4096)});
    let sentence = assert_refused(send(&service, Method::POST, "user", &large).await, 413).await;
    assert_eq!(sentence, "Send a body of at most 4 KiB.", "it is no credential");
    assert_eq!(details(&service).await, before);
    assert_refused(client::plain().post(format!("{}/users/api/user", service.running.url)).send().await.unwrap(), 401)
        .await;
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_and_opens_a_new_one() {
    const NEW: &str = "another long enough password";
    let service = Service::start().await;
    let other = service.new_token().await;
    let own = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let answer = send(&service, Method::POST, "password", &json!({"password": PASSWORD, "new_password": NEW})).await;
    let cookies = cookies_of(&answer);
    assert!(cookies[0].starts_with("session_token=") && !cookies[0].starts_with("session_token=;"));
    let body = ok(answer).await;
    let expected = json!({
        "ok": true, "status": "Password changed successfully!", "jwt": "Session key cookie", "user": "Yi", "role": null,
        "email": EMAIL,
    });
    assert_eq!(body, expected);
    assert_eq!(service.user_with(&other).await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.user_with(&own).await, StatusCode::UNAUTHORIZED, "a copy of the cookie does not outlive it");
    ok(service.post("/users/api/checkin").await).await;
    let fresh = Service::credential_request(&client(), &service.running.url).send().await.unwrap();
    assert_refused(fresh, 401).await;
    assert_eq!(service.log_on(EMAIL, NEW).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_new_password_by_bearer_comes_back_in_the_body() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let body = json!({"password": PASSWORD, "new_password": "another long enough password"});
    let answer = bearer(&service, Method::POST, "password", &token).json(&body).send().await.unwrap();
    assert!(cookies_of(&answer).is_empty());
    let renewed = ok(answer).await["jwt"].as_str().unwrap().to_owned();
    assert_eq!(service.user_with(&renewed).await, StatusCode::OK);
}

// Check 20.
#[tokio::test]
async fn guesses_of_the_current_password_take_from_the_account_s_bucket() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let guess = |password: &str| {
        let body = json!({"password": password, "new_password": "another long enough password"});
        bearer(&service, Method::POST, "password", &token).json(&body).send()
    };
    // The log-on took one of ten.
    for number in 0..9 {
        let refused = guess(&format!("guess {number}")).await.unwrap();
        assert_eq!(assert_refused(refused, 403).await, "The current password is wrong.");
    }
    let waiting = guess(PASSWORD).await.unwrap();
    assert!(waiting.headers().contains_key("retry-after"));
    assert_refused(waiting, 429).await;
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS, "it is the same bucket");
}

#[tokio::test]
async fn a_password_that_cannot_be_one_is_refused_with_the_reason_and_costs_no_attempt() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let asks = async |new_password: &str| {
        let body = json!({"password": PASSWORD, "new_password": new_password});
        assert_refused(send(&service, Method::POST, "password", &body).await, 400).await
    };
    for _ in 0..5 {
        for (new_password, reason) in [
            ("fourteen chars", "at least 15 characters"),
            ("jea_fifteen characters", "begins with jea_"),
            ("passwordpassword", "commonest"),
            ("a bell \u{7} in a password", "control character"),
            (&"x".repeat(1025), "at most 1024 bytes"),
        ] {
            let sentence = asks(new_password).await;
            assert!(sentence.starts_with("new_password: ") && sentence.contains(reason), "{sentence}");
            assert!(!sentence.contains(new_password), "{sentence}");
        }
    }
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    let both = json!({"password": PASSWORD});
    let sentence = assert_refused(send(&service, Method::POST, "password", &both).await, 400).await;
    assert!(sentence.contains("\"new_password\""), "{sentence}");
}

#[tokio::test]
async fn of_several_new_passwords_at_once_one_succeeds() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let requests = (0..6).map(|number| {
        let body = json!({"password": PASSWORD, "new_password": format!("long enough password {number}")});
        tokio::spawn(bearer(&service, Method::POST, "password", &token).json(&body).send())
    });
    let mut statuses = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        statuses.push(request.await.unwrap().unwrap().status().as_u16());
    }
    // The others were too late: by then the password is another one, or their session has ended.
    assert!(statuses.iter().all(|status| matches!(status, 200 | 401 | 403)), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    let mut log_ons = Vec::new();
    for number in 0..6 {
        service.advance(Duration::from_mins(1));
        log_ons.push(service.log_on(EMAIL, &format!("long enough password {number}")).await.status());
    }
    assert_eq!(log_ons.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{log_ons:?}");
}

#[tokio::test]
async fn an_owner_sees_the_sessions_of_the_account_newest_first() {
    let service = Service::start().await;
    let older = Service::credential_request(&client(), &service.running.url).header("User-Agent", "older\u{e9}/1");
    older.send().await.unwrap();
    service.advance(Duration::from_secs(2));
    service.add_account("other@jeplus.org", PASSWORD, Status::Active).await;
    let other = json!({"email": "other@jeplus.org", "password": PASSWORD});
    client().post(format!("{}/users/api/auth", service.running.url)).json(&other).send().await.unwrap();
    let request = service.request(Method::POST, "/users/api/auth").header("User-Agent", "newer/2");
    request.json(&json!({"email": EMAIL, "password": PASSWORD})).send().await.unwrap();
    let body = ok(service.get("/users/api/sessions").await).await;
    assert_eq!(body["status"], "Sessions included.");
    let sessions = body["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let seen: Vec<_> =
        sessions.iter().map(|s| (s["current"].as_bool().unwrap(), s["agent"].as_str().unwrap())).collect();
    assert_eq!(seen, [(true, "newer/2"), (false, "older\u{e9}/1")]);
    for session in sessions {
        assert_eq!((session["by"].as_str(), session["address"].as_str()), (Some("password"), Some("127.0.0.1")));
        assert_eq!(session.as_object().unwrap().len(), 7);
        for date in ["created", "expires"] {
            let date = session[date].as_str().unwrap();
            assert!(date.len() == 20 && date.starts_with("20") && date.ends_with('Z'), "{date}");
        }
    }
}

#[tokio::test]
async fn an_owner_ends_one_session_or_all_others() {
    let service = Service::start().await;
    let (first, second, third) = (service.new_token().await, service.new_token().await, service.new_token().await);
    let own = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let sid = crate::support::service::claims_of(&first)["sid"].as_str().unwrap().to_owned();
    let ended = ok(send(&service, Method::DELETE, &format!("sessions/{sid}"), &Value::Null).await).await;
    assert_eq!(ended, json!({"ok": true, "status": "1 session ended."}));
    assert_eq!(service.user_with(&first).await, StatusCode::UNAUTHORIZED);
    for sid in [sid.as_str(), "0123456789abcdef0123456789abcdef", "%20", "x".repeat(200).as_str()] {
        let refused = service.request(Method::DELETE, &format!("/users/api/sessions/{sid}")).send().await.unwrap();
        assert_refused(refused, 404).await;
    }
    assert_eq!(service.user_with(&second).await, StatusCode::OK);
    let ended = ok(service.request(Method::DELETE, "/users/api/sessions").send().await.unwrap()).await;
    assert_eq!(ended["status"], "2 sessions ended.");
    for (token, status) in [(second, 401), (third, 401), (own, 200)] {
        assert_eq!(service.user_with(&token).await.as_u16(), status);
    }
    ok(service.post("/users/api/checkin").await).await;
    let none = ok(service.request(Method::DELETE, "/users/api/sessions").send().await.unwrap()).await;
    assert_eq!(none["status"], "0 sessions ended.");
}

// Check 75.
#[tokio::test]
async fn what_changes_who_can_log_on_asks_for_a_password_given_a_quarter_of_an_hour_ago() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let sid = "0123456789abcdef0123456789abcdef";
    let stepped_up = [
        (Method::POST, "keys".to_owned()),
        (Method::DELETE, format!("keys/{sid}")),
        (Method::DELETE, "sessions".to_owned()),
        (Method::DELETE, format!("sessions/{sid}")),
    ];
    service.advance(Duration::from_mins(15));
    ok(send(&service, Method::POST, "keys", &json!({"name": "just inside"})).await).await;
    service.advance(Duration::from_secs(1));
    for (method, path) in &stepped_up {
        let refused = send(&service, method.clone(), path, &json!({"name": "x"})).await;
        assert_eq!(assert_refused(refused, 403).await, STEP_UP);
    }
    ok(service.post("/users/api/checkin").await).await;
    let still = send(&service, Method::DELETE, "sessions", &Value::Null).await;
    assert_eq!(assert_refused(still, 403).await, STEP_UP, "a renewed token is no password");
    ok(send(&service, Method::POST, "confirm", &json!({"email": EMAIL, "password": PASSWORD})).await).await;
    ok(send(&service, Method::DELETE, "sessions", &Value::Null).await).await;
}

/// What an owner's clients ask at the same moment in one session is done, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_s_requests_at_the_same_moment_all_succeed() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let key = json!({"name": "key"});
    let details = json!({"company": "jEPlus"});
    for (method, path, body) in [
        (Method::DELETE, "sessions", &Value::Null),
        (Method::POST, "keys", &key),
        (Method::POST, "user", &details),
        (Method::GET, "sessions", &Value::Null),
    ] {
        let mut asked = JoinSet::new();
        for number in 0..8 {
            // Beside each, the same session moves into another generation.
            let request = bearer(&service, method.clone(), path, &token).json(body);
            let beside = bearer(&service, Method::DELETE, "sessions", &token);
            let request = if number % 4 == 3 { beside } else { request };
            asked.spawn(request.send());
        }
        for answer in asked.join_all().await {
            let answer = answer.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{method} {path}: {}", answer.text().await.unwrap());
        }
    }
    assert_eq!(service.account().await.access_keys.len(), 6);
}
