//! How often something may be tried, a password above all: GCRA, the generic cell rate algorithm.
//!
//! One number says all about a bucket: `tat`, the theoretical arrival time. Each attempt moves it one interval on; an
//! attempt is refused while it lies further ahead than the burst allows. A refused attempt moves nothing, so trying
//! during a wait does not extend it.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::{
    access_key::AccessKey,
    account::Email,
    ids::AccountId,
    secret::{ServiceSecret, TagUse},
    time::Timestamp,
};

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

/// The paces that an operator chooses; those of other buckets are constants. An interval is [`WAIT_MAX`] at the most,
/// because a wait can be one interval long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paces {
    /// Attempts on one account, and from one known device on its account.
    pub account: Pace,
    /// Attempts from one address. Many people can share one.
    pub address: Pace,
}

/// Log-ons with one access key: 256 bits are not guessed, and fifty jobs of one account start at the same moment.
pub const ACCESS_KEY_PACE: Pace = Pace { burst: 1000, interval: Duration::from_secs(1) };

/// Refused access keys of one address. No right key takes from this bucket or waits for it, so a job whose key has
/// ended keeps no neighbour's good key out.
pub const REFUSED_KEYS_PACE: Pace = Pace { burst: 100, interval: Duration::from_secs(1) };

/// Changes of one account by its sessions: each is a write of the account, and most send a mail.
pub const CHANGES_PACE: Pace = Pace { burst: 30, interval: Duration::from_mins(1) };

/// Mails that anybody asks for to one email: enough for an owner who has mistyped, and no way to fill a mailbox.
pub const MAIL_PACE: Pace = Pace { burst: 3, interval: WAIT_MAX };

/// Codes of a second factor, taken after a right password alone: six digits are few.
pub const CODE_PACE: Pace = Pace { burst: 5, interval: WAIT_MAX };

/// What a right password costs of an account's bucket. With nothing, strangers who guess beside an owner that logs on
/// every second would get a new burst every second; with a whole interval, that owner would have to wait.
const SUCCESS_COST: Duration = Duration::from_secs(1);

/// An attempt that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where the bucket stands with it.
    pub tat: Timestamp,
    /// Whether the bucket was full before it.
    pub was_full: bool,
}

impl Pace {
    /// How far `tat` may lie ahead of now for an attempt still to be taken.
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.interval.saturating_mul(self.burst.saturating_sub(1))
    }

    /// Where a bucket stands that is empty now. None lies further ahead, unless the clock was set back since.
    #[must_use]
    pub fn empty(&self, now: Timestamp) -> Timestamp {
        now.plus(self.interval.saturating_mul(self.burst))
    }

    /// Takes one attempt from a bucket at `tat`. One further ahead than [`Self::empty`] counts as empty, and is to be
    /// written down as that.
    ///
    /// # Errors
    /// How long to wait, if there is none to take.
    pub fn take(&self, tat: Option<Timestamp>, now: Timestamp) -> Result<Taken, Duration> {
        let was_full = tat.is_none_or(|tat| tat <= now);
        let tat = tat.map_or(now, |tat| tat.clamp(now, self.empty(now)));
        let wait = self.wait(tat, now);
        if wait.is_zero() { Ok(Taken { tat: tat.plus(self.interval), was_full }) } else { Err(wait) }
    }

    /// How long a client has to wait until a bucket at `tat` has an attempt again. A `tat` that lies further ahead than
    /// that of an empty bucket was written by a fast clock, and counts as empty: so one interval is the most.
    #[must_use]
    pub fn wait(&self, tat: Timestamp, now: Timestamp) -> Duration {
        tat.min(self.empty(now)).minus(self.tolerance()).since(now)
    }

    /// How far a right password puts back the bucket of its account, or of its known device: all that its attempt
    /// took but `SUCCESS_COST`. A bucket that was full before is left alone, which saves the write: the attempt
    /// comes back by itself before anybody can miss it.
    #[must_use]
    pub fn given_back_by_success(&self, taken: Taken) -> Duration {
        if taken.was_full { Duration::ZERO } else { self.all_but_a_second() }
    }

    /// How far a right code puts back its bucket: by all that its attempt took but `SUCCESS_COST`. Also if the bucket
    /// was full before, as an interval of a quarter of an hour is missed.
    #[must_use]
    pub fn all_but_a_second(&self) -> Duration {
        self.interval.saturating_sub(SUCCESS_COST)
    }

    /// How far a right password puts back the bucket of its address: by the one attempt that it took, if more than half
    /// of the bucket is used. So a lecture hall behind one address does not wait because the others' passwords were
    /// right, and a guesser with an account of his own gains nothing: he gets back what he paid.
    #[must_use]
    pub fn given_back_to_address(&self, taken: Taken, now: Timestamp) -> Duration {
        let half = self.interval.saturating_mul(self.burst) / 2;
        if taken.tat.since(now) > half { self.interval } else { Duration::ZERO }
    }
}

/// How many buckets the known devices of one account share. So whoever knew the password once, and made very many
/// device cookies with it, has as many guesses as with this many.
pub const DEVICE_BUCKETS: u8 = 16;

/// The key of one bucket: a keyed hash, so that the table does not tell who tried to log on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BucketKey(String);

impl BucketKey {
    /// The bucket of an account.
    #[must_use]
    pub fn account(secret: &ServiceSecret, email: &Email) -> Self {
        Self::of(TagUse::Account, secret, email.as_str())
    }

    /// The bucket of a client address, as the gateway saw it.
    #[must_use]
    pub fn address(secret: &ServiceSecret, address: &str) -> Self {
        Self::of(TagUse::Address, secret, &network(address))
    }

    /// The bucket of some known devices of the account `sub` in this generation: one of [`DEVICE_BUCKETS`], by the id
    /// of the device.
    #[must_use]
    pub fn device(secret: &ServiceSecret, device_id: [u8; 16], sub: &AccountId, generation: u64) -> Self {
        let [first, ..] = device_id;
        Self::of(TagUse::Device, secret, &format!("{}.{generation}.{}", first % DEVICE_BUCKETS, sub.as_str()))
    }

    /// The bucket of an access key of the account with this email, whether there is such a key or not. It is named by
    /// the key's secret, too: whoever has the id alone takes from another bucket than the key.
    #[must_use]
    pub fn access_key(secret: &ServiceSecret, email: &Email, key: &AccessKey) -> Self {
        let named = Zeroizing::new(format!("{}.{}", *key.expose(), email.as_str()));
        Self::of(TagUse::AccessKey, secret, &named)
    }

    /// The bucket of refused access keys of a client address.
    #[must_use]
    pub fn refused_keys(secret: &ServiceSecret, address: &str) -> Self {
        Self::of(TagUse::RefusedKeys, secret, &network(address))
    }

    /// The bucket of changes of the account `sub` by its sessions.
    #[must_use]
    pub fn changes(secret: &ServiceSecret, sub: &AccountId) -> Self {
        Self::of(TagUse::Changes, secret, sub.as_str())
    }

    /// The bucket of mails that are asked for, whether there is an account with this email or not.
    #[must_use]
    pub fn mail(secret: &ServiceSecret, email: &Email) -> Self {
        Self::of(TagUse::Mail, secret, email.as_str())
    }

    /// The bucket of codes of the account `sub`.
    #[must_use]
    pub fn code(secret: &ServiceSecret, sub: &AccountId) -> Self {
        Self::of(TagUse::Code, secret, sub.as_str())
    }

    /// The bucket of codes that confirm the second factor of the account `sub`. Whoever has a session, without the
    /// password, takes nothing from the codes that its owner logs on with.
    #[must_use]
    pub fn confirmation(secret: &ServiceSecret, sub: &AccountId) -> Self {
        Self::of(TagUse::Confirmation, secret, sub.as_str())
    }

    fn of(tag_use: TagUse, secret: &ServiceSecret, of: &str) -> Self {
        Self(format!("{}:{}", tag_use.name(), secret.tag(tag_use, of)))
    }

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

    const NOW: Timestamp = Timestamp::from_seconds(1000);
    const PACE: Pace = Pace { burst: 3, interval: Duration::from_secs(10) };

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_wait_is_until_one_attempt_fits_again() {
        assert_eq!(PACE.wait(NOW, NOW), Duration::ZERO);
        assert_eq!(PACE.wait(after(20), NOW), Duration::ZERO);
        assert_eq!(PACE.wait(after(30), NOW), Duration::from_secs(10));
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_an_interval_and_a_refusal_takes_nothing() {
        let mut tat = None;
        for number in 0..3 {
            let taken = PACE.take(tat, NOW).unwrap();
            assert_eq!(taken.was_full, number == 0);
            tat = Some(taken.tat);
        }
        for _ in 0..5 {
            assert_eq!(PACE.take(tat, NOW), Err(Duration::from_secs(10)));
        }
        assert_eq!(PACE.take(tat, after(10).minus(Duration::from_millis(1))), Err(Duration::from_millis(1)));
        let taken = PACE.take(tat, after(10)).unwrap();
        assert_eq!(PACE.take(Some(taken.tat), after(10)), Err(Duration::from_secs(10)));
        assert!(PACE.take(Some(taken.tat), taken.tat).unwrap().was_full, "when its time has come");
    }

    // Check 14.
    #[test]
    fn no_wait_is_longer_than_a_quarter_of_an_hour() {
        let slowest = Pace { burst: 10, interval: WAIT_MAX };
        assert_eq!(slowest.take(Some(slowest.empty(NOW)), NOW), Err(WAIT_MAX));
        // Where a clock that was two hours ahead has left it.
        assert_eq!(PACE.take(Some(after(7_200)), NOW), Err(PACE.interval));
    }

    // Check 17.
    #[test]
    fn a_success_gives_back_what_its_attempt_took_less_one_second() {
        let first = PACE.take(None, NOW).unwrap();
        assert_eq!(PACE.given_back_by_success(first), Duration::ZERO, "a full bucket is left alone");
        let second = PACE.take(Some(first.tat), NOW).unwrap();
        assert_eq!(PACE.given_back_by_success(second), Duration::from_secs(9));
        let fast = Pace { burst: 3, interval: Duration::from_secs(1) };
        assert_eq!(fast.given_back_by_success(second), Duration::ZERO, "there is nothing to give back");
    }

    #[test]
    fn an_address_gets_back_the_one_attempt_when_more_than_half_of_its_bucket_is_used() {
        let at = |tat| Taken { tat, was_full: false };
        assert_eq!(PACE.given_back_to_address(at(after(15)), NOW), Duration::ZERO);
        assert_eq!(PACE.given_back_to_address(at(after(16)), NOW), Duration::from_secs(10));
    }

    // Check 62.
    #[test]
    fn an_account_has_sixteen_buckets_for_devices() {
        let secret = ServiceSecret::new(&Zeroizing::new(vec![1; 32]));
        let keys = |sub: &str| -> std::collections::HashSet<_> {
            let sub = AccountId::parse(sub).unwrap();
            (0..=255).map(|first| BucketKey::device(&secret, [first; 16], &sub, 0)).collect()
        };
        assert_eq!(keys("one").len(), 16);
        assert!(keys("one").is_disjoint(&keys("two")));
    }

    #[test]
    fn buckets_tell_nothing_and_do_not_mix() {
        let secret = ServiceSecret::new(&Zeroizing::new(vec![1; 32]));
        let other = ServiceSecret::new(&Zeroizing::new(vec![2; 32]));
        let email = Email::canonical("yi@jeplus.org");
        assert!(!BucketKey::account(&secret, &email).as_str().contains("jeplus"));
        assert_ne!(BucketKey::account(&secret, &email), BucketKey::account(&other, &email));
        assert_ne!(
            BucketKey::account(&secret, &Email::canonical("1.2.3.4")).as_str()[8..],
            BucketKey::address(&secret, "1.2.3.4").as_str()[8..]
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
