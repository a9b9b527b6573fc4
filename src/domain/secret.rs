//! The service secret: 32 random bytes of one stack, made with its first signing key and sealed like it.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::domain::ids::AccountId;

/// The key of all keyed hashes (HMAC-SHA-256): names of buckets, accounts in the log, tags of device cookies,
/// of links and of challenges. A key that is derived from it seals the secrets of second factors.
pub struct ServiceSecret {
    tags: hmac::Key,
    /// What the sealing key is derived from, when it is needed: not at each start of a function.
    bytes: Zeroizing<Vec<u8>>,
}

/// Random bytes that a sealed secret begins with. None may be used twice (NIST SP 800-38D, section 8.2.2).
pub type SealNonce = [u8; NONCE_LEN];

impl ServiceSecret {
    /// Takes the secret's bytes.
    #[must_use]
    pub fn new(bytes: &Zeroizing<Vec<u8>>) -> Self {
        Self { tags: hmac::Key::new(hmac::HMAC_SHA256, bytes), bytes: bytes.clone() }
    }

    /// A keyed hash of `of`, different for each use.
    #[must_use]
    pub fn tag(&self, tag_use: TagUse, of: &str) -> String {
        let message = Zeroizing::new(message(tag_use, of));
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.tags, message.as_bytes()))
    }

    /// Whether `tag` is that of `of`, in constant time.
    #[must_use]
    pub fn is_tag(&self, tag_use: TagUse, of: &str, tag: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
        hmac::verify(&self.tags, message(tag_use, of).as_bytes(), &tag).is_ok()
    }

    /// Seals the secret of a second factor for the account `sub`: AES-256-GCM, bound to the account, so that one
    /// account's is worth nothing in another's item. Nothing comes back if AWS-LC fails.
    #[must_use]
    pub fn seal(&self, sub: &AccountId, nonce: SealNonce, plain: &[u8]) -> Option<Vec<u8>> {
        seal_with(&self.sealing_key(OF_FACTORS)?, sub, nonce, plain)
    }

    /// What was sealed for the account `sub`; nothing if it was sealed by another secret, for another account, or
    /// changed.
    #[must_use]
    pub fn open(&self, sub: &AccountId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_with(&self.sealing_key(OF_FACTORS)?, sub, sealed)
    }

    /// As [`Self::seal`], of a password's hash that rests on a secret of another system.
    #[must_use]
    pub fn seal_hash(&self, sub: &AccountId, nonce: SealNonce, plain: &[u8]) -> Option<Vec<u8>> {
        seal_with(&self.sealing_key(OF_HASHES)?, sub, nonce, plain)
    }

    /// As [`Self::open`], of such a hash.
    #[must_use]
    pub fn open_hash(&self, sub: &AccountId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_with(&self.sealing_key(OF_HASHES)?, sub, sealed)
    }

    /// A key for one kind of secrets: what is sealed as one kind does not open as the other.
    fn sealing_key(&self, of: &[u8]) -> Option<LessSafeKey> {
        let derived = Salt::new(HKDF_SHA256, &[]).extract(&self.bytes);
        let info = [of];
        let key = derived.expand(&info, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(key)))
    }
}

/// What the keys of each kind are derived with (RFC 5869, section 3.2: info).
const OF_FACTORS: &[u8] = b"totp";
const OF_HASHES: &[u8] = b"password-hash";

fn seal_with(key: &LessSafeKey, sub: &AccountId, nonce: SealNonce, plain: &[u8]) -> Option<Vec<u8>> {
    let mut sealed = nonce.to_vec();
    let mut text = Zeroizing::new(plain.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(sub.as_str()), &mut text).ok()?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    Some(sealed)
}

fn open_with(key: &LessSafeKey, sub: &AccountId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let mut text = Zeroizing::new(text.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = key.open_in_place(nonce, Aad::from(sub.as_str()), &mut text).ok()?.len();
    text.truncate(plain);
    Some(text)
}

/// What a keyed hash is for. One made for one use is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagUse {
    /// The bucket of an account, and the account's name in the log.
    Account,
    /// The bucket of an address.
    Address,
    /// The bucket of known devices.
    Device,
    /// The bucket of an access key.
    AccessKey,
    /// The bucket of refused access keys of an address.
    RefusedKeys,
    /// The bucket of changes of an account by its sessions.
    Changes,
    /// The bucket of mails to an email.
    Mail,
    /// The bucket of codes of a second factor.
    Code,
    /// The bucket of codes that confirm a second factor.
    Confirmation,
    /// A link in a mail.
    Link,
    /// A link in a mail that changes an email.
    EmailLink,
    /// The cookie of a known device.
    DeviceCookie,
    /// A challenge for the use of a passkey.
    Assertion,
    /// A challenge for the registration of a passkey.
    Registration,
}

impl TagUse {
    /// Its name, which is part of what is hashed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::Device => "device",
            Self::AccessKey => "access-key",
            Self::RefusedKeys => "refused-keys",
            Self::Changes => "changes",
            Self::Mail => "mail",
            Self::Code => "code",
            Self::Confirmation => "code-confirmation",
            Self::Link => "link",
            Self::EmailLink => "email-link",
            Self::DeviceCookie => "known-device",
            Self::Assertion => "passkey-assertion",
            Self::Registration => "passkey-registration",
        }
    }
}

fn message(tag_use: TagUse, of: &str) -> String {
    format!("{}:{of}", tag_use.name())
}

/// Compiles for what clears itself alone. A test takes a secret apart without `..`, so that no field is left out.
#[cfg(test)]
pub(crate) fn clears_itself(_: &impl zeroize::ZeroizeOnDrop) {}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 9.
    #[test]
    fn the_service_secret_clears_itself() {
        let ServiceSecret { bytes, tags: _ } = &ServiceSecret::new(&vec![1; 32].into());
        clears_itself(bytes);
    }

    #[test]
    fn what_is_sealed_opens_for_its_account_and_its_service_alone() {
        let secret = |byte: u8| ServiceSecret::new(&vec![byte; 32].into());
        let (yi, other) = (AccountId::new(&[1; 16]), AccountId::new(&[2; 16]));
        let sealed = secret(1).seal(&yi, [7; NONCE_LEN], b"plain").unwrap();
        assert_eq!(secret(1).open(&yi, &sealed).unwrap().as_slice(), b"plain");
        assert!(secret(1).open_hash(&yi, &sealed).is_none(), "a factor is no hash");
        let hash = secret(1).seal_hash(&yi, [7; NONCE_LEN], b"plain").unwrap();
        assert_eq!(secret(1).open_hash(&yi, &hash).unwrap().as_slice(), b"plain");
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
        assert!(secret(1).open(&other, &sealed).is_none() && secret(2).open(&yi, &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(secret(1).open(&yi, &changed).is_none(), "{at}");
            assert!(secret(1).open(&yi, &sealed[..at]).is_none(), "{at}");
        }
    }
}
