//! What an operator does to accounts and sessions.
//!
//! Whatever ends sessions raises the account's generation first. From then on no check-in and no other operation of these
//! sessions succeeds, and no log-on that read the account before gets a token: it looks at the account again after it has
//! written its session. When the write was acknowledged, and not before, the sessions are read, consistently, and deleted.
//! So no log-on and no check-in that runs at the same moment leaves a session behind.

use std::collections::BTreeMap;

use crate::{
    access_key::AccessKeyId,
    account::{Account, Email, InvalidEmail, Name, Role, Status, TEXTS_MAX_BYTES},
    password::PasswordHash,
    session::Session,
    store::{Ended, Renamed, Store, StoreError},
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
    /// How many access keys were removed.
    pub keys_removed: usize,
}

/// What an operator changes of who somebody is.
#[derive(Clone, Debug, Default)]
pub struct Particulars {
    /// Another name.
    pub name: Option<Name>,
    /// Another role, or none.
    pub role: RoleChange,
    /// Members of the profile; an empty one is removed.
    pub profile: BTreeMap<String, String>,
}

/// What becomes of a role.
#[derive(Clone, Debug, Default)]
pub enum RoleChange {
    /// It stays.
    #[default]
    Keep,
    /// It is this one.
    Set(Role),
    /// There is none.
    Remove,
}

/// Name, role or profile could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account would be larger than one may be.
    #[error("the texts of the account would have more than {TEXTS_MAX_BYTES} bytes")]
    TooLarge,
}

/// An account could not be given another email.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No account can have this email.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// Another account has it.
    #[error("there is an account with the new email")]
    Exists,
    /// It is the account's email already, letter by letter.
    #[error("this is the email of the account already")]
    Same,
}

impl Administration {
    /// Replaces the password, and ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`]; if the account was written and sessions could not be ended, doing it again ends them.
    pub async fn change_password(&self, email: &Email, hash: PasswordHash) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, |account| account.password_hash = Some(hash.clone())).await
    }

    /// Lets nobody log on any more, and ends all sessions and access keys. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn disable(&self, email: &Email) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, |account| {
            account.status = Status::Disabled;
            account.access_keys.clear();
        })
        .await
    }

    /// Lets its owner log on again. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enable(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let enable = |account: &Account| Ok::<_, StoreError>(Account { status: Status::Active, ..account.clone() });
        Ok(self.store.change_account(email, enable).await?.map(|changed| changed.after))
    }

    /// Changes name, role and profile, and writes the first two into all sessions, which go on. Nothing comes back if there
    /// is no such account.
    ///
    /// # Errors
    /// [`SetError`]; if the account was written and a session could not be, doing it again writes it.
    pub async fn set(&self, email: &Email, particulars: &Particulars) -> Result<Option<Account>, SetError> {
        let set = |account: &Account| {
            let mut changed = account.clone();
            if let Some(name) = &particulars.name {
                changed.name = name.clone();
            }
            match &particulars.role {
                RoleChange::Keep => {}
                RoleChange::Set(role) => changed.role = Some(role.clone()),
                RoleChange::Remove => changed.role = None,
            }
            changed.profile.extend(particulars.profile.clone());
            changed.profile.retain(|_, value| !value.is_empty());
            // What is too large already can be made smaller.
            let is_too_large = changed.texts_bytes() > TEXTS_MAX_BYTES.max(account.texts_bytes());
            if is_too_large { Err(SetError::TooLarge) } else { Ok(changed) }
        };
        let Some(changed) = self.store.change_account(email, set).await? else { return Ok(None) };
        self.store.relabel_sessions(&changed.after).await?;
        Ok(Some(changed.after))
    }

    /// Gives an account another email, or another spelling of its email, and ends all sessions: they carry the email. All
    /// else stays. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`RenameError`]; the account has one email or the other, and never none. If sessions could not be ended, nothing renews
    /// them, and doing it again ends them.
    pub async fn rename(&self, email: &Email, new_email: &str) -> Result<Option<Changed>, RenameError> {
        let (new, registered_email) = (Email::parse(new_email)?, new_email.trim());
        if new == *email {
            return self.respell(email, registered_email).await;
        }
        for _ in 0..RENAME_TRIES {
            let Some(before) = self.store.account(email).await? else { return self.finish_rename(email, &new).await };
            let registered_email = registered_email.to_owned();
            let account = Account { email: new.clone(), registered_email, ..before.clone() }.next_generation();
            match self.store.rename_account(&before, &account).await? {
                Renamed::Renamed => return Ok(Some(self.renamed(account).await?)),
                Renamed::Exists => {
                    // Perhaps by an earlier copy of the same write, whose answer was lost.
                    let is_moved = match self.store.sub_at(new.as_str()).await? {
                        Some(sub) if sub == account.sub.as_str() => self.store.sub_at(email.as_str()).await?.is_none(),
                        Some(_) | None => false,
                    };
                    return if is_moved { Ok(Some(self.renamed(account).await?)) } else { Err(RenameError::Exists) };
                }
                Renamed::Changed => {}
            }
        }
        Err(StoreError::Overtaken { operation: "TransactWriteItems" }.into())
    }

    /// The email stays the same key, and is written in another way. A transaction could not both put and delete one item.
    async fn respell(&self, email: &Email, registered_email: &str) -> Result<Option<Changed>, RenameError> {
        let respell = |account: &Account| {
            let changed = Account { registered_email: registered_email.to_owned(), ..account.clone() };
            Ok::<_, StoreError>(if changed == *account { changed } else { changed.next_generation() })
        };
        let Some(changed) = self.store.change_account(email, respell).await? else { return Ok(None) };
        let is_same = changed.before == changed.after;
        let renamed = self.renamed(changed.after).await?;
        // Sessions of before are there if an earlier call broke off.
        if is_same && renamed.ended == 0 { Err(RenameError::Same) } else { Ok(Some(renamed)) }
    }

    /// Ends what an earlier call has left that moved the account and then broke off. That it was this account at this email is
    /// known by its sessions; without any there is nothing left to do, and nothing comes back.
    async fn finish_rename(&self, old: &Email, new: &Email) -> Result<Option<Changed>, RenameError> {
        let Some(account) = self.store.account(new).await? else { return Ok(None) };
        let sessions = self.store.sessions(&account.sub).await?;
        let was_there = sessions.iter().any(|session| Email::canonical(&session.email) == *old);
        if was_there { Ok(Some(self.renamed(account).await?)) } else { Ok(None) }
    }

    async fn renamed(&self, account: Account) -> Result<Changed, StoreError> {
        let ended = self.store.end_sessions(account.sub.as_str(), Ended::Before(account.generation)).await?;
        Ok(Changed { account, ended, keys_removed: 0 })
    }

    /// Ends an access key and the sessions that it opened. Nothing comes back if there is no such account; else whether it
    /// had the key, and how many sessions ended.
    ///
    /// # Errors
    /// [`StoreError`]; if the key is gone and sessions could not be ended, doing it again ends them.
    pub async fn end_key(&self, email: &Email, id: &AccessKeyId) -> Result<Option<(bool, usize)>, StoreError> {
        let end = |account: &Account| {
            let mut changed = account.clone();
            changed.access_keys.remove(id);
            Ok::<_, StoreError>(changed)
        };
        let Some(changed) = self.store.change_account(email, end).await? else { return Ok(None) };
        let ended = self.store.end_sessions(changed.after.sub.as_str(), Ended::OfKey(id)).await?;
        Ok(Some((changed.before.access_keys.contains_key(id), ended)))
    }

    /// Removes the second factor, and what was begun of another one. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_factor(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let remove =
            |account: &Account| Ok::<_, StoreError>(Account { factor: None, begun_factor: None, ..account.clone() });
        Ok(self.store.change_account(email, remove).await?.map(|changed| changed.after))
    }

    /// Removes the account at `key`, which is its email, and ends all sessions. Gives back how many sessions ended; nothing
    /// if there is no such account. An item that is malformed, its key included, is removed as well.
    ///
    /// # Errors
    /// [`StoreError`]. The account is disabled first and removed last, so doing it again ends what is left.
    pub async fn delete(&self, key: &str) -> Result<Option<usize>, StoreError> {
        if let Ok(email) = Email::parse(key) {
            match self.disable(&email).await {
                // Nobody can log on to a malformed account, or check in.
                Ok(_) | Err(StoreError::Malformed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(sub) = self.store.sub_at(key).await? else { return Ok(None) };
        let ended = if sub.is_empty() { 0 } else { self.store.end_sessions(&sub, Ended::All).await? };
        self.store.remove_account(key).await?;
        Ok(Some(ended))
    }

    /// Ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn end_sessions(&self, email: &Email) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, |_| {}).await
    }

    /// The sessions of an account that are alive, oldest first. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sessions(&self, email: &Email, now: Timestamp) -> Result<Option<(Account, Vec<Session>)>, StoreError> {
        let Some(account) = self.store.account(email).await? else { return Ok(None) };
        let mut sessions = self.store.sessions(&account.sub).await?;
        sessions.retain(|session| session.is_alive(now));
        sessions.sort_by_key(|session| session.auth_time);
        Ok(Some((account, sessions)))
    }

    async fn change_and_end(
        &self,
        email: &Email,
        change: impl Fn(&mut Account),
    ) -> Result<Option<Changed>, StoreError> {
        let change = |account: &Account| {
            let mut changed = account.clone();
            change(&mut changed);
            Ok::<_, StoreError>(changed.next_generation())
        };
        let Some(changed) = self.store.change_account(email, change).await? else { return Ok(None) };
        let account = changed.after;
        let keys_removed = changed.before.access_keys.len().saturating_sub(account.access_keys.len());
        // All, and not those of earlier generations alone: a malformed one has perhaps no generation that could be compared.
        let ended = self.store.end_sessions(account.sub.as_str(), Ended::All).await?;
        Ok(Some(Changed { account, ended, keys_removed }))
    }
}

/// How often a change of email that another change overtook starts over.
const RENAME_TRIES: u32 = 5;
