//! A hash that rests on a secret of the system that it comes from: a pepper, or Firebase's signer key. It is stored
//! sealed whole, as `$sealed$` and base64, so that a copy of the table has no such secret beside it.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{PasswordHash, Scheme};
use crate::{
    domain::ids::AccountId,
    domain::secret::{SealNonce, ServiceSecret},
};

const PREFIX: &str = "$sealed$";
/// Longest text that is taken, in bytes.
const MAX_BYTES: usize = 8192;

pub(super) fn is_sealed(text: &str) -> bool {
    bytes(text).is_some_and(|sealed| sealed.len() <= MAX_BYTES)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()
}

impl PasswordHash {
    /// The hash as the account `sub` keeps it where it rests on a secret; nothing if AWS-LC fails.
    #[must_use]
    pub fn sealed(&self, sub: &AccountId, secret: &ServiceSecret, nonce: SealNonce) -> Option<Self> {
        let sealed = secret.seal_hash(sub, nonce, self.0.as_bytes())?;
        Some(Self(format!("{PREFIX}{}", STANDARD_NO_PAD.encode(sealed))))
    }

    /// The hash that was sealed for the account `sub`, or this one if it is not sealed; nothing if it was sealed by
    /// another service secret or for another account.
    #[must_use]
    pub fn opened(&self, sub: &AccountId, secret: &ServiceSecret) -> Option<Self> {
        let Some(sealed) = bytes(&self.0) else { return Some(self.clone()) };
        let text = secret.open_hash(sub, &sealed)?;
        let text = Zeroizing::new(std::str::from_utf8(&text).ok()?.to_owned());
        Scheme::parse(&text).map(|_| Self(text.to_string()))
    }

    /// Whether it is sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.0.starts_with(PREFIX)
    }
}
