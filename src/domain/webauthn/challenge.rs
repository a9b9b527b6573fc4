//! Challenges: what an authenticator signs, so that nothing of before can be sent again.
//!
//! Nothing is kept of one that was given out: it holds its time under a keyed hash of the service. It counts once, as
//! whoever presents it spends it, by a write of its [`PresentedChallenge::key`] that succeeds once. A challenge that
//! is given out later does not void an earlier one: a browser holds one for its autofill while a button asks for
//! another.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::error::CeremonyError;
use crate::domain::{
    ids::AccountId,
    passkey::UserHandle,
    secret::{ServiceSecret, TagUse},
    time::Timestamp,
};

/// How long a challenge is good (Web Authentication Level 3, section 15.1, recommends 5 to 10 minutes for `timeout`).
pub const CHALLENGE_LIFE: Duration = Duration::from_mins(5);
/// How far apart the clocks of two instances, and of what removes spent challenges, may be.
const CLOCKS_APART: Duration = Duration::from_mins(1);
/// Longest challenge that is looked at, in bytes: more than one of ours has at the end of time.
const CHALLENGE_MAX_BYTES: usize = 100;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeFor<'a> {
    /// The use of a passkey, whosever it is.
    Assertion,
    /// The registration of a passkey of this account, under this handle.
    Registration(&'a AccountId, &'a UserHandle),
}

impl ChallengeFor<'_> {
    fn tag_use(self) -> TagUse {
        match self {
            Self::Assertion => TagUse::Assertion,
            Self::Registration(..) => TagUse::Registration,
        }
    }

    /// What the keyed hash is of. The handle has one length and the content two parts, so no two are the same text.
    fn bound(self, content: &str) -> String {
        match self {
            Self::Assertion => content.to_owned(),
            Self::Registration(sub, handle) => format!("{content}.{}.{}", handle.text(), sub.as_str()),
        }
    }
}

/// A challenge of this time and these random bytes, as it stands in the options: `seconds.random.tag`, in base64url
/// like all bytes of theirs.
#[must_use]
pub fn challenge(purpose: ChallengeFor<'_>, secret: &ServiceSecret, random: &[u8; 16], now: Timestamp) -> String {
    let content = format!("{}.{}", now.seconds(), URL_SAFE_NO_PAD.encode(random));
    let tag = secret.tag(purpose.tag_use(), &purpose.bound(&content));
    URL_SAFE_NO_PAD.encode(format!("{content}.{tag}"))
}

/// A challenge that came back: it was given out here for this, and has not expired. Whether it was spent before is for
/// the store to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedChallenge {
    /// What it is spent under: no other challenge has the same.
    pub key: String,
    /// From here on nobody needs to remember that it was spent: it is refused for its time, by every clock.
    pub forgotten: Timestamp,
}

impl PresentedChallenge {
    /// The challenge of these bytes.
    ///
    /// # Errors
    /// [`CeremonyError::Challenge`] if it was not given out here for this, [`CeremonyError::Expired`].
    pub(super) fn parse(
        bytes: &[u8],
        purpose: ChallengeFor<'_>,
        secret: &ServiceSecret,
        now: Timestamp,
    ) -> Result<Self, CeremonyError> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= CHALLENGE_MAX_BYTES);
        let (content, tag) = text.and_then(|text| text.rsplit_once('.')).ok_or(CeremonyError::Challenge)?;
        if !secret.is_tag(purpose.tag_use(), &purpose.bound(content), tag) {
            return Err(CeremonyError::Challenge);
        }
        let seconds = content.split('.').next().and_then(|seconds| seconds.parse().ok());
        let given_out = seconds.map(Timestamp::from_seconds).ok_or(CeremonyError::Challenge)?;
        let expires = given_out.plus(CHALLENGE_LIFE);
        let key = format!("{}:{tag}", purpose.tag_use().name());
        if now < expires {
            Ok(Self { key, forgotten: expires.plus(CLOCKS_APART) })
        } else {
            Err(CeremonyError::Expired)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

    fn secret(byte: u8) -> ServiceSecret {
        ServiceSecret::new(&vec![byte; 32].into())
    }

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    // Check 87.
    #[test]
    fn a_challenge_is_good_for_five_minutes_and_not_a_second_more() {
        let given_out = bytes(&challenge(ChallengeFor::Assertion, &secret(1), &[7; 16], NOW));
        let presented = |now| PresentedChallenge::parse(&given_out, ChallengeFor::Assertion, &secret(1), now);
        let end = NOW.plus(CHALLENGE_LIFE);
        assert!(presented(NOW).unwrap().forgotten > end);
        assert_eq!(presented(end.minus(Duration::from_millis(1))), presented(NOW));
        assert_eq!(presented(end), Err(CeremonyError::Expired));
    }

    // Check 87.
    #[test]
    fn a_challenge_is_good_for_what_it_was_given_out_for_alone() {
        let (yi, other) = (AccountId::new(&[1; 16]), AccountId::new(&[2; 16]));
        let (handle, other_handle) = (UserHandle::new(&[1; 32]), UserHandle::new(&[2; 32]));
        let purposes = [
            ChallengeFor::Assertion,
            ChallengeFor::Registration(&yi, &handle),
            ChallengeFor::Registration(&other, &handle),
            ChallengeFor::Registration(&yi, &other_handle),
        ];
        let mut keys = std::collections::BTreeSet::new();
        for made_for in purposes {
            let given_out = bytes(&challenge(made_for, &secret(1), &[7; 16], NOW));
            for purpose in purposes {
                match PresentedChallenge::parse(&given_out, purpose, &secret(1), NOW) {
                    Ok(presented) => assert!(made_for == purpose && keys.insert(presented.key)),
                    Err(error) => assert!(made_for != purpose && error == CeremonyError::Challenge),
                }
            }
            let of_another = PresentedChallenge::parse(&given_out, made_for, &secret(2), NOW);
            assert_eq!(of_another, Err(CeremonyError::Challenge), "another service");
        }
        let again = bytes(&challenge(ChallengeFor::Assertion, &secret(1), &[8; 16], NOW));
        let presented = PresentedChallenge::parse(&again, ChallengeFor::Assertion, &secret(1), NOW).unwrap();
        assert!(keys.insert(presented.key), "two of one moment are spent under two keys");
    }

    // Check 87.
    #[test]
    fn a_challenge_with_any_byte_changed_is_none() {
        let given_out = bytes(&challenge(ChallengeFor::Assertion, &secret(1), &[7; 16], NOW));
        for at in 0..given_out.len() {
            let mut changed = given_out.clone();
            changed[at] ^= 1;
            for bytes in [&changed[..], &given_out[..at]] {
                let parsed = PresentedChallenge::parse(bytes, ChallengeFor::Assertion, &secret(1), NOW);
                assert_eq!(parsed, Err(CeremonyError::Challenge), "{at}");
            }
        }
        let last = bytes(&challenge(ChallengeFor::Assertion, &secret(1), &[7; 16], Timestamp::from_millis(u64::MAX)));
        assert!(last.len() <= CHALLENGE_MAX_BYTES);
    }
}
