//! Known devices ("device cookies" in OWASP's article "Slow Down Online Guessing Attacks with Device Cookies").
//!
//! A device that has logged on to an account before has a bucket of its own for that account, so strangers who use up
//! the account's bucket do not lock its owner out. The cookie is worth that bucket and nothing else: without the
//! password it opens nothing. It holds for one generation of the account: whoever knew an old password, and made
//! cookies with it, has no use of them once the password has changed.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::{
    account::{Account, Email},
    ids::AccountId,
    secret::{ServiceSecret, TagUse},
    time::Timestamp,
};

/// Name of the cookie.
pub const DEVICE_COOKIE: &str = "known_device";
/// How long a device is known after a log-on.
pub const KNOWN_FOR: Duration = Duration::from_hours(90 * 24);
/// Longest cookie value that is looked at, in bytes. One that was made here is shorter: the id of an account has at
/// most 128 bytes, which are 171 characters.
const VALUE_MAX_BYTES: usize = 512;
/// How many cookies of the name are looked at: whoever can set a cookie of a neighbouring host can put some before the
/// good one, and each costs one keyed hash.
const COOKIES_MAX: usize = 4;

/// A device that is known for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its random id.
    pub id: [u8; 16],
    /// The account's id.
    pub sub: AccountId,
    /// The account's generation.
    pub generation: u64,
}

impl Device {
    /// A device with this id, known for the account as it is now.
    #[must_use]
    pub fn of(account: &Account, id: [u8; 16]) -> Self {
        Self { id, sub: account.sub.clone(), generation: account.generation }
    }

    /// Whether it is known for the account as it is now.
    #[must_use]
    pub fn is_of(&self, account: &Account) -> bool {
        self.sub == account.sub && self.generation == account.generation
    }

    /// The cookie's value: `id.sub.generation.expires.tag`, where the tag binds all of them to the email.
    #[must_use]
    pub fn cookie(&self, secret: &ServiceSecret, email: &Email, now: Timestamp) -> String {
        let expires = now.plus(KNOWN_FOR).seconds();
        let (id, sub) = (URL_SAFE_NO_PAD.encode(self.id), URL_SAFE_NO_PAD.encode(self.sub.as_str()));
        let known = format!("{id}.{sub}.{}.{expires}", self.generation);
        format!("{known}.{}", secret.tag(TagUse::DeviceCookie, &bound(&known, email)))
    }

    /// The device that the first good cookie tells of, if one was made here for this email and has not expired. Whether
    /// the account still is the one that it was made for is asked when the account is read.
    #[must_use]
    pub fn known(cookies: &[&str], secret: &ServiceSecret, email: &Email, now: Timestamp) -> Option<Self> {
        cookies.iter().take(COOKIES_MAX).find_map(|value| Self::parse(value, secret, email, now))
    }

    fn parse(value: &str, secret: &ServiceSecret, email: &Email, now: Timestamp) -> Option<Self> {
        if value.len() > VALUE_MAX_BYTES {
            return None;
        }
        let (known, tag) = value.rsplit_once('.')?;
        if !secret.is_tag(TagUse::DeviceCookie, &bound(known, email), tag) {
            return None;
        }
        let parts: Vec<&str> = known.split('.').collect();
        let [id, sub, generation, expires] = parts.as_slice() else { return None };
        let expires = Timestamp::from_seconds(expires.parse().ok()?);
        let id = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
        let sub = AccountId::try_from(String::from_utf8(URL_SAFE_NO_PAD.decode(sub).ok()?).ok()?).ok()?;
        (now < expires).then_some(Self { id, sub, generation: generation.parse().ok()? })
    }
}

fn bound(known: &str, email: &Email) -> String {
    format!("{known}.{}", email.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ID_MAX_BYTES;

    const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

    fn secret(byte: u8) -> ServiceSecret {
        ServiceSecret::new(&vec![byte; 32].into())
    }

    fn device(sub: &str) -> Device {
        Device { id: [7; 16], sub: AccountId::parse(sub).unwrap(), generation: 3 }
    }

    fn known(value: &str, email: &Email, now: Timestamp) -> Option<Device> {
        Device::known(&[value], &secret(1), email, now)
    }

    // Check 15.
    #[test]
    fn a_device_is_known_for_its_account_and_its_time() {
        let (yi, other) = (Email::canonical("yi@jeplus.org"), Email::canonical("other@jeplus.org"));
        let value = device("a:b.c").cookie(&secret(1), &yi, NOW);
        assert_eq!(known(&value, &yi, NOW), Some(device("a:b.c")));
        assert_eq!(known(&value, &other, NOW), None, "another account");
        assert_eq!(Device::known(&[&value], &secret(2), &yi, NOW), None, "another service");
        let end = NOW.plus(KNOWN_FOR);
        assert_eq!(KNOWN_FOR.as_secs(), 90 * 24 * 3600);
        assert_eq!(known(&value, &yi, end.minus(Duration::from_secs(1))), Some(device("a:b.c")));
        assert_eq!(known(&value, &yi, end), None);
    }

    #[test]
    fn the_longest_value_that_is_made_is_read() {
        let yi = Email::canonical("yi@jeplus.org");
        let longest = device(&"a".repeat(ID_MAX_BYTES)).cookie(&secret(1), &yi, NOW);
        assert!(longest.len() < VALUE_MAX_BYTES);
        assert!(known(&longest, &yi, NOW).is_some());
    }

    // Check 15.
    #[test]
    fn a_changed_value_is_no_device() {
        let yi = Email::canonical("yi@jeplus.org");
        let value = device("sub").cookie(&secret(1), &yi, NOW);
        let (later, newer) = (value.replace(".17", ".27"), value.replace(".3.", ".4."));
        let (shorter, longer) = (&value[..value.len() - 1], format!("{value}x"));
        for changed in ["", ".", "..", "....", &value[1..], shorter, &later, &newer, &longer, &"a.".repeat(500)] {
            assert_ne!(changed, value);
            assert_eq!(known(changed, &yi, NOW), None, "{changed}");
        }
    }

    // Check 63.
    #[test]
    fn some_cookies_before_the_good_one_do_not_hide_it() {
        let yi = Email::canonical("yi@jeplus.org");
        let value = device("sub").cookie(&secret(1), &yi, NOW);
        let found = |cookies: &[&str]| Device::known(cookies, &secret(1), &yi, NOW).is_some();
        assert!(found(&["planted", "", "x.y.z", &value]));
        assert!(!found(&["1", "2", "3", "4", &value]), "each costs a keyed hash");
    }
}
