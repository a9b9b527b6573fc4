//! The service secret: 32 random bytes of one stack, made with its first signing key and sealed like it.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The key of all keyed hashes (HMAC-SHA-256): names of buckets, accounts in the log, tags of device cookies.
pub struct ServiceSecret(hmac::Key);

impl ServiceSecret {
    /// Takes the secret's bytes.
    #[must_use]
    pub fn new(bytes: &Zeroizing<Vec<u8>>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A keyed hash of `of`, different for each `kind`.
    #[must_use]
    pub fn tag(&self, kind: &str, of: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, message(kind, of).as_bytes()))
    }

    /// Whether `tag` is that of `of`, in constant time.
    #[must_use]
    pub fn is_tag(&self, kind: &str, of: &str, tag: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
        hmac::verify(&self.0, message(kind, of).as_bytes(), &tag).is_ok()
    }
}

fn message(kind: &str, of: &str) -> String {
    format!("{kind}:{of}")
}
