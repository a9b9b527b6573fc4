//! The log-on function beside handlers of a dozen lines in Node and Python, which verify a password against the same
//! database and sign a token, and do nothing else of what a log-on does.
//!
//!     cargo bench --bench peers [-- STARTS]
//!
//! Needs Node with npm and Python 3, and installs what the handlers import into target/peers. Each runs as a process of its
//! own against a Runtime API; starts and invocations are interleaved.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that cannot go on says so"
)]

mod binaries;
mod crowd;
#[expect(dead_code, reason = "no journal is read here")]
#[path = "../tests/suite/support/runtime_api.rs"]
mod runtime_api;
#[expect(dead_code, reason = "nothing is authorized here")]
mod stack;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use binaries::{build, quantile};
use crowd::{add_accounts, user};
use jea_auth::{
    local::{self, DEMO_PASSWORD, Options},
    platform::machine,
};
use runtime_api::Function;
use stack::log_on;

const LOG_ONS: usize = 200;

#[tokio::main]
async fn main() {
    let starts: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let peers = [("jea-auth", build().join("logon")), ("Node", node()), ("Python", python())];
    let running = local::start(&Options::in_memory(), machine::system_clock()).await.unwrap();
    add_accounts(&running, LOG_ONS * 2).await;
    let event =
        |number: usize| log_on(&user(number), DEMO_PASSWORD, &format!("10.0.{}.{}", number / 250, number % 250));
    let (mut started, mut first, mut warm) = <([Vec<Duration>; 3], [Vec<Duration>; 3], [Vec<Duration>; 3])>::default();
    for number in 0..starts {
        for (at, (name, program)) in peers.iter().enumerate() {
            let mut function = Function::start(&program.to_string_lossy(), &running.config).await;
            started[at].push(function.started_after().await);
            let begun = Instant::now();
            assert_eq!(function.invoke(event(LOG_ONS + number)).await["statusCode"], 200, "{name}");
            first[at].push(begun.elapsed());
        }
    }
    let mut functions = Vec::new();
    for (_, program) in &peers {
        functions.push(Function::start(&program.to_string_lossy(), &running.config).await);
    }
    for number in 0..LOG_ONS {
        for (at, function) in functions.iter_mut().enumerate() {
            let begun = Instant::now();
            assert_eq!(function.invoke(event(number)).await["statusCode"], 200, "{}", peers[at].0);
            // The first ones are not warm.
            if number >= 10 {
                warm[at].push(begun.elapsed());
            }
        }
    }
    println!("{:<12}{:>12}{:>12}{:>12}", "", "start", "first", "warm p50");
    for (at, (name, _)) in peers.iter().enumerate() {
        let (start, first, warm) =
            (quantile(&mut started[at], 0.5), quantile(&mut first[at], 0.5), quantile(&mut warm[at], 0.5));
        println!("{name:<12}{start:>9.2} ms{first:>9.2} ms{warm:>9.2} ms");
    }
    drop(functions);
    running.stop().await;
}

fn node() -> PathBuf {
    let folder = folder();
    run(
        "npm",
        &[
            "install",
            "--silent",
            "--no-fund",
            "--no-audit",
            "--prefix",
            folder.to_str().unwrap(),
            "@aws-sdk/client-dynamodb@3",
            "@node-rs/argon2@2",
            "jsonwebtoken@9",
        ],
    );
    fs::copy(source("handler.mjs"), folder.join("handler.mjs")).unwrap();
    program(&folder.join("node"), &format!("exec {} {}", which("node"), folder.join("handler.mjs").display()))
}

fn python() -> PathBuf {
    let folder = folder().join("python");
    run("python3", &["-m", "venv", folder.to_str().unwrap()]);
    let python = folder.join("bin/python3");
    let packages =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "boto3", "argon2-cffi", "pyjwt[crypto]"];
    run(python.to_str().unwrap(), &packages);
    program(&folder.join("start"), &format!("exec {} {}", python.display(), source("handler.py").display()))
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name)
}

/// A program without arguments, as the runner of functions wants one.
fn program(file: &Path, line: &str) -> PathBuf {
    fs::write(file, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    file.to_owned()
}

fn which(name: &str) -> String {
    let output = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().expect("a shell");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn run(name: &str, arguments: &[&str]) {
    let status = Command::new(name).args(arguments).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "this benchmark needs Node with npm, and Python 3: {name} failed"
    );
}
