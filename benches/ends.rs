//! How long it takes to end the sessions of an account and to change its name, with few sessions and with very many; and what
//! a database that is further away costs a log-on.
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

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use crowd::{add_accounts, user};
use jea_auth::{
    domain::{
        account::{Account, Email},
        password::{Hasher, Password},
    },
    functions::app,
    local::{DEMO_PASSWORD, Running},
    platform::{aws::Limits, machine, store::Store},
    service::administration::Administration,
};
use serde_json::json;
use stack::{log_on, stack};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What a call of DynamoDB takes more in the last measurement.
const FURTHER_AWAY: Duration = Duration::from_millis(4);

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
    let mut hashes = Vec::new();
    let (mut near, mut far) = (log_ons(&running, None, 40 * times, &mut hashes).await, Vec::new());
    far.extend(log_ons(&running, Some(FURTHER_AWAY), 40 * times, &mut hashes).await);
    println!("one hash: {:.2} ms", median(&mut hashes));
    report("a log-on: near, and 4 ms more for each call", &mut near, &mut far);
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

/// Warm log-ons of different accounts, through a proxy that takes its time.
async fn log_ons(
    running: &Running,
    delay: Option<Duration>,
    count: usize,
    hash_times: &mut Vec<Duration>,
) -> Vec<Duration> {
    let mut config = app_config(running);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    config.aws.dynamodb_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    let upstream = running.dynamodb_url.trim_start_matches("http://").to_owned();
    tokio::spawn(pass_on(listener, upstream, delay.unwrap_or_default()));
    let function = app::logon(&config, machine::system_clock());
    function.operations.warm_up(machine::now()).await;
    let (hasher, password) = (Hasher::default(), Password::new(DEMO_PASSWORD));
    let stored = account(running, 0).await.password_hash.unwrap();
    let mut times = Vec::new();
    for number in 0..count {
        let address = std::net::Ipv4Addr::from(0x0b00_0000 + u32::try_from(number).unwrap());
        let event = log_on(jea_auth::local::DEMO_EMAIL, DEMO_PASSWORD, &address.to_string());
        let event = serde_json::from_value(event).unwrap();
        let begun = Instant::now();
        let answer = function.handle(&event).await;
        times.push(begun.elapsed());
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
        let begun = Instant::now();
        let _ = hasher.verify(&password, Some(&stored));
        hash_times.push(begun.elapsed());
    }
    times
}

fn app_config(running: &Running) -> jea_auth::functions::config::Config {
    let mut config = jea_auth::functions::config::Config::from(|name| match name {
        "ISSUER" => Some(running.url.clone()),
        "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("local".to_owned()),
        _ => None,
    })
    .unwrap();
    config.aws.clone_from(&running.config.aws);
    config.paces = running.config.paces;
    config.journal = jea_auth::platform::journal::Journal::Log;
    config
}

/// Passes bytes on, and each answer after a while. It reads no HTTP, so that it takes next to no time of its own.
async fn pass_on(listener: TcpListener, upstream: String, delay: Duration) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(&upstream).await.unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        // An answer is what comes after something was asked; its body may come just behind its head.
        let asks = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&asks);
        tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                asks.store(true, Ordering::SeqCst);
                if to_server.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                if asked.swap(false, Ordering::SeqCst) {
                    tokio::time::sleep(delay).await;
                }
                if to_client.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}
