//! Whether the second factors of accounts open with the present service secret.

use std::sync::Arc;

use super::{Connection, Finding, State};
use crate::{
    causes::Causes,
    domain::{
        account::{Account, Status},
        enrolment::RequireFactor,
        factor::TotpSecret,
        passkey::StoredPasskey,
        secret::ServiceSecret,
        time::Timestamp,
    },
};

const CHECK: &str = "second factors";
const REQUIRED: &str = "required factors";

/// What is found of them, account by account.
pub(super) struct Factors {
    /// The service secret, or why it cannot be had from here.
    secret: Result<Arc<ServiceSecret>, String>,
    seen: usize,
    closed: Named,
    /// What the stack demands, if that was told.
    required: Option<RequireFactor>,
    required_of: usize,
    unmet: Named,
}

/// Accounts, of which the first few are named.
#[derive(Default)]
struct Named {
    emails: Vec<String>,
    count: usize,
}

impl Named {
    fn add(&mut self, account: &Account) {
        self.count += 1;
        if self.emails.len() < NAMED_MAX {
            self.emails.push(account.email.as_str().to_owned());
        }
    }

    fn names(&self) -> String {
        let more = if self.count > self.emails.len() { " and others" } else { "" };
        format!("{}{more}", self.emails.join(", "))
    }
}

/// How many accounts are named.
const NAMED_MAX: usize = 3;

impl Factors {
    pub(super) async fn of(connection: &Connection, required: Option<RequireFactor>, now: Timestamp) -> Self {
        let secret = connection.stack.keyring().service_secret(now).await;
        let secret = secret.map_err(|error| Causes(&error).to_string());
        Self { secret, seen: 0, closed: Named::default(), required, required_of: 0, unmet: Named::default() }
    }

    pub(super) fn look_at(&mut self, account: &Account, is_usable: impl Fn(&StoredPasskey) -> bool) {
        // Nobody logs on to a disabled account.
        if let Some(required) = self.required.as_ref().filter(|_| account.status == Status::Active) {
            self.required_of += usize::from(required.is_for(account));
            if required.is_unmet(account, is_usable) {
                self.unmet.add(account);
            }
        }
        let Some(factor) = &account.factor else { return };
        self.seen += 1;
        let opens = |secret: &Arc<ServiceSecret>| TotpSecret::open(secret, &account.sub, &factor.sealed).is_some();
        if !self.secret.as_ref().is_ok_and(opens) {
            self.closed.add(account);
        }
    }

    pub(super) fn finding(&self) -> Finding {
        if let (Err(cause), 1..) = (&self.secret, self.seen) {
            let found = format!("{}; whether they open is not known: {cause}", self.seen);
            return Finding::not(State::Skipped, CHECK, found, "you need kms:Decrypt on the stack's key");
        }
        if self.closed.count == 0 {
            return Finding::ok(CHECK, format!("{}, which all open", self.seen));
        }
        let (closed, names) = (self.closed.count, self.closed.names());
        let found = format!("{closed} of {} do not open, so nobody logs on with them: {names}", self.seen);
        let todo = "bring the table of signing keys back from a backup, or `jea-auth user factor EMAIL --reset`";
        Finding::not(State::Error, CHECK, found, todo)
    }

    /// How many accounts have none that must have one.
    pub(super) fn required(&self) -> Finding {
        let (unmet, of) = (self.unmet.count, self.required_of);
        match &self.required {
            None => {
                let todo = "give what RequireFactor of the stack says with --require-factor, or in REQUIRE_FACTOR";
                Finding::not(State::Skipped, REQUIRED, "whether any are is not told", todo)
            }
            Some(RequireFactor::Off) => Finding::ok(REQUIRED, "of nobody"),
            Some(_) if unmet == 0 => Finding::ok(REQUIRED, format!("of {of}, which all have one")),
            Some(_) => {
                let found = format!("{unmet} of {of} have none: {}", self.unmet.names());
                Finding::not(State::Warning, REQUIRED, found, "nothing; each sets one up at the next log-on")
            }
        }
    }
}
