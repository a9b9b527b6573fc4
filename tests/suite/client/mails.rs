//! Forgotten passwords and what owners are told by mail.

use std::time::Duration;

use jea_auth::domain::account::{Email, Status};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    client,
    mails::{BAD_LINK, mails, service},
    owner::{ok, send},
    service::{EMAIL, NEW_PASSWORD, PASSWORD, Service, assert_refused, client, cookies_of},
};

const SENT: &str = "If there is an account with this email, a message is on its way.";

async fn ask(service: &Service, path: &str, body: &Value) -> Response {
    client::plain().post(format!("{}/users/api/{path}", service.running.url)).json(body).send().await.unwrap()
}

async fn forgot(service: &Service, email: &str) -> Response {
    ask(service, "forgot", &json!({"email": email})).await
}

async fn reset(service: &Service, token: &str, new_password: &str) -> Response {
    ask(service, "reset", &json!({"token": token, "new_password": new_password})).await
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_forgot_the_password_sets_another_by_the_link() {
    let service = service().await;
    let before = service.new_token().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let sent = ok(forgot(&service, "YI@jeplus.org").await).await;
    assert_eq!(sent, json!({"ok": true, "status": SENT}));
    let mut mails = mails(&service, 2).await;
    // A link overtakes what is written at the same moment.
    mails.sort_by(|a, b| a.subject.cmp(&b.subject));
    assert_eq!(mails[0].subject, "jea-auth: An access key was made");
    assert_eq!((mails[1].to.as_str(), mails[1].subject.as_str()), (EMAIL, "jea-auth: Set a new password"));
    assert!(
        mails[1].body.contains("within 30 minutes")
            && mails[1].body.contains(service.running.config.site.issuer.as_str())
    );
    let token = mails[1].token();
    let refused = assert_refused(reset(&service, &token, "too short").await, 400).await;
    assert!(refused.starts_with("new_password: "), "{refused}");
    let done = reset(&service, &token, NEW_PASSWORD).await;
    assert!(cookies_of(&done)[0].starts_with("known_device="), "the device becomes a known one");
    assert_eq!(ok(done).await, json!({"ok": true, "status": "Password set. Log on with it."}));
    let other = reset(&service, &token, "yet another long enough password").await;
    assert_eq!(assert_refused(other, 403).await, BAD_LINK, "once");
    assert_eq!(service.user_with(&before).await, StatusCode::UNAUTHORIZED);
    let by_key = json!({"email": EMAIL, "password": key["data"]["key"]});
    assert_refused(ask(&service, "auth", &by_key).await, 401).await;
    assert_eq!(service.log_on(EMAIL, NEW_PASSWORD).await.status(), StatusCode::OK);
    assert_eq!(crate::support::mails::mails(&service, 3).await[2].subject, "jea-auth: Your password was set anew");
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_from_an_answer_who_has_an_account() {
    let service = service().await;
    service.add_account("disabled@jeplus.org", PASSWORD, Status::Disabled).await;
    let mut seen = Vec::new();
    for email in [EMAIL, "nobody@jeplus.org", "disabled@jeplus.org"] {
        for _ in 0..3 {
            let answer = forgot(&service, email).await;
            let status = answer.status();
            let mut headers = answer.headers().clone();
            headers.remove("date");
            seen.push(format!("{status} {headers:?} {}", answer.text().await.unwrap()));
        }
        let throttled = forgot(&service, email).await;
        assert!(throttled.headers().contains_key("retry-after"));
        assert_refused(throttled, 429).await;
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    for email in ["no email", "", &format!("{}@jeplus.org", "x".repeat(300))] {
        let refused = assert_refused(forgot(&service, email).await, 400).await;
        assert_eq!(refused, "email: this is no email address.", "what no account can have");
    }
    let told = mails(&service, 3).await;
    assert!(told.iter().all(|mail| mail.to == EMAIL), "nobody else is written to");
    service.advance(Duration::from_mins(15));
    assert_eq!(forgot(&service, EMAIL).await.status(), StatusCode::OK, "one more in a quarter of an hour");
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_void_after_its_time_an_operator_s_change_and_another_link() {
    let service = service().await;
    for change in ["time", "password", "disabled", "another link"] {
        let sent = service.running.mails.lock().unwrap().len();
        service.advance(Duration::from_hours(1));
        ok(forgot(&service, EMAIL).await).await;
        let token = mails(&service, sent + 1).await[sent].token();
        let email = Email::canonical(EMAIL);
        let administration = service.administration();
        match change {
            "time" => service.advance(Duration::from_mins(30)),
            "password" => {
                let hash = service.account().await.password_hash.unwrap();
                administration.change_password(&email, hash).await.unwrap().unwrap();
            }
            "disabled" => drop(administration.disable(&email).await.unwrap().unwrap()),
            _ => {
                administration.enable(&email).await.unwrap().unwrap();
                // In the same second it would be the same link.
                service.advance(Duration::from_secs(1));
                ok(forgot(&service, EMAIL).await).await;
                let other = mails(&service, sent + 2).await[sent + 1].token();
                ok(reset(&service, &other, NEW_PASSWORD).await).await;
            }
        }
        assert_eq!(assert_refused(reset(&service, &token, NEW_PASSWORD).await, 403).await, BAD_LINK, "{change}");
        if change == "disabled" {
            administration.enable(&email).await.unwrap().unwrap();
        }
    }
    for token in ["", "x", "1.2.3.4.5", &"x".repeat(2000)] {
        assert_eq!(assert_refused(reset(&service, token, NEW_PASSWORD).await, 403).await, BAD_LINK, "{token}");
    }
}

/// Whoever has the owner's password makes keys and ends them without end.
// Check 89.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_s_mails_are_bounded() {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    let mut done = 0;
    for _ in 0..40 {
        let made = send(&service, Method::POST, "keys", &json!({"name": "key"})).await;
        if made.status() == StatusCode::OK {
            done += 1;
            let id = ok(made).await["data"]["id"].as_str().unwrap().to_owned();
            let ended = send(&service, Method::DELETE, &format!("keys/{id}"), &Value::Null).await;
            done += usize::from(ended.status() == StatusCode::OK);
        }
    }
    assert_eq!(done, 30);
    mails(&service, 30).await;
}

/// Whoever has learned the password has sessions, and must not keep the owner of the mailbox from resetting it.
// Checks 77, 88.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_session_does_voids_a_link() {
    let service = service().await;
    ok(forgot(&service, EMAIL).await).await;
    let token = mails(&service, 1).await[0].token();
    service.log_on(EMAIL, PASSWORD).await;
    let other = json!({"password": PASSWORD, "new_password": "a password of the thief's"});
    ok(send(&service, Method::DELETE, "sessions", &Value::Null).await).await;
    ok(send(&service, Method::POST, "password", &other).await).await;
    ok(send(&service, Method::DELETE, "sessions", &Value::Null).await).await;
    ok(reset(&service, &token, NEW_PASSWORD).await).await;
    assert_eq!(service.log_on(EMAIL, NEW_PASSWORD).await.status(), StatusCode::OK);
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_does_voids_a_link() {
    let service = service().await;
    for verb in ["reset", "rename"] {
        let sent = service.running.mails.lock().unwrap().len();
        service.advance(Duration::from_mins(15));
        ok(forgot(&service, EMAIL).await).await;
        let token = mails(&service, sent + 1).await[sent].token();
        let (administration, email) = (service.administration(), Email::canonical(EMAIL));
        if verb == "reset" {
            administration.void_links(&email).await.unwrap().unwrap();
        } else {
            let there = administration.rename(&email, "there@jeplus.org").await.unwrap().unwrap();
            administration.rename(&there.email, EMAIL).await.unwrap().unwrap();
        }
        assert_eq!(assert_refused(reset(&service, &token, NEW_PASSWORD).await, 403).await, BAD_LINK, "{verb}");
    }
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_uses_of_a_link_at_once_one_succeeds() {
    let service = service().await;
    ok(forgot(&service, EMAIL).await).await;
    let token = mails(&service, 1).await[0].token();
    let uses: Vec<_> = (0..6)
        .map(|number| {
            let body = json!({"token": token, "new_password": format!("long enough password {number}")});
            tokio::spawn(client().post(format!("{}/users/api/reset", service.running.url)).json(&body).send())
        })
        .collect();
    let mut statuses = Vec::new();
    for one in uses {
        statuses.push(one.await.unwrap().unwrap().status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403, 403, 403]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mails_the_operations_are_not_there() {
    let service = Service::start().await;
    let without = forgot(&service, EMAIL).await;
    assert!(without.headers().contains_key("www-authenticate"));
    assert_refused(without, 401).await;
    service.log_on(EMAIL, PASSWORD).await;
    for path in ["forgot", "reset"] {
        assert_refused(send(&service, Method::POST, path, &json!({"email": EMAIL})).await, 404).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_asks_for_no_link() {
    let service = service().await;
    let request = client::plain().post(format!("{}/users/api/forgot", service.running.url));
    let refused = request.header("Origin", "https://evil.example").json(&json!({"email": EMAIL})).send().await.unwrap();
    assert_refused(refused, 403).await;
    for body in [json!({}), json!({"email": 1}), json!({"email": EMAIL, "x": 1}), json!([EMAIL])] {
        assert_refused(ask(&service, "forgot", &body).await, 400).await;
    }
    mails(&service, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_of_each_change_of_what_logs_on() {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "\u{200b}evil http://x"})).await).await;
    let end = format!("keys/{}", key["data"]["id"].as_str().unwrap());
    ok(send(&service, Method::DELETE, &end, &Value::Null).await).await;
    let body = json!({"password": PASSWORD, "new_password": NEW_PASSWORD});
    ok(send(&service, Method::POST, "password", &body).await).await;
    ok(send(&service, Method::POST, "user", &json!({"nickname": "Another"})).await).await;
    let told = mails(&service, 3).await;
    let subjects: Vec<&str> = told.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "jea-auth: An access key was made",
            "jea-auth: An access key was ended",
            "jea-auth: Your password was changed"
        ]
    );
    for mail in told {
        assert!(!mail.body.contains("evil") && !mail.body.contains("Another"), "no text of anybody's: {}", mail.body);
        assert!(mail.body.contains("If it was not you"));
        assert!(!mail.body.contains("://") && !mail.body.contains("127.0.0.1"), "no address to go to: {}", mail.body);
    }
}

/// Fifty jobs of one key may start at once, and day by day.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_by_a_key_that_ends_within_a_week_tells_its_owner_once() {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    let made = ok(send(&service, Method::POST, "keys", &json!({"name": "http://evil", "days": 8})).await).await;
    let (key, id) = (made["data"]["key"].as_str().unwrap(), made["data"]["id"].as_str().unwrap());
    let credential = json!({"email": EMAIL, "password": key});
    assert_eq!(ask(&service, "auth", &credential).await.status(), StatusCode::OK);
    mails(&service, 1).await;
    service.advance(Duration::from_hours(24) + Duration::from_secs(1));
    let mut together = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let url = format!("{}/users/api/auth", service.running.url);
        together.spawn(client::plain().post(url).json(&credential).send());
    }
    for answer in together.join_all().await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    let told = mails(&service, 2).await;
    assert_eq!((told[1].to.as_str(), told[1].subject.as_str()), (EMAIL, "jea-auth: An access key ends soon"));
    assert!(told[1].body.contains(&format!("ends in {}", &id[28..])) && !told[1].body.contains("evil"));
    service.advance(Duration::from_hours(24));
    assert_eq!(ask(&service, "auth", &credential).await.status(), StatusCode::OK);
    ok(forgot(&service, EMAIL).await).await;
    assert_eq!(mails(&service, 3).await[2].subject, "jea-auth: Set a new password", "nothing before it");
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_no_password_that_is_there_already() {
    let service = service().await;
    ok(forgot(&service, EMAIL).await).await;
    let token = mails(&service, 1).await[0].token();
    let refused: Value = reset(&service, &token, PASSWORD).await.json().await.unwrap();
    assert_eq!(refused["reason"], "password-unchanged");
    assert!(refused["status"].as_str().unwrap().starts_with("new_password: "), "{refused}");
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "nothing was changed");
    ok(reset(&service, &token, NEW_PASSWORD).await).await;
    ok(reset(&service, &token, NEW_PASSWORD).await).await;
}

/// Strangers can empty the bucket of the account, and keep its owner from nothing by it.
// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_while_strangers_guess() {
    let service = service().await;
    ok(forgot(&service, EMAIL).await).await;
    let token = mails(&service, 1).await[0].token();
    let wrong = json!({"email": EMAIL, "password": "a wrong password"});
    while ask(&service, "auth", &wrong).await.status() != StatusCode::TOO_MANY_REQUESTS {}
    ok(reset(&service, &token, NEW_PASSWORD).await).await;
}
