//! The email of an account, changed by its owner: by a link to the present address and one to the new one.

use std::time::Duration;

use jea_auth::domain::account::{Email, Status};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    client,
    mails::{BAD_LINK, mails, service},
    my_email::{CHANGED, CONFIRMED, NEW, account_at, ask, confirm, tokens},
    owner::{bearer, ok, send},
    service::{EMAIL, KEY_SESSION, PASSWORD, STEP_UP, Service, assert_refused},
};

// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_changes_when_both_addresses_have_confirmed_it_and_not_before() {
    for order in [[0, 1], [1, 0]] {
        let service = service().await;
        service.log_on(EMAIL, PASSWORD).await;
        let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
        let key = key["data"]["key"].as_str().unwrap();
        mails(&service, 1).await;
        let before = service.account().await;
        ask(&service, " Yi.New@Example.org ").await;
        let sent = mails(&service, 3).await;
        let mut to: Vec<&str> = sent[1..].iter().map(|mail| mail.to.as_str()).collect();
        to.sort_unstable();
        assert_eq!(to, [NEW, EMAIL]);
        for mail in &sent[1..] {
            assert!(
                mail.body.contains("within 60 minutes") && mail.body.contains("If it was not you"),
                "{}",
                mail.body
            );
            assert!(!mail.body.to_lowercase().contains(NEW), "nothing that somebody typed: {}", mail.body);
        }
        let tokens = tokens(&service).await;
        let [first, second] = order.map(|at| &tokens[at]);

        for _ in 0..2 {
            assert_eq!(ok(confirm(&service, first).await).await, json!({"ok": true, "status": CONFIRMED}));
        }
        assert!(account_at(&service, NEW).await.is_none() && service.account().await.registered_email == EMAIL);
        assert_eq!(service.get("/users/api/user").await.status(), StatusCode::OK, "sessions go on");

        assert_eq!(ok(confirm(&service, second).await).await, json!({"ok": true, "status": CHANGED}));
        assert_eq!(service.get("/users/api/user").await.status(), StatusCode::UNAUTHORIZED, "sessions have ended");
        assert!(account_at(&service, EMAIL).await.is_none());
        let after = account_at(&service, NEW).await.unwrap();
        assert!(after.sub == before.sub && after.profile == before.profile && after.access_keys == before.access_keys);
        assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
        let logged_on = ok(service.log_on(NEW, PASSWORD).await).await;
        assert_eq!(logged_on["email"], "Yi.New@Example.org", "as it was typed");
        assert_eq!(service.log_on(NEW, key).await.status(), StatusCode::OK, "access keys stay");
        let told = mails(&service, 4).await;
        assert_eq!((told[3].to.as_str(), told[3].subject.as_str()), (EMAIL, "jea-auth: Your email was changed"));

        // The answer may have been lost.
        assert_eq!(ok(confirm(&service, second).await).await["status"], CHANGED);
        assert_eq!(assert_refused(confirm(&service, first).await, 403).await, BAD_LINK);
        assert_eq!(mails(&service, 4).await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_gets_another_spelling() {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    ask(&service, "YI@jEPlus.org").await;
    let [present, new] = tokens(&service).await;
    assert_eq!(ok(confirm(&service, &present).await).await["status"], CONFIRMED);
    for _ in 0..2 {
        assert_eq!(ok(confirm(&service, &new).await).await["status"], CHANGED);
    }
    assert_eq!(service.account().await.registered_email, "YI@jEPlus.org");
    assert_eq!(service.get("/users/api/user").await.status(), StatusCode::UNAUTHORIZED);
}

// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_request_time_and_whatever_ends_sessions_or_links_void_both_links() {
    let service = service().await;
    let (administration, email) = (service.administration(), Email::canonical(EMAIL));
    let hash = service.account().await.password_hash.unwrap();
    for change in ["newer", "time", "passwd", "disable", "reset", "rename", "end", "sessions", "password"] {
        service.advance(Duration::from_mins(16));
        service.log_on(EMAIL, PASSWORD).await;
        service.running.mails.lock().unwrap().clear();
        ask(&service, NEW).await;
        let [present, new] = tokens(&service).await;
        // The one that was used first is void, too.
        ok(confirm(&service, &present).await).await;
        match change {
            "newer" => ask(&service, "another@example.org").await,
            "time" => service.advance(Duration::from_hours(1)),
            "passwd" => drop(administration.change_password(&email, hash.clone()).await.unwrap().unwrap()),
            "disable" => {
                administration.disable(&email).await.unwrap().unwrap();
                administration.enable(&email).await.unwrap().unwrap();
            }
            "reset" => drop(administration.void_links(&email).await.unwrap().unwrap()),
            "rename" => {
                let there = administration.rename(&email, "there@jeplus.org").await.unwrap().unwrap();
                administration.rename(&there.email, EMAIL).await.unwrap().unwrap();
            }
            "end" => drop(administration.end_sessions(&email).await.unwrap().unwrap()),
            "sessions" => drop(ok(send(&service, Method::DELETE, "sessions", &Value::Null).await).await),
            _ => {
                let passwords = json!({"password": PASSWORD, "new_password": "another long enough password"});
                ok(send(&service, Method::POST, "password", &passwords).await).await;
            }
        }
        for token in [&new, &present] {
            assert_eq!(assert_refused(confirm(&service, token).await, 403).await, BAD_LINK, "{change}");
        }
        assert!(account_at(&service, NEW).await.is_none(), "{change}");
    }
    for token in ["", "x", "1.new.3.4.5.6", &"x".repeat(2000)] {
        assert_eq!(assert_refused(confirm(&service, token).await, 403).await, BAD_LINK, "{token}");
    }
}

/// Neither an answer nor the mailbox of whoever asks tells whether another account has an address.
// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_by_a_change_of_email_who_has_an_account() {
    let service = service().await;
    service.add_account(NEW, PASSWORD, Status::Active).await;
    service.log_on(EMAIL, PASSWORD).await;
    ask(&service, NEW).await;
    let mail = &mails(&service, 1).await[0];
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (EMAIL, "jea-auth: Confirm your new email"));
    assert_eq!(ok(confirm(&service, &mail.token()).await).await["status"], CONFIRMED);
    // Behind it in the stream.
    ask(&service, "free@example.org").await;
    let to: Vec<String> = mails(&service, 3).await[1..].iter().map(|mail| mail.to.clone()).collect();
    assert!(to.iter().all(|to| to != NEW), "the other's owner is not bothered: {to:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_to_a_new_address_are_as_bounded_as_those_of_a_forgotten_password() {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    ask(&service, NEW).await;
    ask(&service, "YI.NEW@example.org").await;
    ok(send(&service, Method::POST, "forgot", &json!({"email": NEW})).await).await;
    for (path, body) in [("email", json!({"email": NEW})), ("forgot", json!({"email": NEW}))] {
        let throttled = send(&service, Method::POST, path, &body).await;
        assert!(throttled.headers().contains_key("retry-after"));
        assert_refused(throttled, 429).await;
    }
    // The bucket of changes bounds what the present address gets.
    let mut asked = 3;
    while send(&service, Method::POST, "email", &json!({"email": format!("{asked}@example.org")})).await.status() == 200
    {
        asked += 1;
    }
    assert_eq!(asked, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_email_is_asked_for_by_whoever_gave_the_password_a_moment_ago() {
    let service = service().await;
    let another = json!({"email": NEW});
    assert_refused(send(&service, Method::POST, "email", &another).await, 401).await;
    service.log_on(EMAIL, PASSWORD).await;
    for email in ["no email", "", "a@b\n.org", "caf\u{e9}@example.org", &format!("{}@example.org", "x".repeat(300))] {
        let refused: Value =
            send(&service, Method::POST, "email", &json!({"email": email})).await.json().await.unwrap();
        let expected = json!({"ok": false, "status": "email: this is no email address.", "reason": "bad-email"});
        assert_eq!(refused, expected, "{email}");
    }
    for body in [json!({}), json!({"email": 1}), json!({"email": NEW, "x": 1}), json!([NEW])] {
        assert_refused(send(&service, Method::POST, "email", &body).await, 400).await;
        assert_refused(send(&service, Method::POST, "email/confirm", &body).await, 400).await;
    }
    let cross = client::plain().post(format!("{}/users/api/email/confirm", service.running.url));
    let cross = cross.header("Origin", "https://evil.example").json(&json!({"token": "x"})).send().await.unwrap();
    assert_refused(cross, 403).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let by_key = service.new_token_with(key["data"]["key"].as_str().unwrap()).await;
    let refused = bearer(&service, Method::POST, "email", &by_key).json(&another).send().await.unwrap();
    assert_eq!(assert_refused(refused, 403).await, KEY_SESSION);
    service.advance(Duration::from_mins(16));
    assert_eq!(assert_refused(send(&service, Method::POST, "email", &another).await, 403).await, STEP_UP);
    assert!(service.account().await.email_change.is_none());
    let without = Service::start().await;
    without.log_on(EMAIL, PASSWORD).await;
    for path in ["email", "email/confirm"] {
        assert_refused(send(&without, Method::POST, path, &another).await, 404).await;
    }
}
