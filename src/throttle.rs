//! How often a password may be tried: GCRA, the generic cell rate algorithm.
//!
//! One number says all about a bucket: `tat`, the theoretical arrival time. Each attempt moves it one interval on; an
//! attempt is refused while it lies further ahead than the burst allows. A refused attempt moves nothing, so trying
//! during a wait does not extend it.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{account::Email, device::Device, time::Timestamp};

/// No wait is longer than this.
pub const WAIT_MAX: Duration = Duration::from_mins(15);

/// The pace of one kind of bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many attempts may come at once.
    pub burst: u32,
    /// How long until one more may come.
    pub interval: Duration,
}

/// The paces of all buckets. An interval is [`WAIT_MAX`] at the most, because a wait can be one interval long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paces {
    /// Attempts on one account, and from one known device on its account.
    pub account: Pace,
    /// Attempts from one address. Many people can share one.
    pub address: Pace,
}

impl Default for Paces {
    /// Ten at once on an account, then one every 30 s; a hundred at once from an address, then one a second.
    fn default() -> Self {
        Self {
            account: Pace { burst: 10, interval: Duration::from_secs(30) },
            address: Pace { burst: 100, interval: Duration::from_secs(1) },
        }
    }
}

impl Pace {
    /// How far `tat` may lie ahead of now for an attempt still to be taken.
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.interval.saturating_mul(self.burst.saturating_sub(1))
    }

    /// Takes one attempt from a bucket at `tat`. Gives back where the bucket is then.
    ///
    /// # Errors
    /// How long to wait, if there is none to take.
    pub fn take(&self, tat: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Duration> {
        let tat = tat.map_or(now, |tat| tat.max(now));
        let wait = self.wait(tat, now);
        if wait.is_zero() { Ok(tat.plus(self.interval)) } else { Err(wait.min(WAIT_MAX)) }
    }

    /// How long to wait when the bucket is at `tat`.
    #[must_use]
    pub fn wait(&self, tat: Timestamp, now: Timestamp) -> Duration {
        tat.minus(self.tolerance()).since(now)
    }
}

/// 32 random bytes that key the hashes of emails in the throttle, and the tags of device cookies.
pub struct ServiceSecret(hmac::Key);

impl ServiceSecret {
    /// Takes the secret's bytes.
    #[must_use]
    pub fn new(bytes: &Zeroizing<Vec<u8>>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The bucket of an account: a keyed hash, so that the table does not tell who tried to log on.
    #[must_use]
    pub fn account_bucket(&self, email: &Email) -> BucketKey {
        self.bucket("account", email.as_str())
    }

    /// The bucket of a client address, as the gateway saw it.
    #[must_use]
    pub fn address_bucket(&self, address: &str) -> BucketKey {
        self.bucket("address", &network(address))
    }

    /// The bucket of a device that has logged on to the account before.
    #[must_use]
    pub fn device_bucket(&self, device: &Device) -> BucketKey {
        self.bucket("device", device.id())
    }

    fn bucket(&self, kind: &str, of: &str) -> BucketKey {
        BucketKey(format!("{kind}:{}", self.tag(kind, of)))
    }

    /// A keyed hash of `of`, different for each `kind`.
    #[must_use]
    pub fn tag(&self, kind: &str, of: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, format!("{kind}:{of}").as_bytes()))
    }

    /// Whether `tag` is that of `of`, in constant time.
    #[must_use]
    pub fn is_tag(&self, kind: &str, of: &str, tag: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
        hmac::verify(&self.0, format!("{kind}:{of}").as_bytes(), &tag).is_ok()
    }
}

/// The key of one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BucketKey(String);

impl BucketKey {
    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An IPv6 customer has at least a /64, hence 2^64 addresses; they count as one.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(std::net::IpAddr::V6(v6)) => v6.to_canonical().to_string(),
        Ok(v4 @ std::net::IpAddr::V4(_)) => v4.to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_until_one_attempt_fits_again() {
        let pace = Pace { burst: 3, interval: Duration::from_secs(10) };
        let now = Timestamp::from_seconds(1000);
        assert_eq!(pace.wait(now, now), Duration::ZERO);
        assert_eq!(pace.wait(now.plus(Duration::from_secs(20)), now), Duration::ZERO);
        assert_eq!(pace.wait(now.plus(Duration::from_secs(30)), now), Duration::from_secs(10));
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_an_interval_and_a_refusal_takes_nothing() {
        let pace = Pace { burst: 3, interval: Duration::from_secs(10) };
        let now = Timestamp::from_seconds(1000);
        let mut tat = None;
        for _ in 0..3 {
            tat = Some(pace.take(tat, now).unwrap());
        }
        for _ in 0..5 {
            assert_eq!(pace.take(tat, now), Err(Duration::from_secs(10)));
        }
        let later = now.plus(Duration::from_secs(10));
        assert_eq!(pace.take(tat, later.minus(Duration::from_millis(1))), Err(Duration::from_millis(1)));
        tat = Some(pace.take(tat, later).unwrap());
        assert_eq!(pace.take(tat, later), Err(Duration::from_secs(10)));
    }

    // Check 14.
    #[test]
    fn no_wait_is_longer_than_a_quarter_of_an_hour() {
        let now = Timestamp::from_seconds(1000);
        let far = now.plus(Duration::from_hours(1000));
        assert_eq!(Paces::default().account.take(Some(far), now), Err(WAIT_MAX));
    }

    #[test]
    fn buckets_tell_nothing_and_do_not_mix() {
        let secret = ServiceSecret::new(&Zeroizing::new(vec![1; 32]));
        let other = ServiceSecret::new(&Zeroizing::new(vec![2; 32]));
        let email = Email::canonical("yi@jeplus.org");
        assert!(!secret.account_bucket(&email).as_str().contains("jeplus"));
        assert_ne!(secret.account_bucket(&email), other.account_bucket(&email));
        assert_ne!(
            secret.account_bucket(&Email::canonical("1.2.3.4")).as_str()[8..],
            secret.address_bucket("1.2.3.4").as_str()[8..]
        );
    }

    // Check 16.
    #[test]
    fn ipv6_addresses_count_by_64_bits_and_ipv4_whole() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
