//! What is wrong, for programs: the word of each refusal.

use std::{collections::BTreeSet, time::Duration};

use jea_auth::{
    domain::{
        account::{Account, Status, TEXTS_MAX_BYTES},
        passkey::PASSKEYS_MAX,
    },
    functions::app,
    local::Options,
    platform::store::StoreError,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{
    client,
    event::event,
    factor::{code, enrol, give_role},
    owner::{bearer, ok, send},
    passkeys,
    service::{EMAIL, NEW_PASSWORD, PASSWORD, Service, assert_refused, client, context_of, reasons, token_of},
};

/// Words that were seen.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    /// Asserts that an answer is a refusal of this status for this reason.
    async fn see(&mut self, answer: Response, status: u16, reason: &str) {
        let path = answer.url().path().to_owned();
        assert_eq!(answer.status().as_u16(), status, "{path}, {reason}");
        let body: Value = answer.json().await.unwrap();
        self.see_body(&body, reason, &path);
    }

    fn see_body(&mut self, body: &Value, reason: &str, path: &str) {
        assert_eq!(body["reason"], reason, "{path}: {body}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{path}: {body}");
        self.0.insert(reason.to_owned());
    }
}

/// Refusals of bodies: what is sent to which path, and the status and the word that come of it.
fn refused_bodies() -> Vec<(&'static str, Value, u16, &'static str)> {
    let password = |new: &str| json!({"password": PASSWORD, "new_password": new});
    vec![
        ("user", json!([]), 400, "malformed-body"),
        ("user", json!({"company": 1}), 400, "malformed-body"),
        ("user", json!({"company": "x".repeat(257)}), 400, "value-too-long"),
        ("user", json!({"company": "a\nb"}), 400, "control-character"),
        ("user", json!({"nickname": ""}), 400, "bad-name"),
        ("user", json!({"role": "admin"}), 400, "not-changeable"),
        ("user", json!({"company": "x".repeat(4096)}), 413, "body-too-large"),
        ("keys", json!({"name": "password"}), 400, "bad-name"),
        ("keys", json!({"name": ""}), 400, "bad-name"),
        ("keys", json!({"name": "x", "days": 366}), 400, "bad-days"),
        ("keys", json!({"days": 1}), 400, "malformed-body"),
        ("password", password("short"), 400, "password-too-short"),
        ("password", password(&"x".repeat(1025)), 400, "password-too-long"),
        ("password", password("a long enough\tpassword"), 400, "password-not-typeable"),
        ("password", password("two lines of\na password"), 400, "password-not-typeable"),
        ("password", password("jea_and something else"), 400, "password-like-key"),
        ("password", password("passwordpassword"), 400, "password-common"),
        ("password", password(PASSWORD), 400, "password-unchanged"),
        ("password", json!({"password": "wrong", "new_password": NEW_PASSWORD}), 403, "wrong-password"),
        ("totp/confirm", json!({"otp": "123456"}), 404, "factor-not-begun"),
        ("reset", json!({"token": "1.2.3.4.5", "new_password": NEW_PASSWORD}), 403, "bad-link"),
        ("forgot", json!({"mail": EMAIL}), 400, "malformed-body"),
        ("forgot", json!({"email": "no email"}), 400, "bad-email"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_of_the_description_is_the_reason_of_a_refusal() {
    let service = Service::start_with(Options { mail: true, passkeys: true, ..Options::in_memory() }).await;
    let mut seen = Seen::default();
    service.log_on(EMAIL, PASSWORD).await;
    for (path, body, status, reason) in refused_bodies() {
        seen.see(send(&service, Method::POST, path, &body).await, status, reason).await;
    }
    let long = json!({"password": PASSWORD, "new_password": "Mr@Longish.Example.org"});
    service.add_account("mr@longish.example.org", PASSWORD, Status::Active).await;
    let other = client().post(format!("{}/users/api/auth", service.running.url));
    let other = other.json(&json!({"email": "mr@longish.example.org", "password": PASSWORD})).send().await.unwrap();
    let other = bearer(&service, Method::POST, "password", &token_of(&other)).json(&long).send().await.unwrap();
    seen.see(other, 400, "password-personal").await;
    let plain = service.request(Method::POST, "/users/api/user").header("content-type", "text/plain").body("{}");
    seen.see(plain.send().await.unwrap(), 415, "not-json").await;
    let cross = client::plain().post(format!("{}/users/api/forgot", service.running.url));
    let cross = cross.header("origin", "https://evil.example").json(&json!({"email": EMAIL})).send().await.unwrap();
    seen.see(cross, 403, "cross-site").await;
    seen.see(send(&service, Method::DELETE, "sessions/x", &Value::Null).await, 404, "no-such-id").await;
    seen.see(send(&service, Method::DELETE, "totp", &Value::Null).await, 404, "no-factor").await;
    ok(service.post("/users/api/totp").await).await;
    for (status, reason) in [(400, "wrong-code"), (429, "too-many-attempts")] {
        let mut answer = send(&service, Method::POST, "totp/confirm", &json!({"otp": "no code"})).await;
        for _ in 0..10 {
            if answer.status().as_u16() == status {
                break;
            }
            answer = send(&service, Method::POST, "totp/confirm", &json!({"otp": "no code"})).await;
        }
        seen.see(answer, status, reason).await;
    }
    see_passkeys(&service, &mut seen).await;
    let legacy = ("legacy".to_owned(), "x".repeat(TEXTS_MAX_BYTES - 100));
    let grow = |account: &Account| Ok::<_, StoreError>(Account { profile: [legacy.clone()].into(), ..account.clone() });
    service.store().change_account(&service.account().await.email, grow).await.unwrap();
    let more = json!({"company": "x".repeat(250)});
    seen.see(send(&service, Method::POST, "user", &more).await, 400, "account-too-large").await;
    let mut key = Value::Null;
    // The bucket of changes is not what is tested here.
    service.advance(Duration::from_mins(10));
    for number in 0..20 {
        key = ok(send(&service, Method::POST, "keys", &json!({"name": format!("key {number}")})).await).await;
    }
    let one_more = json!({"name": "one more"});
    seen.see(send(&service, Method::POST, "keys", &one_more).await, 400, "too-many-keys").await;
    let credential = json!({"email": EMAIL, "password": key["data"]["key"]});
    let by_key = client().post(format!("{}/users/api/auth", service.running.url)).json(&credential).send().await;
    let by_key = token_of(&by_key.unwrap());
    for (method, path) in [(Method::POST, "keys"), (Method::POST, "totp/confirm"), (Method::POST, "confirm")] {
        let refused = bearer(&service, method, path, &by_key).json(&credential).send().await.unwrap();
        seen.see(refused, 403, "key-session").await;
    }
    service.advance(Duration::from_mins(16));
    seen.see(send(&service, Method::POST, "keys", &one_more).await, 403, "step-up-needed").await;
    what_a_second_factor_answers(&mut seen).await;
    what_the_function_alone_answers(&service, &mut seen).await;
    let listed: BTreeSet<String> = reasons().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    assert_eq!(seen.0, listed);
}

/// Passkeys that cannot be added.
async fn see_passkeys(service: &Service, seen: &mut Seen) {
    // The bucket of changes is not what is tested here.
    service.advance(Duration::from_mins(30));
    service.log_on(EMAIL, PASSWORD).await;
    let (options, authenticator) = passkeys::begin(service).await;
    let body = passkeys::registration(service, &options, &authenticator);
    ok(send(service, Method::POST, "passkeys", &body).await).await;
    let of_log_on = json!({"challenge": passkeys::challenge(service).await});
    let body = passkeys::registration(service, &of_log_on, &authenticator);
    seen.see(send(service, Method::POST, "passkeys", &body).await, 400, "bad-passkey").await;
    let (options, _) = passkeys::begin(service).await;
    let again = passkeys::registration(service, &options, &authenticator);
    seen.see(send(service, Method::POST, "passkeys", &again).await, 400, "passkey-known").await;
    for _ in 1..PASSKEYS_MAX {
        passkeys::make(service).await;
    }
    seen.see(service.post("/users/api/passkeys/new").await, 400, "too-many-passkeys").await;
    service.advance(Duration::from_mins(30));
    service.log_on(EMAIL, PASSWORD).await;
}

/// Of an account that must have one.
async fn what_a_second_factor_answers(seen: &mut Seen) {
    let demand = "admin".to_owned();
    let service = Service::start_with(Options { require_factor: demand, ..Options::in_memory() }).await;
    let (secret, _) = enrol(&service).await;
    give_role(&service, "admin").await;
    seen.see(send(&service, Method::DELETE, "totp", &Value::Null).await, 403, "factor-required").await;
    let otp = json!({"otp": code(&service, &secret)});
    ok(send(&service, Method::POST, "totp/codes", &otp).await).await;
    seen.see(send(&service, Method::POST, "totp/codes", &otp).await, 400, "code-used").await;
}

/// The authorizer, which comes first, would not let these pass.
async fn what_the_function_alone_answers(service: &Service, seen: &mut Seen) {
    let token = service.new_token().await;
    let asks = event("GET", "/users/api/sessions").by(&context_of(&token)).event();
    let disable = |account: &Account| Ok::<_, StoreError>(Account { status: Status::Disabled, ..account.clone() });
    service.store().change_account(&service.account().await.email, disable).await.unwrap();
    let mut config = service.config();
    let answer = app::logon(&config, service.clock()).handle(&asks).await;
    assert_eq!(answer.status.as_u16(), 401);
    seen.see_body(&serde_json::from_str(&answer.body).unwrap(), "session-needed", "sessions");
    config.aws.dynamodb_endpoint = Some("http://127.0.0.1:1".to_owned());
    let answer = app::logon(&config, service.clock()).handle(&asks).await;
    assert_eq!(answer.status.as_u16(), 503);
    seen.see_body(&serde_json::from_str(&answer.body).unwrap(), "unavailable", "sessions");
}

#[tokio::test]
async fn a_sentence_names_what_was_sent() {
    let service = Service::start_with(Options { mail: true, ..Options::in_memory() }).await;
    service.log_on(EMAIL, PASSWORD).await;
    for path in ["auth", "confirm", "user", "password", "keys", "totp/confirm", "forgot", "reset"] {
        let is_credential = ["auth", "confirm"].contains(&path);
        let asks = || service.request(Method::POST, &format!("/users/api/{path}"));
        let json = || asks().header("content-type", "application/json");
        for (request, status) in [
            (json().body("[]"), 400),
            (json().body(" ".repeat(4097)), 413),
            (json().header("content-encoding", "gzip").body("{}"), 415),
            (asks().header("content-type", "text/plain").body("{}"), 415),
            (asks().header("content-type", "application/json; charset=utf-16").body("{}"), 415),
        ] {
            let sentence = assert_refused(request.send().await.unwrap(), status).await;
            let names_credential = sentence.contains("credential");
            assert_eq!(names_credential, is_credential && status != 400, "{path}, {status}: {sentence}");
        }
    }
}
