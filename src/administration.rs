//! What an operator does to accounts and sessions.
//!
//! Whatever ends sessions raises the account's generation first. From then on no check-in and no other operation of these
//! sessions succeeds, and no log-on that read the account before gets a token: it looks at the account again after it has
//! written its session. When the write was acknowledged, and not before, the sessions are read, consistently, and deleted.
//! So no log-on and no check-in that runs at the same moment leaves a session behind.

use crate::{
    account::{Account, Email},
    password::PasswordHash,
    session::Session,
    store::{Change, Store, StoreError},
    time::Timestamp,
};

/// The accounts and sessions of one stack.
pub struct Administration {
    /// The tables.
    pub store: Store,
}

/// An account after a change, and how many of its sessions ended with it.
pub struct Changed {
    /// The account.
    pub account: Account,
    /// How many sessions ended.
    pub ended: usize,
}

impl Administration {
    /// Replaces the password, and ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`]; if the account was written and sessions could not be ended, doing it again ends them.
    pub async fn change_password(&self, email: &Email, hash: PasswordHash) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, &Change::Password(hash)).await
    }

    /// Lets nobody log on any more, and ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn disable(&self, email: &Email) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, &Change::Disable).await
    }

    /// Lets its owner log on again. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enable(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.store.change_account(email, &Change::Enable).await
    }

    /// Removes the account at `key`, which is its email, and ends all sessions. Gives back how many sessions ended; nothing
    /// if there is no such account. An item that is malformed, its key included, is removed as well.
    ///
    /// # Errors
    /// [`StoreError`]. The account is disabled first and removed last, so doing it again ends what is left.
    pub async fn delete(&self, key: &str) -> Result<Option<usize>, StoreError> {
        if let Ok(email) = Email::parse(key) {
            match self.store.change_account(&email, &Change::Disable).await {
                // Nobody can log on to a malformed account, or check in.
                Ok(_) | Err(StoreError::Malformed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(sub) = self.store.sub_at(key).await? else { return Ok(None) };
        let ended = if sub.is_empty() { 0 } else { self.store.end_sessions(&sub).await? };
        self.store.remove_account(key).await?;
        Ok(Some(ended))
    }

    /// Ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn end_sessions(&self, email: &Email) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, &Change::EndSessions).await
    }

    /// The sessions of an account that are alive, oldest first. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sessions(&self, email: &Email, now: Timestamp) -> Result<Option<Vec<Session>>, StoreError> {
        let Some(account) = self.store.account(email).await? else { return Ok(None) };
        let mut sessions = self.store.sessions(&account.sub).await?;
        sessions.retain(|session| session.is_alive(now));
        sessions.sort_by_key(|session| session.auth_time);
        Ok(Some(sessions))
    }

    async fn change_and_end(&self, email: &Email, change: &Change) -> Result<Option<Changed>, StoreError> {
        let Some(account) = self.store.change_account(email, change).await? else { return Ok(None) };
        let ended = self.store.end_sessions(account.sub.as_str()).await?;
        Ok(Some(Changed { account, ended }))
    }
}
