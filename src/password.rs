//! Passwords and their hashes: Argon2id, in PHC string form.

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash::phc};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

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
/// Bytes of hash (RFC 9106, section 4).
const HASH_BYTES: usize = 32;

/// Highest parameters of a stored hash that are computed. A stored hash is input too: with a memory of 4 GiB in it,
/// one log-on would take the function down.
const MEMORY_KIB_CAP: u32 = 262_144;
const ITERATIONS_CAP: u32 = 10;
const PARALLELISM_CAP: u32 = 4;

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

/// An Argon2 hash that this service is willing to compute, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// The text is not an Argon2 hash in PHC form, or its parameters are beyond what is computed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Argon2 hash in PHC form with m <= {MEMORY_KIB_CAP}, t <= {ITERATIONS_CAP}, p <= {PARALLELISM_CAP}")]
pub struct UnusableHash;

impl PasswordHash {
    /// Parses a PHC string.
    ///
    /// # Errors
    /// [`UnusableHash`] if it is not one, not of Argon2, or above the parameter caps.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        Parsed::new(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
        let phc = stored.map_or(DECOY, PasswordHash::as_str);
        let Ok(stored_hash) = Parsed::new(phc) else { return Verification::Mismatch };
        let Parsed { algorithm, version, params, salt, expected } = &stored_hash;
        let Ok(computed) = self.compute(*algorithm, *version, params, password, salt) else {
            return Verification::Mismatch;
        };
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&computed, expected).is_ok();
        match (equal && stored.is_some() && !password.is_too_long(), stored_hash.is_current()) {
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
        if memory.len() < params.block_count() {
            memory.resize(params.block_count(), Block::default());
        }
        let blocks = memory.get_mut(..params.block_count()).ok_or(UnusableHash)?;
        let mut output = Zeroizing::new(vec![0; params.output_len().unwrap_or(HASH_BYTES)]);
        Argon2::new(algorithm, version, params.clone())
            .hash_password_into_with_memory(password.bounded(), salt, &mut output, blocks)
            .map_err(|_| UnusableHash)?;
        Ok(output)
    }
}

struct Parsed {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

impl Parsed {
    fn new(text: &str) -> Result<Self, UnusableHash> {
        let hash = phc::PasswordHash::new(text).map_err(|_| UnusableHash)?;
        let params = Params::try_from(&hash).map_err(|_| UnusableHash)?;
        if params.m_cost() > MEMORY_KIB_CAP || params.t_cost() > ITERATIONS_CAP || params.p_cost() > PARALLELISM_CAP {
            return Err(UnusableHash);
        }
        Ok(Self {
            algorithm: Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| UnusableHash)?,
            version: hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| UnusableHash)?,
            params,
            salt: hash.salt.ok_or(UnusableHash)?.to_vec(),
            expected: hash.hash.ok_or(UnusableHash)?.as_bytes().to_vec(),
        })
    }

    fn is_current(&self) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
                == (MEMORY_KIB, ITERATIONS, PARALLELISM)
            && self.expected.len() == HASH_BYTES
    }
}

#[cfg(test)]
mod tests;
