//! The stack that is measured: everything in memory, with the demo account and a throttle that lets all through.

use std::time::Duration;

use jea_auth::{
    domain::throttle::{Pace, Paces},
    functions::app,
    local::{self, DEMO_EMAIL, DEMO_PASSWORD, Options, Running},
    platform::machine,
};
use serde_json::{Value, json};

pub async fn stack() -> Running {
    stack_with(Options::in_memory()).await
}

/// The same, as it is asked for.
pub async fn stack_with(options: Options) -> Running {
    let mut running = local::start(&options, machine::system_clock()).await.unwrap();
    let endless = Pace { burst: 1_000_000, interval: Duration::from_secs(1) };
    running.config.paces = Paces { account: endless, address: endless };
    running
}

/// The event of a log-on, as a REST API sends it.
pub fn log_on(email: &str, password: &str, address: &str) -> Value {
    json!({
        "httpMethod": "POST",
        "path": "/users/api/auth",
        "headers": {"content-type": "application/json"},
        "requestContext": {"requestId": "r", "identity": {"sourceIp": address}},
        "body": json!({"email": email, "password": password}).to_string(),
    })
}

/// The event that asks whether a new session of the demo account may have a path.
pub async fn authorization(running: &Running, path: &str) -> Value {
    let event = serde_json::from_value(log_on(DEMO_EMAIL, DEMO_PASSWORD, "192.0.2.1")).unwrap();
    let answer = app::logon(&running.config, machine::system_clock()).handle(&event).await;
    let cookie = answer.headers.get("set-cookie").unwrap().to_str().unwrap();
    json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders",
        "httpMethod": "GET",
        "path": path,
        "headers": {"Cookie": cookie.split(';').next()},
        "requestContext": {"requestId": "r"},
    })
}
