//! Passkeys through HTTP: made, used, listed and removed.

use std::time::Duration;

use jea_auth::{domain::passkey::PASSKEYS_MAX, local::Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    authenticator::{client_data, text},
    client, mails,
    owner::{bearer, ok, send},
    passkeys::{
        another, ask, assertion, begin, challenge, change, log_on, make, origin, registration, service, with_passkey,
    },
    service::{EMAIL, PASSWORD, Service, assert_refused, client, cookies_of},
};

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_logs_on_without_a_password_and_is_removed() {
    let mut service = service().await;
    let by_password = service.log_on(EMAIL, PASSWORD).await.text().await.unwrap();
    let (options, authenticator) = begin(&service).await;
    let (challenge, user) = (options["challenge"].clone(), options["user"]["id"].clone());
    assert_eq!(
        options,
        json!({
            "rp": {"id": "localhost", "name": "jea-auth"},
            "user": {"id": user, "name": EMAIL, "displayName": "Yi"},
            "challenge": challenge,
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
            "timeout": 300_000,
            "excludeCredentials": [],
            "authenticatorSelection":
                {"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
            "attestation": "none",
        })
    );
    let body = registration(&service, &options, &authenticator);
    let added = ok(send(&service, Method::POST, "passkeys", &body).await).await;
    assert_eq!(added["status"], "Passkey added.");
    let (id, created) = (text(&authenticator.id), added["data"]["created"].clone());
    let kept = json!({"id": id, "name": "Phone", "created": created, "last_used": null, "backed_up": true});
    assert_eq!(added["data"], kept);
    let (again, _) = begin(&service).await;
    assert_eq!(again["user"]["id"], user, "a handle stays");
    assert_eq!(again["excludeCredentials"], json!([{"type": "public-key", "id": id}]));

    service.client = client();
    let data = client_data("webauthn.get", &self::challenge(&service).await, &origin(&service));
    let body = authenticator.assert(data.to_string().as_bytes());
    let answer = service.request(Method::POST, "/users/api/passkeys/auth").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let cookies = cookies_of(&answer);
    assert!(cookies[0].starts_with("session_token=") && cookies[1].starts_with("known_device="), "{cookies:?}");
    assert_eq!(answer.text().await.unwrap(), by_password, "the Auth object of any log-on");
    let sessions = ok(service.get("/users/api/sessions").await).await;
    let by = |current: bool| -> Vec<&str> {
        let all = sessions["data"].as_array().unwrap().iter();
        all.filter(|session| session["current"] == current).map(|session| session["by"].as_str().unwrap()).collect()
    };
    assert_eq!((by(true), by(false)), (vec!["passkey"], vec!["password"]));
    let listed = ok(service.get("/users/api/passkeys").await).await;
    assert_eq!(listed["status"], "Passkeys included.");
    assert_eq!(listed["data"][0]["id"], id);
    assert!(listed["data"][0]["last_used"].as_str().unwrap().ends_with("T00:00:00Z"), "exact to a day");
    ok(service.post("/users/api/checkin").await).await;

    // It counts as the password given.
    let removed = ok(send(&service, Method::DELETE, &format!("passkeys/{id}"), &Value::Null).await).await;
    assert_eq!(removed["status"], "Passkey removed.");
    assert_refused(send(&service, Method::DELETE, &format!("passkeys/{id}"), &Value::Null).await, 404).await;
    assert_eq!(log_on(&service, &authenticator).await.status(), StatusCode::UNAUTHORIZED);
    ok(service.get("/users/api/user").await).await;
    let subjects: Vec<String> = mails::mails(&service, 2).await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["jea-auth: A passkey was added", "jea-auth: A passkey was removed"]);
}

// Check 87.
#[tokio::test]
async fn the_options_to_use_a_passkey_are_the_same_for_everybody() {
    let service = service().await;
    for body in [None, Some(json!({}))] {
        let request = client::plain().post(format!("{}/users/api/passkeys/options", service.running.url));
        let request = if let Some(body) = &body { request.json(body) } else { request };
        let options = ok(request.send().await.unwrap()).await;
        let challenge = options["data"]["challenge"].clone();
        assert_eq!(
            options,
            json!({"ok": true, "status": "Passkey options included.", "data": {
                "challenge": challenge, "timeout": 300_000, "rpId": "localhost", "allowCredentials": [],
                "userVerification": "required",
            }})
        );
    }
}

// Check 87.
#[tokio::test]
async fn counter_backup_flags_and_unknown_members_refuse_no_log_on() {
    use crate::support::authenticator::{BE, BS, UP, UV};
    let (service, mut authenticator) = with_passkey().await;
    for (flags, count) in [(UP | UV | BE | BS, 9), (UP | UV, 3), (UP | UV | BE, 0), (UP | UV | BE | BS, 3)] {
        (authenticator.flags, authenticator.count) = (flags, count);
        let mut body = assertion(&service, &authenticator).await;
        body["what_comes_next"] = json!({"a": [1]});
        body["response"]["x"] = json!(null);
        ok(ask(&service, "auth", &body).await).await;
        let account = service.account().await;
        let kept = account.passkeys.values().next().unwrap();
        assert_eq!((kept.sign_count, kept.backed_up), (count, flags & BS != 0));
    }
}

// Check 87.
#[tokio::test]
async fn a_passkey_changes_nothing_for_the_password_and_an_access_key() {
    let (service, _) = with_passkey().await;
    service.log_on(EMAIL, PASSWORD).await;
    let made = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let key = made["data"]["key"].as_str().unwrap();
    let by_key = service.new_token_with(key).await;
    ok(bearer(&service, Method::GET, "passkeys", &by_key).send().await.unwrap()).await;
    for name in ["passkey", "PassKey"] {
        let sentence = assert_refused(send(&service, Method::POST, "keys", &json!({"name": name})).await, 400).await;
        assert_eq!(sentence, "name: a key cannot be called passkey.");
    }
    let with_code = ok(service.log_on(EMAIL, PASSWORD).await).await;
    assert_eq!(with_code["status"], "Logged in successfully!", "and it is asked for no code");
    let (password, new) = (json!(PASSWORD), json!("another long enough password"));
    ok(send(&service, Method::POST, "password", &json!({"password": password, "new_password": new})).await).await;
    assert_eq!(service.account().await.passkeys.len(), 1, "a new password leaves them");
}

// Check 87.
#[tokio::test]
async fn an_account_has_ten_passkeys_and_no_more() {
    let (service, _) = with_passkey().await;
    service.advance(Duration::from_mins(1));
    for _ in 1..PASSKEYS_MAX {
        make(&service).await;
    }
    let created = ok(service.get("/users/api/passkeys").await).await;
    assert_eq!(created["data"].as_array().unwrap().len(), PASSKEYS_MAX);
    let refused = service.post("/users/api/passkeys/new").await;
    let sentence = assert_refused(refused, 400).await;
    assert_eq!(sentence, "An account has at most 10 passkeys. Remove one that you do not need.");
}

// Check 87.
#[tokio::test]
async fn an_owner_confirms_by_a_passkey_of_the_same_account_and_by_no_other() {
    let (mut service, authenticator) = with_passkey().await;
    let (of_another, _) = another(&mut service).await;
    service.advance(Duration::from_mins(16));
    let begin = || service.post("/users/api/passkeys/new");
    assert_refused(begin().await, 403).await;
    let mismatch = json!({"ok": false, "status": "User does not match the existing session"});
    let mut unsigned = assertion(&service, &authenticator).await;
    unsigned["response"]["signature"] = json!("AAAA");
    for wrong in [assertion(&service, &of_another).await, unsigned] {
        let answer = send(&service, Method::POST, "passkeys/confirm", &wrong).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(answer.json::<Value>().await.unwrap(), mismatch);
    }
    assert_refused(begin().await, 403).await;
    let before = service.sessions(EMAIL).await.len();
    let right = assertion(&service, &authenticator).await;
    let confirmed = ok(send(&service, Method::POST, "passkeys/confirm", &right).await).await;
    assert_eq!(confirmed["status"], "User credential confirmed!");
    ok(begin().await).await;
    assert_eq!(service.sessions(EMAIL).await.len(), before + 1, "a session of its own");
    let made = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let by_key = service.new_token_with(made["data"]["key"].as_str().unwrap()).await;
    let right = assertion(&service, &authenticator).await;
    let refused = bearer(&service, Method::POST, "passkeys/confirm", &by_key).json(&right).send().await.unwrap();
    assert_refused(refused, 403).await;
}

// Checks 82, 87.
#[tokio::test]
async fn a_passkey_is_the_second_factor_that_an_account_must_have() {
    let options = Options { passkeys: true, require_factor: "all".to_owned(), ..Options::in_memory() };
    let mut service = Service::start_with(options).await;
    let credential = json!({"email": EMAIL, "password": PASSWORD, "enrol": true});
    ok(service.request(Method::POST, "/users/api/auth").json(&credential).send().await.unwrap()).await;
    assert_refused(service.get("/users/api/sessions").await, 401).await;
    ok(service.get("/users/api/passkeys").await).await;
    let authenticator = make(&service).await;
    service.advance(Duration::from_secs(6));
    ok(service.get("/users/api/sessions").await).await;
    // It is met by a passkey, for the password, too.
    ok(service.log_on(EMAIL, PASSWORD).await).await;
    service.client = client();
    let body = assertion(&service, &authenticator).await;
    ok(service.request(Method::POST, "/users/api/passkeys/auth").json(&body).send().await.unwrap()).await;
    let last = format!("passkeys/{}", text(&authenticator.id));
    let refused = send(&service, Method::DELETE, &last, &Value::Null).await;
    assert_eq!(assert_refused(refused, 403).await, "This account must have a second factor.");
    let second = make(&service).await;
    ok(send(&service, Method::DELETE, &last, &Value::Null).await).await;
    ok(service.post("/users/api/checkin").await).await;
    change(&service, |account| account.passkeys.clear()).await;
    assert_refused(service.post("/users/api/checkin").await, 401).await;
    assert_eq!(log_on(&service, &second).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_switched_off_is_no_operation() {
    let service = Service::start().await;
    for path in ["options", "auth", "new", "confirm"] {
        assert_refused(ask(&service, path, &json!({})).await, 401).await;
    }
    service.log_on(EMAIL, PASSWORD).await;
    for path in ["passkeys/options", "passkeys/auth", "passkeys/new", "passkeys/confirm", "passkeys"] {
        assert_refused(send(&service, Method::POST, path, &json!({})).await, 404).await;
    }
}
