//! Accounts: who can log on, and what is known of them.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{
    access_key::{AccessKeyId, StoredKey},
    email_change::EmailChange,
    factor::Factor,
    ids::AccountId,
    passkey::{CredentialId, StoredPasskey, UserHandle},
    password::PasswordHash,
    time::Timestamp,
};
pub use crate::domain::{
    email::{DOMAIN_MAX_BYTES, EMAIL_MAX_BYTES, Email, InvalidEmail, is_host, is_unseen},
    name::{InvalidLabel, LABEL_MAX_BYTES, NO_ROLE, Name, Role},
};

/// The most that the texts of an account may have together, in bytes, with the ids and keys of its passkeys, and
/// without its access keys.
pub const TEXTS_MAX_BYTES: usize = 60_000;
/// How long a password is good that its owner must change at the first log-on (ASVS 5.0, 6.4.1).
pub const TEMPORARY_LIFE: Duration = Duration::from_hours(7 * 24);

/// Whether an account may log on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// It may not, until an operator enables it again.
    Disabled,
}

impl Status {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.name() == name)
    }
}

/// One account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub email: Email,
    /// The email as it was registered; the form that clients are shown.
    pub registered_email: String,
    /// Its opaque, lasting id: the claim `sub`.
    pub sub: AccountId,
    /// What the person is called.
    pub name: Name,
    /// The name of its role, if it has one.
    pub role: Option<Role>,
    /// Whether it may log on.
    pub status: Status,
    /// The hash of its password. Without one nobody can log on with a password until one is set.
    pub password_hash: Option<PasswordHash>,
    /// If an operator has chosen the password and its owner must change it: from here on it matches nothing.
    pub temporary_until: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// Raised by whatever ends the account's sessions: a session lives in the generation that it was opened in. It is
    /// the time of that end in milliseconds, so no generation comes twice, also when an account is deleted and added
    /// again with the same id, or a table is restored from a backup.
    pub generation: u64,
    /// Raised by a link that was used and by what an operator does, which voids all mailed links of before. It is a
    /// time as [`Self::generation`] is. No session moves it, or whoever has learned the password could keep the owner
    /// of the mailbox from setting another one.
    pub links: u64,
    /// The tag of the mailed link that was used, as long as its use is the last thing that moved [`Self::links`].
    pub used_link: Option<String>,
    /// Whatever else is known of the person: title, company, country and the like.
    pub profile: BTreeMap<String, String>,
    /// Its access keys, those included that have expired and were not removed yet.
    pub access_keys: BTreeMap<AccessKeyId, StoredKey>,
    /// Its second factor, if it has one: then a log-on with the password needs a code.
    pub factor: Option<Factor>,
    /// The sealed secret of a second factor that was begun and not confirmed. Nothing is asked of it yet.
    pub begun_factor: Option<Vec<u8>>,
    /// Another email that it is to have, and that waits for its confirmations.
    pub email_change: Option<EmailChange>,
    /// What passkeys know the account by. It is made with the first of them, and stays when they go: an authenticator
    /// keeps one passkey for each handle, so the next one takes the place of one that is of no use any more.
    pub handle: Option<UserHandle>,
    /// Its passkeys: each is a whole log-on.
    pub passkeys: BTreeMap<CredentialId, StoredPasskey>,
}

/// What of an account its sessions live by.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The account's opaque id.
    pub sub: &'a AccountId,
    /// Whether it may log on.
    pub status: Status,
    /// Its generation.
    pub generation: u64,
    /// Its access keys.
    pub access_keys: &'a BTreeMap<AccessKeyId, StoredKey>,
}

impl Account {
    /// An account that is made now, and may log on once it has a password. `email` is shown as it is written here.
    ///
    /// # Errors
    /// [`InvalidEmail`] if no account can have this email.
    pub fn new(email: &str, name: Name, sub: AccountId, now: Timestamp) -> Result<Self, InvalidEmail> {
        Ok(Self {
            email: Email::parse(email)?,
            registered_email: email.trim().to_owned(),
            sub,
            name,
            role: None,
            status: Status::Active,
            password_hash: None,
            temporary_until: None,
            created: now,
            generation: now.millis(),
            links: now.millis(),
            used_link: None,
            profile: BTreeMap::new(),
            access_keys: BTreeMap::new(),
            factor: None,
            begun_factor: None,
            email_change: None,
            handle: None,
            passkeys: BTreeMap::new(),
        })
    }

    /// What of it its sessions live by.
    #[must_use]
    pub fn holder(&self) -> Holder<'_> {
        let Self { sub, status, generation, access_keys, .. } = self;
        Holder { sub, status: *status, generation: *generation, access_keys }
    }

    /// What it is called, in every spelling that its owner may have seen: none of these can be its password.
    #[must_use]
    pub fn names(&self) -> [&str; 3] {
        [self.email.as_str(), &self.registered_email, self.name.as_str()]
    }

    /// Whether its owner has more than a password to show: an authenticator app, or a passkey that `is_usable`. One
    /// that was made for another host logs nobody on.
    #[must_use]
    pub fn has_factor(&self, is_usable: impl Fn(&StoredPasskey) -> bool) -> bool {
        self.factor.is_some() || self.passkeys.values().any(is_usable)
    }

    /// The hash that a password is compared with: none if there is no password, or its days are over.
    #[must_use]
    pub fn hash_at(&self, now: Timestamp) -> Option<&PasswordHash> {
        self.password_hash.as_ref().filter(|_| self.temporary_until.is_none_or(|end| now < end))
    }

    /// The same account with a password that stays.
    #[must_use]
    pub fn with_password(self, hash: PasswordHash) -> Self {
        Self { password_hash: Some(hash), temporary_until: None, ..self }
    }

    /// The same account with a password that its owner must change, from now on for [`TEMPORARY_LIFE`].
    #[must_use]
    pub fn with_temporary_password(self, hash: PasswordHash, now: Timestamp) -> Self {
        let end = Timestamp::from_seconds(now.seconds()).plus(TEMPORARY_LIFE);
        Self { temporary_until: Some(end), ..self.with_password(hash) }
    }

    /// How many bytes its texts have, with the ids and keys of its passkeys, and without its access keys.
    #[must_use]
    pub fn texts_bytes(&self) -> usize {
        let texts = [self.registered_email.as_str(), self.name.as_str(), self.sub.as_str()];
        let role = self.role.as_ref().map(Role::as_str);
        let hash = self.password_hash.as_ref().map(PasswordHash::as_str);
        let profile = self.profile.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let passkeys: usize = self.passkeys.iter().map(|(id, passkey)| id.text().len() + passkey.bytes()).sum();
        texts.into_iter().chain(role).chain(hash).chain(profile).map(str::len).sum::<usize>() + passkeys
    }

    /// The same account with all its sessions ended, once it is written. A second factor that was begun in one of them
    /// is given up, and so is another email: whoever ends sessions may doubt who began it.
    #[must_use]
    pub fn next_generation(self, now: Timestamp) -> Self {
        Self { generation: later(self.generation, now), begun_factor: None, email_change: None, ..self }
    }

    /// The same account with all links void that were mailed before, once it is written.
    #[must_use]
    pub fn next_links(self, now: Timestamp) -> Self {
        Self { links: later(self.links, now), used_link: None, email_change: None, ..self }
    }
}

/// Now in milliseconds, or the next number where the clock has been set back or two changes meet in one millisecond: a
/// number that only rises.
fn later(than: u64, now: Timestamp) -> u64 {
    now.millis().max(than.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_password_is_good_for_its_days_and_not_a_second_more() {
        let hash = PasswordHash::parse(
            "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw",
        )
        .unwrap();
        let now = Timestamp::from_millis(1_750_000_000_999);
        let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&[1; 16]));
        let account = Account::new("yi@jeplus.org", name, sub, now).unwrap();
        assert!(account.hash_at(now).is_none());
        let temporary = account.with_temporary_password(hash.clone(), now);
        let end = Timestamp::from_seconds(1_750_000_000 + 7 * 86_400);
        assert_eq!(temporary.temporary_until, Some(end));
        assert!(temporary.hash_at(end.minus(Duration::from_millis(1))).is_some());
        assert!(temporary.hash_at(end).is_none());
        let lasting = temporary.with_password(hash);
        assert!(lasting.temporary_until.is_none() && lasting.hash_at(end).is_some());
    }
}
