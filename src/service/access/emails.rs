//! The emails of accounts, in the authorizer's memory: a token names its account by an id, and the table of accounts
//! knows it by its email. With the email at hand, session and account are read at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::domain::{account::Email, ids::AccountId, session::Session};

/// How many emails are remembered, at some 150 bytes each. When all places are taken, all are given up: the next
/// request of each account costs one more read.
const EMAILS_MAX: usize = 4096;

/// It may be wrong, as an account can get another email: what is read by it says which email is right.
#[derive(Default)]
pub(super) struct KnownEmails(Mutex<HashMap<AccountId, Email>>);

impl KnownEmails {
    pub(super) fn recall(&self, sub: &AccountId) -> Option<Email> {
        self.lock().get(sub).cloned()
    }

    /// Remembers the email of a living session, unless it is the one that was `recalled`.
    pub(super) fn remember(&self, session: &Session, recalled: Option<&Email>) {
        let email = Email::canonical(&session.email);
        if recalled == Some(&email) {
            return;
        }
        let mut emails = self.lock();
        if emails.len() >= EMAILS_MAX {
            emails.clear();
        }
        emails.insert(session.sub.clone(), email);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Email>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
