//! Hashes that rest on a secret of their system, which the importer is told: Firebase's signer key, or a pepper.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{BASE64, cannot};
use crate::{cli::Failure, domain::password::PasswordHash};

/// The secrets of an import.
#[derive(Default)]
pub(in crate::cli::import) struct Secrets {
    firebase: Option<Firebase>,
    pepper: Option<Zeroizing<Vec<u8>>>,
}

/// A project's parameters, as the console shows them.
struct Firebase {
    signer_key: Zeroizing<Vec<u8>>,
    separator: Zeroizing<Vec<u8>>,
    rounds: u32,
    mem_cost: u32,
}

impl Secrets {
    /// Reads the files that have them.
    pub(in crate::cli::import) fn read(hash_config: Option<&Path>, pepper: Option<&Path>) -> Result<Self, Failure> {
        let read = |path: &Path| {
            let bytes = fs::read(path).map(Zeroizing::new);
            bytes.map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display()), "check its name"))
        };
        let firebase = match hash_config {
            Some(path) => Some(Firebase::parse(&String::from_utf8_lossy(&read(path)?)).ok_or_else(|| {
                Failure::new(
                    format!("{} is no hash_config of Firebase", path.display()),
                    "copy it from the console, Authentication, Password hash parameters: base64_signer_key, \
                     base64_salt_separator, rounds and mem_cost",
                )
            })?),
            None => None,
        };
        let pepper = pepper.map(read).transpose()?;
        // An editor ends a file with a line end that is no part of it.
        let pepper = pepper.map(|bytes| {
            let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            Zeroizing::new(text.strip_suffix(b"\r").unwrap_or(text).to_vec())
        });
        if pepper.as_ref().is_some_and(|pepper| pepper.is_empty() || pepper.len() > 1024) {
            return Err(Failure::new("the pepper has 1 to 1024 bytes", "check the file of --pepper-file"));
        }
        Ok(Self { firebase, pepper })
    }

    /// Whether there are any, so that hashes are sealed.
    pub(in crate::cli::import) fn are_there(&self) -> bool {
        self.firebase.is_some() || self.pepper.is_some()
    }

    /// A hash of Firebase, if it is one; whether its parameters are known is part of what comes back.
    pub(super) fn firebase(&self, text: &str, salt: &str) -> Option<Result<PasswordHash, String>> {
        if text.starts_with("fakeHash:") {
            let fake = "fakeHash, the emulator's name for a password that is not hashed";
            return Some(Err(cannot(fake)));
        }
        // The tool writes plain base64, and the service the kind for URLs.
        let decode = |text: &str| BASE64.decode(text.replace('-', "+").replace('_', "/")).ok();
        let hash = decode(text).filter(|hash| hash.len() == 64)?;
        let salt = decode(salt)?;
        let Some(firebase) = &self.firebase else {
            return Some(Err(cannot("Firebase's scrypt, which needs --hash-config, the parameters of the project")));
        };
        Some(firebase.hash(&hash, &salt).ok_or_else(|| {
            "password_hash is beyond what is computed with the parameters of --hash-config: mem_cost to 18, rounds to 8".to_owned()
        }))
    }

    /// The hash with the pepper behind it, if there is one.
    pub(super) fn peppered(&self, hash: &PasswordHash) -> Result<Option<PasswordHash>, String> {
        let Some(pepper) = &self.pepper else { return Ok(None) };
        let (text, pepper) = (hash.as_str(), STANDARD_NO_PAD.encode(pepper));
        let step = if text.starts_with("$2") {
            format!("append:{pepper}")
        } else if text.starts_with("$argon2") {
            format!("hmac:sha512:{pepper}")
        } else {
            let known =
                "with --pepper-file a hash is bcrypt or Argon2: import others without it, from a file of their own";
            return Err(format!("password_hash is neither: {known}"));
        };
        let text = Zeroizing::new(format!("$after${step}{text}"));
        PasswordHash::parse(&text).map(Some).map_err(|error| format!("password_hash is {error}"))
    }
}

impl Firebase {
    /// `hash_config { algorithm: SCRYPT, base64_signer_key: ..., ... }`, with or without quotes.
    fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let after = text.split_once(name)?.1.trim_start_matches(['"', '\'']).trim_start();
            let value = after.strip_prefix([':', '=']).unwrap_or(after).trim_start().trim_start_matches(['"', '\'']);
            value.split([',', '\n', '"', '\'', '}']).next().map(str::trim)
        };
        let bytes = |name: &str| BASE64.decode(value(name)?).ok().map(Zeroizing::new);
        let firebase = Self {
            signer_key: bytes("base64_signer_key")?,
            separator: bytes("base64_salt_separator")?,
            rounds: value("rounds")?.parse().ok()?,
            mem_cost: value("mem_cost")?.parse().ok()?,
        };
        (firebase.signer_key.len() == 64).then_some(firebase)
    }

    /// Firebase keeps its signer key, encrypted by the scrypt of the password. So what the two differ by is the
    /// keystream, and the signer key itself need not be kept.
    fn hash(&self, hash: &[u8], salt: &[u8]) -> Option<PasswordHash> {
        let stream: Vec<u8> = hash.iter().zip(self.signer_key.iter()).map(|(a, b)| a ^ b).collect();
        let salt = STANDARD_NO_PAD.encode([salt, self.separator.as_slice()].concat());
        let (cost, rounds) = (self.mem_cost, self.rounds);
        let stream = Zeroizing::new(STANDARD_NO_PAD.encode(Zeroizing::new(stream).as_slice()));
        PasswordHash::parse(&format!("$scrypt-keystream$ln={cost},r={rounds},p=1${salt}${}", *stream)).ok()
    }
}
