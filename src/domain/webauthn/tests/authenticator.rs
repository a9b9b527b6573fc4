//! An authenticator and the browser before it, in software. Every part of what they answer can be another one, so that
//! a test can spoil each alone. It knows nothing of the service: what it writes it has from the standard.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaPublicKeyComponents},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub const UP: u8 = 0x01;
pub const UV: u8 = 0x04;
pub const BE: u8 = 0x08;
pub const BS: u8 = 0x10;
pub const AT: u8 = 0x40;
pub const ED: u8 = 0x80;

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(rsa::KeyPair),
}

/// An authenticator that holds one passkey.
pub struct Authenticator {
    pub id: Vec<u8>,
    pub handle: Vec<u8>,
    pub rp_id: String,
    /// Flags but AT, which a registration sets.
    pub flags: u8,
    pub count: u32,
    /// What extensions say, which comes last.
    pub extensions: Vec<u8>,
    /// The key in its registration.
    pub cose: Vec<u8>,
    pair: Pair,
}

impl Authenticator {
    /// With a key of ES256, as most have: synchronised, without a counter.
    pub fn new(rp_id: &str, handle: &[u8]) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        let cose = [&head[..], x, &[0x22, 0x58, 0x20], y].concat();
        Self::with(Pair::Es256(pair), cose, rp_id, handle)
    }

    /// With a key of RS256, as Windows Hello.
    pub fn with_rsa(rp_id: &str, handle: &[u8]) -> Self {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59, 0x01, 0x00];
        let cose = [&head[..], &n, &[0x21, 0x43], &e].concat();
        Self::with(Pair::Rs256(pair), cose, rp_id, handle)
    }

    fn with(pair: Pair, cose: Vec<u8>, rp_id: &str, handle: &[u8]) -> Self {
        Self {
            id: sha256(&cose),
            handle: handle.to_vec(),
            rp_id: rp_id.to_owned(),
            flags: UP | UV | BE | BS,
            count: 0,
            extensions: Vec::new(),
            cose,
            pair,
        }
    }

    fn data(&self, flags: u8, credential: &[u8]) -> Vec<u8> {
        let hash = sha256(self.rp_id.as_bytes());
        [&hash, &[self.flags | flags][..], &self.count.to_be_bytes(), credential, &self.extensions].concat()
    }

    /// The authenticator data of a registration.
    pub fn registration_data(&self) -> Vec<u8> {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        self.data(AT, &[&[0; 16], &length[..], &self.id, &self.cose].concat())
    }

    /// The authenticator data of an assertion.
    pub fn assertion_data(&self) -> Vec<u8> {
        self.data(0, &[])
    }

    /// A `RegistrationResponseJSON` over these client data, with what a browser adds beside them.
    pub fn register(&self, client_data: &[u8]) -> Value {
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": text(client_data), "authenticatorData": text(&self.registration_data()),
                "transports": ["internal", "hybrid"], "publicKeyAlgorithm": -7, "publicKey": null,
                "attestationObject": "oA",
            },
        })
    }

    /// An `AuthenticationResponseJSON` over these client data.
    pub fn assert(&self, client_data: &[u8]) -> Value {
        let data = self.assertion_data();
        let signature = self.sign(&[data.as_slice(), &sha256(client_data)].concat());
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(client_data), "authenticatorData": text(&data),
                "signature": text(&signature), "userHandle": text(&self.handle),
            },
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// What a browser collects, as the text that is signed.
pub fn client_data(kind: &str, challenge: &str, origin: &str) -> Value {
    json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
}

/// Base64url without padding.
pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
