//! How many log-ons and authorizations the handlers do in a second, and how long each takes, under steady load.
//!
//!     cargo bench --bench throughput [-- SECONDS]
//!
//! One client for each core asks the handlers in process, one request after the other. The embedded database takes its
//! share of the same cores, so on a machine of its own each figure would be better.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that cannot go on says so"
)]

mod crowd;
mod stack;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use crowd::{add_accounts, user};
use jea_auth::{
    functions::{app, config::Config},
    local::{DEMO_EMAIL, DEMO_PASSWORD, Running},
    platform::{aws::Limits, journal::Journal, machine},
    web::event::Event,
};
use stack::{authorization, log_on, stack};

fn main() {
    let seconds: u64 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let cores = std::thread::available_parallelism().unwrap().get();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(cores, Duration::from_secs(seconds)));
}

async fn measure(cores: usize, time: Duration) {
    let running = stack().await;
    println!("{:<34}{:>12}{:>12}{:>11}{:>11}{:>11}", "", "a second", "and core", "p50", "p99", "p99.9");

    let event = log_on(DEMO_EMAIL, DEMO_PASSWORD, "192.0.2.1");
    let log_on: Arc<Event> = Arc::new(serde_json::from_value(event).unwrap());
    let mut clients = Vec::new();
    for _ in 0..cores {
        // A function of its own for each client, as Lambda has one for each request that runs at the same time.
        let (function, event) = (app::logon(&running.config, machine::system_clock()), Arc::clone(&log_on));
        clients.push(tokio::spawn(async move {
            let (mut times, begun) = (Vec::new(), Instant::now());
            while begun.elapsed() < time {
                let asked = Instant::now();
                let answer = function.handle(&event).await;
                times.push(asked.elapsed());
                assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
            }
            times
        }));
    }
    report("log-ons", clients, cores, time).await;
    at_once(&running).await;

    for (name, path) in
        [("authorizations, session remembered", "/orders"), ("authorizations, session read", "/users/api/user")]
    {
        let event: Arc<Event> = Arc::new(serde_json::from_value(authorization(&running, path).await).unwrap());
        let mut clients = Vec::new();
        for _ in 0..cores {
            let (function, event) = (app::authorizer(&running.config, machine::system_clock()), Arc::clone(&event));
            clients.push(tokio::spawn(async move {
                let (mut times, begun) = (Vec::new(), Instant::now());
                while begun.elapsed() < time {
                    let asked = Instant::now();
                    let verdict = function.handle(&event).await.unwrap();
                    times.push(asked.elapsed());
                    assert_eq!(verdict["policyDocument"]["Statement"][0]["Effect"], "Allow");
                }
                times
            }));
        }
        report(name, clients, cores, time).await;
    }
    running.stop().await;
}

/// How many clients log on at the same moment, and how often.
const AT_ONCE: usize = 50;
const TIMES: usize = 20;

/// Fifty log-ons of one account at the same moment, and one of each of fifty accounts behind one address, twenty times.
/// Each is an instance of its own, as on Lambda, and no retry of the client's hides a refusal.
async fn at_once(running: &Running) {
    // The demo account's bucket is empty by now, by this many attempts in a bucket of a hundred.
    add_accounts(running, AT_ONCE + 1).await;
    let mut config = Config::from(|name| match name {
        "ISSUER" => Some(running.url.clone()),
        "ACCOUNT_BURST" => Some("100".to_owned()),
        "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("local".to_owned()),
        _ => None,
    })
    .unwrap();
    config.aws.clone_from(&running.config.aws);
    config.aws.limits = Limits { attempt: PATIENCE, operation: PATIENCE, ..Limits::FUNCTION };
    config.journal = Journal::Log;
    let instances: Vec<_> = (0..AT_ONCE).map(|_| Arc::new(app::logon(&config, machine::system_clock()))).collect();
    for (name, email) in
        [("50 at once, one account", (|_| user(AT_ONCE)) as fn(usize) -> String), ("50 at once, one address", user)]
    {
        let mut statuses = BTreeMap::<u16, usize>::new();
        for time in 0..TIMES {
            let mut log_ons = Vec::new();
            for (number, function) in instances.iter().enumerate() {
                let address = if name.ends_with("address") { 0 } else { time * AT_ONCE + number };
                let address = std::net::Ipv4Addr::from(0x0b00_0000 + u32::try_from(address).unwrap());
                let event = log_on(&email(number), DEMO_PASSWORD, &address.to_string());
                let event: Event = serde_json::from_value(event).unwrap();
                let function = Arc::clone(function);
                log_ons.push(tokio::spawn(async move { function.handle(&event).await.status.as_u16() }));
            }
            for log_on in log_ons {
                *statuses.entry(log_on.await.unwrap()).or_default() += 1;
            }
        }
        println!("{name}, {TIMES} times: {statuses:?}");
    }
}

/// On two cores fifty hashes take longer than the functions' limits let a call wait, which on Lambda have a core each.
const PATIENCE: Duration = Duration::from_secs(30);

async fn report(name: &str, clients: Vec<tokio::task::JoinHandle<Vec<Duration>>>, cores: usize, time: Duration) {
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    times.sort();
    let rate = times.len() as f64 / time.as_secs_f64();
    let at = |of: f64| times[((times.len() - 1) as f64 * of) as usize].as_secs_f64() * 1000.0;
    println!(
        "{name:<34}{rate:>12.0}{:>12.0}{:>8.2} ms{:>8.2} ms{:>8.2} ms",
        rate / cores as f64,
        at(0.5),
        at(0.99),
        at(0.999)
    );
}
