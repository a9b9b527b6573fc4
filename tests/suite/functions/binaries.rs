//! Both Lambda binaries as real processes against a Runtime API.

use jea_auth::{functions::config::Config, platform::store::Store};
use serde_json::{Value, json};

use crate::support::{
    event::{authorization, effect, log_on_event},
    runtime_api::Function,
    service::{EMAIL, PASSWORD, Service},
};

#[tokio::test]
async fn the_binaries_log_on_and_authorize() {
    let service = Service::start().await;
    let mut logon = Function::start(env!("CARGO_BIN_EXE_logon"), &service.running.config).await;
    let answer = logon.invoke(log_on_event(EMAIL, PASSWORD).value()).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let cookie = answer["multiValueHeaders"]["set-cookie"][0].as_str().unwrap();

    let mut authorizer = Function::start(env!("CARGO_BIN_EXE_authorizer"), &service.running.config).await;
    let verdict = async |authorizer: &mut Function, cookie: &str| -> Value {
        authorizer.invoke(authorization().header("Cookie", cookie).value()).await
    };
    let allowed = verdict(&mut authorizer, cookie).await;
    assert_eq!(effect(&allowed), "Allow");
    assert_eq!(allowed["context"]["email"], EMAIL);
    let denied = verdict(&mut authorizer, "session_token=x").await;
    assert_eq!(effect(&denied), "Deny");
}

#[tokio::test]
async fn the_rotator_makes_the_first_key_and_no_second_one() {
    let service = Service::start().await;
    let config = Config { stack: "new-stack".to_owned(), ..service.config() };
    let store = Store::new(config.aws.dynamodb(), &config.stack);
    store.create_tables().await.unwrap();
    let mut rotator = Function::start(env!("CARGO_BIN_EXE_rotator"), &config).await;
    let scheduled = json!({"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event"});
    let made = rotator.invoke(scheduled.clone()).await;
    assert_eq!(rotator.invoke(scheduled).await, json!({"made": null}));
    let keys = store.signing_keys().await.unwrap().keys;
    let ids: Vec<&str> = keys.iter().map(|key| key.jwk.key_id().as_str()).collect();
    assert_eq!(ids, [made["made"].as_str().unwrap()]);
}

// Check 55.
#[tokio::test]
async fn bad_configuration_stops_the_start_with_every_problem_by_name() {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_logon"))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
        .env("TOKEN_SECONDS", "soon")
        .output()
        .await
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for name in ["ISSUER is not set", "AWS_REGION is not set", "TOKEN_SECONDS must be"] {
        assert!(message.contains(name), "{name} in {message}");
    }
}

/// What CloudWatch reads: one line for each event, with the metrics that the alarms of the template watch.
#[tokio::test]
async fn every_event_is_one_line_of_the_journal_with_its_metrics_and_no_secret() {
    let service = Service::start().await;
    let mut logon = Function::start(env!("CARGO_BIN_EXE_logon"), &service.running.config).await;
    for (email, password) in [(EMAIL, PASSWORD), (EMAIL, "canary-password"), ("canary-email", PASSWORD)] {
        logon.invoke(log_on_event(email, password).value()).await;
    }
    let lines = logon.journal();
    let told: Vec<(&str, &str, Option<&str>)> = lines
        .iter()
        .map(|line| (line["event"].as_str().unwrap(), line["outcome"].as_str().unwrap(), line["reason"].as_str()))
        .collect();
    assert_eq!(
        told,
        [("log-on", "200", None), ("log-on", "401", Some("wrong password")), ("log-on", "401", Some("unknown email"))]
    );
    for (line, count) in lines.iter().zip(["LogOns", "LogOnsRefused", "LogOnsRefused"]) {
        assert_eq!((&line[count], &line["request_id"]), (&1.0.into(), &"request-1".into()));
        assert!(line["HashTime"].as_f64().unwrap() > 0.0 && line["StoreTime"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["account"].as_str().unwrap().starts_with("account:"));
        for secret in ["canary", EMAIL, PASSWORD, "session_token"] {
            assert!(!line.to_string().contains(secret), "{line}");
        }
    }
    assert_eq!(lines[0]["account"], lines[1]["account"]);
    assert_ne!(lines[0]["account"], lines[2]["account"]);

    let mut authorizer = Function::start(env!("CARGO_BIN_EXE_authorizer"), &service.running.config).await;
    let token = service.new_token().await;
    for token in [token.as_str(), "x.y.z"] {
        authorizer.invoke(authorization().bearer(token).value()).await;
    }
    let lines = authorizer.journal();
    assert_eq!((&lines[0]["outcome"], &lines[0]["Allowed"]), (&"allowed".into(), &1.0.into()));
    assert_eq!((&lines[1]["outcome"], &lines[1]["Denied"]), (&"denied".into(), &1.0.into()));
    assert_eq!(lines[1]["reason"], "not three parts of canonical base64url");
    assert!(lines[0]["AuthorizerTime"].as_f64().unwrap() > 0.0);

    let mut rotator = Function::start(env!("CARGO_BIN_EXE_rotator"), &service.running.config).await;
    rotator.invoke(json!({})).await;
    let line = rotator.journal().remove(0);
    assert_eq!((&line["outcome"], &line["SigningDaysLeft"]), (&"no key was due".into(), &44.0.into()));
    assert_eq!(line["KeyAge"], 0.0);
}
