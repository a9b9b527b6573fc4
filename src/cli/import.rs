//! `jea-auth user import`: accounts from a file.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use serde::Serialize;

use super::{Failure, Target, output, roster};
use crate::{
    account::Account,
    store::{ADDED_AT_ONCE, Added, Store},
};

pub(super) const HELP: &str = "\
A line has email, name and password_hash; it may have role, status (active or disabled), sub, created (seconds since the
epoch) and members of a profile: any other column in CSV, the object \"profile\" in JSON lines. Names and roles have at most
256 bytes and no control characters, all texts of an account together at most 60,000.

Hashes: Argon2, bcrypt ($2a$, $2b$, $2y$), scrypt and PBKDF2 (SHA-1, SHA-256, SHA-512), in PHC or modular-crypt form. At
the first log-on each is replaced by Argon2id.

All lines are checked before any account is added. An account that is there already stays as it is, so a file can be
imported again after an interruption. Progress and bad lines go to stderr.";

/// How many bad lines are told one by one.
const TOLD_MAX: u64 = 100;

/// What came of an import.
#[derive(Serialize)]
struct Summary {
    lines: u64,
    added: u64,
    already_there: u64,
    bad: u64,
}

const COLUMNS: [&str; 4] = ["lines", "added", "already_there", "bad"];

pub(super) async fn run(file: &Path, dry_run: bool, target: &Target) -> Result<(), Failure> {
    let (lines, bad) = check(file)?;
    let mut summary = Summary { lines, added: 0, already_there: 0, bad };
    if bad == 0 && !dry_run {
        add(file, &mut summary, target).await?;
    }
    output::rows(&[&summary], &COLUMNS, target.json)?;
    if bad > 0 {
        return Err(Failure::new(
            format!("{bad} of {} {} bad", output::count(lines, "line"), if bad == 1 { "is" } else { "are" }),
            "nothing was added; mend them and import again",
        ));
    }
    Ok(())
}

/// Reads the whole file, and tells what is wrong with which line.
fn check(file: &Path) -> Result<(u64, u64), Failure> {
    let (mut lines, mut bad) = (0, 0);
    for numbered in roster::read(file)? {
        let (number, line) = numbered?;
        lines += 1;
        if let Err(reason) = line {
            bad += 1;
            if bad <= TOLD_MAX {
                output::note(&format!("line {number}: {reason}"));
            } else if bad == TOLD_MAX + 1 {
                output::note("and more");
            }
        }
    }
    Ok((lines, bad))
}

async fn add(file: &Path, summary: &mut Summary, target: &Target) -> Result<(), Failure> {
    let store = target.connect().await.store;
    let mut batch: Vec<Account> = Vec::with_capacity(ADDED_AT_ONCE);
    for numbered in roster::read(file)? {
        let (number, line) = numbered?;
        let account = line.map_err(|reason| {
            Failure::new(format!("line {number} has changed: {reason}"), "import again when nobody writes the file")
        })?;
        // A transaction takes no two writes of one item.
        if batch.len() == ADDED_AT_ONCE || batch.iter().any(|other| other.email == account.email) {
            flush(&store, &mut batch, summary, target).await?;
        }
        batch.push(account);
    }
    flush(&store, &mut batch, summary, target).await?;
    if io::stderr().is_terminal() {
        output::note("");
    }
    Ok(())
}

async fn flush(store: &Store, batch: &mut Vec<Account>, summary: &mut Summary, target: &Target) -> Result<(), Failure> {
    if batch.is_empty() {
        return Ok(());
    }
    let results = store.add_accounts(batch).await.map_err(|error| target.unreachable(error))?;
    for result in results {
        match result {
            Added::Added => summary.added += 1,
            Added::Exists => summary.already_there += 1,
        }
    }
    batch.clear();
    if io::stderr().is_terminal() {
        // A line that is written over is of use to a person alone.
        let _ = write!(io::stderr().lock(), "\r{} of {} lines", summary.added + summary.already_there, summary.lines);
    }
    Ok(())
}
