//! What an operator does to accounts and sessions.
//!
//! Each is one conditional write of the account, or, if its key changes, one transaction of two; and sessions live by
//! their account: from the moment that the write is acknowledged, whoever reads the account sees which have ended.
//! Nothing is done by halves, and what broke off can be done again.

use std::collections::BTreeMap;

use crate::{
    domain::{
        access_key::AccessKeyId,
        account::{Account, Email, InvalidEmail, Name, Role, Status, TEXTS_MAX_BYTES},
        passkey::CredentialId,
        password::PasswordHash,
        session::{Life, Session},
        time::Clock,
    },
    platform::{
        store::{Renamed, Store, StoreError},
        tries::OPERATOR,
    },
};

/// The accounts and sessions of one stack.
pub struct Administration {
    /// The tables.
    pub store: Store,
    /// Tells the time of an end of sessions.
    pub clock: Clock,
}

/// An account after a change.
pub struct Changed {
    /// The account.
    pub account: Account,
    /// How many access keys were removed.
    pub keys_removed: usize,
    /// How many passkeys were removed.
    pub passkeys_removed: usize,
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
    /// Replaces the password by one that stays, ends all sessions, and voids all links. Nothing comes back if there is
    /// no such account.
    ///
    /// # Errors
    /// [`StoreError`]. If DynamoDB did not answer it is perhaps done; doing it again is then the same once more.
    pub async fn change_password(&self, email: &Email, hash: PasswordHash) -> Result<Option<Changed>, StoreError> {
        self.change_and_end(email, |account| account.with_password(hash.clone())).await
    }

    /// As [`Self::change_password`], by one that the owner must change.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn set_temporary_password(
        &self,
        email: &Email,
        hash: PasswordHash,
    ) -> Result<Option<Changed>, StoreError> {
        let now = (self.clock)();
        self.change_and_end(email, |account| account.with_temporary_password(hash.clone(), now)).await
    }

    /// Lets nobody log on any more, ends all sessions, access keys and passkeys, and voids all links. Nothing comes
    /// back if there is no such account.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn disable(&self, email: &Email) -> Result<Option<Changed>, StoreError> {
        let disabled = |account| Account {
            status: Status::Disabled,
            access_keys: BTreeMap::new(),
            passkeys: BTreeMap::new(),
            ..account
        };
        self.change_and_end(email, disabled).await
    }

    /// Lets its owner log on again. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enable(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let enable = |account: &Account| Ok::<_, StoreError>(Account { status: Status::Active, ..account.clone() });
        Ok(self.store.change_account(email, enable).await?.map(|changed| changed.after))
    }

    /// Changes name, role and profile. Its sessions go on. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`SetError`].
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
        Ok(self.store.change_account(email, set).await?.map(|changed| changed.after))
    }

    /// Gives an account another email, or another spelling of its email, ends all sessions, which have the email, and
    /// voids all links. All else stays. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`RenameError`]; the account has one email or the other, and never none.
    pub async fn rename(&self, email: &Email, new_email: &str) -> Result<Option<Account>, RenameError> {
        let (new, registered_email) = (Email::parse(new_email)?, new_email.trim());
        if new == *email {
            return self.respell(email, registered_email).await;
        }
        let mut tries = self.store.tries(OPERATOR);
        loop {
            let Some(before) = self.store.account(email).await? else { return Ok(None) };
            let registered_email = registered_email.to_owned();
            let account = self.moved_on(Account { email: new.clone(), registered_email, ..before.clone() });
            match self.store.rename_account(&before, &account, None).await? {
                Renamed::Renamed => return Ok(Some(account)),
                Renamed::Exists => {
                    // Perhaps by an earlier copy of the same write, whose answer was lost.
                    let is_moved = match self.store.sub_at(new.as_str()).await? {
                        Some(sub) if sub == account.sub.as_str() => self.store.sub_at(email.as_str()).await?.is_none(),
                        Some(_) | None => false,
                    };
                    return if is_moved { Ok(Some(account)) } else { Err(RenameError::Exists) };
                }
                Renamed::Changed => {}
            }
            if !tries.again().await {
                return Err(StoreError::Overtaken { operation: "TransactWriteItems" }.into());
            }
        }
    }

    /// The email stays the same key, and is written in another way. A transaction could not both put and delete one
    /// item.
    async fn respell(&self, email: &Email, registered_email: &str) -> Result<Option<Account>, RenameError> {
        let respell = |account: &Account| {
            if account.registered_email == registered_email {
                return Err(RenameError::Same);
            }
            Ok(self.moved_on(Account { registered_email: registered_email.to_owned(), ..account.clone() }))
        };
        Ok(self.store.change_account(email, respell).await?.map(|changed| changed.after))
    }

    /// Ends an access key, and with it the sessions that it opened, which live by it. Nothing comes back if there is no
    /// such account; else whether it had the key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_key(&self, email: &Email, id: &AccessKeyId) -> Result<Option<bool>, StoreError> {
        let end = |account: &Account| {
            let mut changed = account.clone();
            changed.access_keys.remove(id);
            Ok::<_, StoreError>(changed)
        };
        let changed = self.store.change_account(email, end).await?;
        Ok(changed.map(|changed| changed.before.access_keys.contains_key(id)))
    }

    /// Removes a passkey, and tells whether the account had it. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_passkey(&self, email: &Email, id: &CredentialId) -> Result<Option<bool>, StoreError> {
        let remove = |account: &Account| {
            let mut changed = account.clone();
            changed.passkeys.remove(id);
            Ok::<_, StoreError>(changed)
        };
        let changed = self.store.change_account(email, remove).await?;
        Ok(changed.map(|changed| changed.before.passkeys.contains_key(id)))
    }

    /// Voids all links that were mailed before. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn void_links(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let void = |account: &Account| Ok::<_, StoreError>(account.clone().next_links((self.clock)()));
        Ok(self.store.change_account(email, void).await?.map(|changed| changed.after))
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

    /// Removes the account at `key`, which is its email, and with it ends all sessions. Tells whether there was one. An
    /// item that is malformed, its key included, is removed as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        self.store.remove_account(key).await
    }

    /// Ends all sessions. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn end_sessions(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let end = |account: &Account| Ok::<_, StoreError>(account.clone().next_generation((self.clock)()));
        Ok(self.store.change_account(email, end).await?.map(|changed| changed.after))
    }

    /// The sessions of an account that are alive, oldest first. Nothing comes back if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sessions(&self, email: &Email) -> Result<Option<(Account, Vec<Session>)>, StoreError> {
        let Some(account) = self.store.account(email).await? else { return Ok(None) };
        let now = (self.clock)();
        let mut sessions = self.store.sessions(&account.sub, account.generation, now).await?;
        sessions.retain(|session| session.life(Some(account.holder()), now) == Life::Alive);
        sessions.sort_by_key(|session| session.auth_time);
        Ok(Some((account, sessions)))
    }

    async fn change_and_end(
        &self,
        email: &Email,
        change: impl Fn(Account) -> Account,
    ) -> Result<Option<Changed>, StoreError> {
        let change = |account: &Account| Ok::<_, StoreError>(self.moved_on(change(account.clone())));
        let Some(changed) = self.store.change_account(email, change).await? else { return Ok(None) };
        let account = changed.after;
        let keys_removed = changed.before.access_keys.len().saturating_sub(account.access_keys.len());
        let passkeys_removed = changed.before.passkeys.len().saturating_sub(account.passkeys.len());
        Ok(Some(Changed { account, keys_removed, passkeys_removed }))
    }

    /// The same account with all its sessions ended and all links void, once it is written.
    fn moved_on(&self, account: Account) -> Account {
        let now = (self.clock)();
        account.next_generation(now).next_links(now)
    }
}
