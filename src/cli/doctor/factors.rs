//! Whether the second factors of accounts open with the present service secret.

use std::sync::Arc;

use super::{Connection, Finding, State};
use crate::{
    causes::Causes,
    domain::{account::Account, factor::TotpSecret, secret::ServiceSecret, time::Timestamp},
};

const CHECK: &str = "second factors";

/// What is found of them, account by account.
pub(super) struct Factors {
    /// The service secret, or why it cannot be had from here.
    secret: Result<Arc<ServiceSecret>, String>,
    seen: usize,
    /// Emails of accounts whose factor does not open, the first few.
    closed: Vec<String>,
    closed_count: usize,
}

/// How many accounts are named.
const NAMED_MAX: usize = 3;

impl Factors {
    pub(super) async fn of(connection: &Connection, now: Timestamp) -> Self {
        let secret = connection.stack.keyring().service_secret(now).await;
        let secret = secret.map_err(|error| Causes(&error).to_string());
        Self { secret, seen: 0, closed: Vec::new(), closed_count: 0 }
    }

    pub(super) fn look_at(&mut self, account: &Account) {
        let Some(factor) = &account.factor else { return };
        self.seen += 1;
        let opens = |secret: &Arc<ServiceSecret>| TotpSecret::open(secret, &account.sub, &factor.sealed).is_some();
        if !self.secret.as_ref().is_ok_and(opens) {
            self.closed_count += 1;
            if self.closed.len() < NAMED_MAX {
                self.closed.push(account.email.as_str().to_owned());
            }
        }
    }

    pub(super) fn finding(&self) -> Finding {
        if let (Err(cause), 1..) = (&self.secret, self.seen) {
            let found = format!("{}; whether they open is not known: {cause}", self.seen);
            return Finding::not(State::Skipped, CHECK, found, "you need kms:Decrypt on the stack's key");
        }
        if self.closed_count == 0 {
            return Finding::ok(CHECK, format!("{}, which all open", self.seen));
        }
        let more = if self.closed_count > self.closed.len() { " and others" } else { "" };
        let found = format!(
            "{} of {} do not open, so nobody logs on with them: {}{more}",
            self.closed_count,
            self.seen,
            self.closed.join(", ")
        );
        let todo = "bring the table of signing keys back from a backup, or `jea-auth user factor EMAIL --reset`";
        Finding::not(State::Error, CHECK, found, todo)
    }
}
