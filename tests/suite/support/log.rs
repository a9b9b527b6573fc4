//! What is logged, and what must never be.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use jea_auth::{domain::account::Status, functions::app};
use serde_json::json;
use tracing::{Subscriber, instrument::WithSubscriber};

use super::{
    event::{authorization, event},
    service::{Service, token_of},
};

/// A log that a test can read.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Writes down what a function says at the level that it has by default, the SDK's words included.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        tracing_subscriber::fmt()
            .with_writer(self.clone())
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .finish()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Words that can be in a log for no other reason than that somebody put a secret there.
const CANARY_EMAIL: &str = "canary-email@example.org";
const CANARY_PASSWORD: &str = "canary-password-of-many-words";

// Check 10.
#[tokio::test]
async fn no_password_token_or_email_is_ever_logged() {
    let service = Service::start().await;
    service.add_account(CANARY_EMAIL, CANARY_PASSWORD, Status::Active).await;
    let token = token_of(&service.log_on(CANARY_EMAIL, CANARY_PASSWORD).await);
    let (logon, authorizer) = (
        app::logon(&service.running.config, service.clock()),
        app::authorizer(&service.running.config, service.clock()),
    );
    let log = Log::default();
    let credential = |email: &str, password: &str| json!({"email": email, "password": password}).to_string();
    let asks = event("POST", "/users/api/auth").header("cookie", &format!("session_token={token}"));
    for body in [
        credential(CANARY_EMAIL, CANARY_PASSWORD),
        credential(CANARY_EMAIL, "canary-password-wrong"),
        // People type passwords into that field.
        credential(CANARY_PASSWORD, "x"),
        format!("{{\"email\": \"{CANARY_EMAIL}\", \"password\": \"{CANARY_PASSWORD}\""),
        CANARY_PASSWORD.to_owned(),
    ] {
        logon.handle(&asks.clone().body(&body).event()).with_subscriber(log.subscriber()).await;
    }
    for header in [
        format!("session_token={token}"),
        format!("session_token={token}x"),
        format!("session_token={CANARY_PASSWORD}"),
    ] {
        let event = authorization().header("cookie", &header).event();
        authorizer.handle(&event).with_subscriber(log.subscriber()).await.unwrap();
    }
    let logged = log.text();
    assert!(logged.contains("denied"), "there is a log: {logged}");
    let signature = token.rsplit('.').next().unwrap();
    for secret in ["canary", token.as_str(), signature] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
    }
}
