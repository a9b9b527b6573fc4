//! Second factors: set up, used, and demanded.

use std::time::Duration;

use aws_lc_rs::hmac;
use jea_auth::{
    domain::{
        account::{Account, Email, Role},
        factor::TotpSecret,
    },
    service::administration::{Particulars, RoleChange},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{
    owner::{ok, send},
    service::{EMAIL, PASSWORD, Service, client},
};

pub const NEEDED: &str = "A code of your authenticator app is needed.";
pub const WRONG: &str = "The code is wrong.";
pub const USED: &str = "This code was used. Wait for the next one.";
const MUST: &str = "This account must have a second factor. Set it up on the sign-in page.";
/// A step of the authenticator app.
pub const STEP: Duration = Duration::from_secs(30);

/// The code that an app shows at the time of the test (RFC 6238).
pub fn code(service: &Service, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TotpSecret::parse(secret).unwrap().expose());
    let tag = hmac::sign(&key, &(service.now().seconds() / 30).to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", four % 1_000_000)
}

/// A code that is wrong now.
pub fn wrong_code(service: &Service, secret: &str) -> String {
    let right = code(service, secret);
    ["000000", "111111", "222222"].into_iter().find(|code| *code != right).unwrap().to_owned()
}

/// Logs on with a code, as somebody new.
pub async fn log_on(service: &Service, password: &str, otp: Option<&str>) -> Response {
    let mut body = json!({"email": EMAIL, "password": password});
    if let Some(otp) = otp {
        body["otp"] = otp.into();
    }
    client().post(format!("{}/users/api/auth", service.running.url)).json(&body).send().await.unwrap()
}

/// Sets a second factor up, and gives back its secret and its recovery codes. The clock goes on by one step.
pub async fn enrol(service: &Service) -> (String, Vec<String>) {
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    let begun = ok(service.post("/users/api/totp").await).await;
    let secret = begun["data"]["secret"].as_str().unwrap().to_owned();
    let otp = json!({"otp": code(service, &secret)});
    let confirmed = ok(send(service, Method::POST, "totp/confirm", &otp).await).await;
    service.advance(STEP);
    let codes = confirmed["data"]["recovery_codes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// What an answer says that lacks a code.
pub async fn lacks(answer: Response, status: u16, sentence: &str) {
    assert_eq!(answer.status().as_u16(), status);
    assert!(!answer.headers().contains_key("set-cookie"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"ok": false, "status": sentence, "factor": "otp"}));
}

/// What an answer says that lacks a second factor.
pub async fn must_enrol(answer: Response, status: u16) {
    assert_eq!(answer.status().as_u16(), status);
    assert!(!answer.headers().contains_key("set-cookie"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"ok": false, "status": MUST, "factor": "enrol"}));
}

/// Has an operator give the account a role.
pub async fn give_role(service: &Service, role: &str) -> Account {
    let particulars = Particulars { role: RoleChange::Set(Role::parse(role).unwrap()), ..Particulars::default() };
    service.administration().set(&Email::canonical(EMAIL), &particulars).await.unwrap().unwrap()
}
