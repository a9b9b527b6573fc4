//! The second factor, seen by its owner: what of it is there, another one, new recovery codes, and codes that were used.

use std::{process::Command, time::Duration};

use jea_auth::local::Options;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    factor::{STEP, USED, WRONG, code, enrol, lacks, log_on, wrong_code},
    mails,
    owner::{ok, send},
    service::{EMAIL, PASSWORD, STEP_UP, Service, assert_refused, has},
};

// Check 86.
#[tokio::test]
async fn an_owner_sees_the_factor_and_makes_new_recovery_codes() {
    let service = Service::start().await;
    let seen = async || ok(send(&service, Method::GET, "totp", &Value::Null).await).await["data"].clone();
    service.log_on(EMAIL, PASSWORD).await;
    assert_eq!(seen().await, json!({"set": false, "recovery_codes": 0}));
    let asks = async |otp: &str| send(&service, Method::POST, "totp/codes", &json!({"otp": otp})).await;
    assert_eq!(assert_refused(asks("123456").await, 404).await, "There is no second factor.");
    let (secret, old) = enrol(&service).await;
    assert_eq!(seen().await, json!({"set": true, "recovery_codes": 10}));
    assert_eq!(log_on(&service, PASSWORD, Some(&old[0])).await.status(), StatusCode::OK);
    assert_eq!(seen().await["recovery_codes"], 9);

    assert_eq!(assert_refused(asks(&wrong_code(&service, &secret)).await, 400).await, WRONG);
    service.advance(STEP);
    let by_app = ok(asks(&code(&service, &secret)).await).await;
    assert_eq!(by_app["status"], "New recovery codes. They are shown this once.");
    assert_eq!(seen().await["recovery_codes"], 10);
    lacks(log_on(&service, PASSWORD, Some(&old[1])).await, 401, WRONG).await;
    let new = by_app["data"]["recovery_codes"][0].as_str().unwrap();
    let by_code = ok(asks(new).await).await;
    assert_eq!(by_code["data"]["recovery_codes"].as_array().unwrap().len(), 10);
    lacks(log_on(&service, PASSWORD, Some(new)).await, 401, WRONG).await;
    let newest = by_code["data"]["recovery_codes"][0].as_str().unwrap();
    assert_eq!(log_on(&service, PASSWORD, Some(newest)).await.status(), StatusCode::OK);
    service.advance(Duration::from_mins(16));
    assert_eq!(assert_refused(asks(newest).await, 403).await, STEP_UP);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_factor_leaves_the_old_one_in_force_and_removal_ends_it() {
    let service = Service::start_with(Options { mail: true, ..Options::in_memory() }).await;
    let (old, _) = enrol(&service).await;
    let begun = ok(service.post("/users/api/totp").await).await;
    let new = begun["data"]["secret"].as_str().unwrap().to_owned();
    lacks(log_on(&service, PASSWORD, Some(&code(&service, &new))).await, 401, WRONG).await;
    assert_eq!(log_on(&service, PASSWORD, Some(&code(&service, &old))).await.status(), StatusCode::OK);
    let otp = json!({"otp": code(&service, &new)});
    ok(send(&service, Method::POST, "totp/confirm", &otp).await).await;
    service.advance(STEP);
    lacks(log_on(&service, PASSWORD, Some(&code(&service, &old))).await, 401, WRONG).await;
    assert_eq!(log_on(&service, PASSWORD, Some(&code(&service, &new))).await.status(), StatusCode::OK);
    // Sent before the clock goes on: a mail is given up after a quarter of an hour.
    mails::mails(&service, 2).await;

    service.advance(Duration::from_mins(16));
    for (method, path) in [(Method::POST, "totp"), (Method::DELETE, "totp")] {
        assert_eq!(assert_refused(send(&service, method, path, &json!({})).await, 403).await, STEP_UP);
    }
    let credential = json!({"email": EMAIL, "password": PASSWORD, "otp": code(&service, &new)});
    ok(send(&service, Method::POST, "confirm", &credential).await).await;
    ok(send(&service, Method::DELETE, "totp", &json!({})).await).await;
    assert_eq!(log_on(&service, PASSWORD, None).await.status(), StatusCode::OK);
    let subjects: Vec<String> = mails::mails(&service, 3).await.into_iter().map(|mail| mail.subject).collect();
    let set = "jea-auth: A second factor was set up";
    assert_eq!(subjects, [set, set, "jea-auth: The second factor was removed"]);
}

#[tokio::test]
async fn authenticators_of_others_show_the_codes_that_count() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    let at = |seconds: u64| service.now().seconds() + seconds;
    if has("oathtool", &["--version"]) {
        let moment = format!("@{}", at(0));
        let output = Command::new("oathtool").args(["--totp", "--base32", "--now", &moment, &secret]).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        assert_eq!(log_on(&service, PASSWORD, Some(&shown)).await.status(), StatusCode::OK, "oathtool: {shown}");
    }
    service.advance(STEP);
    if has("python3", &["-c", "import pyotp"]) {
        let program = format!("import pyotp; print(pyotp.TOTP('{secret}').at({}))", at(0));
        let output = Command::new("python3").args(["-c", &program]).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        assert_eq!(log_on(&service, PASSWORD, Some(&shown)).await.status(), StatusCode::OK, "pyotp: {shown}");
    }
}

/// Somebody who types a code twice is not told that the app is wrong; and whoever has not the password hears nothing.
// Check 86.
#[tokio::test]
async fn a_code_that_was_used_is_told_as_used_to_whoever_gave_the_right_password() {
    let service = Service::start().await;
    let (secret, codes) = enrol(&service).await;
    let used = code(&service, &secret);
    assert_eq!(log_on(&service, PASSWORD, Some(&used)).await.status(), StatusCode::OK);
    lacks(log_on(&service, PASSWORD, Some(&used)).await, 401, USED).await;
    let refused = assert_refused(log_on(&service, "a wrong password", Some(&used)).await, 401).await;
    assert_eq!(refused, "No matching username and password pair was found!");
    let asks = async |otp: &str| send(&service, Method::POST, "totp/codes", &json!({"otp": otp})).await;
    let refused: Value = asks(&used).await.json().await.unwrap();
    assert_eq!(refused, json!({"ok": false, "status": USED, "reason": "code-used"}));
    // The step before the last used one is used as well; of a recovery code that was used nothing is kept.
    service.advance(STEP);
    let before = code(&service, &secret);
    service.advance(STEP);
    assert_eq!(log_on(&service, PASSWORD, Some(&code(&service, &secret))).await.status(), StatusCode::OK);
    lacks(log_on(&service, PASSWORD, Some(&before)).await, 401, USED).await;
    service.advance(Duration::from_mins(15));
    assert_eq!(log_on(&service, PASSWORD, Some(&codes[0])).await.status(), StatusCode::OK);
    lacks(log_on(&service, PASSWORD, Some(&codes[0])).await, 401, WRONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_once_when_two_recovery_codes_are_left() {
    let service = mails::service().await;
    let (secret, codes) = enrol(&service).await;
    for code in &codes[..7] {
        assert_eq!(log_on(&service, PASSWORD, Some(code)).await.status(), StatusCode::OK);
        service.advance(STEP);
    }
    mails::mails(&service, 1).await;
    assert_eq!(log_on(&service, PASSWORD, Some(&codes[7])).await.status(), StatusCode::OK);
    let told = mails::mails(&service, 2).await;
    assert_eq!(told[1].subject, "jea-auth: Two recovery codes are left");
    assert!(!codes.iter().any(|code| told[1].body.contains(code)) && told[1].body.contains("If it was not you"));
    // A code of the app leaves as many, and the next recovery code fewer.
    assert_eq!(log_on(&service, PASSWORD, Some(&code(&service, &secret))).await.status(), StatusCode::OK);
    assert_eq!(log_on(&service, PASSWORD, Some(&codes[8])).await.status(), StatusCode::OK);
    ok(send(&service, Method::POST, "forgot", &json!({"email": EMAIL})).await).await;
    assert_eq!(mails::mails(&service, 3).await[2].subject, "jea-auth: Set a new password", "nothing before it");
}
