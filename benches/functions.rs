//! How fast and how large the Lambda functions are, beside a function that does nothing and beside the hash alone.
//!
//!     cargo bench --bench functions [-- STARTS]
//!     cargo bench --bench functions -- soak [LOG-ONS]
//!
//! The binaries that are deployed are built, and run as processes of their own against a Runtime API, the embedded
//! DynamoDB and the embedded KMS. Starts and invocations of all functions are interleaved, so what else this machine does
//! meets all of them. The times depend on the machine; the ratios are what counts. `soak` watches the memory of one
//! instance of the log-on function over very many log-ons.

#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that cannot go on says so"
)]

#[expect(dead_code, reason = "the tests of the verifier spoil what is right here")]
#[path = "../src/domain/webauthn/tests/authenticator.rs"]
mod authenticator;
mod bare_calls;
mod binaries;
#[path = "../tests/suite/support/client.rs"]
mod client;
mod crowd;
mod distance;
mod passkeys;
#[expect(dead_code, reason = "no call is to fail here")]
#[path = "../tests/suite/support/proxy.rs"]
mod proxy;
#[path = "../tests/suite/support/runtime_api.rs"]
mod runtime_api;
#[expect(dead_code, reason = "other benchmarks need less of the stack")]
mod stack;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use bare_calls::BareCalls;
use binaries::{build, quantile};
use crowd::{add_accounts, key, user};
use distance::further_away;
use jea_auth::{
    domain::{
        password::{Hasher, Password},
        throttle::{Pace, Paces},
    },
    local::{DEMO_PASSWORD, Options, Running},
    platform::store::Store,
};
use passkeys::{Site, add_passkey, log_on_by_passkey};
use runtime_api::Function;
use serde_json::{Value, json};
use stack::{authorization, log_on, stack_with};

/// What is measured of one function.
#[derive(Default)]
struct Measured {
    start: Vec<Duration>,
    first: Vec<Duration>,
    warm: Vec<Duration>,
    peak_kib: u64,
    bytes: u64,
    journal: Vec<Value>,
}

const NAMES: [&str; 3] = ["empty", "authorizer", "logon"];
const INVOCATIONS: usize = 2_000;
/// A log-on takes a hundred times as long as the others.
const LOG_ONS: usize = 400;
/// What each answer of DynamoDB takes more in the last measurement.
const FURTHER_AWAY: Duration = Duration::from_millis(4);
/// So many accounts log on, one after the other: whose bucket is full costs one write, as most are.
const ACCOUNTS: usize = INVOCATIONS;

#[tokio::main]
async fn main() {
    let starts: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(40);
    let folder = build();
    let mut running = stack_with(Options { passkeys: true, ..Options::in_memory() }).await;
    // The most that a function's configuration may say.
    let generous = Pace { burst: 10_000, interval: Duration::from_secs(1) };
    running.config.paces = Paces { account: generous, address: generous };
    add_accounts(&running, ACCOUNTS).await;
    if std::env::args().any(|argument| argument == "soak") {
        return soak(&binary(&folder, "logon"), running).await;
    }
    let events = [json!({}), authorization(&running, "/orders").await, log_on_from(0)];
    let mut measured: [Measured; 3] = Default::default();
    for (name, measured) in NAMES.iter().zip(&mut measured) {
        measured.bytes = fs::metadata(binary(&folder, name)).expect("a binary").len();
    }
    println!("{starts} starts of each function ...");
    for _ in 0..starts {
        for (at, name) in NAMES.iter().enumerate() {
            let mut function = Function::start(&binary(&folder, name), &running.config).await;
            measured[at].start.push(function.started_after().await);
            let begun = Instant::now();
            check(name, &function.invoke(events[at].clone()).await);
            measured[at].first.push(begun.elapsed());
        }
    }
    println!("{INVOCATIONS} warm invocations, {LOG_ONS} of them log-ons beside as many hashes ...");
    let mut functions = Vec::new();
    for name in NAMES {
        functions.push(Function::start(&binary(&folder, name), &running.config).await);
    }
    let (argon2, password) = (Hasher::default(), Password::new(DEMO_PASSWORD));
    let mut bare_calls = BareCalls::record(&mut running).await;
    let (mut hashes, mut calls) = (Vec::new(), Vec::new());
    let (mut by_key, mut by_passkey) = (Vec::new(), Vec::new());
    let key = key().expose();
    let (site, store) = (Site::of(&running).await, Store::new(running.config.aws.dynamodb(), &running.config.stack));
    for round in 0..INVOCATIONS {
        for (at, function) in functions.iter_mut().enumerate() {
            if NAMES[at] == "logon" && round % (INVOCATIONS / LOG_ONS) != 0 {
                continue;
            }
            let event = if NAMES[at] == "logon" { log_on_from(round) } else { events[at].clone() };
            let begun = Instant::now();
            check(NAMES[at], &function.invoke(event).await);
            let taken = begun.elapsed();
            // The first ones are not warm.
            if round >= 10 {
                measured[at].warm.push(taken);
            }
            if NAMES[at] == "logon" {
                let event = log_on(&user(round % ACCOUNTS), &key, &address(ACCOUNTS + round));
                let begun = Instant::now();
                check(NAMES[at], &function.invoke(event).await);
                by_key.push(begun.elapsed());
                let passkey = add_passkey(&store, &user(round % ACCOUNTS), &handle(round)).await;
                let event = log_on_by_passkey(&site.assertion(&passkey), &address(2 * ACCOUNTS + round));
                let begun = Instant::now();
                check(NAMES[at], &function.invoke(event).await);
                by_passkey.push(begun.elapsed());
                // As in a log-on, the calls come before and after the hash, which leaves no cache warm.
                let before = bare_calls.before(round).await;
                let begun = Instant::now();
                let _ = argon2.verify(&password, None);
                hashes.push(begun.elapsed());
                calls.push(before + bare_calls.after(round).await);
            }
        }
    }
    for (function, measured) in functions.iter_mut().zip(&mut measured) {
        measured.peak_kib = memory_kib(function.pid(), "VmHWM:");
        measured.journal = function.journal();
    }
    report(&mut measured, [hashes, calls, by_key, by_passkey]);
    drop(functions);
    let near = beyond_hash(&binary(&folder, "logon"), &mut running, Duration::ZERO).await;
    let far = beyond_hash(&binary(&folder, "logon"), &mut running, FURTHER_AWAY).await;
    println!("a log-on beyond its hash, through a proxy: {near:.2} ms; with 4 ms more for each answer: {far:.2} ms");
    running.stop().await;
}

/// What a warm log-on takes beyond what its function says of the hash, in milliseconds.
async fn beyond_hash(binary: &str, running: &mut Running, delay: Duration) -> f64 {
    running.config.aws.dynamodb_endpoint = Some(further_away(&running.dynamodb_url, delay).await);
    let mut function = Function::start(binary, &running.config).await;
    let mut times = Vec::new();
    for number in 0..LOG_ONS {
        let begun = Instant::now();
        check("logon", &function.invoke(log_on_from(number)).await);
        times.push(begun.elapsed());
    }
    let told = function.journal().into_iter().filter_map(|line| line["HashTime"].as_f64());
    let mut hashes: Vec<Duration> = told.map(|millis| Duration::from_secs_f64(millis / 1000.0)).collect();
    quantile(&mut times, 0.5) - quantile(&mut hashes, 0.5)
}

/// Resident memory of one instance over many log-ons.
async fn soak(binary: &str, running: Running) {
    let log_ons: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let mut function = Function::start(binary, &running.config).await;
    let begun = Instant::now();
    for number in 0..log_ons {
        check("logon", &function.invoke(log_on_from(number)).await);
        if [1, 100, 1000].contains(&number) || (number + 1) % (log_ons / 10).max(1) == 0 {
            let resident = memory_kib(function.pid(), "VmRSS:") as f64 / 1024.0;
            println!("{:>8} log-ons, {:>6.0} s: {resident:.1} MiB", number + 1, begun.elapsed().as_secs_f64());
        }
    }
    drop(function);
    running.stop().await;
}

/// A log-on to an account of its own from an address of its own, as most are: what their buckets say is no news.
fn log_on_from(number: usize) -> Value {
    log_on(&user(number % ACCOUNTS), DEMO_PASSWORD, &address(number))
}

/// An address of its own for each number.
fn address(number: usize) -> String {
    std::net::Ipv4Addr::from(0x0a00_0000 + u32::try_from(number).unwrap()).to_string()
}

/// A user handle of its own for each number.
fn handle(number: usize) -> [u8; 32] {
    let mut handle = [0; 32];
    handle[..8].copy_from_slice(&number.to_be_bytes());
    handle
}

fn binary(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

fn check(name: &str, answer: &Value) {
    let is_right = match name {
        "authorizer" => answer["policyDocument"]["Statement"][0]["Effect"] == "Allow",
        "logon" => answer["statusCode"] == 200,
        _ => true,
    };
    assert!(is_right, "{name}: {answer}");
}

/// What Linux says of a process's memory: `VmRSS:` is what is resident, `VmHWM:` the most that ever was.
fn memory_kib(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn report(measured: &mut [Measured; 3], beside: [Vec<Duration>; 4]) {
    println!("\n{:<12}{:>10}{:>10}{:>10}{:>10}{:>11}{:>11}", "", "start", "first", "warm p50", "p99", "peak", "size");
    for (name, m) in NAMES.iter().zip(measured.iter_mut()) {
        let (start, first) = (quantile(&mut m.start, 0.5), quantile(&mut m.first, 0.5));
        let (p50, p99) = (quantile(&mut m.warm, 0.5), quantile(&mut m.warm, 0.99));
        let (mib, megabytes) = (m.peak_kib as f64 / 1024.0, m.bytes as f64 / 1e6);
        println!("{name:<12}{start:>7.2} ms{first:>7.2} ms{p50:>7.3} ms{p99:>7.3} ms{mib:>7.1} MiB{megabytes:>8.2} MB");
    }
    for (at, name) in [(1, "AuthorizerTime"), (2, "HashTime"), (2, "StoreTime")] {
        let told = measured[at].journal.iter().filter_map(|line| line[name].as_f64());
        let mut told: Vec<Duration> = told.map(|millis| Duration::from_secs_f64(millis / 1000.0)).collect();
        println!("{:<32}{:>7.3} ms", format!("{} says of {name}", NAMES[at]), quantile(&mut told, 0.5));
    }
    let [hash, calls, by_key, by_passkey] = beside.map(|mut times| quantile(&mut times, 0.5));
    println!("{:<32}{hash:>7.3} ms", "one Argon2id verification");
    println!("{:<32}{calls:>7.3} ms", "a log-on's calls, bytes alone");
    println!("{:<32}{by_key:>7.3} ms", "a log-on with an access key");
    println!("{:<32}{by_passkey:>7.3} ms\n", "a log-on with a passkey");
    let [empty, authorizer, logon] = measured;
    let bound = |what: &str, value: f64, unit: &str, most: f64| {
        let verdict = if value <= most { "held" } else { "NOT HELD" };
        println!("{what:<58}{value:>7.2}{unit:<5} at most {most:>5}{unit:<5} {verdict}");
    };
    let start = quantile(&mut empty.start, 0.5);
    bound("authorizer: start, against the empty function", quantile(&mut authorizer.start, 0.5) / start, "x", 2.0);
    bound("logon: the same", quantile(&mut logon.start, 0.5) / start, "x", 3.0);
    let warm = quantile(&mut authorizer.warm, 0.5) / quantile(&mut empty.warm, 0.5);
    bound("authorizer: warm, session remembered, the same", warm, "x", 1.5);
    let rest = quantile(&mut logon.warm, 0.5) - hash - calls;
    bound("logon: warm, beyond one hash and the database's own time", rest, " ms", 1.0);
    let by_password = quantile(&mut logon.warm, 0.5);
    bound("logon: warm, with an access key, against a password", by_key / by_password, "x", 1.0 / 3.0);
    bound("logon: warm, with a passkey, the same", by_passkey / by_password, "x", 0.3);
    bound("authorizer: peak memory", authorizer.peak_kib as f64 / 1024.0, " MiB", 10.0);
    bound("logon: peak memory", logon.peak_kib as f64 / 1024.0, " MiB", 32.0);
    bound("authorizer: binary", authorizer.bytes as f64 / 1e6, " MB", 5.5);
    bound("logon: binary", logon.bytes as f64 / 1e6, " MB", 6.6);
}
