//! Accounts from files.

use std::{path::Path, process::Output};

use jea_auth::domain::password::PasswordHash;
use serde_json::Value;

use super::program::Operator;

/// PBKDF2-SHA256 of "an imported password" with 1000 rounds: cheap to compute, and replaced at the first log-on.
pub const HASH: &str = "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw";

pub fn imported_hash() -> PasswordHash {
    PasswordHash::parse(HASH).unwrap()
}

pub fn import(operator: &Operator, file: &Path, more: &[&str]) -> Output {
    let arguments = [&["user", "import", file.to_str().unwrap()], more].concat();
    operator.run(&arguments, "")
}

/// How many lines a file has, and how many of them were added, were there already, and are bad.
pub fn summary(output: &Output) -> (u64, u64, u64, u64) {
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Null where it was not looked at.
    let number = |name: &str| rows[0][name].as_u64().unwrap_or_default();
    (number("lines"), number("added"), number("already_there"), number("bad"))
}
