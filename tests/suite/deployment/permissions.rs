//! What the functions may do, compared with what they do.

use std::collections::BTreeSet;

use jea_auth::{
    domain::account::Email,
    functions::{
        app::{self, Stack},
        config::Config,
    },
    platform::{
        machine,
        store::{AccountSummary, ReadOfAccount, Store},
    },
};
use serde_json::{Value, json};

use crate::support::{
    event::{authorization, effect, event, log_on_event},
    imports::imported_hash,
    proxy::Wire,
    service::{EMAIL, PASSWORD, Service, claims_of, context_of, token_of},
    template::{at, template, text},
};

/// What the template grants to a function: actions, and the resources that they may be done to.
fn granted(function: &str) -> BTreeSet<String> {
    let template = template();
    let policy = &at(&template, &["Resources", function, "Properties", "Policies"])[0];
    let mut granted = BTreeSet::new();
    // With everything switched on.
    let statements = at(policy, &["Statement"]).as_sequence().unwrap().iter();
    let statements = statements.map(|statement| statement.get("Fn::If").map_or(statement, |condition| &condition[1]));
    let (allowed, denied): (Vec<_>, Vec<_>) = statements.partition(|statement| text(&statement["Effect"]) == "Allow");
    // What SAM attaches to every function lets it make log groups; one that a late line makes is in the way of a new stack's.
    let [no_log_group] = denied[..] else { panic!("{function} is denied one thing") };
    assert_eq!(["Action", "Resource"].map(|name| text(&no_log_group[name])), ["logs:CreateLogGroup", "*"]);
    for statement in allowed {
        let one_or_more = |name: &str| {
            let value = at(statement, &[name]);
            value.as_sequence().map_or_else(|| vec![text(value)], |values| values.iter().map(text).collect())
        };
        for resource in one_or_more("Resource") {
            // These tables are made last, so they are named and not referred to.
            let resource = match resource.rsplit_once(":table/${AWS::StackName}-") {
                Some((_, "accounts")) => "Accounts",
                Some((_, "accounts/index/by-handle")) => "Accounts/by-handle",
                Some((_, "signing-keys")) => "SigningKeys",
                Some(_) | None => resource.trim_end_matches(".Arn"),
            };
            granted.extend(one_or_more("Action").into_iter().map(|action| format!("{action} {resource}")));
        }
    }
    granted
}

/// What Lambda does in a function's name to read one stream (Lambda Developer Guide, "Process `DynamoDB` records with Lambda") and
/// to put aside what was given up.
const READING_A_STREAM: [&str; 5] = [
    "dynamodb:DescribeStream ${Outbox.Arn}/stream/*",
    "dynamodb:GetRecords ${Outbox.Arn}/stream/*",
    "dynamodb:GetShardIterator ${Outbox.Arn}/stream/*",
    "dynamodb:ListStreams ${Outbox.Arn}/stream/*",
    "sqs:SendMessage LostMails",
];

/// What IAM would have asked for, to let the noted calls pass.
fn used(wire: &Wire) -> BTreeSet<String> {
    let table = |call: &Value| match call["TableName"].as_str().unwrap().rsplit_once("jea-auth-").unwrap().1 {
        "accounts" => "Accounts",
        "sessions" => "Sessions",
        "attempts" => "Attempts",
        "outbox" => "Outbox",
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
            ("DynamoDB_20120810", "BatchGetItem") => {
                for name in call["RequestItems"].as_object().unwrap().keys() {
                    used.insert(format!("dynamodb:BatchGetItem {}", table(&json!({"TableName": name}))));
                }
            }
            ("DynamoDB_20120810", operation) => {
                let index = call["IndexName"].as_str().map(|index| format!("/{index}")).unwrap_or_default();
                used.insert(format!("dynamodb:{operation} {}{index}", table(&call)));
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

// Check 57.
#[tokio::test]
async fn the_log_on_function_may_do_what_it_does_and_nothing_else() {
    let (service, passkey) = crate::support::passkeys::with_passkey().await;
    let wire = Wire::default();
    let function = app::logon(&noted(&service, &wire).await, service.clock());
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let context = context_of(&token);
    let mut statuses = Vec::new();
    let (right, wrong) = (json!({"email": EMAIL, "password": PASSWORD}), json!({"email": EMAIL, "password": "wrong"}));
    let ask = async |method: &str, path: &str, body: &Value| {
        let asks = event(method, &format!("/users/api/{path}")).json(body).by(&context);
        function.handle(&asks.event()).await
    };
    for (method, path, body) in [
        ("POST", "auth", right.clone()),
        ("POST", "confirm", right.clone()),
        ("POST", "checkin", Value::Null),
        ("GET", "user", Value::Null),
        ("POST", "user", json!({"nickname": "Another name"})),
        ("GET", "sessions", Value::Null),
        ("GET", "keys", Value::Null),
        ("GET", "info", Value::Null),
        ("GET", "../../.well-known/jwks.json", Value::Null),
    ] {
        let path = path.trim_start_matches("../../");
        let answer = if path.starts_with('.') {
            function.handle(&event(method, &format!("/{path}")).event()).await
        } else {
            ask(method, path, &body).await
        };
        statuses.push(answer.status.as_u16());
    }
    let made = ask("POST", "keys", &json!({"name": "script"})).await;
    let key: Value = serde_json::from_str(&made.body).unwrap();
    let by_key = json!({"email": EMAIL, "password": key["data"]["key"]});
    statuses.push(ask("POST", "auth", &by_key).await.status.as_u16());
    for (method, path, body) in [
        ("DELETE", format!("keys/{}", key["data"]["id"].as_str().unwrap()), Value::Null),
        ("DELETE", format!("sessions/{}", claims_of(&service.new_token().await)["sid"].as_str().unwrap()), Value::Null),
        ("POST", "password".to_owned(), json!({"password": PASSWORD, "new_password": "another long enough password"})),
        ("POST", "logout".to_owned(), Value::Null),
        ("POST", "auth".to_owned(), wrong),
        ("GET", "orders".to_owned(), Value::Null),
        ("POST", "forgot".to_owned(), json!({"email": EMAIL})),
    ] {
        statuses.push(ask(method, &path, &body).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 401, 404, 200]);
    // An imported hash is replaced.
    let mut account = service.account().await;
    (account.email, account.password_hash) = (Email::canonical("old@jeplus.org"), Some(imported_hash()));
    let _ = service.store().add_account(&account).await.unwrap();
    let first = function.handle(&log_on_event("old@jeplus.org", "an imported password").event()).await;
    assert_eq!(first.status.as_u16(), 200);
    let context = context_of(&token_of(&service.log_on(EMAIL, "another long enough password").await));
    let another = event("POST", "/users/api/email").json(&json!({"email": "there@jeplus.org"})).by(&context);
    assert_eq!(function.handle(&another.event()).await.status.as_u16(), 200);
    for token in crate::support::my_email::tokens(&service).await {
        let confirm = event("POST", "/users/api/email/confirm").json(&json!({"token": token}));
        assert_eq!(function.handle(&confirm.event()).await.status.as_u16(), 200);
    }
    for _ in 0..12 {
        function.handle(&log_on_event(EMAIL, "wrong").event()).await;
    }
    let assertion = crate::support::passkeys::assertion(&service, &passkey).await;
    let by_passkey = event("POST", "/users/api/passkeys/auth").json(&assertion).from("192.0.2.9");
    assert_eq!(function.handle(&by_passkey.event()).await.status.as_u16(), 200);
    assert_eq!(used(&wire), granted("Logon"));
}

// Checks 54, 57.
#[tokio::test]
async fn the_authorizer_may_do_what_it_does_and_nothing_else() {
    let service = Service::start().await;
    let wire = Wire::default();
    let function = app::authorizer(&noted(&service, &wire).await, service.clock());
    let token = service.new_token().await;
    // Twice: the first time the account's email is not known yet.
    let other = service.new_token().await;
    for (token, expected) in [(token.as_str(), "Allow"), ("x", "Deny"), (other.as_str(), "Allow")] {
        let policy = function.handle(&authorization().bearer(token).event()).await.unwrap();
        assert_eq!(effect(&policy), expected);
    }
    let template = template();
    let policy = &at(&template, &["Resources", "Authorizer", "Properties", "Policies"])[0];
    let conditions = at(policy, &["Statement"]).as_sequence().unwrap().iter().filter_map(|s| s.get("Condition"));
    let [of_account, condition] = conditions.collect::<Vec<_>>()[..] else { panic!("of accounts, and of keys") };
    let attributes_of = |condition| {
        let attributes = at(condition, &["ForAllValues:StringEquals", "dynamodb:Attributes"]).as_sequence().unwrap();
        attributes.iter().map(text).collect::<Vec<&str>>()
    };
    let (allowed, attributes) = (attributes_of(of_account), attributes_of(condition));
    assert_eq!(text(at(of_account, &["StringEqualsIfExists", "dynamodb:Select"])), "SPECIFIC_ATTRIBUTES");
    assert_eq!(<AccountSummary as ReadOfAccount>::ATTRIBUTES, Some(allowed.as_slice()));
    let mut reads = 0;
    for (_, call) in wire.calls.lock().unwrap().iter() {
        let batch = call["RequestItems"].as_object().and_then(|tables| {
            tables.iter().find(|(name, _)| name.ends_with("-accounts")).map(|(_, read)| read.clone())
        });
        let single = call["TableName"].as_str().is_some_and(|name| name.ends_with("-accounts")).then(|| call.clone());
        let Some(read) = batch.or(single) else { continue };
        let names = read["ExpressionAttributeNames"].as_object().unwrap();
        let asked =
            read["ProjectionExpression"].as_str().unwrap().split(", ").map(|name| names[name].as_str().unwrap());
        assert_eq!(asked.collect::<Vec<_>>(), allowed, "{read}");
        reads += 1;
    }
    assert_eq!(reads, 2, "alone, and in a batch");
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

// Checks 57, 77.
#[tokio::test(flavor = "multi_thread")]
async fn the_mailer_may_do_what_it_does_and_nothing_else() {
    let service = crate::support::mails::service().await;
    let (wire, ses) = (Wire::default(), Wire::default());
    let mut config = noted(&service, &wire).await;
    config.aws.ses_endpoint = Some(ses.proxy(&service.running.kms_url).await);
    let mailer = app::mailer(&config, service.clock()).unwrap();
    let image = |kind: &str| {
        json!({
            "id": {"S": "1"}, "kind": {"S": kind}, "email": {"S": EMAIL},
            "expires_at": {"N": (service.now().seconds() + 3600).to_string()},
        })
    };
    let record = |kind: &str| json!({"dynamodb": {"SequenceNumber": kind, "NewImage": image(kind)}});
    let records = json!({"Records": [record("reset"), record("password-changed")]});
    let handled = mailer.handle(&serde_json::from_value(records).unwrap(), "request-1").await;
    assert_eq!(handled.failed(), None);
    assert_eq!(ses.calls.lock().unwrap().len(), 2);
    let mut used = used(&wire);
    used.extend(ses.calls.lock().unwrap().iter().flat_map(|(target, _)| {
        assert_eq!(target, "/v2/email/outbound-emails");
        // SES asks for the identity, and for the configuration set that the identity has by default, if it has one.
        ["identity", "configuration-set"].map(|kind| {
            format!("ses:SendEmail arn:${{AWS::Partition}}:ses:${{AWS::Region}}:${{AWS::AccountId}}:{kind}/*")
        })
    }));
    used.extend(READING_A_STREAM.map(str::to_owned));
    assert_eq!(used, granted("Mailer"));
}
