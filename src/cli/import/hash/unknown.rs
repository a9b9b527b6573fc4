//! What a hash is that cannot be taken, told by its name.

use base64::Engine;

use super::{BASE64, hex};

/// How hashes begin that are of an algorithm which the service does not compute, and whose they are.
const UNUSABLE: [(&str, &str); 17] = [
    ("$1$", "MD5-crypt, of Unix"),
    ("$apr1$", "MD5-crypt, of Apache"),
    ("$2x$", "bcrypt with the fault of old crypt_blowfish"),
    ("{sha}", "SHA-1 without a salt, of LDAP"),
    ("{sha256}", "SHA-256 without a salt, of LDAP"),
    ("{sha512}", "SHA-512 without a salt, of LDAP"),
    ("{sha-", "SHA, of Spring"),
    ("{md5}", "MD5, of LDAP or Spring"),
    ("{pbkdf2_", "of 389 Directory Server"),
    ("{md4}", "MD4, of Spring"),
    ("{ldap}", "SHA, of LDAP or Spring"),
    ("{noop}", "Spring's name for a password that is not hashed"),
    ("fakeHash:", "fakeHash, the Firebase emulator's name for a password that is not hashed"),
    ("md5$", "Django's or Werkzeug's MD5"),
    ("sha1$", "Django's or Werkzeug's SHA-1"),
    ("sha256$", "Werkzeug's SHA-256"),
    ("!", "a mark for an account that has no password, of Django or Unix"),
];

/// How hashes begin of which the form is known, so that what is wrong with one are its parameters.
const KNOWN: [&str; 24] = [
    "$argon2d$",
    "$argon2i$",
    "$argon2id$",
    "$2a$",
    "$2b$",
    "$2y$",
    "$scrypt$ln=",
    "$pbkdf2$",
    "$pbkdf2-",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$p$",
    "$h$",
    "$s$",
    "$wp$2",
    "$bcrypt-sha256$",
    "{ssha",
    "{smd5}",
    "{argon2",
    "{blf-crypt}",
    "{scram-sha-",
    "$scrypt$n=",
];

fn begins(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| if prefix.starts_with('{') { start.eq_ignore_ascii_case(prefix) } else { start == prefix })
}

/// Whether a text begins as a hash does.
pub(super) fn begins_as_one(text: &str) -> bool {
    let known = KNOWN.iter().any(|prefix| begins(&text.to_lowercase(), prefix));
    known || (text.starts_with(['$', '{']) && UNUSABLE.iter().any(|(prefix, _)| begins(text, prefix)))
}

/// What a hash is that cannot be taken; nothing if it is of a known form.
pub(super) fn what(text: &str) -> Option<String> {
    let text = if begins(text, "{crypt}") { text.split_once('}')?.1 } else { text };
    if let Some((_, system)) = UNUSABLE.iter().find(|(prefix, _)| begins(text, prefix)) {
        return Some((*system).to_owned());
    }
    match (hex(text).map(|bytes| bytes.len()), BASE64.decode(text).map(|bytes| bytes.len())) {
        (Some(16 | 20 | 32 | 48 | 64), _) => return Some("a plain digest such as MD5 or SHA".to_owned()),
        (None, Ok(64)) => {
            return Some(
                "Firebase's scrypt, which needs a key of the project: --from firebase --hash-config FILE".to_owned(),
            );
        }
        _ => {}
    }
    let end = if text.starts_with('{') { '}' } else { '$' };
    let name = text.get(1..).and_then(|rest| rest.split_once(end)).map(|(name, _)| name);
    let is_name = |name: &&str| (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    match name.filter(is_name) {
        Some(name) if text.starts_with(['$', '{']) => {
            let is_known = KNOWN.iter().any(|prefix| begins(&text.to_lowercase(), prefix));
            let first = text.chars().next().unwrap_or_default();
            (!is_known).then(|| format!("of a form that is not known here, {first}{name}{end}"))
        }
        _ if text.starts_with('$') => None,
        _ => Some("no hash that is known here".to_owned()),
    }
}
