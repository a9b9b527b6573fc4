//! Hashes of which only the spelling differs, or what is done to the password before it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;

use super::{BASE64, ITOA64, STANDARD_NO_PAD, crypt64, digit64, hex, log2, parts, pbkdf2, scrypt};

/// The hash as the service reads it, if it is of a system with a spelling of its own.
pub(super) fn rewritten(text: &str) -> Option<String> {
    if let Some(braced) = text.strip_prefix('{') {
        let (scheme, rest) = braced.split_once('}')?;
        return in_braces(&scheme.to_lowercase(), rest);
    }
    // Nextcloud counts its hashers.
    if let Some(hash) = ["1|", "2|", "3|"].iter().find_map(|hasher| text.strip_prefix(hasher)) {
        return hash.starts_with('$').then(|| unpadded(hash));
    }
    if let Some(hash) = text.strip_prefix("argon2$") {
        return Some(format!("${hash}"));
    }
    if let Some(hash) = text.strip_prefix("bcrypt$") {
        return Some(hash.to_owned());
    }
    if let Some(hash) = text.strip_prefix("bcrypt_sha256$") {
        return Some(format!("$after$digest:sha256:hex::{hash}"));
    }
    if text.starts_with('$') {
        return dollars(text).or_else(|| Some(unpadded(text)).filter(|unpadded| unpadded != text));
    }
    let others = [django, werkzeug, better_auth, mediawiki, galaxy, py4web, postgres, medusa, asp_net];
    others.into_iter().find_map(|other| other(text))
}

/// Names between dollar signs that are not the service's own.
fn dollars(text: &str) -> Option<String> {
    let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
    match name {
        // WordPress 6.8: bcrypt of an HMAC whose key is a text.
        "wp" => Some(format!("$after$wordpress,hmac:sha384:{}${rest}", STANDARD_NO_PAD.encode("wp-sha384"))),
        "bcrypt-sha256" => passlib(rest),
        "y" => {
            let [parameters, salt, hash] = parts(rest)?;
            let [salt, hash] = [salt, hash].map(crypt64);
            Some(format!("$yescrypt${parameters}${}${}", STANDARD_NO_PAD.encode(salt?), STANDARD_NO_PAD.encode(hash?)))
        }
        "7" => scrypt_crypt(rest),
        // AdonisJS has N itself.
        "scrypt" if rest.starts_with("n=") => {
            let [parameters, salt, hash] = parts(rest)?;
            let (n, others) = parameters.strip_prefix("n=")?.split_once(',')?;
            let (salt, hash) = (salt.trim_end_matches('='), hash.trim_end_matches('='));
            Some(format!("$scrypt$ln={},{others}${salt}${hash}", log2(n)?))
        }
        _ => None,
    }
}

/// PHC form has no padding, and some systems pad it.
fn unpadded(text: &str) -> String {
    text.split('$').map(|part| part.trim_end_matches('=')).collect::<Vec<_>>().join("$")
}

/// passlib's bcrypt of a digest: `v=2,t=2b,r=12$salt$hash` of an HMAC with the salt as text, `2b,12$salt$hash` of
/// SHA-256.
fn passlib(rest: &str) -> Option<String> {
    let [parameters, salt, hash] = parts(rest)?;
    let (step, kind, cost) = match parameters.split(',').collect::<Vec<_>>().as_slice() {
        ["v=2", kind, cost] => {
            let key = STANDARD_NO_PAD.encode(salt);
            (format!("hmac:sha256:{key}"), kind.strip_prefix("t=")?.to_owned(), cost.strip_prefix("r=")?)
        }
        [kind, cost] => ("digest:sha256:base64::".to_owned(), (*kind).to_owned(), *cost),
        _ => return None,
    };
    Some(format!("$after${step}${kind}${cost:0>2}${salt}{hash}"))
}

/// scrypt of libxcrypt: a digit for log2 of N, five each for r and p, the salt as text, and the hash.
fn scrypt_crypt(rest: &str) -> Option<String> {
    let [front, hash] = parts(rest)?;
    let (numbers, salt) = front.split_at_checked(11)?;
    let number = |from: usize, to: usize| {
        let digits = numbers.get(from..to)?.chars().rev().map(digit64);
        digits.collect::<Option<Vec<_>>>().map(|digits| digits.iter().fold(0, |number, digit| (number << 6) | digit))
    };
    let log_n = digit64(numbers.chars().next()?)?;
    ITOA64.contains(salt.chars().next()?).then_some(())?;
    Some(scrypt(log_n, number(1, 6)?, number(6, 11)?, salt.as_bytes(), &crypt64(hash)?))
}

/// better-auth, oslo and lucia: `salt:key` of scrypt with N=16384, r=16, p=1, the salt as the text that it is.
fn better_auth(text: &str) -> Option<String> {
    let is_lucia = text.starts_with("s2:");
    let (salt, key) = text.strip_prefix("s2:").unwrap_or(text).split_once(':')?;
    let key = hex(key).filter(|key| key.len() == 64 && (is_lucia || hex(salt).is_some_and(|salt| salt.len() >= 8)))?;
    Some(scrypt(14, 16, 1, salt.as_bytes(), &key))
}

/// `:pbkdf2:sha512:30000:64:salt:hash`
fn mediawiki(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(':').collect();
    let ["", "pbkdf2", digest, rounds, _, salt, hash] = parts.as_slice() else {
        return None;
    };
    Some(pbkdf2(digest, rounds.parse().ok()?, &BASE64.decode(salt).ok()?, &BASE64.decode(hash).ok()?))
}

/// `PBKDF2$sha256$100000$salt$hash`, the salt as text.
fn galaxy(text: &str) -> Option<String> {
    let [digest, rounds, salt, hash] = parts(text.strip_prefix("PBKDF2$")?)?;
    Some(pbkdf2(digest, rounds.parse().ok()?, salt.as_bytes(), &BASE64.decode(hash).ok()?))
}

/// `pbkdf2(1000,20,sha512)$salt$hash`, the salt as text.
fn py4web(text: &str) -> Option<String> {
    let (parameters, rest) = text.strip_prefix("pbkdf2(")?.split_once(")$")?;
    let [rounds, _, digest] = parameters.split(',').collect::<Vec<_>>().try_into().ok()?;
    let [salt, hash] = parts(rest)?;
    Some(pbkdf2(digest, rounds.parse().ok()?, salt.as_bytes(), &hex(hash)?))
}

/// `SCRAM-SHA-256$4096:salt$stored:server` (RFC 5803, and `PostgreSQL`).
fn postgres(text: &str) -> Option<String> {
    let [name, first, keys] = parts(text)?;
    let ((rounds, salt), (stored, _)) = (first.split_once(':')?, keys.split_once(':')?);
    name.starts_with("SCRAM-SHA-").then(|| scram(&name.to_lowercase(), rounds, salt, stored)).flatten()
}

/// SCRAM (RFC 5802, 7677): what the service keeps of it is enough to compare a password with.
fn scram(name: &str, rounds: &str, salt: &str, stored: &str) -> Option<String> {
    let [salt, stored] = [salt, stored].map(|part| BASE64.decode(part).ok());
    Some(format!("${name}$i={rounds}${}${}", STANDARD_NO_PAD.encode(salt?), STANDARD_NO_PAD.encode(stored?)))
}

/// Medusa keeps what the tool `scrypt` begins a file with. Bytes 48 to 64 are a checksum.
fn medusa(text: &str) -> Option<String> {
    let bytes = BASE64.decode(text).ok().filter(|bytes| bytes.len() == 96 && bytes.starts_with(b"scrypt\0"))?;
    let (front, checksum) = (bytes.get(..48)?, bytes.get(48..64)?);
    (digest(&SHA256, front).as_ref().get(..16)? == checksum)
        .then(|| format!("$scrypt-kdf${}", STANDARD_NO_PAD.encode(&bytes)))
}

/// Payload and passport-local-mongoose: PBKDF2 with the salt as the text that stands in a column of its own.
pub(super) fn with_salt(text: &str, salt: &str) -> Option<String> {
    let (rounds, hash) = match text.strip_prefix("pbkdf2-sha256-v1:") {
        Some(hash) => (600_000, hash),
        None => (25_000, text),
    };
    let hash = hex(hash).filter(|hash| hash.len() == if rounds == 600_000 { 32 } else { 512 })?;
    Some(pbkdf2("sha256", rounds, salt.as_bytes(), &hash))
}

/// Spring's `DelegatingPasswordEncoder`, and LDAP (RFC 2307).
fn in_braces(scheme: &str, rest: &str) -> Option<String> {
    match scheme {
        "argon2id"
        | "argon2i"
        | "blf-crypt"
        | "bcrypt"
        | "argon2"
        | "argon2@springsecurity_v5_2"
        | "argon2@springsecurity_v5_8" => Some(rest.to_owned()),
        "crypt" => rewritten(rest).or_else(|| rest.starts_with('$').then(|| rest.to_owned())),
        // Dovecot's, with the salt as text.
        "pbkdf2" if rest.starts_with("$1$") => {
            let [salt, rounds, hash] = parts(rest.strip_prefix("$1$")?)?;
            Some(pbkdf2("sha1", rounds.parse().ok()?, salt.as_bytes(), &hex(hash)?))
        }
        "scram-sha-1" | "scram-sha-256" | "scram-sha-512" => {
            let [rounds, salt, stored, _] = rest.split(',').collect::<Vec<_>>().try_into().ok()?;
            scram(scheme, rounds, salt, stored)
        }
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
pub(in crate::cli::import) fn keycloak<'a>(
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
