//! What an owner's operations do when DynamoDB fails, is late, or its answer is lost: 503 and nothing half done, or done once.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jea_auth::functions::{app, logon::Answer};
use serde_json::{Value, json};

use crate::support::{
    event::{event, log_on_event},
    proxy::{FAULTS, Fault, Wire},
    service::{EMAIL, NEW_PASSWORD, PASSWORD, Service, claims_of, context_of},
};

/// A service whose log-on function reaches DynamoDB by the proxy, and an owner's session.
struct Owner {
    service: Service,
    wire: Wire,
    dynamodb: String,
    token: String,
}

impl Owner {
    async fn new() -> Self {
        let (service, wire) = (Service::start().await, Wire::default());
        let dynamodb = wire.proxy(&service.running.dynamodb_url).await;
        let token = service.new_token().await;
        Self { service, wire, dynamodb, token }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut config = self.service.config();
        config.aws.dynamodb_endpoint = Some(self.dynamodb.clone());
        config.aws.limits = self.wire.limits();
        let mut context = context_of(&self.token);
        context["confirmed_at"] = self.service.now().seconds().to_string().into();
        let asks = event(method, &format!("/users/api/{path}")).json(body).by(&context);
        app::logon(&config, self.service.clock()).handle(&asks.event()).await
    }

    async fn make_key(&self) -> Value {
        let made: Value = serde_json::from_str(&self.ask("POST", "keys", &json!({"name": "key"})).await.body).unwrap();
        made["data"].clone()
    }

    /// The accounts and sessions, as they are stored.
    async fn stored(&self) -> Vec<String> {
        let mut items = Vec::new();
        for table in ["accounts", "sessions"] {
            let client = self.service.running.config.aws.dynamodb();
            let scan = client.scan().table_name(format!("{}-{table}", self.service.running.config.stack));
            let found = scan.send().await.unwrap().items.unwrap_or_default();
            items.extend(found.into_iter().map(|item| in_order(&AttributeValue::M(item))));
        }
        items.sort();
        items
    }
}

/// A value as text, the members of maps in order.
fn in_order(value: &AttributeValue) -> String {
    let AttributeValue::M(map) = value else { return format!("{value:?}") };
    let members: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, in_order(value))).collect();
    format!("{members:?}")
}

fn passwords() -> Value {
    json!({"password": PASSWORD, "new_password": NEW_PASSWORD})
}

// Check 52.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_cannot_read_or_write_is_503_and_leaves_everything_as_it_was() {
    let owner = Owner::new().await;
    let (key, other) = (owner.make_key().await, owner.service.new_token().await);
    let end_key = format!("keys/{}", key["id"].as_str().unwrap());
    let end_session = format!("sessions/{}", claims_of(&other)["sid"].as_str().unwrap());
    let before = owner.stored().await;
    let (details, new_key) = (json!({"nickname": "Another"}), json!({"name": "another"}));
    for fault in FAULTS {
        for (method, path, body, call, table) in [
            ("POST", "user", &details, "BatchGetItem", "-accounts"),
            ("POST", "user", &details, "UpdateItem", "-accounts"),
            ("POST", "password", &passwords(), "GetItem", "-accounts"),
            ("POST", "password", &passwords(), "TransactWriteItems", "-accounts"),
            ("GET", "sessions", &Value::Null, "Query", "-sessions"),
            ("DELETE", "sessions", &Value::Null, "TransactWriteItems", "-accounts"),
            ("DELETE", &end_session, &Value::Null, "GetItem", "-sessions"),
            ("DELETE", &end_session, &Value::Null, "DeleteItem", "-sessions"),
            ("GET", "keys", &Value::Null, "BatchGetItem", "-accounts"),
            ("POST", "keys", &new_key, "UpdateItem", "-accounts"),
            ("DELETE", &end_key, &Value::Null, "UpdateItem", "-accounts"),
        ] {
            // What is malformed in the answer to a write is not read.
            if fault == Fault::Malformed && (!call.ends_with("GetItem") || table == "-sessions") {
                continue;
            }
            owner.wire.fail(call, table, fault);
            let answer = owner.ask(method, path, body).await;
            *owner.wire.rule.lock().unwrap() = None;
            assert_eq!(answer.status.as_u16(), 503, "{method} {path}, {call}: {fault:?}: {}", answer.body);
            assert!(answer.headers.contains_key("retry-after") && !answer.headers.contains_key("set-cookie"));
            assert_eq!(owner.stored().await, before, "{method} {path}, {call}: {fault:?}");
        }
        // The account's bucket of changes is not what is tested here.
        owner.service.advance(std::time::Duration::from_mins(15));
    }
    assert_eq!(owner.ask("POST", "password", &passwords()).await.status.as_u16(), 200, "and all is well afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_whose_answer_was_lost_is_told_as_done_and_done_once() {
    let owner = Owner::new().await;
    let details = json!({"nickname": "Another"});
    owner.wire.fail("UpdateItem", "-accounts", Fault::Lost);
    assert_eq!(owner.ask("POST", "user", &details).await.status.as_u16(), 200);
    assert_eq!(owner.service.account().await.name.as_str(), "Another");
    owner.wire.fail("UpdateItem", "-accounts", Fault::Lost);
    assert_eq!(owner.ask("POST", "keys", &json!({"name": "one"})).await.status.as_u16(), 200);
    let keys = owner.service.account().await.access_keys;
    assert_eq!(keys.len(), 1, "one key, not two");
    let (id, _) = keys.first_key_value().unwrap();
    owner.wire.fail("UpdateItem", "-accounts", Fault::Lost);
    assert_eq!(owner.ask("DELETE", &format!("keys/{}", id.as_str()), &Value::Null).await.status.as_u16(), 200);
    let other = owner.service.new_token().await;
    let end_session = format!("sessions/{}", claims_of(&other)["sid"].as_str().unwrap());
    owner.wire.fail("DeleteItem", "-sessions", Fault::Lost);
    assert_eq!(owner.ask("DELETE", &end_session, &Value::Null).await.status.as_u16(), 200);
    assert_eq!(owner.service.user_with(&other).await, 401);
    let generation = owner.service.account().await.generation;
    owner.wire.fail("TransactWriteItems", "-accounts", Fault::Lost);
    assert_eq!(owner.ask("DELETE", "sessions", &Value::Null).await.status.as_u16(), 200);
    assert_eq!(owner.service.account().await.generation, generation + 1, "once, and the clock stands still");
    owner.wire.fail("TransactWriteItems", "-accounts", Fault::Lost);
    assert_eq!(owner.ask("POST", "password", &passwords()).await.status.as_u16(), 200);
    assert_eq!(owner.service.account().await.generation, generation + 2, "once");
    assert!(owner.wire.rule.lock().unwrap().is_none(), "each was lost");
}

/// The count that is told is read before the write: without it nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_cannot_be_counted_are_not_ended() {
    let owner = Owner::new().await;
    let other = owner.service.new_token().await;
    owner.wire.fail("Query", "-sessions", Fault::InternalError);
    assert_eq!(owner.ask("DELETE", "sessions", &Value::Null).await.status.as_u16(), 503);
    *owner.wire.rule.lock().unwrap() = None;
    assert_eq!(owner.service.user_with(&other).await, 200);
    let again = owner.ask("DELETE", "sessions", &Value::Null).await;
    assert_eq!(again.body, r#"{"ok":true,"status":"1 session ended."}"#);
    assert_eq!(owner.service.user_with(&other).await, 401);
}

// Checks 79, 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_one_write_and_after_it_every_old_token_is_refused() {
    let owner = Owner::new().await;
    let copied = owner.service.new_token().await;
    // Nothing has arrived: nothing has changed.
    owner.wire.fail("TransactWriteItems", "-accounts", Fault::InternalError);
    assert_eq!(owner.ask("POST", "password", &passwords()).await.status.as_u16(), 503);
    assert_eq!(owner.service.user_with(&owner.token).await, 200);
    // It has arrived, and no answer to it ever does.
    owner.wire.fail("TransactWriteItems", "-accounts", Fault::Unanswered);
    assert_eq!(owner.ask("POST", "password", &passwords()).await.status.as_u16(), 503);
    *owner.wire.rule.lock().unwrap() = None;
    for token in [&owner.token, &copied] {
        assert_eq!(owner.service.user_with(token).await, 401, "not told as undone: the session has ended");
    }
    assert_eq!(owner.service.log_on(EMAIL, PASSWORD).await.status(), 401);
    assert_eq!(owner.service.log_on(EMAIL, NEW_PASSWORD).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_off_that_meets_a_transaction_is_tried_again() {
    let owner = Owner::new().await;
    owner.wire.fail("DeleteItem", "-sessions", Fault::Cancelled(""));
    assert_eq!(owner.ask("POST", "logout", &Value::Null).await.status.as_u16(), 200);
    assert!(owner.wire.rule.lock().unwrap().is_none(), "it has failed");
    assert_eq!(owner.service.user_with(&owner.token).await, 401);
}

// Check 75.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_with_a_key_fails_as_one_with_a_password_does() {
    let owner = Owner::new().await;
    let key = owner.make_key().await;
    let mut config = owner.service.config();
    config.aws.dynamodb_endpoint = Some(owner.dynamodb.clone());
    let log_on = || log_on_event(EMAIL, key["key"].as_str().unwrap()).event();
    let before = owner.service.sessions(EMAIL).await.len();
    for fault in FAULTS {
        for (call, holds) in [("GetItem", "-accounts"), ("UpdateItem", "\"access-key:"), ("PutItem", "-sessions")] {
            if fault == Fault::Malformed && call != "GetItem" {
                continue;
            }
            owner.wire.fail(call, holds, fault);
            config.aws.limits = owner.wire.limits();
            let answer = app::logon(&config, owner.service.clock()).handle(&log_on()).await;
            *owner.wire.rule.lock().unwrap() = None;
            assert_eq!(answer.status.as_u16(), 503, "{call}: {fault:?}: {}", answer.body);
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
    assert_eq!(owner.service.sessions(EMAIL).await.len(), before);
    let answer = app::logon(&config, owner.service.clock()).handle(&log_on()).await;
    assert_eq!(answer.status.as_u16(), 200);
}
