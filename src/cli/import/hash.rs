//! Password hashes as other systems write them. Where only the spelling differs, they are written as the service reads
//! them; where the algorithm differs, the system is told by its name.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD_NO_PAD},
};

use crate::domain::password::PasswordHash;

/// Base64 with its padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The hash that an account gets, or why there is none.
pub(in crate::cli) fn parse(text: &str) -> Result<PasswordHash, String> {
    let rewritten = rewritten(text);
    PasswordHash::parse(rewritten.as_deref().unwrap_or(text)).map_err(|error| match (&rewritten, unusable(text)) {
        (None, Some(system)) => format!(
            "password_hash is {system}, which cannot be taken: import the account without a hash, and set a password with \
             `jea-auth user passwd`"
        ),
        _ => format!("password_hash is {error}"),
    })
}

/// Whether a text is the hash of a password, by its form.
pub(in crate::cli) fn is_one(text: &str) -> bool {
    parse(text).is_ok() || (text.starts_with(['$', '{']) && unusable(text).is_some())
}

/// The hash as the service reads it, if it is of a system with a spelling of its own.
fn rewritten(text: &str) -> Option<String> {
    if let Some(braced) = text.strip_prefix('{') {
        let (scheme, rest) = braced.split_once('}')?;
        return in_braces(&scheme.to_lowercase(), rest);
    }
    if let Some(hash) = text.strip_prefix("argon2$") {
        return Some(format!("${hash}"));
    }
    if let Some(hash) = text.strip_prefix("bcrypt$") {
        return Some(hash.to_owned());
    }
    if text.starts_with('$') {
        return Some(unpadded(text)).filter(|unpadded| unpadded != text);
    }
    django(text).or_else(|| werkzeug(text)).or_else(|| asp_net(text))
}

/// PHC form has no padding, and some systems pad it.
fn unpadded(text: &str) -> String {
    text.split('$').map(|part| part.trim_end_matches('=')).collect::<Vec<_>>().join("$")
}

/// Spring's `DelegatingPasswordEncoder`, and LDAP (RFC 2307).
fn in_braces(scheme: &str, rest: &str) -> Option<String> {
    match scheme {
        "bcrypt" | "argon2" | "argon2@springsecurity_v5_2" | "argon2@springsecurity_v5_8" => Some(rest.to_owned()),
        "crypt" => rest.starts_with("$2").then(|| rest.to_owned()),
        "scrypt" | "scrypt@springsecurity_v4_1" | "scrypt@springsecurity_v5_8" => spring_scrypt(rest),
        // Salt and hash in one; the rounds are those of Spring's encoder of that name.
        "pbkdf2@springsecurity_v5_8" => salt_first("sha256", 310_000, 16, &hex(rest)?),
        "pbkdf2@springsecurity_v5_5" => salt_first("sha1", 185_000, 8, &hex(rest)?),
        "pbkdf2" => hex(rest)
            .and_then(|bytes| salt_first("sha1", 185_000, 8, &bytes))
            .or_else(|| Some(format!("$pbkdf2-sha1${rest}"))),
        // OpenLDAP's module pw-pbkdf2, in the form of PHC but for its name.
        "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512" => Some(format!("${scheme}${rest}")),
        // Atlassian's, with 10,000 rounds of PBKDF2 with SHA-1.
        "pkcs5s2" => salt_first("sha1", 10_000, 16, &BASE64.decode(rest).ok()?),
        _ => None,
    }
}

/// `$e0801$salt$hash`: in the first part log2 of N, r and p, the latter two in two digits each.
fn spring_scrypt(text: &str) -> Option<String> {
    let [parameters, salt, hash] = parts(text.strip_prefix('$')?)?;
    let parameters = u32::from_str_radix(parameters, 16).ok()?;
    let (log_n, r, p) = (parameters >> 16, parameters >> 8 & 0xff, parameters & 0xff);
    Some(scrypt(log_n, r, p, &BASE64.decode(salt).ok()?, &BASE64.decode(hash).ok()?))
}

/// Django's hashers but Argon2 and bcrypt. The salt is text.
fn django(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix("scrypt$") {
        let [n, salt, r, p, hash] = parts(rest)?;
        return Some(scrypt(log2(n)?, r.parse().ok()?, p.parse().ok()?, salt.as_bytes(), &BASE64.decode(hash).ok()?));
    }
    let [digest, rounds, salt, hash] = parts(text.strip_prefix("pbkdf2_")?)?;
    Some(pbkdf2(digest, rounds.parse().ok()?, salt.as_bytes(), &BASE64.decode(hash).ok()?))
}

/// `pbkdf2:sha256:1000000$salt$hash` and `scrypt:32768:8:1$salt$hash`. The salt is text, the hash hexadecimal.
fn werkzeug(text: &str) -> Option<String> {
    let [method, salt, hash] = parts(text)?;
    let (salt, hash) = (salt.as_bytes(), hex(hash)?);
    match method.split(':').collect::<Vec<_>>().as_slice() {
        ["pbkdf2", digest, rounds] => Some(pbkdf2(digest, rounds.parse().ok()?, salt, &hash)),
        ["scrypt", n, r, p] => Some(scrypt(log2(n)?, r.parse().ok()?, p.parse().ok()?, salt, &hash)),
        _ => None,
    }
}

/// ASP.NET Identity. Version 2 is a zero, salt and hash; version 3 a one, then as big-endian numbers of four bytes the
/// digest, the rounds and the length of the salt, then salt and hash.
fn asp_net(text: &str) -> Option<String> {
    let bytes = BASE64.decode(text).ok()?;
    match bytes.split_first()? {
        (0, rest) if rest.len() == 48 => salt_first("sha1", 1000, 16, rest),
        (1, rest) => {
            let ([digest, rounds, salt_length], rest) = rest.split_at_checked(12).map(|(numbers, rest)| {
                let mut numbers = numbers.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes));
                ([(); 3].map(|()| numbers.next().unwrap_or_default()), rest)
            })?;
            let digest = ["sha1", "sha256", "sha512"].get(usize::try_from(digest).ok()?)?;
            salt_first(digest, rounds, usize::try_from(salt_length).ok()?, rest)
        }
        _ => None,
    }
}

fn salt_first(digest: &str, rounds: u32, salt: usize, bytes: &[u8]) -> Option<String> {
    let (salt, hash) = bytes.split_at_checked(salt)?;
    Some(pbkdf2(digest, rounds, salt, hash))
}

/// Keycloak's, whose parts are in members of their own.
pub(super) fn keycloak<'a>(
    algorithm: &str,
    rounds: u64,
    salt: &str,
    hash: &str,
    parameter: impl Fn(&str) -> Option<&'a str>,
) -> Option<String> {
    let (salt, hash) = (BASE64.decode(salt).ok()?, BASE64.decode(hash).ok()?);
    match algorithm {
        "pbkdf2" => Some(pbkdf2("sha1", rounds.try_into().ok()?, &salt, &hash)),
        "pbkdf2-sha256" | "pbkdf2-sha512" => {
            Some(pbkdf2(algorithm.strip_prefix("pbkdf2-")?, rounds.try_into().ok()?, &salt, &hash))
        }
        "argon2" => {
            let version = match parameter("version")? {
                "1.0" => 16,
                "1.3" => 19,
                _ => return None,
            };
            let (kind, memory, lanes) = (parameter("type")?, parameter("memory")?, parameter("parallelism")?);
            let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
            Some(format!("$argon2{kind}$v={version}$m={memory},t={rounds},p={lanes}${salt}${hash}"))
        }
        _ => None,
    }
}

/// PBKDF2 as the service reads it.
fn pbkdf2(digest: &str, rounds: u32, salt: &[u8], hash: &[u8]) -> String {
    let (length, salt, hash) = (hash.len(), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$pbkdf2-{digest}$i={rounds},l={length}${salt}${hash}")
}

fn scrypt(log_n: u32, r: u32, p: u32, salt: &[u8], hash: &[u8]) -> String {
    format!("$scrypt$ln={log_n},r={r},p={p}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash))
}

fn log2(n: &str) -> Option<u32> {
    let n: u64 = n.parse().ok()?;
    n.is_power_of_two().then(|| n.ilog2())
}

fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    is_hex.then(|| pairs.collect()).flatten()
}

/// How hashes begin that are of an algorithm which the service does not compute, and whose they are.
const UNUSABLE: [(&str, &str); 25] = [
    ("$P$", "phpass, of WordPress before 6.8"),
    ("$H$", "phpass, of phpBB"),
    ("$wp$", "of WordPress 6.8, bcrypt of another hash"),
    ("$S$", "of Drupal 7"),
    ("$1$", "MD5-crypt, of Unix"),
    ("$apr1$", "MD5-crypt, of Apache"),
    ("$5$", "SHA-256-crypt, of Unix"),
    ("$6$", "SHA-512-crypt, of Unix"),
    ("$7$", "scrypt-crypt, of Unix"),
    ("$y$", "yescrypt, of Unix"),
    ("$2x$", "bcrypt with the fault of old crypt_blowfish"),
    ("{ssha", "salted SHA, of LDAP"),
    ("{sha", "SHA, of LDAP or Spring"),
    ("{smd5}", "salted MD5, of LDAP"),
    ("{md5}", "MD5, of LDAP or Spring"),
    ("{pbkdf2_", "of 389 Directory Server"),
    ("{md4}", "MD4, of Spring"),
    ("{ldap}", "SHA, of LDAP or Spring"),
    ("{noop}", "Spring's name for a password that is not hashed"),
    ("$bcrypt-sha256$", "passlib's bcrypt_sha256, bcrypt of another hash"),
    ("bcrypt_sha256$", "Django's bcrypt_sha256, bcrypt of another hash"),
    ("md5$", "Django's or Werkzeug's MD5"),
    ("sha1$", "Django's or Werkzeug's SHA-1"),
    ("sha256$", "Werkzeug's SHA-256"),
    ("!", "a mark for an account that has no password, of Django or Unix"),
];

/// What a hash is that cannot be taken.
fn unusable(text: &str) -> Option<&'static str> {
    let begins = |text: &str, prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| {
            if prefix.starts_with('{') { start.eq_ignore_ascii_case(prefix) } else { start == prefix }
        })
    };
    let text = if begins(text, "{crypt}") { text.split_once('}')?.1 } else { text };
    let by_start = UNUSABLE.iter().find(|(prefix, _)| begins(text, prefix)).map(|(_, system)| *system);
    by_start.or_else(|| match (hex(text).map(|bytes| bytes.len()), BASE64.decode(text).map(|bytes| bytes.len())) {
        (Some(16 | 20 | 32 | 48 | 64), _) => Some("a plain digest such as MD5 or SHA"),
        (None, Ok(64)) => Some("Firebase's scrypt, which needs a key of the project"),
        _ if text.starts_with(['$', '{']) => None,
        _ => Some("no hash that is known here"),
    })
}

#[cfg(test)]
mod tests;
