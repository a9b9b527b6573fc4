//! Signing keys: facts with dates, not a state machine.
//!
//! Three dates are set when a key is made, and everything else follows from them and the time: who signs, who
//! verifies, and whether a successor is due.

mod jwk;
mod material;

use std::{cmp::Reverse, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
pub use jwk::{Algorithm, Curve, Es256, Jwk, KeyUse, Rs256};
pub use material::{InvalidKey, KeyMaterial, PrivateKey};

/// How long a key signs before its successor takes over.
pub const SIGNS: Duration = Duration::from_hours(30 * 24);
/// How much longer a key may sign if nobody made a successor: the rotator may fail for days and no log-on does.
pub const GRACE: Duration = Duration::from_hours(14 * 24);
/// How long before it signs a successor is published.
pub const PUBLISHED_AHEAD: Duration = Duration::from_hours(24);
/// How long before it signs a successor is published at the least, also when it comes late: twice what the JWK set may
/// be cached for. A key that signs sooner would sign tokens that a verifier with a cached set refuses.
pub const PUBLISHED_AHEAD_MIN: Duration = Duration::from_mins(10);
/// The same in an emergency: a minute, in which every instance of the service publishes it, and the half minute in
/// which verifiers that ask again for an unknown key do not. Those that never ask again refuse its tokens for longer.
pub const PUBLISHED_AHEAD_URGENT: Duration = Duration::from_secs(90);
/// Longest token life that can be configured. A key verifies for this and [`SKEW`] after it stops signing; with less,
/// a token could outlive its key, and its user would be logged off by a rotation.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_hours(168);
/// How far two clocks may differ.
pub const SKEW: Duration = Duration::from_secs(5);
/// Longest key id in bytes.
pub const KEY_ID_MAX_BYTES: usize = 32;

/// The header parameter `kid` (RFC 7515, section 4.1.4): when the key was made, in milliseconds since the epoch, as
/// decimal digits.
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
pub fn signs_now(keys: &[SigningKey], now: Timestamp) -> Option<&SigningKey> {
    keys.iter().filter(|key| key.window.signs_at(now)).max_by_key(|key| key.window.signs_from)
}

/// The keys that sign from now on without a gap, in the order in which they take over: what signs now, and each key
/// that begins before those before it have stopped. A key that begins later is no successor, however new it is: one
/// that was dated ahead by a wrong clock would otherwise keep others from being made until nothing signs.
#[must_use]
pub fn chain(keys: &[SigningKey], now: Timestamp) -> Vec<&SigningKey> {
    let mut keys: Vec<_> = keys.iter().filter(|key| now < key.window.signs_until).collect();
    keys.sort_by_key(|key| key.window.signs_from);
    let mut end = now;
    keys.retain(|key| {
        let is_in_time = key.window.signs_from <= end;
        if is_in_time {
            end = end.max(key.window.signs_until);
        }
        is_in_time
    });
    keys
}

/// Until when something signs without a gap, if something signs now.
#[must_use]
pub fn signs_through(keys: &[SigningKey], now: Timestamp) -> Option<Timestamp> {
    chain(keys, now).iter().map(|key| key.window.signs_until).max()
}

/// The window of the key that is to be made now, if one is: at once if nothing signs, and as a successor when the last
/// key of the [`chain`] is about to be succeeded, however late that is found out.
#[must_use]
pub fn due(keys: &[SigningKey], now: Timestamp) -> Option<Window> {
    let Some(last) = chain(keys, now).last().map(|key| key.window) else {
        return Some(Window::starting(now));
    };
    (last.succeeded_at() <= now.plus(PUBLISHED_AHEAD))
        .then(|| Window::starting(last.succeeded_at().max(published_for(PUBLISHED_AHEAD_MIN, now))))
}

/// The window of a key that is made now whether it is due or not: at once if nothing signs, or when it has been
/// published for `ahead`.
#[must_use]
pub fn forced(keys: &[SigningKey], now: Timestamp, ahead: Duration) -> Window {
    Window::starting(if signs_now(keys, now).is_some() { published_for(ahead, now) } else { now })
}

/// The keys that verify now or will, as they are published: the one that signs first, then from the newest to the
/// oldest. The order of a set has no meaning (RFC 7517, section 5), but there are verifiers that read its first key
/// alone.
#[must_use]
pub fn published(keys: &[SigningKey], now: Timestamp) -> Vec<&SigningKey> {
    let signs = signs_now(keys, now);
    let mut published: Vec<_> = keys.iter().filter(|key| key.window.verifies_at(now)).collect();
    published.sort_by_key(|key| (signs != Some(*key), Reverse(key.window.signs_from), Reverse(key.jwk.key_id())));
    published
}

/// The first second at which a key that is published now has been published for `ahead`.
fn published_for(ahead: Duration, now: Timestamp) -> Timestamp {
    Timestamp::from_seconds(now.plus(ahead).millis().div_ceil(1000))
}

#[cfg(test)]
mod tests;
