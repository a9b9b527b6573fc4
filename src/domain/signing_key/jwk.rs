//! Public keys in the form that everybody reads.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

use super::KeyId;

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

    /// The key as a `SubjectPublicKeyInfo` (RFC 5280, section 4.1), which PEM has between its lines, or nothing if it
    /// is no key at all.
    #[must_use]
    pub fn subject_public_key_info(&self) -> Option<Vec<u8>> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let der: Result<PublicKeyX509Der<'_>, _> = match self {
            Self::Ec { x, y, .. } => {
                // SEC 1, section 2.3.3: an uncompressed point.
                let point = [vec![0x04], bytes(x)?, bytes(y)?].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?.as_der()
            }
            Self::Rsa { n, e, .. } => RsaPublicKeyComponents { n: bytes(n)?, e: bytes(e)? }.as_der(),
        };
        der.ok().map(|der| der.as_ref().to_vec())
    }
}

/// Fewest bytes of a modulus that is trusted: 2048 bits (NIST SP 800-131A).
const RSA_MIN_BYTES: usize = 256;
/// The exponent of every RSA key made here: 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
