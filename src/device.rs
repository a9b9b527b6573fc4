//! Known devices ("device cookies" in OWASP's article "Slow Down Online Guessing Attacks with Device Cookies").
//!
//! A device that has logged on to an account before has a bucket of its own for that account, so strangers who use up
//! the account's bucket do not lock its owner out. The cookie is worth that bucket and nothing else: without the
//! password it opens nothing.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{account::Email, throttle::ServiceSecret, time::Timestamp};

/// Name of the cookie.
pub const DEVICE_COOKIE: &str = "known_device";
/// How long a device is known after a log-on.
pub const KNOWN_FOR: Duration = Duration::from_hours(90 * 24);
/// Longest cookie value that is looked at, in bytes; one that was made here is shorter.
const VALUE_MAX_BYTES: usize = 256;

/// A device that is known for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    id: String,
}

impl Device {
    /// A device that is not known yet.
    #[must_use]
    pub fn new(random: &[u8; 16]) -> Self {
        Self { id: URL_SAFE_NO_PAD.encode(random) }
    }

    /// Its random id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The cookie's value: the id, when it expires, and a tag that binds both to the account.
    #[must_use]
    pub fn cookie(&self, secret: &ServiceSecret, email: &Email, now: Timestamp) -> String {
        let expires = now.plus(KNOWN_FOR).seconds();
        format!("{}.{expires}.{}", self.id, secret.tag("known-device", &bound(&self.id, expires, email)))
    }

    /// The device that a cookie's value tells of, if it was made here for this account and has not expired.
    #[must_use]
    pub fn known(value: &str, secret: &ServiceSecret, email: &Email, now: Timestamp) -> Option<Self> {
        if value.len() > VALUE_MAX_BYTES {
            return None;
        }
        let (id, rest) = value.split_once('.')?;
        let (expires, tag) = rest.split_once('.')?;
        let expires: u64 = expires.parse().ok()?;
        let is_known = now.seconds() < expires && secret.is_tag("known-device", &bound(id, expires, email), tag);
        is_known.then(|| Self { id: id.to_owned() })
    }
}

fn bound(id: &str, expires: u64, email: &Email) -> String {
    format!("{id}.{expires}.{}", email.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

    fn secret(byte: u8) -> ServiceSecret {
        ServiceSecret::new(&vec![byte; 32].into())
    }

    // Check 15.
    #[test]
    fn a_device_is_known_for_its_account_and_its_time() {
        let (yi, other) = (Email::canonical("yi@jeplus.org"), Email::canonical("other@jeplus.org"));
        let device = Device::new(&[7; 16]);
        let value = device.cookie(&secret(1), &yi, NOW);
        assert_eq!(Device::known(&value, &secret(1), &yi, NOW), Some(device.clone()));
        assert_eq!(Device::known(&value, &secret(1), &other, NOW), None, "another account");
        assert_eq!(Device::known(&value, &secret(2), &yi, NOW), None, "another service");
        let end = NOW.plus(KNOWN_FOR);
        assert_eq!(KNOWN_FOR.as_secs(), 90 * 24 * 3600);
        assert_eq!(Device::known(&value, &secret(1), &yi, end.minus(Duration::from_secs(1))), Some(device));
        assert_eq!(Device::known(&value, &secret(1), &yi, end), None);
    }

    #[test]
    fn a_value_is_read_up_to_its_longest_and_no_further() {
        let yi = Email::canonical("yi@jeplus.org");
        let cookie = |length: usize| Device { id: "a".repeat(length) }.cookie(&secret(1), &yi, NOW);
        let longest = VALUE_MAX_BYTES - (cookie(1).len() - 1);
        assert_eq!(cookie(longest).len(), VALUE_MAX_BYTES);
        let known = |length| Device::known(&cookie(length), &secret(1), &yi, NOW).map(|device| device.id().to_owned());
        assert_eq!(known(longest), Some("a".repeat(longest)));
        assert_eq!(known(longest + 1), None);
    }

    // Check 15.
    #[test]
    fn a_changed_value_is_no_device() {
        let yi = Email::canonical("yi@jeplus.org");
        let value = Device::new(&[7; 16]).cookie(&secret(1), &yi, NOW);
        let later = value.replace(".17", ".27");
        for changed in
            ["", ".", "..", &value[1..], &value[..value.len() - 1], &later, &format!("{value}x"), &"a.".repeat(500)]
        {
            assert_ne!(changed, value);
            assert_eq!(Device::known(changed, &secret(1), &yi, NOW), None, "{changed}");
        }
    }
}
