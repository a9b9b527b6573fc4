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

    /// A keyed hash of `of`, different for each use.
    #[must_use]
    pub fn tag(&self, tag_use: TagUse, of: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, message(tag_use, of).as_bytes()))
    }

    /// Whether `tag` is that of `of`, in constant time.
    #[must_use]
    pub fn is_tag(&self, tag_use: TagUse, of: &str, tag: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
        hmac::verify(&self.0, message(tag_use, of).as_bytes(), &tag).is_ok()
    }
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
    /// The bucket of mails to an email.
    Mail,
    /// A link in a mail.
    Link,
    /// The cookie of a known device.
    DeviceCookie,
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
            Self::Mail => "mail",
            Self::Link => "link",
            Self::DeviceCookie => "known-device",
        }
    }
}

fn message(tag_use: TagUse, of: &str) -> String {
    format!("{}:{of}", tag_use.name())
}
