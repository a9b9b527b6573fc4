//! Authenticator data: what an authenticator says of itself, its user and its key, at fixed places (Web Authentication
//! Level 3, section 6.1).

use aws_lc_rs::digest::{SHA256, digest};

use super::{error::CeremonyError, relying_party::RelyingParty};
use crate::domain::passkey::{InvalidPublicKey, PublicKey};

/// Flags (Web Authentication Level 3, section 6.1).
const USER_PRESENT: u8 = 1 << 0;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED_CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

const HASH_BYTES: usize = 32;
/// Length of the id of the authenticator's model, in bytes.
const AAGUID_BYTES: usize = 16;

/// Authenticator data, taken apart.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8; HASH_BYTES],
    flags: u8,
    /// The signature counter.
    pub(super) sign_count: u32,
    /// The credential data, then what extensions say, if they are there.
    rest: &'a [u8],
}

/// The passkey that a registration brings.
pub(super) struct AttestedCredential {
    pub(super) id: Vec<u8>,
    pub(super) public_key: PublicKey,
}

impl<'a> AuthenticatorData<'a> {
    /// Takes them apart.
    ///
    /// # Errors
    /// [`CeremonyError::AuthenticatorData`] if they are too short, or the flags do not tell what comes after them.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, CeremonyError> {
        let parts = || {
            let (rp_id_hash, rest) = bytes.split_first_chunk()?;
            let ([flags], rest) = rest.split_first_chunk()?;
            let (sign_count, rest) = rest.split_first_chunk()?;
            let sign_count = u32::from_be_bytes(*sign_count);
            Some(Self { rp_id_hash, flags: *flags, sign_count, rest })
        };
        let data = parts().ok_or(CeremonyError::AuthenticatorData)?;
        let has_more = data.has(ATTESTED_CREDENTIAL) || data.has(EXTENSIONS);
        if has_more == data.rest.is_empty() { Err(CeremonyError::AuthenticatorData) } else { Ok(data) }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether there is a copy of the passkey elsewhere.
    pub(super) fn is_backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    /// Checks who it is for, and that its user was there and was verified.
    ///
    /// # Errors
    /// [`CeremonyError::RpId`], [`CeremonyError::UserPresence`], [`CeremonyError::UserVerification`],
    /// [`CeremonyError::BackupState`].
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), CeremonyError> {
        if digest(&SHA256, party.id().as_bytes()).as_ref() != self.rp_id_hash {
            Err(CeremonyError::RpId)
        } else if !self.has(USER_PRESENT) {
            Err(CeremonyError::UserPresence)
        } else if !self.has(USER_VERIFIED) {
            Err(CeremonyError::UserVerification)
        } else if self.has(BACKED_UP) && !self.has(BACKUP_ELIGIBLE) {
            Err(CeremonyError::BackupState)
        } else {
            Ok(())
        }
    }

    /// The passkey that was made. What extensions say comes after the key, so that is read by its own length.
    ///
    /// # Errors
    /// [`CeremonyError::NoKey`] if there is none, [`CeremonyError::AuthenticatorData`] if it is cut off or followed by
    /// what the flags do not tell of, [`CeremonyError::Algorithm`], [`CeremonyError::Key`].
    pub(super) fn attested_credential(&self) -> Result<AttestedCredential, CeremonyError> {
        if !self.has(ATTESTED_CREDENTIAL) {
            return Err(CeremonyError::NoKey);
        }
        let id_and_key = || {
            let (_, rest) = self.rest.split_first_chunk::<AAGUID_BYTES>()?;
            let (length, rest) = rest.split_first_chunk()?;
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        };
        let (id, key) = id_and_key().ok_or(CeremonyError::AuthenticatorData)?;
        let (public_key, rest) = PublicKey::parse_first(key).map_err(|error| match error {
            InvalidPublicKey::Algorithm => CeremonyError::Algorithm,
            InvalidPublicKey::Malformed => CeremonyError::Key,
        })?;
        if self.has(EXTENSIONS) == rest.is_empty() {
            return Err(CeremonyError::AuthenticatorData);
        }
        if !public_key.is_on_its_curve() {
            return Err(CeremonyError::Key);
        }
        Ok(AttestedCredential { id: id.to_vec(), public_key })
    }
}
