//! Password hashes as other systems write them. Where only the spelling differs, they are written as the service reads
//! them; fast ones become the last step before Argon2id; where the algorithm is another, the system is told by its
//! name.

mod fast;
mod secrets;
mod spelling;
mod unknown;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD_NO_PAD},
};
use data_encoding::{BitOrder, Specification};

use crate::domain::password::PasswordHash;

pub(super) use fast::Fast;
pub(super) use secrets::Secrets;
pub(super) use spelling::keycloak;

/// Base64 with its padding or without.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The hash that an account gets.
pub(super) enum Imported {
    /// It is stored as it is.
    Kept(PasswordHash),
    /// It is fast, and stored below Argon2id.
    Fast(Fast),
    /// It rests on a secret of its system, and is stored sealed.
    Secret(PasswordHash),
    /// It was sealed by the stack that exported it.
    Sealed(PasswordHash),
}

/// The hash that an account gets, or why there is none. Some systems have its salt in a column of its own.
pub(super) fn parse(text: &str, salt: Option<&str>, secrets: &Secrets) -> Result<Imported, String> {
    // Python's csv writes bytes so.
    let text = text.strip_prefix("b'").and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
    if let Some(salt) = salt
        && let Some(hash) = secrets.firebase(text, salt)
    {
        return hash.map(Imported::Secret);
    }
    if let Some(fast) = fast::parse(text) {
        return fast.map(Imported::Fast);
    }
    let rewritten = salt.and_then(|salt| spelling::with_salt(text, salt)).or_else(|| spelling::rewritten(text));
    match PasswordHash::parse(rewritten.as_deref().unwrap_or(text)) {
        Ok(hash) if hash.is_sealed() => Ok(Imported::Sealed(hash)),
        Ok(hash) => Ok(secrets.peppered(&hash)?.map_or(Imported::Kept(hash), Imported::Secret)),
        Err(error) => Err(match (&rewritten, unknown::what(text)) {
            (None, Some(what)) => cannot(&what),
            _ => format!("password_hash is {error}"),
        }),
    }
}

/// What is said of a hash that cannot be taken.
pub(super) fn cannot(what: &str) -> String {
    format!(
        "password_hash is {what}, which cannot be taken: import the account without a hash, by --unusable drop-hash, and set a \
         password with `jea-auth user passwd`"
    )
}

/// Whether it marks an account that has no password: of Django an exclamation mark and forty letters and digits, and of
/// Unix.
pub(super) fn is_mark_for_none(hash: &str) -> bool {
    let is_django = |rest: &str| rest.len() == 40 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    matches!(hash, "!" | "!!" | "*" | "!*") || hash.strip_prefix('!').is_some_and(is_django)
}

/// Whether a text is the hash of a password, by its form.
pub(in crate::cli) fn is_one(text: &str) -> bool {
    parse(text, None, &Secrets::default()).is_ok() || unknown::begins_as_one(text)
}

/// PBKDF2 as the service reads it. Of a longer output the first block is enough: it is computed without the others.
fn pbkdf2(digest: &str, rounds: u32, salt: &[u8], hash: &[u8]) -> String {
    let block = match digest {
        "sha1" => 20,
        "sha256" => 32,
        _ => 64,
    };
    let hash = if hash.len() > 64 { hash.get(..block).unwrap_or(hash) } else { hash };
    let (length, salt, hash) = (hash.len(), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$pbkdf2-{digest}$i={rounds},l={length}${salt}${hash}")
}

pub(super) fn scrypt(log_n: u32, r: u32, p: u32, salt: &[u8], hash: &[u8]) -> String {
    format!("$scrypt$ln={log_n},r={r},p={p}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash))
}

fn log2(n: &str) -> Option<u32> {
    let n: u64 = n.parse().ok()?;
    n.is_power_of_two().then(|| n.ilog2())
}

fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    is_hex.then(|| pairs.collect()).flatten()
}

/// Base64 of Unix's crypt and of what came after it: its letters in another order, and the low bits first. What is left
/// over at the end are not enough bits for a byte.
fn crypt64(text: &str) -> Option<Vec<u8>> {
    let mut specification = Specification::new();
    specification.symbols.push_str(ITOA64);
    specification.bit_order = BitOrder::LeastSignificantFirst;
    specification.check_trailing_bits = false;
    specification.encoding().ok()?.decode(text.as_bytes()).ok()
}

/// The digits of crypt's base64.
const ITOA64: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The number that one of its digits stands for.
fn digit64(digit: char) -> Option<u32> {
    ITOA64.find(digit).and_then(|at| u32::try_from(at).ok())
}

#[cfg(test)]
mod tests;
