//! What an account keeps of its passkeys. How one is registered and used is for [`super::webauthn`].
//!
//! A passkey is a key pair whose private half an authenticator keeps: a phone, a computer, a security key. The account
//! keeps the public half. With it goes what finds the account again: nobody types an email when a passkey is used, so
//! the authenticator gives back the [`UserHandle`] that it was given.

mod public_key;

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use public_key::{Algorithm, InvalidPublicKey, OFFERED, PublicKey};

use crate::domain::{access_key::day_of, name::Name, time::Timestamp};

/// How many passkeys an account may have.
pub const PASSKEYS_MAX: usize = 10;
/// Longest id of a passkey, in bytes (Web Authentication Level 3, section 7.1).
pub const CREDENTIAL_ID_MAX_BYTES: usize = 1023;
/// Length of a user handle, in bytes. The standard allows 64, and asks for random ones (Web Authentication Level 3,
/// section 14.6.1).
pub const USER_HANDLE_BYTES: usize = 32;

/// The id of a passkey, which its authenticator chose ("credential ID" in the standard). It is no secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialId(Vec<u8>);

/// The bytes are no id of a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a passkey is base64url without padding, of 1 to {CREDENTIAL_ID_MAX_BYTES} bytes")]
pub struct InvalidCredentialId;

impl CredentialId {
    /// The id of these bytes.
    ///
    /// # Errors
    /// [`InvalidCredentialId`] if there are none, or more than [`CREDENTIAL_ID_MAX_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidCredentialId> {
        let is_id = (1..=CREDENTIAL_ID_MAX_BYTES).contains(&bytes.len());
        if is_id { Ok(Self(bytes.to_vec())) } else { Err(InvalidCredentialId) }
    }

    /// Parses the text of an id.
    ///
    /// # Errors
    /// [`InvalidCredentialId`] if it is not the one spelling in base64url, without padding, of an id.
    pub fn parse(text: &str) -> Result<Self, InvalidCredentialId> {
        Self::new(&URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCredentialId)?)
    }

    /// Its text: base64url without padding, as browsers write it.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({})", self.text())
    }
}

/// What passkeys know an account by: 32 random bytes, `user.id` in the standard. It is not the account's `sub`: an
/// imported one can hold an email, which no authenticator should show, or be longer than the 64 bytes that one takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserHandle([u8; USER_HANDLE_BYTES]);

/// The text is no user handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the handle of an account is base64url without padding, of {USER_HANDLE_BYTES} bytes")]
pub struct InvalidUserHandle;

impl UserHandle {
    /// The handle of these random bytes.
    #[must_use]
    pub fn new(random: &[u8; USER_HANDLE_BYTES]) -> Self {
        Self(*random)
    }

    /// The handle that an authenticator gives back; nothing if none was made here that has its length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Parses the text of a handle.
    ///
    /// # Errors
    /// [`InvalidUserHandle`] if it is not the one spelling in base64url, without padding, of a handle.
    pub fn parse(text: &str) -> Result<Self, InvalidUserHandle> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidUserHandle)?;
        Self::from_slice(&bytes).ok_or(InvalidUserHandle)
    }

    /// Its text: base64url without padding.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for UserHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserHandle({})", self.text())
    }
}

/// What an account keeps of a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPasskey {
    /// What its owner calls it.
    pub name: Name,
    /// What its signatures are verified with.
    pub public_key: PublicKey,
    /// The relying party that it was made for: a host. Browsers offer it there, and nowhere else.
    pub rp_id: String,
    /// When it was added.
    pub created: Timestamp,
    /// The last day on which it was used; its first second.
    pub last_used: Option<Timestamp>,
    /// The signature counter of its last use. Most passkeys have none, which is a zero. It is kept for whoever looks
    /// into an incident, and refuses nothing: synchronised passkeys count as they please.
    pub sign_count: u32,
    /// Whether its authenticator said, at its last use, that there is a copy elsewhere.
    pub backed_up: bool,
}

/// A passkey that was used now, with all that the standard asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedPasskey {
    /// Which one.
    pub id: CredentialId,
    /// Its signature counter.
    pub sign_count: u32,
    /// Whether there is a copy elsewhere.
    pub backed_up: bool,
}

impl StoredPasskey {
    /// How many bytes it adds to its account, beside its id.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.as_str().len() + self.rp_id.len() + self.public_key.cose().len()
    }

    /// The same passkey after a use.
    #[must_use]
    pub fn after(&self, used: &UsedPasskey, now: Timestamp) -> Self {
        let UsedPasskey { id: _, sign_count, backed_up } = used;
        Self { last_used: Some(day_of(now)), sign_count: *sign_count, backed_up: *backed_up, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 87.
    #[test]
    fn an_id_has_up_to_1023_bytes_and_one_spelling() {
        let longest = CredentialId::new(&[0xfe; CREDENTIAL_ID_MAX_BYTES]).unwrap();
        assert_eq!(CredentialId::parse(&longest.text()), Ok(longest));
        assert_eq!(CredentialId::parse("_w").unwrap().text(), "_w");
        assert_eq!(CredentialId::new(&[0; CREDENTIAL_ID_MAX_BYTES + 1]), Err(InvalidCredentialId));
        // Nothing, padding, the other alphabet, bits that mean nothing, a blank.
        for text in ["", "_w==", "/w", "_x", " _w"] {
            assert_eq!(CredentialId::parse(text), Err(InvalidCredentialId), "{text:?}");
        }
    }

    // Check 87.
    #[test]
    fn a_handle_has_32_bytes_and_one_spelling() {
        let handle = UserHandle::new(&[0xfb; USER_HANDLE_BYTES]);
        assert_eq!(UserHandle::parse(&handle.text()), Ok(handle));
        for bytes in [0, 1, USER_HANDLE_BYTES - 1, USER_HANDLE_BYTES + 1, 64] {
            assert_eq!(UserHandle::from_slice(&vec![0xfb; bytes]), None, "{bytes}");
        }
        for text in ["", &format!("{}=", handle.text()), &handle.text().replace('-', "+"), &handle.text()[1..]] {
            assert_eq!(UserHandle::parse(text), Err(InvalidUserHandle), "{text:?}");
        }
    }
}
