//! Access keys: for scripts, which would hold a password otherwise. A key is given in the place of the password.
//!
//! Its text is `jea_`, the key's id, `_`, and a secret of 256 random bits. The account keeps the SHA-256 of the secret:
//! so many random bits cannot be guessed, so a slow hash would protect nothing (ASVS 5.0, 6.5.2).

use std::{fmt, time::Duration};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::domain::{ids::hexadecimal, name::Name, time::Timestamp};

/// How every key begins, so that scanners for leaked secrets know one. No password begins so.
pub const PREFIX: &str = "jea_";
/// How long a key lives if nobody says.
pub const DAYS_DEFAULT: u64 = 90;
/// How long a key may live, in days.
pub const DAYS_MAX: u64 = 365;
/// How many keys an account may have, expired ones not counted.
pub const KEYS_MAX: usize = 20;
/// How long before its end a key's owner is told of it.
pub const TOLD_AHEAD: Duration = Duration::from_hours(7 * 24);

const ID_DIGITS: usize = 32;
const SECRET_BYTES: usize = 32;
const DAY: Duration = Duration::from_hours(24);

/// The id of an access key: 32 hexadecimal digits. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessKeyId(String);

/// The text is no id of an access key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of an access key is {ID_DIGITS} hexadecimal digits in lower case")]
pub struct InvalidAccessKeyId;

impl AccessKeyId {
    /// A new one, of 128 random bits.
    #[must_use]
    pub fn new(random: &[u8; 16]) -> Self {
        Self(hexadecimal(random))
    }

    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidAccessKeyId`] if it is anything but 32 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidAccessKeyId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = text.len() == ID_DIGITS && text.bytes().all(is_digit);
        if is_id { Ok(Self(text.to_owned())) } else { Err(InvalidAccessKeyId) }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An access key as its owner has it. It has no `Debug` or `Display`, and clears itself.
pub struct AccessKey {
    /// Which key it says to be.
    pub id: AccessKeyId,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl AccessKey {
    /// A new key of these random bytes.
    #[must_use]
    pub fn new(id: &[u8; 16], secret: &Zeroizing<[u8; SECRET_BYTES]>) -> Self {
        Self { id: AccessKeyId::new(id), secret: secret.clone() }
    }

    /// The key that a text is, if it has the shape of one. Blanks, line ends and a byte order mark around it are no
    /// part of it: scripts read keys from files.
    #[must_use]
    pub fn handed_over(text: &str) -> Option<Self> {
        Self::parse(bare(text))
    }

    /// The key that a text is, if it is exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let id = AccessKeyId::parse(id).ok()?;
        // The longest that can come out of the decoder, which is more than a secret has.
        let mut room = Zeroizing::new([0; SECRET_BYTES + 3]);
        let length =
            if secret.len() == 43 { URL_SAFE_NO_PAD.decode_slice(secret, room.as_mut()).ok()? } else { return None };
        let bytes = room.get(..length)?.try_into().ok()?;
        Some(Self { id, secret: Zeroizing::new(bytes) })
    }

    /// Its text, to be shown this once.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + ID_DIGITS + 1 + 43));
        text.push_str(PREFIX);
        text.push_str(self.id.as_str());
        text.push('_');
        URL_SAFE_NO_PAD.encode_string(*self.secret, &mut text);
        text
    }

    /// What an account keeps of it, if it is good for more than reading.
    #[must_use]
    pub fn to_store(&self, name: Name, now: Timestamp, days: u64) -> StoredKey {
        let created = Timestamp::from_seconds(now.seconds());
        let life = DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
        StoredKey {
            name,
            digest: self.digest(),
            created,
            expires_at: created.plus(life),
            last_used: None,
            read_only: false,
            end_told: false,
        }
    }

    /// Whether this is the hash of its secret, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn is(&self, digest: &Digest) -> bool {
        verify_slices_are_equal(&digest.0, &self.digest().0).is_ok()
    }

    fn digest(&self) -> Digest {
        let mut bytes = [0; SECRET_BYTES];
        bytes.copy_from_slice(digest(&SHA256, self.secret.as_slice()).as_ref());
        Digest(bytes)
    }
}

/// Whether a text begins as a key does, so that it may be taken for one and is no password.
#[must_use]
pub fn begins_as_key(text: &str) -> bool {
    bare(text).starts_with(PREFIX)
}

/// A text without what may come along around a key.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The SHA-256 of a key's secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; SECRET_BYTES]);

impl Digest {
    /// What an unknown key is compared with, so that it costs what a wrong one costs.
    pub const OF_NO_KEY: Self = Self([0; SECRET_BYTES]);
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// What an account keeps of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// What its owner calls it.
    pub name: Name,
    /// The hash of its secret.
    pub digest: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// From here on it opens nothing.
    pub expires_at: Timestamp,
    /// The last day on which it opened a session; its first second.
    pub last_used: Option<Timestamp>,
    /// Whether its sessions may read, and do nothing else.
    pub read_only: bool,
    /// Whether its owner was told by mail that it ends.
    pub end_told: bool,
}

impl StoredKey {
    /// Whether it still opens sessions, and keeps those that it opened.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether a log-on with it now is one after which its owner is told that it ends: in its last days, and once.
    #[must_use]
    pub fn is_end_due(&self, now: Timestamp) -> bool {
        !self.end_told && self.is_alive(now) && now >= self.expires_at.minus(TOLD_AHEAD)
    }
}

/// The first second of the day of `now`, in UTC.
#[must_use]
pub fn day_of(now: Timestamp) -> Timestamp {
    Timestamp::from_seconds(now.seconds() / DAY.as_secs() * DAY.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::clears_itself;

    const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

    // Check 9.
    #[test]
    fn an_access_key_clears_itself() {
        let AccessKey { id: _, secret } = &key(1, 2);
        clears_itself(secret);
    }

    fn key(id: u8, secret: u8) -> AccessKey {
        AccessKey::new(&[id; 16], &Zeroizing::new([secret; 32]))
    }

    // Check 75.
    #[test]
    fn a_key_is_read_as_it_is_shown_and_in_no_other_spelling() {
        let key = key(0xab, 0xfe);
        let text = key.expose();
        assert_eq!(text.len(), 4 + 32 + 1 + 43);
        assert!(text.starts_with("jea_abababababababababababababababab_"));
        let stored = key.to_store(Name::parse("cluster").unwrap(), NOW, 90);
        assert!(AccessKey::parse(&text).unwrap().is(&stored.digest));
        let upper = text.replace("ab", "AB");
        // The last of 43 characters has two bits that mean nothing, and must be zero.
        let other_bits = format!("{}5", &text[..text.len() - 1]);
        for other in [
            &text[1..],
            &text[..text.len() - 1],
            &format!("{}x", *text),
            &format!(" {}", *text),
            &upper,
            &other_bits,
            &text.replace("jea_", "JEA_"),
            &text.replace('_', "-"),
            "",
            "jea_",
            "jea__",
        ] {
            assert!(AccessKey::parse(other).is_none(), "{other}");
        }
    }

    // Check 75.
    #[test]
    fn another_secret_under_the_same_id_is_not_the_key() {
        let stored = key(1, 2).to_store(Name::parse("n").unwrap(), NOW, 90);
        assert!(!key(1, 3).is(&stored.digest));
        assert!(!key(1, 3).is(&Digest::OF_NO_KEY));
    }

    #[test]
    fn a_key_lives_its_days_and_not_a_second_more() {
        let stored = key(1, 2).to_store(Name::parse("n").unwrap(), NOW, 1);
        let end = NOW.plus(DAY);
        assert!(stored.is_alive(end.minus(Duration::from_secs(1))) && !stored.is_alive(end));
    }

    // Check 75.
    #[test]
    fn a_key_may_come_with_blanks_line_ends_and_a_byte_order_mark_around_it() {
        let text = key(1, 2).expose();
        for (before, after) in [("", "\r\n"), (" \t", "\n\n"), ("\u{feff}", ""), ("\u{a0}", "\u{3000}\u{2028}\u{feff}")]
        {
            let handed_over = format!("{before}{}{after}", *text);
            assert!(AccessKey::handed_over(&handed_over).is_some() && begins_as_key(&handed_over), "{handed_over:?}");
        }
        for (before, after) in [("\"", "\""), ("\u{200b}", ""), ("", "\0"), ("x ", "")] {
            assert!(AccessKey::handed_over(&format!("{before}{}{after}", *text)).is_none(), "{before:?} {after:?}");
        }
        assert!(!begins_as_key("x jea_") && begins_as_key("\u{feff} jea_ and more"));
    }

    #[test]
    fn the_end_of_a_key_is_told_once_in_its_last_days() {
        let mut stored = key(1, 2).to_store(Name::parse("n").unwrap(), NOW, 90);
        let last_days = NOW.plus(DAY * 83);
        assert!(!stored.is_end_due(last_days.minus(Duration::from_millis(1))));
        assert!(stored.is_end_due(last_days) && stored.is_end_due(stored.expires_at.minus(Duration::from_millis(1))));
        assert!(!stored.is_end_due(stored.expires_at), "it has ended");
        stored.end_told = true;
        assert!(!stored.is_end_due(last_days));
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(day_of(NOW), Timestamp::from_seconds(1_749_945_600));
        assert_eq!(day_of(day_of(NOW)), day_of(NOW));
    }
}
