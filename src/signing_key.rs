//! Signing keys: facts with dates, not a state machine.
//!
//! Three dates are set when a key is made, and everything else follows from them and the time: who signs, who
//! verifies, and whether a successor is due.

use std::time::Duration;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// How long a key signs.
pub const SIGNS: Duration = Duration::from_hours(720);
/// How long before it signs a successor is published, so that whoever caches the key set has it in time.
pub const PUBLISHED_AHEAD: Duration = Duration::from_hours(24);
/// Longest token life that can be configured. A key verifies for this and [`SKEW`] after it stops signing; with less,
/// a token could outlive its key, and its user would be logged off by a rotation.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_hours(168);
/// How far two clocks may differ.
pub const SKEW: Duration = Duration::from_secs(5);
/// Longest key id in bytes.
pub const KEY_ID_MAX_BYTES: usize = 32;

/// The claim `kid`: when the key was made, in milliseconds since the epoch, as decimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

/// The text is not a key id: 1 to [`KEY_ID_MAX_BYTES`] decimal digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 1 to {KEY_ID_MAX_BYTES} decimal digits")]
pub struct InvalidKeyId;

impl KeyId {
    /// The id of a key made at `created`.
    #[must_use]
    pub fn made_at(created: Timestamp) -> Self {
        Self(created.millis().to_string())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(text: String) -> Result<Self, InvalidKeyId> {
        let digits = (1..=KEY_ID_MAX_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if digits { Ok(Self(text)) } else { Err(InvalidKeyId) }
    }
}

impl From<KeyId> for String {
    fn from(kid: KeyId) -> Self {
        kid.0
    }
}

/// The public half of a key, as it stands in the JWK set (RFC 7517, RFC 7518 section 6.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    kty: KeyType,
    crv: Curve,
    x: String,
    y: String,
    #[serde(rename = "use")]
    key_use: KeyUse,
    alg: Algorithm,
    kid: KeyId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum KeyType {
    #[serde(rename = "EC")]
    Ec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Curve {
    #[serde(rename = "P-256")]
    P256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum KeyUse {
    #[serde(rename = "sig")]
    Signature,
}

/// The algorithm that a key is for (RFC 7518, section 3.1). A token's header never chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    /// The value of the header parameter `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
        }
    }

    pub(crate) fn jws(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

impl Jwk {
    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.alg
    }

    /// The id of the key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.kid
    }

    /// The key in the form that checks signatures, or nothing if its coordinates are no base64url.
    #[must_use]
    pub fn verifying(&self) -> Option<DecodingKey> {
        DecodingKey::from_ec_components(&self.x, &self.y).ok()
    }
}

/// When a key does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From here on it may sign.
    pub signs_from: Timestamp,
    /// Here it stops signing.
    pub signs_until: Timestamp,
    /// Here it is forgotten.
    pub verifies_until: Timestamp,
}

impl Window {
    /// The window of a key that starts to sign at `signs_from`, to the second, as it is stored.
    #[must_use]
    pub fn starting(signs_from: Timestamp) -> Self {
        let signs_from = Timestamp::from_seconds(signs_from.seconds());
        let signs_until = signs_from.plus(SIGNS);
        Self { signs_from, signs_until, verifies_until: signs_until.plus(TOKEN_LIFE_MAX).plus(SKEW) }
    }

    /// Whether the key may sign now.
    #[must_use]
    pub fn signs_at(&self, now: Timestamp) -> bool {
        self.signs_from <= now && now < self.signs_until
    }

    /// Whether signatures of the key hold now.
    #[must_use]
    pub fn verifies_at(&self, now: Timestamp) -> bool {
        now < self.verifies_until
    }
}

/// A key as it is stored: its public half, its private half sealed, and its dates.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The public half, with the key's id and algorithm.
    pub jwk: Jwk,
    /// The PKCS #8 private half, sealed by KMS.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// When it does what.
    pub window: Window,
}

/// The key that signs now: the newest of those whose window holds now.
#[must_use]
pub fn signer(keys: &[SigningKey], now: Timestamp) -> Option<&SigningKey> {
    keys.iter().filter(|key| key.window.signs_at(now)).max_by_key(|key| key.window.signs_from)
}

/// The window of the key that is to be made now, if one is: at once if nothing signs, and as a successor when the
/// last window is about to end.
#[must_use]
pub fn due(keys: &[SigningKey], now: Timestamp) -> Option<Window> {
    let last = keys.iter().map(|key| key.window.signs_until).max().filter(|until| *until > now);
    let Some(until) = last.filter(|_| signer(keys, now).is_some()) else {
        return Some(Window::starting(now));
    };
    (until <= now.plus(PUBLISHED_AHEAD)).then(|| Window::starting(until))
}

/// The private half of a key, and the public half that belongs to it.
pub struct KeyMaterial {
    /// PKCS #8.
    pub private: Zeroizing<Vec<u8>>,
    /// The public half.
    pub jwk: Jwk,
}

/// The key pair could not be made, or the bytes are not a private key.
#[derive(Debug, thiserror::Error)]
#[error("not a usable private key")]
pub struct InvalidKey;

impl KeyMaterial {
    /// Makes a key pair. The random bytes come from AWS-LC, which takes no others.
    ///
    /// # Errors
    /// [`InvalidKey`] if AWS-LC fails.
    pub fn generate(kid: KeyId) -> Result<Self, InvalidKey> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| InvalidKey)?;
        let private = Zeroizing::new(document.as_ref().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private).map_err(|_| InvalidKey)?;
        // SEC 1, section 2.3.3: 0x04, then x and y of 32 bytes each.
        let (_, point) = pair.public_key().as_ref().split_first().ok_or(InvalidKey)?;
        let (x, y) = point.split_at_checked(32).ok_or(InvalidKey)?;
        let jwk = Jwk {
            kty: KeyType::Ec,
            crv: Curve::P256,
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            key_use: KeyUse::Signature,
            alg: Algorithm::Es256,
            kid,
        };
        Ok(Self { private, jwk })
    }
}

/// The private half of a key in the form that signs.
#[must_use]
pub fn signing(algorithm: Algorithm, private: &[u8]) -> EncodingKey {
    match algorithm {
        Algorithm::Es256 => EncodingKey::from_ec_der(private),
    }
}

#[cfg(test)]
mod tests;
