//! How long it takes to end the sessions of an account and to change its name, with few sessions and with very many.
//!
//!     cargo bench --bench ends [-- TIMES]
//!
//! The functions run in process. Few and many take turns, so what else this machine does meets both.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that cannot go on says so"
)]

mod crowd;
#[expect(dead_code, reason = "nothing is authorized here")]
mod stack;

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use crowd::{add_accounts, user};
use jea_auth::{
    domain::account::{Account, Email},
    functions::app,
    local::Running,
    platform::{aws::Limits, machine, store::Store},
    service::administration::Administration,
};
use serde_json::json;
use stack::stack;

#[tokio::main]
async fn main() {
    let times: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(5);
    let mut running = stack().await;
    running.config.aws.limits = Limits::PERSON;
    add_accounts(&running, 4 * times).await;
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for time in 0..times {
        few.push(disabled(&running, 2 * time, 2).await);
        many.push(disabled(&running, 2 * time + 1, 20_000).await);
    }
    report("disabling an account: 2 sessions, 20,000", &mut few, &mut many);
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for time in times..2 * times {
        few.push(renamed(&running, 2 * time, 2).await);
        many.push(renamed(&running, 2 * time + 1, 5_000).await);
    }
    report("POST /user with a new name: 2 sessions, 5,000", &mut few, &mut many);
    running.stop().await;
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn report(name: &str, few: &mut [Duration], many: &mut [Duration]) {
    let (few, many) = (median(few), median(many));
    println!("{name:<50}{few:>10.2} ms{many:>10.2} ms{:>9.2} x", many / few);
}

async fn account(running: &Running, number: usize) -> Account {
    let store = Store::new(running.config.aws.dynamodb(), &running.config.stack);
    store.account(&Email::canonical(&user(number))).await.unwrap().unwrap()
}

/// Gives an account sessions.
async fn add_sessions(running: &Running, account: &Account, count: usize) {
    let (client, table) = (running.config.aws.dynamodb(), format!("{}-sessions", running.config.stack));
    let now = machine::now().seconds();
    let email = account.registered_email.as_str();
    for batch in (0..count).collect::<Vec<_>>().chunks(25) {
        let puts = batch.iter().map(|number| {
            let mut put = PutRequest::builder().item("sid", AttributeValue::S(format!("{number:032x}")));
            for (name, value) in
                [("sub", account.sub.as_str()), ("email", email), ("by", "password"), ("agent", ""), ("address", "")]
            {
                put = put.item(name, AttributeValue::S(value.to_owned()));
            }
            let numbers = [("auth_time", now), ("expires_at", now + 3600), ("generation", account.generation)];
            for (name, value) in numbers {
                put = put.item(name, AttributeValue::N(value.to_string()));
            }
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        });
        client.batch_write_item().request_items(&table, puts.collect()).send().await.unwrap();
    }
}

async fn disabled(running: &Running, number: usize, sessions: usize) -> Duration {
    let account = account(running, number).await;
    add_sessions(running, &account, sessions).await;
    let store = Store::new(running.config.aws.dynamodb(), &running.config.stack);
    let administration = Administration { store, clock: machine::system_clock() };
    let begun = Instant::now();
    administration.disable(&account.email).await.unwrap().unwrap();
    begun.elapsed()
}

async fn renamed(running: &Running, number: usize, sessions: usize) -> Duration {
    let account = account(running, number).await;
    add_sessions(running, &account, sessions).await;
    let function = app::logon(&running.config, machine::system_clock());
    function.operations.warm_up(machine::now()).await;
    let event = json!({
        "httpMethod": "POST",
        "path": "/users/api/user",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "requestId": "r",
            "identity": {"sourceIp": "192.0.2.1"},
            "authorizer": {
                "sub": account.sub.as_str(), "sid": format!("{:032x}", 0), "email": account.registered_email,
                "auth_time": machine::now().seconds().to_string(), "generation": account.generation.to_string(),
                "confirmed_at": "never", "by": "password", "carrier": "bearer",
            },
        },
        "body": json!({"nickname": "Another name"}).to_string(),
    });
    let event = serde_json::from_value(event).unwrap();
    let begun = Instant::now();
    let answer = function.handle(&event).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    begun.elapsed()
}
