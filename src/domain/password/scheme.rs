//! The hashes that are computed: Argon2 in PHC form, and for imported accounts bcrypt, scrypt, PBKDF2 and yescrypt in
//! PHC or modular-crypt form. A stored hash is input too: one with a memory of 4 GiB in it would take the function
//! down.
//!
//! `$after$STEPS` before such a hash says what was done to the password first: the [steps](Step), with commas between
//! them. `$after$hmac:sha384:d3Atc2hhMzg0$2y$10$...` is bcrypt of an HMAC. Fast hashes are never kept as they are: an
//! import takes them as the last step before Argon2id, as in `$after$iterated:md5:13:M1F5OUZkSGc$argon2id$v=19$...`.

use std::num::NonZeroU32;

use argon2::{Params, Version, password_hash::phc};
use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    digest, hmac,
    iv::FixedLength,
    pbkdf2,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{
    ITERATIONS, MEMORY_KIB, PARALLELISM, PASSWORD_MAX_BYTES, Password, SALT_BYTES, is_empty,
    step::{self, Algorithm, Step, wordpress_forms},
};

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
/// PBKDF2's rounds; OWASP asks for 1,300,000 with SHA-1, and Django will write 1,800,000 in 2027.
const PBKDF2_ROUNDS_CAP: u32 = 4_000_000;
/// Most steps before a hash.
const STEPS_MAX: usize = 4;
/// Bytes of a pepper behind a password that bcrypt must have read, or another password may give the same.
const PEPPER_BYTES_READ: usize = 16;
/// Shortest and longest output that is compared, in bytes. A shorter one would match by chance.
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Longest salt, in bytes. Systems that use text as salt have long ones.
pub(super) const SALT_BYTES_CAP: usize = 255;
/// bcrypt reads no further (Provos and Mazières, "A Future-Adaptable Password Scheme", section 4).
const BCRYPT_BYTES: usize = 72;
/// Bytes of hash of the current scheme (RFC 9106, section 4).
pub(super) const HASH_BYTES: usize = 32;

/// A hash that this service is willing to compute.
pub(super) struct Scheme {
    /// What is done to the password first.
    steps: Vec<Step>,
    pub(super) core: Core,
}

/// A slow hash, and what it must come to.
pub(super) enum Core {
    Argon2 { algorithm: argon2::Algorithm, version: Version, params: Params, salt: Vec<u8>, expected: Vec<u8> },
    Bcrypt { text: String },
    Scrypt { params: scrypt::Params, salt: Vec<u8>, expected: Vec<u8>, proof: Proof },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, rounds: NonZeroU32, salt: Vec<u8>, expected: Vec<u8>, proof: Proof },
    Yescrypt { params: yescrypt::Params, salt: Vec<u8>, expected: Vec<u8> },
}

/// What is compared: the hash, or something that it is the key of.
pub(super) enum Proof {
    Hash,
    /// The first bytes that AES-256-CTR makes with the hash as its key: Firebase encrypts its project's key with them.
    Keystream,
    /// HMAC-SHA-256 of a text with the second half of the hash as its key: the file format of scrypt's own tool.
    Mac(Vec<u8>),
    /// The digest of an HMAC (RFC 5802, section 3: `StoredKey`).
    StoredKey(hmac::Algorithm),
}

/// A text that another system may have hashed.
pub(super) struct Candidate {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether it can be a password at all. It is computed in any case, so that the time does not tell.
    pub(super) may_match: bool,
    /// Whether no other password has the same hash by the scheme's own making.
    pub(super) tells_apart: bool,
}

impl Scheme {
    /// Parses a hash. Nothing comes back if it is of another form, or above the caps.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("$after$") else {
            return Some(Self { steps: Vec::new(), core: Core::parse(text)? });
        };
        let (steps, _) = rest.split_once('$')?;
        let core = Core::parse(rest.get(steps.len()..)?)?;
        let steps: Vec<Step> = steps.split(',').map(Step::parse).collect::<Option<_>>()?;
        // One that takes time is enough, or a stored text could take minutes.
        let slow = steps.iter().filter(|step| step.is_slow()).count();
        (steps.len() <= STEPS_MAX && slow <= 1).then_some(Self { steps, core })
    }

    /// Whether it has the parameters of new hashes, and so takes their time.
    pub(super) fn is_ours(&self) -> bool {
        self.steps.is_empty() && self.core.is_ours()
    }

    /// Whether guessing it costs no less than guessing a new hash. What other systems do before it makes it outdated:
    /// one that is replaced needs none of it any more.
    pub(super) fn is_as_strong_as_ours(&self) -> bool {
        self.steps.is_empty() && self.core.is_as_strong_as_ours()
    }

    /// What a password may have been hashed as. Which texts there are is for the password and the scheme to say, and
    /// not for what matches.
    pub(super) fn candidates(&self, password: &Password) -> Vec<Candidate> {
        let texts = if self.is_ours() { vec![password.text.clone()] } else { password.forms() };
        let is_wordpress = matches!(self.steps.first(), Some(Step::WordPress));
        let mut candidates = Vec::new();
        for text in texts {
            let forms = if is_wordpress { wordpress_forms(&text) } else { vec![(text, true)] };
            for (form, is_one) in forms {
                self.add(&form, is_one, &mut candidates);
            }
        }
        candidates
    }

    fn add(&self, form: &str, is_one: bool, candidates: &mut Vec<Candidate>) {
        let bounded = super::bounded(form);
        let may_match = !is_empty(form) && form.len() <= PASSWORD_MAX_BYTES;
        let bytes = self.steps.iter().fold(Zeroizing::new(bounded.to_vec()), |bytes, step| step.apply(&bytes));
        let tells_apart = is_one && self.tells_apart(bounded);
        // HMAC fills a key up with NULs, so a password with NULs behind it is not told from the one without.
        let ends_alike = self.steps.is_empty() && self.core.is_by_hmac() && bounded.last() == Some(&0);
        candidates.push(Candidate { bytes, may_match: may_match && !ends_alike, tells_apart });
        // Symfony has bcrypt hash this in the place of what bcrypt would not read to its end.
        let is_cut = bounded.len() > BCRYPT_BYTES || bounded.contains(&0);
        if self.steps.is_empty() && matches!(self.core, Core::Bcrypt { .. }) && is_cut {
            let bytes = step::base64(&Algorithm::Sha512.digest(&[bounded]));
            candidates.push(Candidate { bytes, may_match, tells_apart: true });
        }
    }

    fn tells_apart(&self, password: &[u8]) -> bool {
        let first = self.steps.iter().find(|step| !matches!(step, Step::WordPress));
        match (first, &self.core) {
            (Some(step), _) if step.is_digest() => true,
            (Some(Step::Append(pepper)), Core::Bcrypt { .. }) => {
                !password.contains(&0) && password.len() + pepper.len().min(PEPPER_BYTES_READ) < BCRYPT_BYTES
            }
            (_, core) => core.tells_apart(password),
        }
    }
}

impl Proof {
    /// How long the hash is.
    pub(super) fn hash_bytes(&self, expected: &[u8]) -> usize {
        match self {
            Self::Hash => expected.len(),
            Self::Keystream => 32,
            Self::Mac(_) => 64,
            Self::StoredKey(algorithm) => algorithm.digest_algorithm().output_len(),
        }
    }

    /// What is compared of a hash; nothing if AWS-LC fails.
    pub(super) fn of(&self, hash: Zeroizing<Vec<u8>>, expected: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Hash => Some(hash),
            Self::Keystream => {
                let mut stream = Zeroizing::new(vec![0; expected.len()]);
                let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &hash).ok()?).ok()?;
                key.less_safe_encrypt(&mut stream, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
                Some(stream)
            }
            Self::Mac(text) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, hash.get(32..)?);
                Some(Zeroizing::new(hmac::sign(&key, text).as_ref().to_vec()))
            }
            Self::StoredKey(algorithm) => {
                let key = hmac::sign(&hmac::Key::new(*algorithm, &hash), b"Client Key");
                Some(Zeroizing::new(digest::digest(algorithm.digest_algorithm(), key.as_ref()).as_ref().to_vec()))
            }
        }
    }
}

impl Core {
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
        let scram = |algorithm, of| pbkdf2(algorithm, rest, Proof::StoredKey(of));
        match name {
            "argon2d" | "argon2i" | "argon2id" => argon2(text),
            "2a" | "2b" | "2y" => bcrypt(text),
            "scrypt" => scrypt(rest, Proof::Hash),
            "scrypt-keystream" => scrypt(rest, Proof::Keystream),
            "scrypt-kdf" => scrypt_kdf(rest),
            "pbkdf2" | "pbkdf2-sha1" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rest, Proof::Hash),
            "pbkdf2-sha256" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rest, Proof::Hash),
            "pbkdf2-sha512" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, rest, Proof::Hash),
            "scram-sha-1" => scram(pbkdf2::PBKDF2_HMAC_SHA1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            "scram-sha-256" => scram(pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256),
            "scram-sha-512" => scram(pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512),
            "yescrypt" => yescrypt(rest),
            _ => None,
        }
    }

    /// Whether HMAC takes the password as its key.
    fn is_by_hmac(&self) -> bool {
        matches!(self, Self::Scrypt { .. } | Self::Pbkdf2 { .. })
    }

    fn is_ours(&self) -> bool {
        match self {
            Self::Argon2 { algorithm, version, params, .. } => is_current(*algorithm, *version, params),
            Self::Bcrypt { .. } | Self::Scrypt { .. } | Self::Pbkdf2 { .. } | Self::Yescrypt { .. } => false,
        }
    }

    /// Whether guessing it costs no less than guessing a new hash: of the same algorithm, with as much memory, gone
    /// over as much, and with salt and output as long. More lanes make a guess no cheaper, only sooner done.
    fn is_as_strong_as_ours(&self) -> bool {
        match self {
            Self::Argon2 { algorithm, version, params, salt, expected } => {
                *algorithm == argon2::Algorithm::Argon2id
                    && *version == Version::V0x13
                    && params.m_cost() >= MEMORY_KIB
                    && argon2_work(params) >= u64::from(MEMORY_KIB * ITERATIONS)
                    && salt.len() >= SALT_BYTES
                    && expected.len() >= HASH_BYTES
            }
            Self::Bcrypt { .. } | Self::Scrypt { .. } | Self::Pbkdf2 { .. } | Self::Yescrypt { .. } => false,
        }
    }

    /// Whether no other password has the same hash by the scheme's own making. What bcrypt reads ends after 72 bytes,
    /// and repeats after a NUL. HMAC, the heart of PBKDF2 and of scrypt, fills a key up with NULs, and takes the hash
    /// of one that is longer than its block (RFC 2104, section 2).
    fn tells_apart(&self, password: &[u8]) -> bool {
        let by_hmac = |block: usize| password.len() <= block && password.last() != Some(&0);
        match self {
            // yescrypt begins with an HMAC of which the password is the text.
            Self::Argon2 { .. } | Self::Yescrypt { .. } => true,
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

fn argon2(text: &str) -> Option<Core> {
    let hash = phc::PasswordHash::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_bounded = params.m_cost() <= MEMORY_KIB_CAP
        && params.t_cost() <= ITERATIONS_CAP
        && params.p_cost() <= PARALLELISM_CAP
        && argon2_work(&params) <= u64::from(WORK_KIB_CAP);
    let expected = output(hash.hash?.as_bytes().to_vec())?;
    is_bounded.then_some(())?;
    Some(Core::Argon2 {
        algorithm: argon2::Algorithm::try_from(hash.algorithm.as_str()).ok()?,
        version: hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?,
        params,
        salt: hash.salt?.to_vec(),
        expected,
    })
}

fn bcrypt(text: &str) -> Option<Core> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    (text.len() == 60 && parts.get_cost() <= BCRYPT_COST_CAP).then(|| Core::Bcrypt { text: text.to_owned() })
}

/// `ln=14,r=8,p=1$salt$hash`
fn scrypt(rest: &str, proof: Proof) -> Option<Core> {
    let [parameters, salt, hash] = three(rest)?;
    let mut values = [("ln", None), ("r", None), ("p", None)];
    for pair in parameters.split(',') {
        let (name, value) = pair.split_once('=')?;
        let (_, slot) = values.iter_mut().find(|(known, slot)| *known == name && slot.is_none())?;
        *slot = Some(value.parse::<u32>().ok()?);
    }
    let [(_, Some(log_n)), (_, Some(r)), (_, Some(p))] = values else { return None };
    let params = scrypt_params(log_n, r, p)?;
    Some(Core::Scrypt { params, salt: decode_salt(salt)?, expected: output(decode(hash)?)?, proof })
}

fn scrypt_params(log_n: u32, r: u32, p: u32) -> Option<scrypt::Params> {
    // One array has 128 * r * N bytes, another 128 * r * p (RFC 7914, section 6). The first is filled and read, p
    // times.
    let kib = |times: u64| u64::from(r).checked_mul(times).map(|blocks| blocks.div_ceil(8));
    let n = 1_u64.checked_shl(log_n)?;
    let memory = kib(n.max(u64::from(p)))?;
    let work = kib(n)?.checked_mul(2 * u64::from(p))?;
    if log_n >= 32 || p > PARALLELISM_CAP || memory > u64::from(MEMORY_KIB_CAP) || work > u64::from(WORK_KIB_CAP) {
        return None;
    }
    scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok()
}

/// The 96 bytes that the tool `scrypt` begins a file with: its name and a zero, log2 of N, r and p in four bytes each,
/// 32 bytes of salt, 16 of a checksum, and an HMAC of all of it.
fn scrypt_kdf(rest: &str) -> Option<Core> {
    let bytes = decode(rest).filter(|bytes| bytes.len() == 96 && bytes.starts_with(b"scrypt\0"))?;
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let params = scrypt_params(u32::from(*bytes.get(7)?), number(8)?, number(12)?)?;
    let (text, expected) = bytes.split_at_checked(64)?;
    let salt = bytes.get(16..48)?.to_vec();
    Some(Core::Scrypt { params, salt, expected: expected.to_vec(), proof: Proof::Mac(text.to_vec()) })
}

/// `j9T$salt$hash`, with the parameters as yescrypt spells them. Nobody has more than one lane.
fn yescrypt(rest: &str) -> Option<Core> {
    let [parameters, salt, hash] = three(rest)?;
    // Its first letter is the flavour; of the others N and r are the first two numbers, and more would be rarer ones.
    let params: yescrypt::Params = parameters.parse().ok()?;
    let kib = params.n().checked_mul(u64::from(params.r()))?.div_ceil(8);
    let is_plain = parameters.starts_with('j')
        && params.p() == 1
        && params == yescrypt::Params::new(yescrypt::Mode::default(), params.n(), params.r(), 1).ok()?;
    (is_plain && kib <= u64::from(MEMORY_KIB_CAP)).then_some(())?;
    let expected = decode(hash).filter(|hash| hash.len() == 32)?;
    Some(Core::Yescrypt { params, salt: decode_salt(salt)?, expected })
}

/// `i=1000,l=32$salt$hash` or `1000$salt$hash`
fn pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str, proof: Proof) -> Option<Core> {
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
    Some(Core::Pbkdf2 { algorithm, rounds, salt: decode_salt(salt)?, expected, proof })
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
