//! Events as API Gateway sends them: the files in `events/`, of which each is named for what it must give, and what
//! differs from one of them in a few members. All go through the handlers.

use std::{collections::BTreeSet, fs};

use jea_auth::{functions::app, local::DEMO_EMAIL, platform::machine};
use serde_json::Value;

use crate::support::{
    outcomes::{EFFECTS, STATUSES, Session},
    service::Service,
};

#[tokio::test]
async fn the_log_on_function_gives_what_each_event_is_named_for() {
    let service = crate::support::mails::service().await;
    let session = Session::new(&service).await;
    let function = app::logon(&service.running.config, machine::system_clock());
    for outcome in STATUSES {
        let (name, status, event) = (outcome.name, outcome.gives, session.event(outcome));
        let answer = function.handle(&event).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer.status.as_u16(), status, "{name}: {body}");
        if !name.ends_with("jwks") && !name.ends_with("discovery") && !name.starts_with("info") {
            assert_eq!(body["ok"], status == 200, "{name}: {body}");
        }
        let sets_cookie = answer.headers.contains_key("set-cookie");
        let response = serde_json::to_value(answer.for_gateway(&event)).unwrap();
        assert_eq!(response["statusCode"], status);
        let member = if name == "log-on-http-api" { "/cookies/0" } else { "/multiValueHeaders/set-cookie/0" };
        let cookie = response.pointer(member).and_then(Value::as_str);
        assert_eq!(
            cookie.is_some_and(|cookie| cookie.starts_with("session_token=")),
            sets_cookie,
            "{name}: {response}"
        );
    }
}

// Check 51.
#[tokio::test]
async fn the_authorizer_gives_what_each_event_is_named_for() {
    let service = Service::start().await;
    let session = Session::new(&service).await;
    let function = app::authorizer(&service.running.config, machine::system_clock());
    for outcome in EFFECTS {
        let (name, effect, event) = (outcome.name, outcome.gives, session.event(outcome));
        let answer = function.handle(&event).await.unwrap();
        assert_eq!(answer["policyDocument"]["Version"], "2012-10-17");
        let statement = &answer["policyDocument"]["Statement"][0];
        assert_eq!(statement["Effect"], effect, "{name}");
        if effect == "Allow" {
            assert_eq!(statement["Resource"], event.stage_arn().unwrap());
            assert_eq!(answer["principalId"], session.claims["sub"]);
            assert_eq!(answer["context"]["sid"], session.claims["sid"]);
            assert_eq!((&answer["context"]["email"], &answer["context"]["name"]), (&DEMO_EMAIL.into(), &"Demo".into()));
            assert!(answer["context"].as_object().unwrap().values().all(Value::is_string));
        } else {
            assert_eq!(statement["Resource"], "*");
            assert!(answer.get("context").is_none());
        }
    }
}

#[test]
fn every_file_in_events_is_used() {
    let files: BTreeSet<String> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/events"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let used = STATUSES.iter().map(|outcome| outcome.from).chain(EFFECTS.iter().map(|outcome| outcome.from));
    assert_eq!(files, used.map(str::to_owned).collect());
}
