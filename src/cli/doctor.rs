//! `jea-auth doctor`: whether a stack is as it should be, and what to do where it is not.

mod factors;
mod mails;
mod passkeys;
mod service;

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{Failure, Target, connection::Connection, hint::word, network, output};
use crate::{
    causes::Causes,
    domain::{
        enrolment::RequireFactor,
        password::{Hasher, Password, Verification},
        signing_key::{self, PUBLISHED_AHEAD, SigningKey},
        time::Timestamp,
    },
    platform::{
        machine,
        store::{Malformed, StoredKeys},
    },
};
use factors::Factors;
use passkeys::Passkeys;

/// A clock that differs by more makes tokens of the future or of the past.
const CLOCK_TOLERANCE: Duration = signing_key::SKEW;
/// One log-on is one hash; a function that takes longer is too small.
const HASH_MAX: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(super) struct Doctor {
    /// The service's URL: the public keys that it publishes are compared with those in the table. With --local and the
    /// usual ports of `serve` it need not be given
    #[arg(long, env = "ISSUER", hide_env_values = true)]
    url: Option<String>,
    /// The address that mails come from, as the stack was given it: tells whether SES lets it send
    #[arg(long, value_name = "ADDRESS", env = "MAIL_FROM", hide_env_values = true)]
    mail_from: Option<String>,
    /// Whose accounts must have a second factor, as the stack was given it: tells how many have none
    #[arg(long, value_name = "off|all|ROLE", env = "REQUIRE_FACTOR", hide_env_values = true, value_parser = require_factor)]
    require_factor: Option<RequireFactor>,
    /// The domain that passkeys are for, as the stack was given it; without it, those of the service's host and of each
    /// domain above it count as good
    #[arg(long, value_name = "DOMAIN", env = "PASSKEY_RP_ID", hide_env_values = true)]
    passkey_rp_id: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Whose accounts must have a second factor, as an option of a command says it.
pub(super) fn require_factor(text: &str) -> Result<RequireFactor, &'static str> {
    RequireFactor::parse(text).ok_or("off, all, or the name of a role is expected")
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    found: String,
    todo: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Error,
    Skipped,
}

const COLUMNS: [&str; 4] = ["check", "state", "found", "todo"];

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), todo: None }
    }

    fn not(state: State, check: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { check, state, found: found.into(), todo: Some(todo.into()) }
    }
}

impl Doctor {
    /// Fails if any finding is an error, so that a schedule can run it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let connection = self.target.connect().await;
        let now = machine::now();
        let mut findings = tables(&connection).await;
        let keys = match connection.stack.store.signing_keys().await {
            Ok(StoredKeys { keys, malformed: items, .. }) => {
                findings.extend(items.iter().map(|item| malformed("signing key", item, "key revoke")));
                findings.push(signer(&keys, now));
                findings.push(successor(&keys, now));
                findings.extend(dated_ahead(&keys, now));
                keys
            }
            Err(error) => {
                findings.push(Finding::not(
                    State::Error,
                    "signing key",
                    Causes(&error).deepest(),
                    "first make its table readable",
                ));
                Vec::new()
            }
        };
        findings.push(unsealing(&connection, now).await);
        let url = self.url.filter(|url| !url.is_empty()).or_else(|| connection.service_url.clone());
        findings.extend(service::check(&keys, now, url.as_deref()).await);
        findings.push(clock(&connection).await);
        let passkeys = Passkeys::of(&connection, url.as_deref(), self.passkey_rp_id.as_deref()).await;
        findings.extend(accounts(&connection, self.require_factor, passkeys, now).await);
        let mail_from = self.mail_from.filter(|address| !address.is_empty());
        findings.extend(mails::check(&connection, self.target.local, mail_from.as_deref()).await);
        findings.push(hash_time());
        for todo in findings.iter_mut().filter_map(|finding| finding.todo.as_mut()) {
            *todo = self.target.said(todo);
        }
        output::rows(&findings, &COLUMNS, self.target.json)?;
        let errors = findings.iter().filter(|finding| finding.state == State::Error).count();
        if errors == 0 {
            Ok(())
        } else {
            Err(Failure::new(output::count(errors, "error"), "do what the last column says"))
        }
    }
}

async fn tables(connection: &Connection) -> Vec<Finding> {
    const TODO: &str = "check the stack's name, region, credentials and that it is deployed";
    let mut findings = Vec::new();
    for (name, reached) in connection.stack.store.reach_tables().await {
        findings.push(match reached {
            Ok(()) => Finding::ok("table", format!("{name} is there")),
            Err(error) => Finding::not(State::Error, "table", format!("{name}: {}", Causes(&error).deepest()), TODO),
        });
    }
    findings
}

fn signer(keys: &[SigningKey], now: Timestamp) -> Finding {
    const CHECK: &str = "signing key";
    match signing_key::signs_now(keys, now) {
        Some(key) => {
            Finding::ok(CHECK, format!("{} signs with {}", key.jwk.key_id().as_str(), key.jwk.algorithm().name()))
        }
        None => Finding::not(State::Error, CHECK, "nothing signs, so nobody can log on", "`jea-auth key rotate`"),
    }
}

fn successor(keys: &[SigningKey], now: Timestamp) -> Finding {
    const CHECK: &str = "successor";
    let chain = signing_key::chain(keys, now);
    let Some(last) = chain.last() else {
        return Finding::not(State::Skipped, CHECK, "there is no key to succeed", "make a key first");
    };
    if last.window.signs_from > now {
        Finding::ok(CHECK, format!("{} is published", last.jwk.key_id().as_str()))
    } else if last.window.succeeded_at() <= now {
        Finding::not(
            State::Warning,
            CHECK,
            "overdue; the key signs on for two weeks at the most",
            "see why the rotator does not run; `jea-auth key rotate` makes one now",
        )
    } else {
        let in_days = last.window.succeeded_at().minus(PUBLISHED_AHEAD).since(now).as_secs() / 86_400;
        Finding::ok(CHECK, format!("due in {}", output::count(in_days, "day")))
    }
}

/// Keys that begin to sign when those before them have stopped: a clock was ahead when they were made.
fn dated_ahead(keys: &[SigningKey], now: Timestamp) -> Vec<Finding> {
    let chain = signing_key::chain(keys, now);
    let ahead = keys.iter().filter(|key| key.window.signs_from > now && !chain.contains(key));
    let finding = |key: &SigningKey| {
        let (kid, in_days) = (key.jwk.key_id().as_str(), key.window.signs_from.since(now).as_secs() / 86_400);
        let found = format!("{kid} signs in {in_days} days only: it was made by a clock that was ahead");
        Finding::not(State::Warning, "successor", found, format!("`jea-auth key revoke {kid}`"))
    };
    ahead.map(finding).collect()
}

async fn unsealing(connection: &Connection, now: Timestamp) -> Finding {
    const CHECK: &str = "unsealing";
    match connection.stack.keyring().unsealed(now).await {
        Ok(_) => Finding::ok(CHECK, "KMS opens the signing key and the service secret"),
        Err(error) => Finding::not(
            State::Warning,
            CHECK,
            Causes(&error).to_string(),
            "the log-on function must be allowed kms:Decrypt; you need not be",
        ),
    }
}

/// DynamoDB says in every answer what time it is.
async fn clock(connection: &Connection) -> Finding {
    const CHECK: &str = "clock";
    let answer = match &connection.dynamodb_url {
        Some(url) => network::get(url).await.ok(),
        None => None,
    };
    let date = answer.as_ref().and_then(|answer| answer.headers().get("date")?.to_str().ok()).and_then(http_date);
    let Some(date) = date else {
        return Finding::not(State::Skipped, CHECK, "DynamoDB does not tell the time", "is it reachable by plain GET?");
    };
    let now = machine::now();
    let difference = now.since(date).max(date.since(now)).as_secs();
    // The header has whole seconds.
    if difference <= CLOCK_TOLERANCE.as_secs() + 1 {
        Finding::ok(CHECK, format!("within {difference} s of DynamoDB's"))
    } else {
        Finding::not(State::Error, CHECK, format!("{difference} s off DynamoDB's"), "set this machine's clock")
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    let format = aws_smithy_types::date_time::Format::HttpDate;
    let date = aws_smithy_types::DateTime::from_str(text, format).ok()?;
    u64::try_from(date.secs()).ok().map(Timestamp::from_seconds)
}

/// Reads all accounts: whether each can be read, and how many have another hash than a new one would get.
async fn accounts(
    connection: &Connection,
    required: Option<RequireFactor>,
    mut passkeys: Passkeys,
    now: Timestamp,
) -> Vec<Finding> {
    const CHECK: &str = "accounts";
    let (mut findings, mut read, mut outdated, mut without) = (Vec::new(), 0_usize, 0_usize, 0_usize);
    let mut factors = Factors::of(connection, required, now).await;
    let mut pages = connection.stack.store.accounts();
    loop {
        match pages.next().await {
            Ok(Some(page)) => {
                for item in page {
                    match item {
                        Ok(account) => {
                            read += 1;
                            factors.look_at(&account, |passkey| passkeys.are_of_use(&passkey.rp_id));
                            passkeys.look_at(&account);
                            match &account.password_hash {
                                Some(hash) => outdated += usize::from(!hash.is_current()),
                                None => without += 1,
                            }
                        }
                        Err(item) => findings.push(malformed(CHECK, &item, "user delete")),
                    }
                }
            }
            Ok(None) => break,
            Err(_) => {
                const TODO: &str = "you need dynamodb:Scan on the accounts";
                findings.push(Finding::not(State::Skipped, CHECK, "they cannot be read", TODO));
                return findings;
            }
        }
    }
    findings.push(Finding::ok(CHECK, format!("{read} can be read; {without} have no password")));
    findings.push(factors.finding());
    findings.push(factors.required());
    findings.push(passkeys.finding());
    findings.push(if outdated == 0 {
        Finding::ok("password hashes", "all current")
    } else {
        Finding::not(
            State::Warning,
            "password hashes",
            format!("imported or older: {outdated} of {read}"),
            "nothing; each is replaced at its next log-on",
        )
    });
    findings
}

/// An item that no part of the service can use. It stops nothing else.
fn malformed(check: &'static str, item: &Malformed, removes: &str) -> Finding {
    let todo = format!("mend the item in the table, or remove it with `jea-auth {removes} {}`", word(&item.key));
    Finding::not(State::Error, check, format!("{}: {}", item.key, item.error), todo)
}

#[expect(clippy::disallowed_methods, reason = "this is a stopwatch")]
fn hash_time() -> Finding {
    const CHECK: &str = "hash time";
    let (hasher, password) = (Hasher::default(), Password::new("doctor"));
    let begun = std::time::Instant::now();
    let verification = hasher.verify(&password, None);
    let taken = begun.elapsed();
    let finding = format!("{} ms for one on this machine", taken.as_millis());
    if verification == Verification::Mismatch && taken <= HASH_MAX {
        Finding::ok(CHECK, finding)
    } else {
        Finding::not(State::Warning, CHECK, finding, "give the log-on function more memory, and so more processor")
    }
}
