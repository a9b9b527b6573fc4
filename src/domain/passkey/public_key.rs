//! The public key of a passkey: a `COSE_Key`, of the two forms that an authenticator can write of what was offered.
//!
//! CTAP2's canonical CBOR (FIDO CTAP 2.1, section 8) leaves a key one spelling: its members in one order, each length
//! in its shortest form. So a key is read as bytes at fixed places, and written again as the same bytes; a decoder of
//! CBOR would read more, and nothing that is needed.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

/// How a passkey signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256. Windows Hello has no other.
    Rs256,
}

/// What authenticators are offered, in the order of preference. A registration is checked against the same list: a key
/// that registers, and whose signatures nobody can verify, would be refused at each log-on.
pub const OFFERED: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

impl Algorithm {
    /// Its number in the registry "COSE Algorithms" of IANA.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Es256 => -7,
            Self::Rs256 => -257,
        }
    }
}

/// Length of a coordinate on P-256, in bytes.
const COORDINATE_BYTES: usize = 32;
/// `{1: 2, 3: -7, -1: 1, -2: bytes of 32` (RFC 9053, section 7.1.1): key type EC2, ES256, P-256, and x.
const ES256_UP_TO_X: &[u8] = &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
/// `-3: bytes of 32}`: y.
const ES256_UP_TO_Y: &[u8] = &[0x22, 0x58, 0x20];

/// `{1: 3, 3: -257` (RFC 8230, section 4): key type RSA, RS256.
const RS256_UP_TO_ALGORITHM: &[u8] = &[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00];
/// `-1: bytes`, whose length follows in two bytes: the modulus.
const RS256_UP_TO_MODULUS: &[u8] = &[0x20, 0x59];
/// `-2: 65537}`: the exponent, which is the same in every key that an authenticator makes.
const RS256_EXPONENT: &[u8] = &[0x21, 0x43, 0x01, 0x00, 0x01];
const EXPONENT: &[u8] = &[0x01, 0x00, 0x01];
/// Lengths of a modulus, in bytes: 2048 to 4096 bits. Shorter ones are too weak (NIST SP 800-131A), and the work of a
/// verification grows with the square of the length.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// What the signatures of a passkey are verified with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Parts);

#[derive(Clone, PartialEq, Eq)]
enum Parts {
    /// x and y.
    Es256([u8; COORDINATE_BYTES], [u8; COORDINATE_BYTES]),
    /// The modulus.
    Rs256(Vec<u8>),
}

/// The bytes are no public key of a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    /// It is of no algorithm that was offered.
    #[error("the key is of another algorithm than ES256 and RS256")]
    Algorithm,
    /// It is not as CTAP2 writes a key of its algorithm, or a size that nobody should use.
    #[error(
        "the key is malformed: a point of P-256, or a modulus of 2048 to 4096 bits with the exponent 65537, is expected"
    )]
    Malformed,
}

impl PublicKey {
    /// The key that bytes begin with, and what comes after it.
    ///
    /// # Errors
    /// [`InvalidPublicKey::Algorithm`], [`InvalidPublicKey::Malformed`].
    pub fn parse_first(bytes: &[u8]) -> Result<(Self, &[u8]), InvalidPublicKey> {
        let (parts, rest) = if let Some(rest) = bytes.strip_prefix(ES256_UP_TO_X) {
            es256(rest)
        } else if let Some(rest) = bytes.strip_prefix(RS256_UP_TO_ALGORITHM) {
            rs256(rest)
        } else {
            return Err(InvalidPublicKey::Algorithm);
        }
        .ok_or(InvalidPublicKey::Malformed)?;
        Ok((Self(parts), rest))
    }

    /// The key that bytes are.
    ///
    /// # Errors
    /// As [`Self::parse_first`], and [`InvalidPublicKey::Malformed`] if something comes after it.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        match Self::parse_first(bytes)? {
            (key, []) => Ok(key),
            _ => Err(InvalidPublicKey::Malformed),
        }
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Parts::Es256(..) => Algorithm::Es256,
            Parts::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// The bytes that it was parsed from: a `COSE_Key`, as other verifiers keep it, too.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        match &self.0 {
            Parts::Es256(x, y) => [ES256_UP_TO_X, x, ES256_UP_TO_Y, y].concat(),
            Parts::Rs256(modulus) => {
                let length = u16::try_from(modulus.len()).unwrap_or_default().to_be_bytes();
                [RS256_UP_TO_ALGORITHM, RS256_UP_TO_MODULUS, &length, modulus, RS256_EXPONENT].concat()
            }
        }
    }

    /// Whether it can verify anything: a point that is not on the curve cannot. It is asked once, when a key comes in.
    #[must_use]
    pub fn is_on_its_curve(&self) -> bool {
        match &self.0 {
            Parts::Es256(x, y) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, uncompressed(x, y)).is_ok(),
            Parts::Rs256(_) => true,
        }
    }

    /// Whether it has signed the message. ES256 signatures are DER (Web Authentication Level 3, section 6.5.5).
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Parts::Es256(x, y) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, uncompressed(x, y)).verify(message, signature)
            }
            Parts::Rs256(modulus) => RsaPublicKeyComponents { n: modulus.as_slice(), e: EXPONENT }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        }
        .is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.algorithm())
    }
}

/// A point as SEC 1, section 2.3.3, writes it.
fn uncompressed(x: &[u8; COORDINATE_BYTES], y: &[u8; COORDINATE_BYTES]) -> Vec<u8> {
    [&[4], x.as_slice(), y].concat()
}

fn es256(bytes: &[u8]) -> Option<(Parts, &[u8])> {
    let (x, rest) = bytes.split_first_chunk()?;
    let (y, rest) = rest.strip_prefix(ES256_UP_TO_Y)?.split_first_chunk()?;
    Some((Parts::Es256(*x, *y), rest))
}

fn rs256(bytes: &[u8]) -> Option<(Parts, &[u8])> {
    let (length, rest) = bytes.strip_prefix(RS256_UP_TO_MODULUS)?.split_first_chunk()?;
    let (modulus, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let rest = rest.strip_prefix(RS256_EXPONENT)?;
    // A modulus has no leading zero; the shortest one that is allowed has its first bit set.
    let first = modulus.first()?;
    let is_long = *first >= 0x80 || (*first > 0 && modulus.len() > *MODULUS_BYTES.start());
    (is_long && MODULUS_BYTES.contains(&modulus.len())).then(|| (Parts::Rs256(modulus.to_vec()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn es256(fill: u8) -> Vec<u8> {
        [ES256_UP_TO_X, &[fill; 32], ES256_UP_TO_Y, &[fill; 32]].concat()
    }

    fn rs256(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let length = u16::try_from(modulus.len()).unwrap().to_be_bytes();
        [RS256_UP_TO_ALGORITHM, RS256_UP_TO_MODULUS, &length, modulus, exponent].concat()
    }

    // Check 87.
    #[test]
    fn a_key_is_read_by_its_own_length_and_written_again_as_it_was() {
        for (bytes, algorithm) in [
            (es256(7), Algorithm::Es256),
            (rs256(&[0x80; 256], RS256_EXPONENT), Algorithm::Rs256),
            (rs256(&[0xff; 512], RS256_EXPONENT), Algorithm::Rs256),
        ] {
            let key = PublicKey::parse(&bytes).unwrap();
            assert_eq!((key.algorithm(), key.cose()), (algorithm, bytes.clone()));
            let followed = [bytes.as_slice(), &[0xa0]].concat();
            assert_eq!(PublicKey::parse_first(&followed), Ok((key, &[0xa0][..])));
            assert_eq!(PublicKey::parse(&followed), Err(InvalidPublicKey::Malformed));
            assert_eq!(PublicKey::parse(&bytes[..bytes.len() - 1]), Err(InvalidPublicKey::Malformed));
        }
        assert_eq!(es256(7).len(), 77);
    }

    // Check 87.
    #[test]
    fn a_key_of_an_algorithm_that_was_not_offered_is_refused() {
        // EdDSA (-8), ES384 (-35) and ML-DSA-44 (-48), as authenticators begin them; P-384 under ES256.
        let eddsa = [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20][..], &[7; 32]].concat();
        let es384 = [&[0xa5, 0x01, 0x02, 0x03, 0x38, 0x22, 0x20, 0x02, 0x21, 0x58, 0x30][..], &[7; 99]].concat();
        let ml_dsa = [&[0xa3, 0x01, 0x07, 0x03, 0x38, 0x2f, 0x20, 0x59, 0x05, 0x20][..], &[7; 1312]].concat();
        let p384 = [&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x02, 0x21, 0x58, 0x20][..], &[7; 67]].concat();
        for bytes in [&[][..], &[0xa5], &eddsa, &es384, &ml_dsa, &p384] {
            assert_eq!(PublicKey::parse(bytes), Err(InvalidPublicKey::Algorithm));
        }
        assert_eq!(OFFERED.map(Algorithm::number), [-7, -257]);
    }

    // Check 87.
    #[test]
    fn a_key_of_rsa_has_2048_to_4096_bits_and_the_exponent_of_all() {
        for modulus in [&[0x80; 256][..], &[1; 257], &[1; 512]] {
            assert!(PublicKey::parse(&rs256(modulus, RS256_EXPONENT)).is_ok(), "{} bytes", modulus.len());
        }
        let leading_zero = [&[0][..], &[0x80; 256]].concat();
        for modulus in [&[][..], &[0x7f; 256], &[0xff; 255], &[1; 513], &leading_zero] {
            assert_eq!(PublicKey::parse(&rs256(modulus, RS256_EXPONENT)), Err(InvalidPublicKey::Malformed));
        }
        for exponent in [&[0x21, 0x41, 0x03][..], &[0x21, 0x43, 0x01, 0x00, 0x00], &[0x21, 0x44, 0, 1, 0, 1]] {
            assert_eq!(PublicKey::parse(&rs256(&[0x80; 256], exponent)), Err(InvalidPublicKey::Malformed));
        }
    }

    // Check 87.
    #[test]
    fn a_point_beside_the_curve_is_no_key() {
        assert!(!PublicKey::parse(&es256(7)).unwrap().is_on_its_curve());
        assert!(!PublicKey::parse(&es256(0)).unwrap().is_on_its_curve());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic_and_what_it_takes_it_gives_back(
            start in proptest::sample::select(vec![&[][..], ES256_UP_TO_X, RS256_UP_TO_ALGORITHM]),
            rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600),
        ) {
            let bytes = [start, &rest].concat();
            if let Ok((key, after)) = PublicKey::parse_first(&bytes) {
                proptest::prop_assert_eq!([key.cose(), after.to_vec()].concat(), bytes);
            }
        }
    }
}
