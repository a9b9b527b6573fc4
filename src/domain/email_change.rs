//! A change of an account's email that its owner has asked for. It is made when the links to the present and to the new
//! address were both used: whoever has learned the password reads neither of the owner's mails, and must not take the
//! account to a mailbox of his own.

use std::time::Duration;

use crate::domain::{
    email::{Email, InvalidEmail},
    ids::ChangeId,
    time::Timestamp,
};

/// How long its links are good.
pub const EMAIL_CHANGE_LIFE: Duration = Duration::from_hours(1);

/// One of the two addresses that confirm a change of email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// That of the present email.
    Present,
    /// That of the new one.
    New,
}

impl Mailbox {
    /// Its name, in the store and in tokens.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::New => "new",
        }
    }

    /// The mailbox of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Present, Self::New].into_iter().find(|mailbox| mailbox.name() == name)
    }
}

/// A change of email that waits for its confirmations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    /// Which request asked for it: links of an earlier one are void.
    pub id: ChangeId,
    /// The new email.
    pub email: Email,
    /// As its owner wrote it.
    pub registered_email: String,
    /// When its links end.
    pub expires_at: Timestamp,
    /// The address that has confirmed it already.
    pub confirmed: Option<Mailbox>,
}

impl EmailChange {
    /// A change to this email that is asked for now.
    ///
    /// # Errors
    /// [`InvalidEmail`] if no account can have it.
    pub fn new(email: &str, id: ChangeId, now: Timestamp) -> Result<Self, InvalidEmail> {
        Ok(Self {
            id,
            email: Email::parse(email)?,
            registered_email: email.trim().to_owned(),
            // As it is stored.
            expires_at: Timestamp::from_seconds(now.seconds()).plus(EMAIL_CHANGE_LIFE),
            confirmed: None,
        })
    }
}
