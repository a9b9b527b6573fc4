//! How often something is tried again, and for how long: all that the service tries more than once has its policy here.
//!
//! Two kinds nest, and no others. The SDK sends one call up to [`CALL_TRIES`] times, all of them within the limit of an
//! operation ([`Limits`](super::aws::Limits)). A sequence of [`Tries`] makes such calls, and begins none once the time
//! of that limit has passed since its first. So whatever fails or is throttled, one call is over within 1.5 s in a
//! function, and a sequence within 3 s. A sequence that finds writes of others in its way may hold a shorter one, as
//! long as DynamoDB refuses its write for a transaction under way ([`CONFLICT`]).

use std::time::Duration;

use super::journal::Stopwatch;

/// How often the SDK sends a call that a second copy does no harm to.
pub const CALL_TRIES: u32 = 3;
/// How long the SDK waits at the most before it sends a call again for the first time: at random, as all waits here, or
/// callers that met once would meet again.
pub const CALL_WAIT: Duration = Duration::from_millis(25);
/// How long the SDK waits at the most before it sends a call again.
pub const CALL_WAIT_MAX: Duration = Duration::from_millis(50);

/// How often a sequence tries, and how long it waits in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The most tries.
    pub tries: u16,
    /// The longest wait before the second try; before each later one it is this much longer.
    pub wait: Duration,
}

/// A write that DynamoDB refuses because a transaction writes the same item at that moment. All waits together are at
/// most 300 ms.
pub const CONFLICT: Policy = Policy { tries: 6, wait: Duration::from_millis(20) };
/// A change of an account that another change overtook. Each time, one of those at the same moment gets through, so
/// this many can meet. All waits together are at most 600 ms.
pub const CHANGE: Policy = Policy { tries: 16, wait: Duration::from_millis(5) };
/// An operator's rename or removal of an account that a change overtook.
pub const OPERATOR: Policy = Policy { tries: 5, wait: Duration::from_millis(5) };
/// Keys that a batch left unprocessed, which is how DynamoDB throttles a batch. All waits together are at most 120 ms.
pub const UNPROCESSED: Policy = Policy { tries: 4, wait: Duration::from_millis(20) };
/// Two reads of a session and its account that saw different generations.
pub const GENERATIONS: Policy = Policy { tries: 16, wait: Duration::ZERO };
/// An attempt on a bucket that another attempt overtook between the two updates that it may take.
pub const BUCKET: Policy = Policy { tries: 4, wait: Duration::ZERO };

/// A sequence of tries under one policy, of which the first has begun.
#[derive(Debug)]
pub struct Tries {
    policy: Policy,
    within: Duration,
    begun: u16,
    since: Stopwatch,
}

impl Tries {
    /// A sequence that begins no try when `within` has passed since now.
    #[must_use]
    pub fn new(policy: Policy, within: Duration) -> Self {
        Self { policy, within, begun: 1, since: Stopwatch::start() }
    }

    /// Whether another try begins, after the wait that comes before it.
    pub async fn again(&mut self) -> bool {
        if self.begun >= self.policy.tries {
            return false;
        }
        tokio::time::sleep(self.policy.wait.mul_f32(fastrand::f32() * f32::from(self.begun))).await;
        self.begun = self.begun.saturating_add(1);
        self.since.elapsed() < self.within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(mut tries: Tries) -> u16 {
        let mut begun = 1;
        while tries.again().await {
            begun += 1;
        }
        begun
    }

    // Check 52.
    #[tokio::test]
    async fn a_sequence_has_as_many_tries_as_its_policy_and_begins_none_when_its_time_is_over() {
        let policy = Policy { tries: 4, wait: Duration::from_millis(1) };
        assert_eq!(count(Tries::new(policy, Duration::MAX)).await, 4);
        assert_eq!(count(Tries::new(policy, Duration::ZERO)).await, 1);
        let mut tries = Tries::new(policy, Duration::from_millis(2));
        tokio::time::sleep(Duration::from_millis(3)).await;
        assert!(!tries.again().await, "a slow try is the last");
    }
}
