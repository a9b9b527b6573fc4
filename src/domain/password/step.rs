//! What other systems do to a password before, or in the place of, a slow hash.

use aws_lc_rs::{digest, hmac};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use data_encoding::HEXLOWER;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

/// Most doublings of an iterated digest: 2^20 take about half a second.
const DOUBLINGS_CAP: u32 = 20;
/// Most rounds of SHA-crypt; they take about a second.
const SHA_CRYPT_ROUNDS_CAP: u32 = 1_000_000;
/// Longest salt, key or pepper, in bytes.
const TEXT_BYTES_CAP: usize = 1024;
/// How much of a longer digest some systems keep, so how much of all is compared, in bytes.
const ITERATED_BYTES: usize = 32;

/// One step, on what the step before it gave. It is spelled as its name and its parts with colons between them; texts
/// are base64 without padding.
pub(super) enum Step {
    /// `wordpress`: the password without blanks at its ends, and with backslashes before quotes, or as it is.
    WordPress,
    /// `digest:sha1:hex:BEFORE:AFTER`: the digest of the text between two others.
    Digest { algorithm: Algorithm, spelling: Spelling, before: Vec<u8>, after: Vec<u8> },
    /// `hmac:sha256:KEY`: HMAC with that key, in base64.
    Hmac { algorithm: hmac::Algorithm, key: Vec<u8> },
    /// `append:TEXT`: the text behind the password.
    Append(Vec<u8>),
    /// `iterated:md5:13:SALT`: the digest of salt and password, then 2^13 times of what came out and the password.
    Iterated { algorithm: Algorithm, doublings: u32, salt: Vec<u8> },
    /// `sha-crypt:512:5000:SALT`: Unix's, of so many rounds.
    ShaCrypt { is_512: bool, params: sha_crypt::Params, salt: Vec<u8> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// How a digest is handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Raw,
    Hex,
    Base64,
}

impl Step {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        Some(match parts.as_slice() {
            ["wordpress"] => Self::WordPress,
            ["digest", algorithm, spelling, before, after] => Self::Digest {
                algorithm: Algorithm::named(algorithm)?,
                spelling: match *spelling {
                    "raw" => Spelling::Raw,
                    "hex" => Spelling::Hex,
                    "base64" => Spelling::Base64,
                    _ => return None,
                },
                before: decode(before)?,
                after: decode(after)?,
            },
            ["hmac", algorithm, key] => {
                let algorithm = match *algorithm {
                    "sha256" => hmac::HMAC_SHA256,
                    "sha384" => hmac::HMAC_SHA384,
                    "sha512" => hmac::HMAC_SHA512,
                    _ => return None,
                };
                Self::Hmac { algorithm, key: decode(key)? }
            }
            ["append", text] => Self::Append(decode(text)?),
            ["iterated", algorithm, doublings, salt] => Self::Iterated {
                algorithm: Algorithm::named(algorithm)?,
                doublings: doublings.parse().ok().filter(|doublings| *doublings <= DOUBLINGS_CAP)?,
                salt: decode(salt)?,
            },
            ["sha-crypt", kind @ ("256" | "512"), rounds, salt] => {
                let rounds = rounds.parse().ok().filter(|rounds| *rounds <= SHA_CRYPT_ROUNDS_CAP)?;
                let params = sha_crypt::Params::new(rounds).ok()?;
                Self::ShaCrypt { is_512: *kind == "512", params, salt: decode(salt)? }
            }
            _ => return None,
        })
    }

    /// What comes of a text.
    pub(super) fn apply(&self, text: &[u8]) -> Zeroizing<Vec<u8>> {
        match self {
            Self::WordPress => Zeroizing::new(text.to_vec()),
            Self::Digest { algorithm, spelling, before, after } => {
                let digest = algorithm.digest(&[before, text, after]);
                match spelling {
                    Spelling::Raw => digest,
                    Spelling::Hex => Zeroizing::new(HEXLOWER.encode(&digest).into_bytes()),
                    Spelling::Base64 => base64(&digest),
                }
            }
            Self::Hmac { algorithm, key } => base64(hmac::sign(&hmac::Key::new(*algorithm, key), text).as_ref()),
            Self::Append(pepper) => Zeroizing::new([text, pepper].concat()),
            Self::Iterated { algorithm, doublings, salt } => {
                let mut digest = algorithm.digest(&[salt, text]);
                for _ in 0..1_u64 << doublings {
                    digest = algorithm.digest(&[&digest, text]);
                }
                digest.truncate(ITERATED_BYTES);
                digest
            }
            Self::ShaCrypt { is_512: true, params, salt } => {
                Zeroizing::new(sha_crypt::sha512_crypt(text, salt, *params).to_vec())
            }
            Self::ShaCrypt { is_512: false, params, salt } => {
                Zeroizing::new(sha_crypt::sha256_crypt(text, salt, *params).to_vec())
            }
        }
    }

    /// Whether it takes time.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Self::Iterated { .. } | Self::ShaCrypt { .. })
    }

    /// Whether what comes out has one length, and differs for any two texts.
    pub(super) fn is_digest(&self) -> bool {
        !matches!(self, Self::WordPress | Self::Append(_))
    }
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        let all = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];
        all.into_iter()
            .zip(["md5", "sha1", "sha256", "sha384", "sha512"])
            .find(|(_, known)| *known == name)
            .map(|(one, _)| one)
    }

    /// The digest of the texts one after the other.
    pub(super) fn digest(self, texts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        let algorithm = match self {
            Self::Md5 => {
                let mut md5 = Md5::new();
                for text in texts {
                    md5.update(text);
                }
                return Zeroizing::new(md5.finalize().to_vec());
            }
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        let mut context = digest::Context::new(algorithm);
        for text in texts {
            context.update(text);
        }
        Zeroizing::new(context.finish().as_ref().to_vec())
    }
}

/// A text as the forms of `WordPress` hand it on, and whether no other password gives the same: trimmed (PHP's `trim`)
/// with backslashes (`addslashes`), trimmed alone, and as it is, which programs may have hashed.
pub(super) fn wordpress_forms(text: &str) -> Vec<(Zeroizing<String>, bool)> {
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}']);
    let mut slashed = Zeroizing::new(String::with_capacity(2 * trimmed.len()));
    for c in trimmed.chars() {
        match c {
            '\'' | '"' | '\\' => slashed.extend(['\\', c]),
            '\0' => slashed.push_str("\\0"),
            c => slashed.push(c),
        }
    }
    // What a form has trimmed, or might have made of another text, is not told from that.
    let is_whole = trimmed.len() == text.len();
    let mut forms = vec![(slashed, is_whole)];
    for (form, tells) in [(trimmed, is_whole && !text.contains('\\')), (text, is_whole && !text.contains('\\'))] {
        if forms.iter().all(|(known, _)| known.as_str() != form) {
            forms.push((Zeroizing::new(form.to_owned()), tells));
        }
    }
    forms
}

pub(super) fn base64(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(STANDARD.encode(bytes).into_bytes())
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= TEXT_BYTES_CAP)
}
