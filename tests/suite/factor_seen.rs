//! What an owner sees of the second factor, and new recovery codes.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    factor::{STEP, WRONG, code, enrol, lacks, log_on, wrong_code},
    owner::{STEP_UP, ok, send},
    service::{EMAIL, PASSWORD, Service, assert_refused},
};

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
