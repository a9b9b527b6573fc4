//! Signing keys: facts with dates, not a state machine.
//!
//! Three dates are set when a key is made, and everything else follows from them and the time: who signs, who
//! verifies, and whether a successor is due.

use std::time::Duration;

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// How long a key signs before its successor takes over.
pub const SIGNS: Duration = Duration::from_hours(30 * 24);
/// How much longer a key may sign if nobody made a successor: the rotator may fail for days and no log-on does.
pub const GRACE: Duration = Duration::from_hours(14 * 24);
/// How long before it signs a successor is published.
pub const PUBLISHED_AHEAD: Duration = Duration::from_hours(24);
/// How long before it signs a successor is published at the least, also when it comes late: twice what the JWK set may
/// be cached for. A key that signs sooner would sign tokens that a verifier with a cached set refuses.
pub const PUBLISHED_AHEAD_MIN: Duration = Duration::from_mins(10);
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

/// The public half of a key, as it stands in the JWK set (RFC 7517; RFC 7518, section 6). The kind of key decides the
/// algorithm; a key that says another one, or another use, is no key of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty", deny_unknown_fields)]
pub enum Jwk {
    /// An elliptic curve key.
    #[serde(rename = "EC")]
    Ec {
        /// The curve.
        crv: Curve,
        /// One coordinate, in base64url.
        x: String,
        /// The other.
        y: String,
        /// What it is for.
        #[serde(rename = "use")]
        key_use: KeyUse,
        /// Its algorithm.
        alg: Es256,
        /// Its id.
        kid: KeyId,
    },
    /// An RSA key.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus, in base64url.
        n: String,
        /// The exponent, in base64url.
        e: String,
        /// What it is for.
        #[serde(rename = "use")]
        key_use: KeyUse,
        /// Its algorithm.
        alg: Rs256,
        /// Its id.
        kid: KeyId,
    },
}

/// The one curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curve {
    /// NIST P-256.
    #[serde(rename = "P-256")]
    P256,
}

/// The one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyUse {
    /// Signatures.
    #[serde(rename = "sig")]
    Signature,
}

/// The algorithm of an elliptic curve key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Es256 {
    /// The one there is.
    #[serde(rename = "ES256")]
    Es256,
}

/// The algorithm of an RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rs256 {
    /// The one there is.
    #[serde(rename = "RS256")]
    Rs256,
}

/// The algorithm that a key is for (RFC 7518, section 3.1). A token's header never chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA PKCS #1 with SHA-256, for verifiers that know nothing else.
    Rs256,
}

impl Algorithm {
    /// The value of the header parameter `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Es256, Self::Rs256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) fn jws(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl Jwk {
    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ec { alg: Es256::Es256, .. } => Algorithm::Es256,
            Self::Rsa { alg: Rs256::Rs256, .. } => Algorithm::Rs256,
        }
    }

    /// The id of the key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        match self {
            Self::Ec { kid, .. } | Self::Rsa { kid, .. } => kid,
        }
    }

    /// The key in the form that checks signatures, or nothing if it is too weak or no key at all.
    #[must_use]
    pub fn verifying(&self) -> Option<DecodingKey> {
        match self {
            Self::Ec { x, y, .. } => DecodingKey::from_ec_components(x, y).ok(),
            Self::Rsa { n, e, .. } => {
                let (n, e) = (URL_SAFE_NO_PAD.decode(n).ok()?, URL_SAFE_NO_PAD.decode(e).ok()?);
                let is_strong = n.len() >= RSA_MIN_BYTES && n.first().is_some_and(|byte| *byte >= 0x80);
                (is_strong && e == RSA_EXPONENT).then(|| DecodingKey::from_rsa_raw_components(&n, &e))
            }
        }
    }
}

/// Fewest bytes of a modulus that is trusted: 2048 bits (NIST SP 800-131A).
const RSA_MIN_BYTES: usize = 256;
/// The exponent of every RSA key made here: 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

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
        let signs_until = signs_from.plus(SIGNS).plus(GRACE);
        Self { signs_from, signs_until, verifies_until: signs_until.plus(TOKEN_LIFE_MAX).plus(SKEW) }
    }

    /// When the successor takes over, if all goes as planned.
    #[must_use]
    pub fn succeeded_at(&self) -> Timestamp {
        self.signs_from.plus(SIGNS)
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
    /// The private half, sealed by KMS.
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

/// The window of the key that is to be made now, if one is: at once if nothing signs, and as a successor when the newest
/// key is about to be succeeded, however late that is found out.
#[must_use]
pub fn due(keys: &[SigningKey], now: Timestamp) -> Option<Window> {
    let newest = keys.iter().map(|key| key.window).max_by_key(|window| window.signs_from);
    let Some(newest) = newest.filter(|_| signer(keys, now).is_some()) else {
        return Some(Window::starting(now));
    };
    (newest.succeeded_at() <= now.plus(PUBLISHED_AHEAD))
        .then(|| Window::starting(newest.succeeded_at().max(soonest(now))))
}

/// The window of a key that is made now whether it is due or not: at once if nothing signs, or as soon as every cache has
/// seen it.
#[must_use]
pub fn forced(keys: &[SigningKey], now: Timestamp) -> Window {
    Window::starting(if signer(keys, now).is_some() { soonest(now) } else { now })
}

/// The first second at which a key that is published now may sign.
fn soonest(now: Timestamp) -> Timestamp {
    Timestamp::from_seconds(now.plus(PUBLISHED_AHEAD_MIN).millis().div_ceil(1000))
}

/// The private half of a key, and the public half that belongs to it.
pub struct KeyMaterial {
    /// PKCS #8 of an elliptic curve key, PKCS #1 of an RSA key.
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
    pub fn generate(kid: KeyId, algorithm: Algorithm) -> Result<Self, InvalidKey> {
        match algorithm {
            Algorithm::Es256 => Self::es256(kid),
            Algorithm::Rs256 => Self::rs256(kid),
        }
    }

    fn es256(kid: KeyId) -> Result<Self, InvalidKey> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| InvalidKey)?;
        let private = Zeroizing::new(document.as_ref().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private).map_err(|_| InvalidKey)?;
        // SEC 1, section 2.3.3: 0x04, then x and y of 32 bytes each.
        let (_, point) = pair.public_key().as_ref().split_first().ok_or(InvalidKey)?;
        let (x, y) = point.split_at_checked(32).ok_or(InvalidKey)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwk = Jwk::Ec { crv: Curve::P256, x, y, key_use: KeyUse::Signature, alg: Es256::Es256, kid };
        Ok(Self { private, jwk })
    }

    fn rs256(kid: KeyId) -> Result<Self, InvalidKey> {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa3072).map_err(|_| InvalidKey)?;
        let document = pair.as_der().map_err(|_| InvalidKey)?;
        let private = Zeroizing::new(pkcs1(document.as_ref()).ok_or(InvalidKey)?.to_vec());
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
        let jwk = Jwk::Rsa { n, e, key_use: KeyUse::Signature, alg: Rs256::Rs256, kid };
        Ok(Self { private, jwk })
    }
}

/// The `RSAPrivateKey` inside a `PrivateKeyInfo` (RFC 5208, section 5): `jsonwebtoken` takes the inner form alone. Before
/// it come the algorithm, `rsaEncryption` with NULL, and the head of an octet string with a length of two bytes.
fn pkcs1(pkcs8: &[u8]) -> Option<&[u8]> {
    const ALGORITHM: [u8; 13] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let start = pkcs8.windows(ALGORITHM.len()).position(|window| window == ALGORITHM)?;
    let octets = pkcs8.get(start.checked_add(ALGORITHM.len())?..)?;
    let (head, inner) = octets.split_first_chunk::<4>()?;
    let &[0x04, 0x82, high, low] = head else { return None };
    (inner.len() == usize::from(u16::from_be_bytes([high, low]))).then_some(inner)
}

/// The private half of a key in the form that signs, once it has signed something that `jwk` verifies. A key that could not
/// sign would be found out after a log-on has opened its session.
///
/// # Errors
/// [`InvalidKey`] if it is not the private half of `jwk`.
pub fn signing(jwk: &Jwk, private: &[u8]) -> Result<EncodingKey, InvalidKey> {
    let algorithm = jwk.algorithm();
    let key = match algorithm {
        Algorithm::Es256 => EncodingKey::from_ec_der(private),
        Algorithm::Rs256 => EncodingKey::from_rsa_der(private),
    };
    let trial = jwk.key_id().as_str().as_bytes();
    let signature = jsonwebtoken::crypto::sign(trial, &key, algorithm.jws()).map_err(|_| InvalidKey)?;
    let verifying = jwk.verifying().ok_or(InvalidKey)?;
    match jsonwebtoken::crypto::verify(&signature, trial, &verifying, algorithm.jws()) {
        Ok(true) => Ok(key),
        Ok(false) | Err(_) => Err(InvalidKey),
    }
}

#[cfg(test)]
mod tests;
