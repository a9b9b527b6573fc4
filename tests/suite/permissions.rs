//! What the functions may do, compared with what they do.

use std::collections::BTreeSet;

use jea_auth::{
    account::Email,
    app::{self, Stack},
    config::Config,
    event::Event,
    machine,
    store::Store,
};
use serde_json::{Value, json};

use crate::{
    proxy::Wire,
    service::{EMAIL, METHOD_ARN, PASSWORD, Service, context_of, imported_hash, log_on_event, token_of},
    template::{at, template, text},
};

/// What the template grants to a function: actions, and the resources that they may be done to.
fn granted(function: &str) -> BTreeSet<String> {
    let template = template();
    let policy = &at(&template, &["Resources", function, "Properties", "Policies"])[0];
    let mut granted = BTreeSet::new();
    for statement in at(policy, &["Statement"]).as_sequence().unwrap() {
        let resource = text(at(statement, &["Resource"]));
        // That table is made last, so it is named and not referred to.
        let is_accounts = resource.ends_with(":table/${AWS::StackName}-accounts");
        let resource = if is_accounts { "Accounts" } else { resource.trim_end_matches(".Arn") };
        let action = at(statement, &["Action"]);
        let actions = action.as_sequence().map_or_else(|| vec![action], |actions| actions.iter().collect());
        granted.extend(actions.into_iter().map(|action| format!("{} {resource}", text(action))));
    }
    granted
}

/// What IAM would have asked for, to let the noted calls pass.
fn used(wire: &Wire) -> BTreeSet<String> {
    let table = |call: &Value| match call["TableName"].as_str().unwrap().rsplit_once("jea-auth-").unwrap().1 {
        "accounts" => "Accounts",
        "sessions" => "Sessions",
        "attempts" => "Attempts",
        "signing-keys" => "SigningKeys",
        other => panic!("{other} is no table"),
    };
    let mut used = BTreeSet::new();
    for (target, call) in wire.calls.lock().unwrap().drain(..) {
        match target.split_once('.').unwrap() {
            // Each part of a transaction needs the right to do it alone.
            ("DynamoDB_20120810", "TransactWriteItems") => {
                for item in call["TransactItems"].as_array().unwrap() {
                    let (kind, part) = item.as_object().unwrap().iter().next().unwrap();
                    let action = if kind == "ConditionCheck" { kind.clone() } else { format!("{kind}Item") };
                    used.insert(format!("dynamodb:{action} {}", table(part)));
                }
            }
            ("DynamoDB_20120810", operation) => {
                used.insert(format!("dynamodb:{operation} {}", table(&call)));
            }
            ("TrentService", operation) => {
                used.insert(format!("kms:{operation} SealingKey"));
            }
            (other, _) => panic!("{other} is no service of ours"),
        }
    }
    used
}

/// The configuration of a function whose calls are noted.
async fn noted(service: &Service, wire: &Wire) -> Config {
    let mut config = service.config();
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    config.aws.kms_endpoint = Some(wire.proxy(&service.running.kms_url).await);
    config
}

fn event(method: &str, path: &str, context: &Value, password: &str) -> Event {
    let event = json!({
        "httpMethod": method,
        "path": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "authorizer": context},
        "body": json!({"email": EMAIL, "password": password}).to_string(),
    });
    serde_json::from_value(event).unwrap()
}

// Check 57.
#[tokio::test]
async fn the_log_on_function_may_do_what_it_does_and_nothing_else() {
    let service = Service::start().await;
    let wire = Wire::default();
    let function = app::logon(&noted(&service, &wire).await, service.clock());
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let context = context_of(&token);
    let mut statuses = Vec::new();
    for (method, operation, password) in [
        ("POST", "/users/api/auth", PASSWORD),
        ("POST", "/users/api/confirm", PASSWORD),
        ("POST", "/users/api/checkin", ""),
        ("GET", "/users/api/user", ""),
        ("GET", "/users/api/info", ""),
        ("GET", "/.well-known/jwks.json", ""),
        ("GET", "/.well-known/openid-configuration", ""),
        ("POST", "/users/api/logout", ""),
        ("POST", "/users/api/auth", "wrong"),
        ("GET", "/orders", ""),
    ] {
        let answer = function.handle(&event(method, operation, &context, password)).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 401, 404]);
    // An imported hash is replaced.
    let mut account = service.account().await;
    (account.email, account.password_hash) = (Email::canonical("old@jeplus.org"), Some(imported_hash()));
    let _ = service.store().add_account(&account).await.unwrap();
    let first = function.handle(&log_on_event("old@jeplus.org", "an imported password", "192.0.2.1", "")).await;
    assert_eq!(first.status.as_u16(), 200);
    for _ in 0..12 {
        function.handle(&event("POST", "/users/api/auth", &Value::Null, "wrong")).await;
    }
    assert_eq!(used(&wire), granted("Logon"));
}

// Checks 54, 57.
#[tokio::test]
async fn the_authorizer_may_do_what_it_does_and_nothing_else() {
    let service = Service::start().await;
    let wire = Wire::default();
    let function = app::authorizer(&noted(&service, &wire).await, service.clock());
    let token = service.new_token().await;
    for (token, effect) in [(token.as_str(), "Allow"), ("x", "Deny")] {
        let event = json!({
            "type": "REQUEST", "methodArn": METHOD_ARN, "httpMethod": "GET", "path": "/orders",
            "headers": {"Authorization": format!("Bearer {token}")},
        });
        let verdict = function.handle(&serde_json::from_value(event).unwrap()).await.unwrap();
        assert_eq!(verdict["policyDocument"]["Statement"][0]["Effect"], effect);
    }
    let template = template();
    let policy = &at(&template, &["Resources", "Authorizer", "Properties", "Policies"])[0];
    let conditions = at(policy, &["Statement"]).as_sequence().unwrap().iter().filter_map(|s| s.get("Condition"));
    let [condition] = conditions.collect::<Vec<_>>()[..] else { panic!("one, of the keys") };
    let attributes = at(condition, &["ForAllValues:StringEquals", "dynamodb:Attributes"]).as_sequence().unwrap();
    let attributes: Vec<&str> = attributes.iter().map(text).collect();
    for (target, call) in wire.calls.lock().unwrap().iter().filter(|(target, _)| target.ends_with(".Scan")) {
        assert_eq!(call["ProjectionExpression"], attributes.join(", "), "{target}");
        assert_eq!(call["Select"], text(at(condition, &["StringEquals", "dynamodb:Select"])));
    }
    assert_eq!(used(&wire), granted("Authorizer"));
}

// Check 57.
#[tokio::test]
async fn the_rotator_may_do_what_it_does_and_nothing_else() {
    let service = Service::start().await;
    let wire = Wire::default();
    let mut config = noted(&service, &wire).await;
    config.stack = "another-jea-auth".to_owned();
    Store::new(service.running.config.aws.dynamodb(), &config.stack).create_tables().await.unwrap();
    let made = Stack::of(&config).rotation().make_due(service.now(), &machine::random()).await.unwrap();
    assert!(made.is_some());
    assert_eq!(used(&wire), granted("Rotator"));
}
