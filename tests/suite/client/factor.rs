//! The second factor: authenticator apps and recovery codes.

use std::{collections::HashSet, time::Duration};

use jea_auth::local::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    client,
    factor::{NEEDED, STEP, USED, WRONG, code, enrol, lacks, log_on, wrong_code},
    mails,
    owner::{bearer, ok, send},
    service::{EMAIL, KEY_SESSION, NEW_PASSWORD, NO_MATCH, PASSWORD, Service, assert_refused, client, token_of},
};

#[tokio::test]
async fn an_owner_sets_up_a_second_factor_and_logs_on_with_it() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let begun = ok(service.post("/users/api/totp").await).await;
    assert_eq!(begun["status"], "Confirm it with a code of your authenticator app.");
    let secret = begun["data"]["secret"].as_str().unwrap().to_owned();
    let uri = begun["data"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/jea%2Dauth:yi%40jeplus%2Eorg?secret=") && uri.contains(&secret), "{uri}");
    assert_eq!(log_on(&service, PASSWORD, None).await.status(), StatusCode::OK, "nothing is asked yet");

    let wrong = json!({"otp": wrong_code(&service, &secret)});
    assert_eq!(assert_refused(send(&service, Method::POST, "totp/confirm", &wrong).await, 400).await, WRONG);
    let otp = code(&service, &secret);
    let confirmed = ok(send(&service, Method::POST, "totp/confirm", &json!({"otp": otp})).await).await;
    let codes: HashSet<&str> =
        confirmed["data"]["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(codes.len(), 10);
    // Sent again by the same session, as the answer may have been lost, it gives other codes; the first ones have ended.
    let again = ok(send(&service, Method::POST, "totp/confirm", &json!({"otp": otp})).await).await;
    let others = again["data"]["recovery_codes"].as_array().unwrap();
    assert!(others.len() == 10 && others.iter().all(|code| !codes.contains(code.as_str().unwrap())), "{again}");
    lacks(log_on(&service, PASSWORD, codes.iter().next().copied()).await, 401, WRONG).await;

    lacks(log_on(&service, PASSWORD, None).await, 401, NEEDED).await;
    lacks(log_on(&service, PASSWORD, Some(&otp)).await, 401, USED).await;
    assert_eq!(assert_refused(log_on(&service, "wrong", Some(&otp)).await, 401).await, NO_MATCH);
    service.advance(STEP);
    let before = code(&service, &secret);
    service.advance(STEP);
    let answer = log_on(&service, PASSWORD, Some(&before)).await;
    assert_eq!(answer.status(), StatusCode::OK, "the step before counts");
    assert_eq!(ok(answer).await["user"], "Yi");
    lacks(log_on(&service, PASSWORD, Some(&before)).await, 401, USED).await;
    let spaced = code(&service, &secret);
    let spaced = format!(" {} {}", &spaced[..3], &spaced[3..]);
    assert_eq!(log_on(&service, PASSWORD, Some(&spaced)).await.status(), StatusCode::OK, "blanks are passed over");
}

#[tokio::test]
async fn an_account_without_a_factor_ignores_a_code() {
    let service = Service::start().await;
    let plain = log_on(&service, PASSWORD, None).await.text().await.unwrap();
    assert_eq!(log_on(&service, PASSWORD, Some("123456")).await.text().await.unwrap(), plain);
    assert_eq!(assert_refused(log_on(&service, "wrong", Some("123456")).await, 401).await, NO_MATCH);
    service.log_on(EMAIL, PASSWORD).await;
    let none = assert_refused(send(&service, Method::DELETE, "totp", &json!({})).await, 404).await;
    assert_eq!(none, "There is no second factor.");
    let none = assert_refused(send(&service, Method::POST, "totp/confirm", &json!({"otp": "123456"})).await, 404).await;
    assert_eq!(none, "No second factor is begun. POST /users/api/totp begins one.");
    ok(service.post("/users/api/totp").await).await;
    ok(send(&service, Method::DELETE, "totp", &json!({})).await).await;
    assert!(service.account().await.begun_factor.is_none(), "what is begun is removed as well");
    for body in [json!({}), json!({"otp": 123_456}), json!({"otp": "1", "x": 1}), json!(["123456"])] {
        assert_refused(send(&service, Method::POST, "totp/confirm", &body).await, 400).await;
    }
    let number = json!({"email": EMAIL, "password": PASSWORD, "otp": 1});
    let sentence = assert_refused(send(&service, Method::POST, "auth", &number).await, 400).await;
    assert_eq!(sentence, "Send one JSON object with three strings: \"email\", \"password\" and \"otp\".");
}

/// Each log-on writes the same item, and none is told that its password is wrong.
// Checks 76, 80.
#[tokio::test(flavor = "multi_thread")]
async fn ten_log_ons_at_once_with_ten_recovery_codes_all_succeed() {
    let service = Service::start().await;
    let (_, codes) = enrol(&service).await;
    // Five at a time, as many as the bucket of codes takes at once.
    let mut statuses = Vec::new();
    for five in codes.chunks(5) {
        let mut asked = JoinSet::new();
        for code in five {
            let body = json!({"email": EMAIL, "password": PASSWORD, "otp": code});
            asked.spawn(client().post(format!("{}/users/api/auth", service.running.url)).json(&body).send());
        }
        statuses.extend(asked.join_all().await.into_iter().map(|answer| answer.unwrap().status().as_u16()));
        service.advance(Duration::from_hours(2));
    }
    assert_eq!(statuses, [200; 10]);
    assert!(service.account().await.factor.unwrap().recovery.is_empty());
}

// Check 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_repeated_by_its_own_session_and_no_other() {
    let service = Service::start().await;
    let other = token_of(&log_on(&service, PASSWORD, None).await);
    service.log_on(EMAIL, PASSWORD).await;
    let begun = ok(service.post("/users/api/totp").await).await;
    let secret = begun["data"]["secret"].as_str().unwrap().to_owned();
    let otp = json!({"otp": code(&service, &secret)});
    ok(send(&service, Method::POST, "totp/confirm", &otp).await).await;
    let by_other = bearer(&service, Method::POST, "totp/confirm", &other).json(&otp).send().await.unwrap();
    assert_refused(by_other, 404).await;
    // Once another code was used, its owner can log on, and the confirmation is over.
    service.advance(STEP);
    let now = code(&service, &secret);
    assert_eq!(log_on(&service, PASSWORD, Some(&now)).await.status(), StatusCode::OK);
    assert_refused(send(&service, Method::POST, "totp/confirm", &otp).await, 404).await;
}

// Check 76.
#[tokio::test]
async fn each_recovery_code_counts_once() {
    let service = Service::start().await;
    let (_, codes) = enrol(&service).await;
    for code in &codes[..3] {
        let typed = code.to_uppercase().replace('-', " ");
        assert_eq!(log_on(&service, PASSWORD, Some(&typed)).await.status(), StatusCode::OK);
        lacks(log_on(&service, PASSWORD, Some(code)).await, 401, WRONG).await;
    }
    assert_eq!(service.account().await.factor.unwrap().recovery.len(), 7);
    let mut together = JoinSet::new();
    let url = service.running.url.clone();
    for _ in 0..8 {
        let body = json!({"email": EMAIL, "password": PASSWORD, "otp": codes[3]});
        together.spawn(client::plain().post(format!("{url}/users/api/auth")).json(&body).send());
    }
    let statuses: Vec<u16> =
        together.join_all().await.into_iter().map(|answer| answer.unwrap().status().into()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

// Check 76.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_log_ons_with_one_code_open_one_session() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    let before = service.sessions(EMAIL).await.len();
    let body = json!({"email": EMAIL, "password": PASSWORD, "otp": code(&service, &secret)});
    let mut together = JoinSet::new();
    for _ in 0..20 {
        together.spawn(client::plain().post(format!("{}/users/api/auth", service.running.url)).json(&body).send());
    }
    let answers = together.join_all().await;
    let statuses: Vec<u16> = answers.into_iter().map(|answer| answer.unwrap().status().into()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 401, 429].contains(status)), "{statuses:?}");
    let sessions = service.sessions(EMAIL).await;
    assert_eq!(sessions.len(), before + 1);
}

// Check 76.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_codes_at_once_five_are_compared() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    // The code that confirmed it was the first of the bucket.
    service.advance(Duration::from_mins(15));
    let wrong = wrong_code(&service, &secret);
    let mut compared = 0;
    // The password's own bucket has ten at once, and gets each right one back but for a second.
    for _ in 0..5 {
        let mut together = JoinSet::new();
        for _ in 0..10 {
            let body = json!({"email": EMAIL, "password": PASSWORD, "otp": wrong});
            together.spawn(client::plain().post(format!("{}/users/api/auth", service.running.url)).json(&body).send());
        }
        for answer in together.join_all().await {
            let answer = answer.unwrap();
            match answer.status().as_u16() {
                401 => compared += 1,
                429 => assert!(answer.headers().contains_key("retry-after")),
                other => panic!("{other}"),
            }
        }
        service.advance(Duration::from_secs(10));
    }
    assert_eq!(compared, 5);
    let kept_waiting = log_on(&service, PASSWORD, Some(&code(&service, &secret))).await;
    assert_refused(kept_waiting, 429).await;
    lacks(log_on(&service, PASSWORD, None).await, 401, NEEDED).await;
    service.advance(Duration::from_mins(15));
    assert_eq!(log_on(&service, PASSWORD, Some(&code(&service, &secret))).await.status(), StatusCode::OK);
}

// Check 76.
#[tokio::test]
async fn an_owner_who_logs_on_often_is_not_kept_waiting() {
    let service = Service::start().await;
    let (secret, _) = enrol(&service).await;
    for _ in 0..12 {
        service.advance(STEP);
        assert_eq!(log_on(&service, PASSWORD, Some(&code(&service, &secret))).await.status(), StatusCode::OK);
    }
}

// Check 76.
#[tokio::test]
async fn a_right_password_costs_one_second_whatever_becomes_of_the_code() {
    let service = Service::start().await;
    enrol(&service).await;
    for _ in 0..30 {
        lacks(log_on(&service, PASSWORD, None).await, 401, NEEDED).await;
        service.advance(Duration::from_secs(1));
    }
}

// Check 76.
#[tokio::test(flavor = "multi_thread")]
async fn confirming_changing_and_resetting_ask_for_a_code() {
    let service = Service::start_with(Options { mail: true, ..Options::in_memory() }).await;
    let (secret, codes) = enrol(&service).await;
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    lacks(send(&service, Method::POST, "confirm", &credential).await, 401, NEEDED).await;
    let with = |otp: &str| json!({"email": EMAIL, "password": PASSWORD, "otp": otp});
    lacks(send(&service, Method::POST, "confirm", &with(&wrong_code(&service, &secret))).await, 401, WRONG).await;
    let now = code(&service, &secret);
    assert_eq!(
        ok(send(&service, Method::POST, "confirm", &with(&now)).await).await["status"],
        "User credential confirmed!"
    );
    lacks(send(&service, Method::POST, "confirm", &with(&now)).await, 401, USED).await;

    let passwords = json!({"password": PASSWORD, "new_password": NEW_PASSWORD});
    lacks(send(&service, Method::POST, "password", &passwords).await, 403, NEEDED).await;
    let with = |otp: &str| json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "otp": otp});
    lacks(send(&service, Method::POST, "password", &with(&now)).await, 403, USED).await;
    ok(send(&service, Method::POST, "password", &with(&codes[0])).await).await;
    assert_eq!(service.account().await.factor.unwrap().recovery.len(), 9);
    // Sent before the clock goes on: a mail is given up after a quarter of an hour.
    mails::mails(&service, 2).await;

    service.advance(Duration::from_mins(15));
    ok(send(&service, Method::POST, "forgot", &json!({"email": EMAIL})).await).await;
    let token = mails::mails(&service, 3).await[2].token();
    let reset = |otp: Option<&str>| {
        let mut body = json!({"token": token, "new_password": PASSWORD});
        if let Some(otp) = otp {
            body["otp"] = otp.into();
        }
        body
    };
    lacks(send(&service, Method::POST, "reset", &reset(None)).await, 403, NEEDED).await;
    lacks(send(&service, Method::POST, "reset", &reset(Some(&codes[0]))).await, 403, WRONG).await;
    ok(send(&service, Method::POST, "reset", &reset(Some(&code(&service, &secret)))).await).await;
    lacks(log_on(&service, PASSWORD, None).await, 401, NEEDED).await;
    assert_eq!(log_on(&service, PASSWORD, Some(&codes[1])).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_access_key_is_asked_for_no_code_and_sets_up_no_factor() {
    let service = Service::start().await;
    let (_, codes) = enrol(&service).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let by_key = log_on(&service, key["data"]["key"].as_str().unwrap(), None).await;
    assert_eq!(by_key.status(), StatusCode::OK);
    let token = token_of(&by_key);
    let begun = ok(service.post("/users/api/totp").await).await;
    let otp = json!({"otp": code(&service, begun["data"]["secret"].as_str().unwrap())});
    for (method, path) in [(Method::DELETE, "totp"), (Method::POST, "totp"), (Method::POST, "totp/confirm")] {
        let refused = bearer(&service, method, path, &token).json(&otp).send().await.unwrap();
        assert_eq!(assert_refused(refused, 403).await, KEY_SESSION, "{path}");
    }
    let password = json!({"password": PASSWORD, "new_password": NEW_PASSWORD, "otp": codes[0]});
    ok(send(&service, Method::POST, "password", &password).await).await;
    assert!(service.account().await.begun_factor.is_none(), "a new password gives up what was begun");
}
