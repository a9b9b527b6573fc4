//! Passwords and their hashes: Argon2id, in PHC string form.

mod engine;
pub mod policy;
mod scheme;
mod sealed;
mod step;

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash::phc};
use aws_lc_rs::{constant_time::verify_slices_are_equal, pbkdf2};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::domain::access_key::AccessKey;
use engine::Engine;
use scheme::{Candidate, Core, HASH_BYTES, Proof, Scheme};

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

/// A password in NFC, and as it was sent. It has no `Debug` or `Display`, and clears itself.
#[derive(Deserialize)]
#[serde(from = "Zeroizing<String>")]
pub struct Password {
    text: Zeroizing<String>,
    sent: Zeroizing<String>,
}

// What comes out of JSON lies in memory that clears itself: from nothing else is it read.
impl From<Zeroizing<String>> for Password {
    fn from(text: Zeroizing<String>) -> Self {
        Self::new(&text)
    }
}

impl Password {
    /// Normalises `text` to NFC (RFC 8265, section 4.2.2: the same password, however a keyboard spells it).
    #[must_use]
    pub fn new(text: &str) -> Self {
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        let text_in_nfc = in_room_for(text, |room| nfc.normalize_to(text, room));
        Self { text: text_in_nfc, sent: Zeroizing::new(text.to_owned()) }
    }

    /// The access key that was given in the place of a password, if its text has the shape of one.
    #[must_use]
    pub fn access_key(&self) -> Option<AccessKey> {
        AccessKey::handed_over(&self.sent)
    }

    /// Whether it is the same as another one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.text.as_bytes(), other.text.as_bytes()).is_ok()
    }

    /// Whether it is longer than [`PASSWORD_MAX_BYTES`], so that it matches nothing.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.text.len() > PASSWORD_MAX_BYTES
    }

    /// What another system may have hashed, each once: NFC, the text as it was sent, NFD, NFKC and NFKD.
    fn forms(&self) -> Vec<Zeroizing<String>> {
        let mut forms = vec![self.text.clone()];
        if self.text.is_ascii() && self.sent.is_ascii() {
            return forms;
        }
        let (nfd, nfkc) = (DecomposingNormalizerBorrowed::new_nfd(), ComposingNormalizerBorrowed::new_nfkc());
        let compatible = DecomposingNormalizerBorrowed::new_nfkd();
        for form in [
            self.sent.clone(),
            in_room_for(&self.text, |room| nfd.normalize_to(&self.text, room)),
            in_room_for(&self.text, |room| nfkc.normalize_to(&self.text, room)),
            in_room_for(&self.text, |room| compatible.normalize_to(&self.text, room)),
        ] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms
    }
}

/// Normalises `text` into a string that does not grow, which would leave copies behind: NFKC and NFKD make UTF-8 text
/// at most eleven times as long, NFC and NFD three times (Unicode Standard Annex 15, section 9).
fn in_room_for(text: &str, normalise: impl FnOnce(&mut String) -> std::fmt::Result) -> Zeroizing<String> {
    let mut room = Zeroizing::new(String::with_capacity(text.len().saturating_mul(11)));
    // A string takes whatever is written to it.
    let _ = normalise(&mut room);
    room
}

/// Whether it is no password. NULs alone are none either: bcrypt, PBKDF2 and scrypt give them the hash of the empty
/// text.
fn is_empty(text: &str) -> bool {
    text.bytes().all(|byte| byte == 0)
}

fn bounded(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    bytes.get(..PASSWORD_MAX_BYTES).unwrap_or(bytes)
}

/// A hash that this service is willing to compute, as text: Argon2 in PHC form, or, as it was imported, bcrypt, scrypt,
/// PBKDF2 or yescrypt in PHC or modular-crypt form; with `$after$STEPS` before it for what is done to a password first.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// The text is no such hash, or its parameters are beyond what is computed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a hash of Argon2 (m up to 262144, t to 10, m * t to 2097152, p to 16), bcrypt (cost to 14), scrypt (256 MiB, p \
     to 16, together 1 GiB) or PBKDF2 (4000000 rounds)"
)]
pub struct UnusableHash;

impl PasswordHash {
    /// Parses a hash.
    ///
    /// # Errors
    /// [`UnusableHash`] if it is not of a known form, or above the parameter caps.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        let is_known = sealed::is_sealed(text) || Scheme::parse(text).is_some();
        is_known.then(|| Self(text.to_owned())).ok_or(UnusableHash)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is as strong as new hashes are, so that no log-on replaces it.
    #[must_use]
    pub fn is_current(&self) -> bool {
        Scheme::parse(&self.0).is_some_and(|scheme| scheme.is_as_strong_as_ours())
    }
}

/// What comparing a password with a hash tells.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is the password. The hash is as strong as a new one, or fits another password too, so that replacing it might
    /// make a wrong password the right one: keep it.
    Match,
    /// It is the password, and the hash is weaker than a new one: replace it.
    MatchOutdated,
    /// It is not the password.
    Mismatch,
}

/// Computes hashes, one at a time, in memory that is allocated once.
#[derive(Default)]
pub struct Hasher {
    engine: Engine,
    memory: Mutex<Vec<Block>>,
}

impl Hasher {
    /// Finds out whether the fast engine can be trusted on this processor, which the first hash would wait for
    /// otherwise.
    pub fn warm_up(&self) {
        let _ = self.engine.checked();
    }

    /// Hashes a new password with the current parameters. A password that [is too long](Password::is_too_long) must
    /// be refused before, for it could never match.
    ///
    /// # Errors
    /// [`UnusableHash`] if Argon2 refuses its input, which with these constants it does not.
    pub fn hash(&self, password: &Password, salt: [u8; SALT_BYTES]) -> Result<PasswordHash, UnusableHash> {
        self.phc(bounded(&password.text), salt).map(PasswordHash)
    }

    /// The hash of a password of which another system has kept a fast one: Argon2id over what `steps` make of the
    /// password, so that a stolen table is as slow to try as any other.
    ///
    /// # Errors
    /// [`UnusableHash`] if there are no such steps.
    pub fn wrap(&self, steps: &str, digest: &[u8], salt: [u8; SALT_BYTES]) -> Result<PasswordHash, UnusableHash> {
        PasswordHash::parse(&format!("$after${steps}{}", self.phc(digest, salt)?))
    }

    fn phc(&self, input: &[u8], salt: [u8; SALT_BYTES]) -> Result<String, UnusableHash> {
        let params = Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, Some(HASH_BYTES)).map_err(|_| UnusableHash)?;
        let output = self.compute(Algorithm::Argon2id, Version::V0x13, &params, input, &salt)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().map_err(|_| UnusableHash)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| UnusableHash)?),
            hash: Some(phc::Output::new(&output).map_err(|_| UnusableHash)?),
        };
        Ok(hash.to_string())
    }

    /// Compares a password with the hash of an account, or with a decoy where there is no account, at the same cost.
    ///
    /// A hash that is not of our own making may be of text in another form than NFC. All forms are computed, also when
    /// one has matched: how long it takes tells nothing of the right password.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Verification {
        let known = stored.and_then(|stored| Scheme::parse(stored.as_str()));
        let is_known = known.is_some();
        let Some(scheme) = known.or_else(|| Scheme::parse(DECOY)) else { return Verification::Mismatch };
        let (mut matches, mut tells_apart) = (false, true);
        for Candidate { bytes, may_match, tells_apart: tells } in scheme.candidates(password) {
            if self.is_equal(&scheme.core, &bytes) && may_match {
                matches = true;
                tells_apart &= tells;
            }
        }
        if !matches || !is_known || password.is_too_long() {
            Verification::Mismatch
        } else if scheme.is_as_strong_as_ours() || !tells_apart {
            Verification::Match
        } else {
            Verification::MatchOutdated
        }
    }

    fn is_equal(&self, core: &Core, password: &[u8]) -> bool {
        let is_proved = |proof: &Proof, hash: Zeroizing<Vec<u8>>, expected: &[u8]| {
            let proved = proof.of(hash, expected);
            proved.is_some_and(|proved| verify_slices_are_equal(&proved, expected).is_ok())
        };
        match core {
            Core::Argon2 { algorithm, version, params, salt, expected } => self
                .compute(*algorithm, *version, params, password, salt)
                .is_ok_and(|computed| verify_slices_are_equal(&computed, expected).is_ok()),
            Core::Bcrypt { text } => bcrypt::verify(password, text).unwrap_or(false),
            Core::Scrypt { params, salt, expected, proof } => {
                let mut hash = Zeroizing::new(vec![0; proof.hash_bytes(expected)]);
                scrypt::scrypt(password, salt, params, &mut hash).is_ok() && is_proved(proof, hash, expected)
            }
            Core::Pbkdf2 { algorithm, rounds, salt, expected, proof } => {
                let mut hash = Zeroizing::new(vec![0; proof.hash_bytes(expected)]);
                pbkdf2::derive(*algorithm, *rounds, salt, password, &mut hash);
                is_proved(proof, hash, expected)
            }
            Core::Yescrypt { params, salt, expected } => {
                let mut hash = Zeroizing::new(vec![0; expected.len()]);
                yescrypt::yescrypt(password, salt, params, &mut hash).is_ok()
                    && verify_slices_are_equal(&hash, expected).is_ok()
            }
        }
    }

    fn compute(
        &self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &[u8],
        salt: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnusableHash> {
        if scheme::is_current(algorithm, version, params)
            && let Some(output) = self.engine.hash(password, salt)
        {
            return Ok(output);
        }
        // What a panic in another thread left in the blocks is overwritten, so a poisoned lock is as good as any.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = memory.len().max(params.block_count());
        memory.resize(blocks, Block::default());
        let blocks = memory.get_mut(..params.block_count()).ok_or(UnusableHash)?;
        let mut output = Zeroizing::new(vec![0; params.output_len().unwrap_or(HASH_BYTES)]);
        Argon2::new(algorithm, version, params.clone())
            .hash_password_into_with_memory(password, salt, &mut output, blocks)
            .map_err(|_| UnusableHash)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests;
