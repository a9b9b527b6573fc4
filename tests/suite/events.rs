//! Every file in `events/` through the handlers. Its name says what it must give.

use std::{collections::BTreeSet, fs};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jea_auth::{
    functions::app,
    local::{DEMO_EMAIL, DEMO_PASSWORD},
    platform::machine,
    web::event::Event,
};
use serde_json::Value;

use crate::service::{Service, token_of};

/// The log-on function's events, and the status that each must give. They run in this order, on one session.
pub const STATUSES: [(&str, u16); 53] = [
    ("log-on", 200),
    ("log-on-alias", 200),
    ("log-on-plain-text-body", 200),
    ("log-on-http-api", 200),
    ("log-on-wrong-password", 401),
    ("log-on-unknown-email", 401),
    ("log-on-invented-key", 401),
    ("log-on-malformed-body", 400),
    ("log-on-invalid-utf-8", 400),
    ("log-on-bad-base64", 400),
    ("log-on-too-large", 413),
    ("log-on-wrong-content-type", 415),
    ("log-on-content-encoding", 415),
    ("log-on-cross-site", 403),
    ("check-in", 200),
    ("check-in-quoted-cookie", 200),
    ("check-in-ended-session", 401),
    ("check-in-no-authorizer", 401),
    ("confirm", 200),
    ("confirm-mismatch", 403),
    ("confirm-key-session", 403),
    ("user", 200),
    ("user-trailing-slash", 200),
    ("update-user", 200),
    ("update-user-not-yours", 400),
    ("sessions", 200),
    ("end-session-unknown", 404),
    ("keys", 200),
    ("make-key", 200),
    ("make-key-not-confirmed", 403),
    ("make-key-too-long", 400),
    ("end-key-unknown", 404),
    ("begin-factor", 200),
    ("begin-factor-not-confirmed", 403),
    ("confirm-factor-wrong-code", 400),
    ("remove-factor", 200),
    ("remove-factor-none", 404),
    ("password-wrong", 403),
    ("password-too-short", 400),
    ("end-other-sessions-not-confirmed", 403),
    ("end-other-sessions", 200),
    // It ends the session that asks.
    ("password", 200),
    ("forgot", 200),
    ("forgot-unknown-email", 200),
    ("reset-bad-link", 403),
    ("info", 200),
    ("info-trailing-slash", 200),
    ("jwks", 200),
    ("discovery", 200),
    ("unknown-path", 404),
    ("unknown-path-no-authorizer", 401),
    ("wrong-method", 405),
    ("log-off", 200),
];

/// The authorizer's events, and the effect that each must give.
pub const EFFECTS: [(&str, &str); 13] = [
    ("authorizer-allow-cookie", "Allow"),
    ("authorizer-allow-bearer", "Allow"),
    ("authorizer-allow-set-cookie-line", "Allow"),
    ("authorizer-allow-quoted-cookie", "Allow"),
    ("authorizer-allow-trailing-slash", "Allow"),
    ("authorizer-deny-no-token", "Deny"),
    ("authorizer-deny-garbage", "Deny"),
    ("authorizer-deny-unsigned", "Deny"),
    ("authorizer-deny-two-tokens", "Deny"),
    ("authorizer-deny-cross-site", "Deny"),
    ("authorizer-deny-odd-headers", "Deny"),
    ("authorizer-deny-identity-header", "Deny"),
    ("authorizer-deny-preflight-override", "Deny"),
];

/// A session of the demo account, to put where the events leave a place for one.
pub struct Session {
    token: String,
    claims: Value,
}

impl Session {
    pub async fn new(service: &Service) -> Self {
        let answer = service.log_on(DEMO_EMAIL, DEMO_PASSWORD).await;
        let token = token_of(&answer);
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        Self { claims: serde_json::from_slice(&claims).unwrap(), token }
    }

    pub fn event(&self, name: &str) -> Event {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// The file's text, with this session.
    pub fn text(&self, name: &str) -> String {
        let text = fs::read_to_string(format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
        text.replace("SESSION_TOKEN", &self.token)
            .replace("SESSION_SUB", self.claims["sub"].as_str().unwrap())
            .replace("SESSION_SID", self.claims["sid"].as_str().unwrap())
            .replace("SESSION_AUTH_TIME", &self.claims["auth_time"].to_string())
    }
}

#[tokio::test]
async fn the_log_on_function_gives_what_each_event_is_named_for() {
    let service = crate::mails::service().await;
    let session = Session::new(&service).await;
    let function = app::logon(&service.running.config, machine::system_clock());
    for (name, status) in STATUSES {
        let event = session.event(name);
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
    for (name, effect) in EFFECTS {
        let event = session.event(name);
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
    let used = STATUSES.iter().map(|(name, _)| *name).chain(EFFECTS.iter().map(|(name, _)| *name));
    assert_eq!(files, used.map(str::to_owned).collect());
}
