//! What each operation asks of DynamoDB, counted between the functions and the database, and what that costs.

use std::fs;

use jea_auth::{app, event::Event};
use serde_json::json;

use crate::{
    architecture::root,
    event::{authorization, event, log_on_event},
    proxy::Wire,
    service::{EMAIL, PASSWORD, Service, context_of},
};

/// Dollars for a million write units of 1 KB and for a million consistent reads of up to 4 KB, on demand, in the region
/// that docs/operating.md names.
const WRITE_PRICE: f64 = 0.625;
const READ_PRICE: f64 = 0.125;

/// Writes and consistent reads since the last count. A batch or a scan would need a count of its own; these operations have
/// none but the keys', which are read once a minute and instance.
fn count(wire: &Wire) -> (usize, usize) {
    let (mut writes, mut reads) = (0, 0);
    for (target, call) in wire.calls.lock().unwrap().drain(..) {
        match target.rsplit_once('.').unwrap().1 {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                assert!(call.to_string().len() < 1024, "one unit: {call}");
                writes += 1;
            }
            "GetItem" => {
                assert_eq!(call["ConsistentRead"], true, "{call}");
                reads += 1;
            }
            "Scan" | "Decrypt" => assert!(target.contains("Decrypt") || call.to_string().contains("signing-keys")),
            other => panic!("{other} is not counted"),
        }
    }
    (writes, reads)
}

#[tokio::test]
async fn each_operation_costs_the_calls_and_the_dollars_that_are_told() {
    let service = Service::start().await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let (logon, authorizer) = (app::logon(&config, service.clock()), app::authorizer(&config, service.clock()));
    let untouched = || service.advance(std::time::Duration::from_hours(1));
    let answer = logon.handle(&log_on_event(EMAIL, PASSWORD).event()).await;
    let cookies: Vec<&str> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap())
        .collect();
    let token = cookies[0].trim_start_matches("session_token=");
    let operation = |method: &str, path: &str| -> Event {
        let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
        event(method, path).body(&body).by(&context_of(token)).from("192.0.2.2").event()
    };
    authorizer.handle(&authorization().bearer(token).event()).await.unwrap();
    let mut rows = Vec::new();
    for (name, event) in [
        ("Log on", log_on_event(EMAIL, PASSWORD).event()),
        ("Log on, again within half a minute", log_on_event(EMAIL, PASSWORD).from("192.0.2.3").event()),
        ("Log on, known device", log_on_event(EMAIL, PASSWORD).header("cookie", cookies[1]).event()),
        ("Log on, wrong password", log_on_event(EMAIL, "wrong").event()),
        ("Confirm", operation("POST", "/users/api/confirm")),
        ("Check in", operation("POST", "/users/api/checkin")),
        ("Account details", operation("GET", "/users/api/user")),
        ("Log off", operation("POST", "/users/api/logout")),
    ] {
        if !name.contains("again") {
            untouched();
        }
        logon.handle(&operation("GET", "/.well-known/jwks.json")).await;
        count(&wire);
        let status = logon.handle(&event).await.status.as_u16();
        assert_eq!(status, if name.contains("wrong") { 401 } else { 200 }, "{name}");
        rows.push((name, count(&wire)));
    }
    let costs = fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let table = rows.iter().map(|(name, (writes, reads))| {
        let units = |count: usize| f64::from(u8::try_from(count).unwrap());
        let price = units(*writes) * WRITE_PRICE + units(*reads) * READ_PRICE;
        format!("| {name} | {writes} | {reads} | ${price:.3} |\n")
    });
    let table: String = table.collect();
    assert!(costs.contains(&table), "the table of docs/operating.md should be\n{table}");
}
