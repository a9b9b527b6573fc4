//! What an operator does to accounts and sessions.
//!
//! Whatever ends sessions writes the account first: from then on no log-on that began before can commit, because its
//! transaction asks for the account as it was. Then the sessions are read, consistently, and deleted; a check-in
//! extends only what is there. So no log-on and no check-in that runs at the same moment leaves a session behind.

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

    /// Removes the account, and ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`]. The account is disabled first and removed last, so doing it again ends what is left.
    pub async fn delete(&self, email: &Email) -> Result<Option<Changed>, StoreError> {
        let Some(disabled) = self.disable(email).await? else { return Ok(None) };
        let _ = self.store.remove_account(email).await?;
        Ok(Some(disabled))
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
        let sessions = self.store.sessions(&account.sub).await?;
        for session in &sessions {
            self.store.end_session(&session.sub, &session.sid).await?;
        }
        Ok(Some(Changed { account, ended: sessions.len() }))
    }
}
