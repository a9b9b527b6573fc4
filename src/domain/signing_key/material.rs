//! Key pairs: made once, sealed, and tried before they sign.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{Algorithm, Curve, Es256, Jwk, KeyId, KeyUse, Rs256};

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

/// The `RSAPrivateKey` inside a `PrivateKeyInfo` (RFC 5208, section 5), which is the form that is sealed and stored.
/// Before it come the algorithm, `rsaEncryption` with NULL, and the head of an octet string with a length of two bytes.
fn pkcs1(pkcs8: &[u8]) -> Option<&[u8]> {
    const ALGORITHM: [u8; 13] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let start = pkcs8.windows(ALGORITHM.len()).position(|window| window == ALGORITHM)?;
    let octets = pkcs8.get(start.checked_add(ALGORITHM.len())?..)?;
    let (head, inner) = octets.split_first_chunk::<4>()?;
    let &[0x04, 0x82, high, low] = head else { return None };
    (inner.len() == usize::from(u16::from_be_bytes([high, low]))).then_some(inner)
}

/// The private half of a key in the form that signs. `jsonwebtoken` reads a key and checks it anew for each signature,
/// which takes an elliptic curve key as long as to sign.
pub enum PrivateKey {
    /// ECDSA on P-256.
    Es256(EcdsaKeyPair),
    /// RSA.
    Rs256(RsaKeyPair),
}

impl PrivateKey {
    /// The private half of `jwk`, once it has signed something that `jwk` verifies. A key that could not sign would be
    /// found out after a log-on has opened its session.
    ///
    /// # Errors
    /// [`InvalidKey`] if it is not the private half of `jwk`.
    pub fn of(jwk: &Jwk, private: &[u8]) -> Result<Self, InvalidKey> {
        let key = match jwk.algorithm() {
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).map(Self::Es256),
            Algorithm::Rs256 => RsaKeyPair::from_der(private).map(Self::Rs256),
        };
        let key = key.map_err(|_| InvalidKey)?;
        let (trial, verifying) = (jwk.key_id().as_str().as_bytes(), jwk.verifying().ok_or(InvalidKey)?);
        let signature = URL_SAFE_NO_PAD.encode(key.sign(trial)?);
        match jsonwebtoken::crypto::verify(&signature, trial, &verifying, jwk.algorithm().jws()) {
            Ok(true) => Ok(key),
            Ok(false) | Err(_) => Err(InvalidKey),
        }
    }

    /// What the key signs by.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// A signature as JWS has it (RFC 7518, sections 3.3 and 3.4).
    ///
    /// # Errors
    /// [`InvalidKey`] if AWS-LC fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, InvalidKey> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map(|()| signature)
            }
        }
        .map_err(|_| InvalidKey)
    }
}
