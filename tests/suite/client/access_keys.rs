//! Access keys: given where the password goes, by every client as it is.

use std::{fmt::Write, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use jea_auth::domain::{access_key::AccessKeyId, account::Status, mail::MailKind};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    owner::{bearer, ok, send},
    service::{EMAIL, KEY_SESSION, PASSWORD, Service, assert_refused, client, cookies_of, token_of},
};

/// Makes a key in the session of the service's own client, which has just logged on.
async fn make(service: &Service, name: &str, days: u64) -> Value {
    ok(send(service, Method::POST, "keys", &json!({"name": name, "days": days})).await).await["data"].clone()
}

fn text<'a>(key: &'a Value, member: &str) -> &'a str {
    key[member].as_str().unwrap()
}

async fn log_on_with(service: &Service, email: &str, key: &str) -> Response {
    let credential = json!({"email": email, "password": key});
    client().post(format!("{}/users/api/auth", service.running.url)).json(&credential).send().await.unwrap()
}

// Check 75.
#[tokio::test]
async fn a_key_is_shown_once_and_opens_sessions_as_a_password_does() {
    let service = Service::start().await;
    let by_password = service.log_on(EMAIL, PASSWORD).await.text().await.unwrap();
    let made = ok(send(&service, Method::POST, "keys", &json!({"name": "cluster"})).await).await;
    assert_eq!(made["status"], "Access key made. It is shown this once.");
    let key = made["data"].clone();
    assert_eq!((key.as_object().unwrap().len(), &key["read_only"]), (6, &json!(false)));
    let secret = text(&key, "key").to_owned();
    assert!(secret.starts_with(&format!("jea_{}_", text(&key, "id"))) && secret.len() == 80, "{secret}");
    service.advance(Duration::from_secs(1));
    let answer = log_on_with(&service, EMAIL, &secret).await;
    assert_eq!(cookies_of(&answer).len(), 1, "no cookie of a known device, which would be a way to guess the password");
    let token = token_of(&answer);
    assert_eq!(answer.text().await.unwrap(), by_password, "the same Auth object");
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    let listed = ok(service.get("/users/api/keys").await).await;
    let [listed] = listed["data"].as_array().unwrap().as_slice() else { panic!("one") };
    assert_eq!((text(listed, "id"), text(listed, "name")), (text(&key, "id"), "cluster"));
    assert_eq!(listed.as_object().unwrap().len(), 6, "{listed}");
    assert!(text(listed, "last_used").ends_with("T00:00:00Z"), "{listed}");
    assert!(listed.get("key").is_none());
    let sessions = ok(service.get("/users/api/sessions").await).await;
    assert_eq!(sessions["data"][0]["by"], "cluster");
    assert_eq!(sessions["data"][1]["by"], "password");
}

// Check 75.
#[tokio::test]
async fn a_key_that_is_wrong_in_any_way_is_refused_with_the_same_bytes() {
    let service = Service::start().await;
    service.add_account("other@jeplus.org", PASSWORD, Status::Active).await;
    service.log_on(EMAIL, PASSWORD).await;
    let (living, short) = (make(&service, "living", 90).await, make(&service, "short", 1).await);
    let revoked = make(&service, "revoked", 90).await;
    ok(send(&service, Method::DELETE, &format!("keys/{}", text(&revoked, "id")), &Value::Null).await).await;
    let living = text(&living, "key").to_owned();
    let invented = format!("jea_{}_{}", "0".repeat(32), "A".repeat(43));
    let other_secret = format!("{}{}", &living[..37], "A".repeat(43));
    service.advance(Duration::from_hours(24));
    let mut seen = Vec::new();
    for (email, key) in [
        ("nobody@jeplus.org", living.as_str()),
        ("other@jeplus.org", &living),
        (EMAIL, text(&short, "key")),
        (EMAIL, text(&revoked, "key")),
        (EMAIL, &invented),
        (EMAIL, &other_secret),
    ] {
        let answer = log_on_with(&service, email, key).await;
        let status = answer.status();
        let mut headers = answer.headers().clone();
        headers.remove("date");
        seen.push((status, format!("{headers:?}"), answer.text().await.unwrap()));
    }
    let by_password = log_on_with(&service, "nobody@jeplus.org", "a wrong password").await;
    assert_eq!(seen[0].2, by_password.text().await.unwrap());
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    assert_eq!(log_on_with(&service, EMAIL, &living).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn fifty_jobs_of_one_key_start_at_once_with_the_settings_of_a_new_deployment() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "jobs", 90).await;
    let jobs: Vec<_> = (0..50)
        .map(|_| {
            let credential = json!({"email": EMAIL, "password": text(&key, "key")});
            tokio::spawn(client().post(format!("{}/users/api/auth", service.running.url)).json(&credential).send())
        })
        .collect();
    for job in jobs {
        assert_eq!(job.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(service.sessions(EMAIL).await.len(), 51);
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "the account's bucket is untouched");
}

/// A job goes on with a key that has ended, from the address that other jobs share.
// Check 90.
#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_s_broken_job_and_a_stranger_with_the_id_keep_no_good_key_out() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "good", 90).await;
    let good = text(&key, "key").to_owned();
    let broken = format!("{}{}", &good[..37], "A".repeat(43));
    let mut statuses = Vec::new();
    for _ in 0..150 {
        statuses.push(log_on_with(&service, EMAIL, &broken).await.status().as_u16());
    }
    assert!(statuses[..100].iter().all(|status| *status == 401) && statuses[100..].iter().all(|status| *status == 429));
    let throttled = log_on_with(&service, EMAIL, &broken).await;
    assert_eq!(throttled.headers()["retry-after"], "1");
    for _ in 0..50 {
        assert_eq!(log_on_with(&service, EMAIL, &good).await.status(), StatusCode::OK);
    }
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "nor a password");
    service.advance(Duration::from_secs(1));
    assert_eq!(log_on_with(&service, EMAIL, &broken).await.status().as_u16(), 401, "one a second");
}

// Check 75.
#[tokio::test]
async fn a_key_gets_no_further_than_a_script_needs() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "script", 90).await;
    let token = token_of(&log_on_with(&service, EMAIL, text(&key, "key")).await);
    let by_key = |method: Method, path: &str, body: Value| bearer(&service, method, path, &token).json(&body).send();
    let refused = by_key(Method::POST, "keys", json!({"name": "x"})).await.unwrap();
    assert_eq!(assert_refused(refused, 403).await, KEY_SESSION);
    // More often than there are attempts: nothing is compared.
    for secret in [text(&key, "key"), PASSWORD, "wrong"].into_iter().cycle().take(15) {
        let credential = json!({"email": EMAIL, "password": secret});
        let confirmed = by_key(Method::POST, "confirm", credential).await.unwrap();
        assert_eq!(assert_refused(confirmed, 403).await, KEY_SESSION);
        let refused = by_key(Method::DELETE, "sessions", Value::Null).await.unwrap();
        assert_eq!(assert_refused(refused, 403).await, KEY_SESSION, "a session that a key opened never passes");
    }
    let with_key = json!({"password": text(&key, "key"), "new_password": "another long enough password"});
    assert_refused(by_key(Method::POST, "password", with_key).await.unwrap(), 403).await;
}

#[tokio::test]
async fn a_key_s_end_ends_its_sessions_and_no_other() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let (one, two) = (make(&service, "one", 90).await, make(&service, "two", 90).await);
    let of = async |key: &Value| token_of(&log_on_with(&service, EMAIL, text(key, "key")).await);
    let (of_one, of_two, by_password) = (of(&one).await, of(&two).await, service.new_token().await);
    let path = format!("keys/{}", text(&one, "id"));
    ok(send(&service, Method::DELETE, &path, &Value::Null).await).await;
    for (token, status) in [(&of_one, 401), (&of_two, 200), (&by_password, 200)] {
        assert_eq!(service.user_with(token).await.as_u16(), status);
    }
    assert_refused(send(&service, Method::DELETE, &path, &Value::Null).await, 404).await;
    assert_refused(send(&service, Method::DELETE, "keys/x", &Value::Null).await, 404).await;
    assert_refused(log_on_with(&service, EMAIL, text(&one, "key")).await, 401).await;
}

#[tokio::test]
async fn another_account_s_key_cannot_be_ended() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "mine", 90).await;
    service.add_account("other@jeplus.org", PASSWORD, Status::Active).await;
    service.log_on("other@jeplus.org", PASSWORD).await;
    assert_refused(send(&service, Method::DELETE, &format!("keys/{}", text(&key, "id")), &Value::Null).await, 404)
        .await;
    assert_eq!(log_on_with(&service, EMAIL, text(&key, "key")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_with_the_key_that_opened_it_also_when_it_is_renewed() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "day", 1).await;
    service.advance(Duration::from_hours(20));
    let browser = client();
    let credential = json!({"email": EMAIL, "password": text(&key, "key")});
    let url = format!("{}/users/api", service.running.url);
    let answer = browser.post(format!("{url}/auth")).json(&credential).send().await.unwrap();
    assert!(cookies_of(&answer)[0].contains("Max-Age=14400;"), "{:?}", cookies_of(&answer));
    service.advance(Duration::from_hours(3));
    let renewed = browser.post(format!("{url}/checkin")).send().await.unwrap();
    assert!(cookies_of(&renewed)[0].contains("Max-Age=3600;"), "{:?}", cookies_of(&renewed));
    service.advance(Duration::from_mins(59));
    assert_eq!(browser.get(format!("{url}/user")).send().await.unwrap().status(), StatusCode::OK);
    service.advance(Duration::from_mins(1));
    for (method, path) in [(Method::GET, "user"), (Method::POST, "checkin")] {
        let refused = browser.request(method, format!("{url}/{path}")).send().await.unwrap();
        assert_refused(refused, 401).await;
    }
}

#[tokio::test]
async fn names_days_and_the_number_of_keys_have_limits() {
    const SEND: &str = "Send one JSON object with the string \"name\" and, if you like, the whole number \"days\" and the truth value \"read_only\".";
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let asks = async |body: Value| assert_refused(send(&service, Method::POST, "keys", &body).await, 400).await;
    for (body, sentence) in [
        (json!({"name": "Password"}), "name: a key cannot be called password."),
        (json!({"name": "x", "days": 0}), "days: send 1 to 365."),
        (json!({"name": "x", "days": 366}), "days: send 1 to 365."),
        (json!({"name": ""}), "name: it has 1 to 256 bytes and no control characters."),
        (json!({"name": "a\u{7}"}), "name: it has 1 to 256 bytes and no control characters."),
        (json!({"days": 1}), SEND),
        (json!({"name": "x", "key": "jea_"}), SEND),
    ] {
        assert_eq!(asks(body).await, sentence);
    }
    let default = ok(send(&service, Method::POST, "keys", &json!({"name": "default"})).await).await;
    let listed = |key: &Value| (text(key, "created")[..10].to_owned(), text(key, "expires")[..10].to_owned());
    let (created, expires) = listed(&default["data"]);
    assert_ne!(created, expires);
    for number in 1..20 {
        make(&service, &format!("key {number}"), if number == 1 { 1 } else { 365 }).await;
    }
    let full = asks(json!({"name": "one more"})).await;
    assert_eq!(full, "An account has at most 20 access keys. End one that you do not need.");
    service.advance(Duration::from_hours(24));
    let again = Service::credential_request(&service.client, &service.running.url).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    make(&service, "in the place of the expired one", 1).await;
    assert_eq!(service.account().await.access_keys.len(), 20);
}

#[tokio::test]
async fn keys_made_at_the_same_moment_are_all_there_and_never_too_many() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let requests: Vec<_> = (0..25)
        .map(|number| {
            let body = json!({"name": format!("key {number}")});
            tokio::spawn(bearer(&service, Method::POST, "keys", &token).json(&body).send())
        })
        .collect();
    let mut made = 0;
    for request in requests {
        match request.await.unwrap().unwrap().status().as_u16() {
            200 => made += 1,
            // Too many keys, or overtaken at every try.
            400 | 503 => {}
            other => panic!("{other}"),
        }
    }
    let kept = service.account().await.access_keys.len();
    assert!(kept == made && kept <= 20 && kept > 0, "{kept} of {made}");
}

#[tokio::test]
async fn disabling_and_deleting_end_keys_for_good_and_a_new_password_does_not() {
    let service = Service::start().await;
    let administration = service.administration();
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "lasting", 90).await;
    let body = json!({"password": PASSWORD, "new_password": "another long enough password"});
    ok(send(&service, Method::POST, "password", &body).await).await;
    assert_eq!(log_on_with(&service, EMAIL, text(&key, "key")).await.status(), StatusCode::OK);
    let email = service.account().await.email;
    administration.disable(&email).await.unwrap().unwrap();
    assert_refused(log_on_with(&service, EMAIL, text(&key, "key")).await, 401).await;
    administration.enable(&email).await.unwrap().unwrap();
    assert_refused(log_on_with(&service, EMAIL, text(&key, "key")).await, 401).await;
}

// Checks 10, 75.
#[tokio::test]
async fn a_key_is_in_no_log_and_in_no_other_answer() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "secret", 90).await;
    let secret = text(&key, "key")[37..].to_owned();
    let mut told = String::new();
    for path in ["keys", "sessions", "user"] {
        told += &service.get(&format!("/users/api/{path}")).await.text().await.unwrap();
    }
    told += &log_on_with(&service, EMAIL, text(&key, "key")).await.text().await.unwrap();
    told += &log_on_with(&service, "nobody@jeplus.org", text(&key, "key")).await.text().await.unwrap();
    write!(told, "{:?}", service.account().await.access_keys).unwrap();
    assert!(!told.contains(&secret), "{told}");
}

// Check 75.
#[tokio::test]
async fn a_key_that_a_script_has_read_from_a_file_counts() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "file", 90).await;
    let key = text(&key, "key");
    for (before, after) in [("", "\n"), ("\u{feff}", "\r\n"), (" ", "\u{a0}")] {
        let answer = log_on_with(&service, EMAIL, &format!("{before}{key}{after}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{before:?} {after:?}");
    }
    assert_refused(log_on_with(&service, EMAIL, &format!("\"{key}\"")).await, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_key_is_told_once_however_many_ask_for_it() {
    let service = crate::support::mails::service().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = make(&service, "Log on at evil.example", 5).await;
    let id = AccessKeyId::parse(text(&key, "id")).unwrap();
    let (account, now) = (service.account().await, service.now());
    assert!(account.access_keys[&id].is_end_due(now));
    let tells = (0..10).map(|number| {
        let (store, account, id) = (service.store(), account.clone(), id.clone());
        tokio::spawn(async move { store.tell_of_end(&[number; 16], &account, &id, now).await })
    });
    for told in tells.collect::<Vec<_>>() {
        told.await.unwrap().unwrap();
    }
    assert!(service.account().await.access_keys[&id].end_told);
    // One that it was made, and one that it ends.
    let mails = crate::support::mails::mails(&service, 2).await;
    assert_eq!((mails[1].to.as_str(), mails[1].subject.as_str()), (EMAIL, "jea-auth: An access key ends soon"));
    let day = |member: &str| text(&key, member)[..10].to_owned();
    let digits = &text(&key, "id")[28..];
    let expected = format!("Key: its id ends in {digits}\nMade: {}\nEnds: {}\n", day("created"), day("expires"));
    let body = mails[1].body.replace("\r\n", "\n");
    assert!(body.contains(&expected) && !body.contains("evil"), "{body}");
    // Not of an account whose sessions were ended since it was read, nor of a key that is gone.
    service.administration().end_sessions(&account.email).await.unwrap().unwrap();
    let account = service.account().await;
    service.administration().end_key(&account.email, &id).await.unwrap().unwrap();
    service.store().tell_of_end(&[11; 16], &account, &id, now).await.unwrap();
    assert_eq!(crate::support::mails::mails(&service, 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_key_that_is_gone_is_not_told() {
    let service = crate::support::mails::service().await;
    let table = format!("{}-outbox", service.running.config.stack);
    let expires_at = N((service.now().seconds() + 3600).to_string());
    for (id, key) in [("1", Some("0123456789abcdef0123456789abcdef")), ("2", Some("no id")), ("3", None)] {
        let text = |text: &str| S(text.to_owned());
        let mut put = service.running.config.aws.dynamodb().put_item().table_name(&table).item("id", text(id));
        put = put.item("kind", text("key-ends")).item("email", text(EMAIL)).item("expires_at", expires_at.clone());
        if let Some(key) = key {
            put = put.item("key", text(key));
        }
        put.send().await.unwrap();
    }
    // It comes behind them in the stream.
    service.store().send_mail(&[4; 16], MailKind::Test, &service.account().await.email, service.now()).await.unwrap();
    assert_eq!(crate::support::mails::mails(&service, 1).await[0].subject, "jea-auth: A test");
}
