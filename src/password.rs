//! Passwords and their hashes: Argon2id, in PHC string form.

mod scheme;

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash::phc};
use aws_lc_rs::{constant_time::verify_slices_are_equal, pbkdf2};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use scheme::{HASH_BYTES, Scheme};

/// Argon2 memory in KiB (OWASP Password Storage Cheat Sheet, Argon2id with t=2).
pub const MEMORY_KIB: u32 = 19_456;
/// Argon2 passes over the memory (same source).
pub const ITERATIONS: u32 = 2;
/// Argon2 lanes (same source).
pub const PARALLELISM: u32 = 1;
/// Longest password that can match, in bytes after normalisation. It bounds the work of reading one, and lies far
/// beyond the 64 characters that NIST SP 800-63B-4 asks for.
pub const PASSWORD_MAX_BYTES: usize = 1024;
/// Bytes of salt (RFC 9106, section 3.1).
pub const SALT_BYTES: usize = 16;
/// Compared with when there is nothing to compare with, so that an unknown account costs what a wrong password
/// costs. Its parameters are the current ones, and the hash is of random bytes, not of a password.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$k9LrLOzVsq1B1mKYDcXhMQ$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c";

/// A password in NFC. It has no `Debug` or `Display`, and clears itself.
pub struct Password {
    text: Zeroizing<String>,
}

impl Password {
    /// Normalises `text` to NFC (RFC 8265, section 4.2.2: the same password, however a keyboard spells it).
    #[must_use]
    pub fn new(text: &str) -> Self {
        // NFC at most triples the length of UTF-8 text, and a string that grows leaves copies behind.
        let mut normalised = Zeroizing::new(String::with_capacity(text.len().saturating_mul(3)));
        normalised.extend(text.nfc());
        Self { text: normalised }
    }

    /// Whether it is longer than [`PASSWORD_MAX_BYTES`], so that it matches nothing.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.text.len() > PASSWORD_MAX_BYTES
    }

    /// Its length in characters.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }

    fn bounded(&self) -> &[u8] {
        let bytes = self.text.as_bytes();
        bytes.get(..PASSWORD_MAX_BYTES).unwrap_or(bytes)
    }
}

/// A hash that this service is willing to compute, as text: Argon2 in PHC form, or, as it was imported, bcrypt, scrypt
/// or PBKDF2 in PHC or modular-crypt form.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// The text is no such hash, or its parameters are beyond what is computed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a hash of Argon2 (m up to 262144, t to 10, p to 4), bcrypt (cost to 14), scrypt (256 MiB, p to 4) or PBKDF2 \
     (2000000 rounds)"
)]
pub struct UnusableHash;

impl PasswordHash {
    /// Parses a hash.
    ///
    /// # Errors
    /// [`UnusableHash`] if it is not of a known form, or above the parameter caps.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        Scheme::parse(text).map(|_| Self(text.to_owned())).ok_or(UnusableHash)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it was made the way that new hashes are.
    #[must_use]
    pub fn is_current(&self) -> bool {
        Scheme::parse(&self.0).is_some_and(|scheme| scheme.is_current())
    }
}

/// What comparing a password with a hash tells.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is the password.
    Match,
    /// It is the password, and the hash has other parameters than the current ones: replace it.
    MatchOutdated,
    /// It is not the password.
    Mismatch,
}

/// Computes hashes, one at a time, in memory that is allocated once.
#[derive(Default)]
pub struct Hasher {
    memory: Mutex<Vec<Block>>,
}

impl Hasher {
    /// Hashes a new password with the current parameters. A password that [is too long](Password::is_too_long) must
    /// be refused before, for it could never match.
    ///
    /// # Errors
    /// [`UnusableHash`] if Argon2 refuses its input, which with these constants it does not.
    pub fn hash(&self, password: &Password, salt: [u8; SALT_BYTES]) -> Result<PasswordHash, UnusableHash> {
        let params = Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, Some(HASH_BYTES)).map_err(|_| UnusableHash)?;
        let output = self.compute(Algorithm::Argon2id, Version::V0x13, &params, password, &salt)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().map_err(|_| UnusableHash)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| UnusableHash)?),
            hash: Some(phc::Output::new(&output).map_err(|_| UnusableHash)?),
        };
        Ok(PasswordHash(hash.to_string()))
    }

    /// Compares a password with the hash of an account, or with a decoy where there is no account, at the same cost.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Verification {
        let text = stored.map_or(DECOY, PasswordHash::as_str);
        let Some(scheme) = Scheme::parse(text) else { return Verification::Mismatch };
        let equal = match &scheme {
            Scheme::Argon2 { algorithm, version, params, salt, expected } => self
                .compute(*algorithm, *version, params, password, salt)
                .is_ok_and(|computed| verify_slices_are_equal(&computed, expected).is_ok()),
            Scheme::Bcrypt { text } => bcrypt::verify(password.bounded(), text).unwrap_or(false),
            Scheme::Scrypt { params, salt, expected } => {
                let mut computed = Zeroizing::new(vec![0; expected.len()]);
                scrypt::scrypt(password.bounded(), salt, params, &mut computed).is_ok()
                    && verify_slices_are_equal(&computed, expected).is_ok()
            }
            Scheme::Pbkdf2 { algorithm, rounds, salt, expected } => {
                pbkdf2::verify(*algorithm, *rounds, salt, password.bounded(), expected).is_ok()
            }
        };
        match (equal && stored.is_some() && !password.is_too_long(), scheme.is_current()) {
            (true, true) => Verification::Match,
            (true, false) => Verification::MatchOutdated,
            (false, _) => Verification::Mismatch,
        }
    }

    fn compute(
        &self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &Password,
        salt: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnusableHash> {
        // What a panic in another thread left in the blocks is overwritten, so a poisoned lock is as good as any.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = memory.len().max(params.block_count());
        memory.resize(blocks, Block::default());
        let blocks = memory.get_mut(..params.block_count()).ok_or(UnusableHash)?;
        let mut output = Zeroizing::new(vec![0; params.output_len().unwrap_or(HASH_BYTES)]);
        Argon2::new(algorithm, version, params.clone())
            .hash_password_into_with_memory(password.bounded(), salt, &mut output, blocks)
            .map_err(|_| UnusableHash)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests;
