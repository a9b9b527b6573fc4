//! The hashes that are computed: Argon2 in PHC form, and for imported accounts bcrypt, scrypt and PBKDF2 in PHC or
//! modular-crypt form. A stored hash is input too: one with a memory of 4 GiB in it would take the function down.

use std::num::NonZeroU32;

use argon2::{Params, Version, password_hash::phc};
use aws_lc_rs::pbkdf2;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::{ITERATIONS, MEMORY_KIB, PARALLELISM, SALT_BYTES};

/// Most memory that is computed with, in KiB: Argon2's, and scrypt's.
pub(super) const MEMORY_KIB_CAP: u32 = 262_144;
/// Argon2's passes.
pub(super) const ITERATIONS_CAP: u32 = 10;
/// Argon2's lanes, and scrypt's p. Both are computed one after the other.
pub(super) const PARALLELISM_CAP: u32 = 16;
/// Most memory that is gone over in all, in KiB: some two seconds of one processor, which a caller can ask for.
pub(super) const WORK_KIB_CAP: u32 = 2_097_152;
/// bcrypt's cost: 2^14 rounds take about a second.
const BCRYPT_COST_CAP: u32 = 14;
/// PBKDF2's rounds; OWASP asks for 1,300,000 with SHA-1.
const PBKDF2_ROUNDS_CAP: u32 = 2_000_000;
/// Shortest and longest output that is compared, in bytes. A shorter one would match by chance.
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Longest salt, in bytes. Systems that use text as salt have long ones.
pub(super) const SALT_BYTES_CAP: usize = 255;
/// bcrypt reads no further (Provos and Mazières, "A Future-Adaptable Password Scheme", section 4).
const BCRYPT_BYTES: usize = 72;
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

    /// Whether it has the parameters of new hashes, and so takes their time.
    pub(super) fn is_ours(&self) -> bool {
        match self {
            Self::Argon2 { algorithm, version, params, .. } => is_current(*algorithm, *version, params),
            Self::Bcrypt { .. } | Self::Scrypt { .. } | Self::Pbkdf2 { .. } => false,
        }
    }

    /// Whether guessing it costs no less than guessing a new hash: of the same algorithm, with as much memory, gone over
    /// as much, and with salt and output as long. More lanes make a guess no cheaper, only sooner done.
    pub(super) fn is_as_strong_as_ours(&self) -> bool {
        match self {
            Self::Argon2 { algorithm, version, params, salt, expected } => {
                *algorithm == argon2::Algorithm::Argon2id
                    && *version == Version::V0x13
                    && params.m_cost() >= MEMORY_KIB
                    && argon2_work(params) >= u64::from(MEMORY_KIB * ITERATIONS)
                    && salt.len() >= SALT_BYTES
                    && expected.len() >= HASH_BYTES
            }
            Self::Bcrypt { .. } | Self::Scrypt { .. } | Self::Pbkdf2 { .. } => false,
        }
    }

    /// Whether no other password has the same hash by the scheme's own making. What bcrypt reads ends after 72 bytes, and
    /// repeats after a NUL. HMAC, the heart of PBKDF2 and of scrypt, fills a key up with NULs, and takes the hash of one
    /// that is longer than its block (RFC 2104, section 2).
    pub(super) fn tells_apart(&self, password: &[u8]) -> bool {
        let by_hmac = |block: usize| password.len() <= block && password.last() != Some(&0);
        match self {
            Self::Argon2 { .. } => true,
            Self::Bcrypt { .. } => password.len() < BCRYPT_BYTES && !password.contains(&0),
            Self::Scrypt { .. } => by_hmac(64),
            Self::Pbkdf2 { algorithm, .. } => by_hmac(if *algorithm == pbkdf2::PBKDF2_HMAC_SHA512 { 128 } else { 64 }),
        }
    }
}

/// KiB gone over: memory by passes.
fn argon2_work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

/// Whether these are the parameters of a new hash.
pub(super) fn is_current(algorithm: argon2::Algorithm, version: Version, params: &Params) -> bool {
    algorithm == argon2::Algorithm::Argon2id
        && version == Version::V0x13
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, ITERATIONS, PARALLELISM)
        && params.output_len().unwrap_or(HASH_BYTES) == HASH_BYTES
}

fn argon2(text: &str) -> Option<Scheme> {
    let hash = phc::PasswordHash::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_bounded = params.m_cost() <= MEMORY_KIB_CAP
        && params.t_cost() <= ITERATIONS_CAP
        && params.p_cost() <= PARALLELISM_CAP
        && argon2_work(&params) <= u64::from(WORK_KIB_CAP);
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
    // One array has 128 * r * N bytes, another 128 * r * p (RFC 7914, section 6). The first is filled and read, p times.
    let kib = |times: u64| u64::from(r).checked_mul(times).map(|blocks| blocks.div_ceil(8));
    let n = 1_u64.checked_shl(log_n)?;
    let memory = kib(n.max(u64::from(p)))?;
    let work = kib(n)?.checked_mul(2 * u64::from(p))?;
    if log_n >= 32 || p > PARALLELISM_CAP || memory > u64::from(MEMORY_KIB_CAP) || work > u64::from(WORK_KIB_CAP) {
        return None;
    }
    let params = scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok()?;
    Some(Scheme::Scrypt { params, salt: decode_salt(salt)?, expected: output(decode(hash)?)? })
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
    Some(Scheme::Pbkdf2 { algorithm, rounds, salt: decode_salt(salt)?, expected })
}

fn three(rest: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = rest.split('$').collect();
    parts.try_into().ok()
}

/// Base64 without padding; in modular-crypt form, `.` stands for `+`.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.replace('.', "+")).ok()
}

fn decode_salt(text: &str) -> Option<Vec<u8>> {
    decode(text).filter(|bytes| bytes.len() <= SALT_BYTES_CAP)
}

fn output(bytes: Vec<u8>) -> Option<Vec<u8>> {
    OUTPUT_BYTES.contains(&bytes.len()).then_some(bytes)
}
