//! Accounts: who can log on, and what is known of them.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::{password::PasswordHash, time::Timestamp};

/// Longest email, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX_BYTES: usize = 254;

/// An email in canonical form: trimmed, NFC, lower case. The key of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The canonical form of any text. What comes out need not be an email: at log-on, whatever a person typed is
    /// looked up, and is not found.
    #[must_use]
    pub fn canonical(text: &str) -> Self {
        Self(text.trim().nfc().collect::<String>().to_lowercase().nfc().collect())
    }

    /// Parses an email that an account may have.
    ///
    /// # Errors
    /// [`InvalidEmail`] if it is longer than [`EMAIL_MAX_BYTES`], holds a space or control character, or is not
    /// something before and something after one `@`.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let email = Self::canonical(text);
        if email.is_possible() { Ok(email) } else { Err(InvalidEmail) }
    }

    /// Whether an account can have this email.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let parts = self.0.split_once('@');
        self.0.len() <= EMAIL_MAX_BYTES
            && !self.0.chars().any(|c| c.is_whitespace() || c.is_control())
            && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no email that an account may have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an email has one @ with text on both sides, no spaces, and at most {EMAIL_MAX_BYTES} bytes")]
pub struct InvalidEmail;

/// Longest name and longest name of a role, in bytes. Both stand in headers, of which a gateway takes some 10,000 bytes.
pub const LABEL_MAX_BYTES: usize = 256;

/// A name, or the name of a role: what can stand in a header.
///
/// # Errors
/// [`InvalidLabel`] if it is empty, longer than [`LABEL_MAX_BYTES`], or holds a control character.
pub fn label(text: &str) -> Result<String, InvalidLabel> {
    let is_possible = (1..=LABEL_MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if is_possible { Ok(text.to_owned()) } else { Err(InvalidLabel) }
}

/// The text is no name that an account or a role may have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it has 1 to {LABEL_MAX_BYTES} bytes and no control characters")]
pub struct InvalidLabel;

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
    pub sub: String,
    /// What the person is called; the Auth object's `user`.
    pub name: String,
    /// The name of its role, if it has one.
    pub role: Option<String>,
    /// Whether it may log on.
    pub status: Status,
    /// The hash of its password.
    pub password_hash: PasswordHash,
    /// When it was made.
    pub created: Timestamp,
    /// Raised by whatever ends the account's sessions, before it reads and deletes them. A session is good for the
    /// generation that it was opened in.
    pub generation: u64,
    /// Whatever else is known of the person: title, company, country and the like.
    pub profile: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_that_look_the_same_are_the_same() {
        let email = Email::canonical("jose\u{301}@example.org");
        assert_eq!(Email::canonical(" JOS\u{c9}@Example.ORG\n"), email);
        assert_eq!(Email::canonical(email.as_str()), email, "canonical text stays as it is");
    }

    #[test]
    fn an_email_is_as_long_as_it_may_be_and_no_longer() {
        let longest = format!("{}@example.org", "a".repeat(EMAIL_MAX_BYTES - 12));
        assert!(Email::parse(&longest).is_ok());
        assert_eq!(Email::parse(&format!("a{longest}")), Err(InvalidEmail));
    }

    #[test]
    fn what_cannot_be_an_email_is_told() {
        for text in ["", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a\u{0}@c"] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn a_label_can_stand_in_a_header() {
        for text in ["Yi", "Žofie Ōe", &"x".repeat(LABEL_MAX_BYTES)] {
            assert_eq!(label(text).as_deref(), Ok(text));
        }
        for text in ["", "Bob\r\nX-User-Role: admin", "\u{1b}[2J", "\0", &"x".repeat(LABEL_MAX_BYTES + 1)] {
            assert_eq!(label(text), Err(InvalidLabel), "{text:?}");
        }
    }
}
