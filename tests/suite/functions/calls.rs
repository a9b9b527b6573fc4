//! What each operation asks of DynamoDB, counted between the functions and the database, and what that costs.

use std::{fs, time::Duration};

use jea_auth::{functions::app, local::Options, web::event::Event};
use serde_json::{Value, json};

use crate::support::{
    event::{authorization, event, log_on_event},
    factor::code,
    passkeys,
    proxy::Wire,
    repository::root,
    service::{EMAIL, PASSWORD, Service, claims_of, context_of},
};

/// Dollars for a million write units of 1 KB and for a million consistent reads of up to 4 KB, on demand, in the region
/// that docs/operating.md names.
const WRITE_PRICE: f64 = 0.625;
const READ_PRICE: f64 = 0.125;

/// Write units, and halves of consistent reads, since the last count: a read that is not consistent costs half of one.
/// The keys, which are read once a minute and instance, are left out.
fn count(wire: &Wire) -> (usize, usize) {
    let (mut writes, mut reads) = (0, 0);
    for (target, call) in wire.calls.lock().unwrap().drain(..) {
        match target.rsplit_once('.').unwrap().1 {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                // What an update writes is in its values; their old ones are no more than they are.
                assert!(call.to_string().len() < 2048, "one unit: {call}");
                writes += 1;
            }
            // Each item of a transaction is written twice (DynamoDB Developer Guide, "Capacity management for transactions").
            "TransactWriteItems" => writes += 2 * call["TransactItems"].as_array().unwrap().len(),
            "GetItem" | "Query" => {
                // An index has no consistent reads.
                let is_consistent = call.get("IndexName").is_none();
                assert_eq!(call["ConsistentRead"] == true, is_consistent, "{call}");
                reads += 1 + usize::from(is_consistent);
            }
            // Each item is a read of its own.
            "BatchGetItem" => {
                for table in call["RequestItems"].as_object().unwrap().values() {
                    assert_eq!(table["ConsistentRead"], true, "{call}");
                    reads += 2 * table["Keys"].as_array().unwrap().len();
                }
            }
            "Scan" | "Decrypt" => assert!(target.contains("Decrypt") || call.to_string().contains("signing-keys")),
            other => panic!("{other} is not counted"),
        }
    }
    (writes, reads)
}

/// The lines of the table that tell them: write units, consistent reads, and dollars for a million.
fn table(rows: &[(&str, (usize, usize))]) -> String {
    let lines = rows.iter().map(|(name, (writes, reads))| {
        let units = |count: usize| f64::from(u8::try_from(count).unwrap());
        let reads = units(*reads) / 2.0;
        let price = units(*writes) * WRITE_PRICE + reads * READ_PRICE;
        format!("| {name} | {writes} | {reads} | ${price:.3} |\n")
    });
    lines.collect()
}

#[tokio::test]
async fn each_operation_costs_the_calls_and_the_dollars_that_are_told() {
    let service = Service::start_with(Options { passkeys: true, ..Options::in_memory() }).await;
    // From midnight on, so that no day begins between the first use of a key and the one that is counted.
    service.advance(Duration::from_secs(86_400 - service.now().seconds() % 86_400));
    service.log_on(EMAIL, PASSWORD).await;
    let passkey = passkeys::make(&service).await;
    // The first use of a day is written down.
    passkeys::log_on(&service, &passkey).await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let (logon, authorizer) = (app::logon(&config, service.clock()), app::authorizer(&config, service.clock()));
    let untouched = || service.advance(Duration::from_hours(1));
    let answer = logon.handle(&log_on_event(EMAIL, PASSWORD).event()).await;
    let cookies: Vec<&str> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap())
        .collect();
    let token = cookies[0].trim_start_matches("session_token=");
    let asks_by = |token: &str, method: &str, path: &str, body: &Value| {
        let mut context = context_of(token);
        // The clock goes on between the operations.
        context["confirmed_at"] = service.now().plus(Duration::from_hours(24)).seconds().to_string().into();
        event(method, path).json(body).by(&context).from("192.0.2.2").event()
    };
    let asks = |method: &str, path: &str, body: &Value| asks_by(token, method, path, body);
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    let operation = |method: &str, path: &str| asks(method, path, &credential);
    let made = logon.handle(&asks("POST", "/users/api/keys", &json!({"name": "script"}))).await;
    let key: Value = serde_json::from_str(&made.body).unwrap();
    let (key, id) = (key["data"]["key"].as_str().unwrap(), key["data"]["id"].as_str().unwrap());
    let first = logon.handle(&log_on_event(EMAIL, key).event()).await;
    assert_eq!(first.status.as_u16(), 200, "the first use of a day is written down");
    let sessions = service.sessions(EMAIL).await;
    let own = claims_of(token)["sid"].clone();
    let other = sessions.iter().find(|session| session.sid.as_str() != own).unwrap();
    let end_other = format!("/users/api/sessions/{}", other.sid.as_str());
    authorizer.handle(&authorization().bearer(token).event()).await.unwrap();
    let new_password = json!({"password": PASSWORD, "new_password": "another long enough password"});
    let mut rows = Vec::new();
    let counted = async |name: &'static str, event: Event| {
        logon.handle(&operation("GET", "/.well-known/jwks.json")).await;
        count(&wire);
        let answer = logon.handle(&event).await;
        let status = if name.contains("wrong") { 401 } else { 200 };
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
        (count(&wire), answer.body)
    };
    for (name, event) in [
        ("Log on", log_on_event(EMAIL, PASSWORD).event()),
        ("Log on, again within half a minute", log_on_event(EMAIL, PASSWORD).from("192.0.2.3").event()),
        ("Log on, known device", log_on_event(EMAIL, PASSWORD).header("cookie", cookies[1]).event()),
        ("Log on, access key", log_on_event(EMAIL, key).event()),
        ("Log on, wrong password", log_on_event(EMAIL, "wrong").event()),
        ("Confirm", operation("POST", "/users/api/confirm")),
        ("Check in", operation("POST", "/users/api/checkin")),
        ("Account details", operation("GET", "/users/api/user")),
        ("Change account details", asks("POST", "/users/api/user", &json!({"company": "jEPlus"}))),
        ("My sessions", operation("GET", "/users/api/sessions")),
        ("End one session", asks("DELETE", &end_other, &Value::Null)),
        ("My access keys", operation("GET", "/users/api/keys")),
        ("Make an access key", asks("POST", "/users/api/keys", &json!({"name": "another"}))),
        ("End an access key", asks("DELETE", &format!("/users/api/keys/{id}"), &Value::Null)),
        ("End all other sessions", asks("DELETE", "/users/api/sessions", &Value::Null)),
    ] {
        if !name.contains("again") {
            untouched();
        }
        rows.push((name, counted(name, event).await.0));
    }
    untouched();
    // By bearer, so the token of the new session is in the answer.
    let mut context = context_of(token);
    context["carrier"] = "bearer".into();
    let change = event("POST", "/users/api/password").json(&new_password).by(&context).from("192.0.2.2").event();
    let (calls, changed) = counted("Change the password", change).await;
    rows.push(("Change the password", calls));
    let changed: Value = serde_json::from_str(&changed).unwrap();
    let token = changed["jwt"].as_str().unwrap();
    let asks = |method: &str, path: &str, body: &Value| asks_by(token, method, path, body);
    untouched();
    let (calls, begun) = counted("begin", asks("POST", "/users/api/totp", &Value::Null)).await;
    rows.push(("Begin a second factor", calls));
    let begun: Value = serde_json::from_str(&begun).unwrap();
    let secret = begun["data"]["secret"].as_str().unwrap();
    untouched();
    let otp = json!({"otp": code(&service, secret)});
    rows.push(("Confirm it", counted("confirm", asks("POST", "/users/api/totp/confirm", &otp)).await.0));
    untouched();
    let with_code = json!({"email": EMAIL, "password": "another long enough password", "otp": code(&service, secret)});
    let with_code = event("POST", "/users/api/auth").json(&with_code).from("192.0.2.1").event();
    rows.push(("Log on, with a code", counted("log on", with_code).await.0));
    untouched();
    let assertion = passkeys::assertion(&service, &passkey).await;
    let by_passkey = event("POST", "/users/api/passkeys/auth").json(&assertion).from("192.0.2.1").event();
    rows.push(("Log on, passkey", counted("log on", by_passkey).await.0));
    untouched();
    rows.push(("Log off", counted("log off", asks("POST", "/users/api/logout", &Value::Null)).await.0));
    let costs = fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let table = table(&rows);
    assert!(costs.contains(&table), "the table of docs/operating.md should be\n{table}");
}
