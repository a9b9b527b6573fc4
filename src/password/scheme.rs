//! The hashes that are computed: Argon2 in PHC form, and for imported accounts bcrypt, scrypt and PBKDF2 in PHC or
//! modular-crypt form. A stored hash is input too: one with a memory of 4 GiB in it would take the function down.

use std::num::NonZeroU32;

use argon2::{Params, Version, password_hash::phc};
use aws_lc_rs::pbkdf2;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::{ITERATIONS, MEMORY_KIB, PARALLELISM};

/// Highest parameters that are computed: Argon2's memory in KiB, and scrypt's.
pub(super) const MEMORY_KIB_CAP: u32 = 262_144;
/// Argon2's passes.
pub(super) const ITERATIONS_CAP: u32 = 10;
/// Argon2's lanes, and scrypt's.
pub(super) const PARALLELISM_CAP: u32 = 4;
/// bcrypt's cost: 2^14 rounds take about a second.
const BCRYPT_COST_CAP: u32 = 14;
/// PBKDF2's rounds; OWASP asks for 1,300,000 with SHA-1.
const PBKDF2_ROUNDS_CAP: u32 = 2_000_000;
/// Shortest and longest output that is compared, in bytes. A shorter one would match by chance.
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Bytes of hash of the current scheme (RFC 9106, section 4).
pub(super) const HASH_BYTES: usize = 32;

/// A hash that this service is willing to compute.
pub(super) enum Scheme {
    Argon2 { algorithm: argon2::Algorithm, version: Version, params: Params, salt: Vec<u8>, expected: Vec<u8> },
    Bcrypt { text: String },
    Scrypt { params: scrypt::Params, salt: Vec<u8>, expected: Vec<u8> },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, rounds: NonZeroU32, salt: Vec<u8>, expected: Vec<u8> },
}

impl Scheme {
    /// Parses a hash. Nothing comes back if it is of another form, or above the caps.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
        match name {
            "argon2d" | "argon2i" | "argon2id" => argon2(text),
            "2a" | "2b" | "2y" => bcrypt(text),
            "scrypt" => scrypt(rest),
            "pbkdf2" | "pbkdf2-sha1" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rest),
            "pbkdf2-sha256" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rest),
            "pbkdf2-sha512" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, rest),
            _ => None,
        }
    }

    /// Whether new hashes are made the same way.
    pub(super) fn is_current(&self) -> bool {
        match self {
            Self::Argon2 { algorithm, version, params, expected, .. } => {
                *algorithm == argon2::Algorithm::Argon2id
                    && *version == Version::V0x13
                    && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, ITERATIONS, PARALLELISM)
                    && expected.len() == HASH_BYTES
            }
            Self::Bcrypt { .. } | Self::Scrypt { .. } | Self::Pbkdf2 { .. } => false,
        }
    }
}

fn argon2(text: &str) -> Option<Scheme> {
    let hash = phc::PasswordHash::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_bounded =
        params.m_cost() <= MEMORY_KIB_CAP && params.t_cost() <= ITERATIONS_CAP && params.p_cost() <= PARALLELISM_CAP;
    let expected = output(hash.hash?.as_bytes().to_vec())?;
    is_bounded.then_some(())?;
    Some(Scheme::Argon2 {
        algorithm: argon2::Algorithm::try_from(hash.algorithm.as_str()).ok()?,
        version: hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?,
        params,
        salt: hash.salt?.to_vec(),
        expected,
    })
}

fn bcrypt(text: &str) -> Option<Scheme> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    (text.len() == 60 && parts.get_cost() <= BCRYPT_COST_CAP).then(|| Scheme::Bcrypt { text: text.to_owned() })
}

/// `ln=14,r=8,p=1$salt$hash`
fn scrypt(rest: &str) -> Option<Scheme> {
    let [parameters, salt, hash] = three(rest)?;
    let mut values = [("ln", None), ("r", None), ("p", None)];
    for pair in parameters.split(',') {
        let (name, value) = pair.split_once('=')?;
        let (_, slot) = values.iter_mut().find(|(known, slot)| *known == name && slot.is_none())?;
        *slot = Some(value.parse::<u32>().ok()?);
    }
    let [(_, Some(log_n)), (_, Some(r)), (_, Some(p))] = values else { return None };
    // Memory is 128 * r * N bytes (RFC 7914, section 2).
    let kib = 1_u64.checked_shl(log_n)?.checked_mul(u64::from(r))?.div_ceil(8);
    if log_n >= 32 || kib > u64::from(MEMORY_KIB_CAP) || p > PARALLELISM_CAP {
        return None;
    }
    let params = scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok()?;
    Some(Scheme::Scrypt { params, salt: decode(salt)?, expected: output(decode(hash)?)? })
}

/// `i=1000,l=32$salt$hash` or `1000$salt$hash`
fn pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str) -> Option<Scheme> {
    let [parameters, salt, hash] = three(rest)?;
    let expected = output(decode(hash)?)?;
    let (rounds, length) = match parameters.strip_prefix("i=") {
        None => (parameters, None),
        Some(named) => match named.split_once(",l=") {
            None => (named, None),
            Some((rounds, length)) => (rounds, Some(length.parse::<usize>().ok()?)),
        },
    };
    let rounds = rounds.parse().ok().filter(|rounds: &NonZeroU32| rounds.get() <= PBKDF2_ROUNDS_CAP)?;
    length.is_none_or(|length| length == expected.len()).then_some(())?;
    Some(Scheme::Pbkdf2 { algorithm, rounds, salt: decode(salt)?, expected })
}

fn three(rest: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = rest.split('$').collect();
    parts.try_into().ok()
}

/// Base64 without padding; in modular-crypt form, `.` stands for `+`.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.replace('.', "+")).ok().filter(|bytes| bytes.len() <= 64)
}

fn output(bytes: Vec<u8>) -> Option<Vec<u8>> {
    OUTPUT_BYTES.contains(&bytes.len()).then_some(bytes)
}
