//! Fast hashes with a salt. A stolen table of them could be tried by billions a second, so the importer computes
//! Argon2id over each, and what the old system did becomes a step before it.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::{BASE64, crypt64, digit64, hex};

/// A fast hash: what is done to a password, in the service's spelling, and what must come of it.
pub(in crate::cli::import) struct Fast {
    pub(in crate::cli::import) steps: String,
    pub(in crate::cli::import) digest: Vec<u8>,
}

/// A fast hash, or what is wrong with it; nothing if it is none of a known form.
pub(super) fn parse(text: &str) -> Option<Result<Fast, String>> {
    let lower = text.to_lowercase();
    let of_unix = ["{crypt}", "{sha512-crypt}", "{sha256-crypt}"].iter().find(|scheme| lower.starts_with(**scheme));
    let text = of_unix.and_then(|scheme| text.get(scheme.len()..)).unwrap_or(text);
    let text = if lower.starts_with("{ldap}") { text.get(6..).unwrap_or(text) } else { text };
    let fast = match text.get(..3) {
        Some("$5$" | "$6$") => return Some(sha_crypt(text).ok_or_else(|| beyond("SHA-crypt", "1,000,000 rounds"))),
        Some("$P$" | "$H$" | "$S$" | "U$P" | "U$S") => {
            return Some(iterated(text).ok_or_else(|| beyond("phpass or Drupal's", "2^20 rounds")));
        }
        Some(":B:") => mediawiki(text),
        _ if text.starts_with('{') => in_braces(text),
        _ => None,
    };
    fast.map(Ok)
}

fn beyond(what: &str, most: &str) -> String {
    format!("password_hash is not a hash of {what} as it is known here, of at most {most}")
}

/// `$P$B` and eight characters of salt, then MD5; `$S$D` the same with SHA-512, cut. `U` before it is of a system that
/// had MD5 before that.
fn iterated(text: &str) -> Option<Fast> {
    let (first, text) = match text.strip_prefix('U') {
        Some(rest) => ("digest:md5:hex::,", rest),
        None => ("", text),
    };
    let (is_drupal, rest) = (text.starts_with("$S$"), text.get(3..)?);
    let (doublings, rest) = (digit64(rest.chars().next()?).filter(|doublings| *doublings <= 20)?, rest.get(1..)?);
    let (salt, hash) = rest.split_at_checked(8)?;
    let (name, length, bytes) = if is_drupal { ("sha512", 43, 32) } else { ("md5", 22, 16) };
    let mut digest = (hash.len() == length).then(|| crypt64(hash)).flatten()?;
    digest.truncate(bytes);
    // phpBB's and WordPress's differ in their first letter alone.
    let wordpress = if is_drupal { "" } else { "wordpress," };
    let steps = format!("{wordpress}{first}iterated:{name}:{doublings}:{}", STANDARD_NO_PAD.encode(salt));
    Some(Fast { steps, digest })
}

/// `$6$salt$hash` and `$6$rounds=10000$salt$hash`
fn sha_crypt(text: &str) -> Option<Fast> {
    let (is_512, rest) = (text.starts_with("$6$"), text.get(3..)?);
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => rest.split_once('$')?,
        None => ("5000", rest),
    };
    let (salt, hash) = rest.split_once('$')?;
    let rounds: u32 = rounds.parse().ok().filter(|rounds| (1_000..=1_000_000).contains(rounds))?;
    let digest = transposed(&crypt64(hash)?, if is_512 { 64 } else { 32 })?;
    let kind = if is_512 { 512 } else { 256 };
    Some(Fast { steps: format!("sha-crypt:{kind}:{rounds}:{}", STANDARD_NO_PAD.encode(salt)), digest })
}

/// The bytes of a digest in their places: SHA-crypt writes three at a time, from three parts of it, and what is left
/// over.
fn transposed(written: &[u8], length: usize) -> Option<Vec<u8>> {
    let part = length / 3;
    let (mut a, mut b, mut c) = (0, part, 2 * part);
    let mut places = Vec::new();
    for _ in 0..part {
        places.extend([c, b, a]);
        (a, b, c) = if length == 64 { (b + 1, c + 1, a + 1) } else { (c + 1, a + 1, b + 1) };
    }
    places.extend(3 * part..length);
    let mut digest = vec![0; length];
    (written.len() == length && places.len() == length).then_some(())?;
    for (byte, place) in written.iter().zip(places) {
        *digest.get_mut(place)? = *byte;
    }
    Some(digest)
}

/// `:B:salt:hash`: MD5 of the salt, a hyphen and the MD5 in hexadecimal digits.
fn mediawiki(text: &str) -> Option<Fast> {
    let (salt, hash) = text.strip_prefix(":B:")?.split_once(':')?;
    let digest = hex(hash).filter(|digest| digest.len() == 16)?;
    let salt = STANDARD_NO_PAD.encode(format!("{salt}-"));
    Some(Fast { steps: format!("digest:md5:hex::,digest:md5:raw:{salt}:"), digest })
}

/// LDAP and Dovecot: the digest of password and salt, and the salt behind it.
fn in_braces(text: &str) -> Option<Fast> {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    let scheme = scheme.to_lowercase();
    let (scheme, spelling) = scheme.split_once('.').unwrap_or((&scheme, "b64"));
    let (name, length) = match scheme {
        "smd5" => ("md5", 16),
        "ssha" => ("sha1", 20),
        "ssha256" => ("sha256", 32),
        "ssha384" => ("sha384", 48),
        "ssha512" => ("sha512", 64),
        _ => return None,
    };
    let bytes = if spelling == "hex" { hex(rest)? } else { BASE64.decode(rest).ok()? };
    let (digest, salt) = bytes.split_at_checked(length).filter(|(_, salt)| !salt.is_empty())?;
    Some(Fast { steps: format!("digest:{name}:raw::{}", STANDARD_NO_PAD.encode(salt)), digest: digest.to_vec() })
}
