//! Accounts from files.

use std::{fs, path::Path, process::Output};

use jea_auth::domain::password::PasswordHash;
use serde_json::Value;

use super::{program::Operator, service::Service};

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

/// A service, its operator, and a folder for files.
pub struct Importer {
    pub service: Service,
    pub operator: Operator,
    folder: tempfile::TempDir,
}

impl Importer {
    pub async fn start() -> Self {
        let service = Service::start().await;
        Self { operator: Operator::of(&service), service, folder: tempfile::tempdir().unwrap() }
    }

    /// What stderr says, the numbers of the summary, and the exit code.
    pub fn import(&self, name: &str, bytes: impl AsRef<[u8]>, options: &[&str]) -> (String, Value, i32) {
        let file = self.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let output = import(&self.operator, &file, &[&["--json"], options].concat());
        let summary = serde_json::from_slice::<Value>(&output.stdout).map(|rows| rows[0].clone()).unwrap_or_default();
        (String::from_utf8(output.stderr).unwrap(), summary, output.status.code().unwrap())
    }

    /// The account, as `user show` tells it.
    pub fn shown(&self, email: &str) -> Value {
        self.operator.json(&["user", "show", email])[0].clone()
    }

    /// Whether somebody logs on with the password of [`HASH`].
    pub async fn logs_on(&self, email: &str) -> bool {
        self.service.log_on(email, "an imported password").await.status() == 200
    }
}
