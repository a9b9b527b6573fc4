//! Sessions: a session exists or it does not. Log-off deletes it.

use std::time::Duration;

use crate::{
    account::{Name, Role},
    ids::{AccountId, SessionId},
    time::Timestamp,
};

/// One session of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The account's opaque id.
    pub sub: AccountId,
    /// The session's own id, unique within the account.
    pub sid: SessionId,
    /// The account's email as it was registered.
    pub email: String,
    /// What the person is called.
    pub name: Name,
    /// The name of the account's role, if it has one.
    pub role: Option<Role>,
    /// When the person gave the password.
    pub auth_time: Timestamp,
    /// When the last token of the session expires.
    pub expires_at: Timestamp,
    /// The account's generation at log-on. When the account's has moved on, the session has ended, also if something
    /// failed before it could be deleted: no check-in renews it.
    pub generation: u64,
}

impl Session {
    /// Whether it still holds. An item past its end is gone, also when DynamoDB's TTL has not removed it yet.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// How long tokens and sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The life of one token.
    pub token: Duration,
    /// The life of a session from log-on, however often it is renewed.
    pub session: Duration,
}

impl Lifetimes {
    /// When a token made now expires: at the end of its own life, or of its session's if that comes first.
    #[must_use]
    pub fn token_expiry(&self, auth_time: Timestamp, now: Timestamp) -> Timestamp {
        now.plus(self.token).min(auth_time.plus(self.session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes { token: Duration::from_hours(12), session: Duration::from_hours(168) };

    #[test]
    fn a_token_never_outlives_its_session() {
        let log_on = Timestamp::from_seconds(1_000_000);
        let end = log_on.plus(LIFETIMES.session);
        assert_eq!(LIFETIMES.token_expiry(log_on, log_on), log_on.plus(LIFETIMES.token));
        assert_eq!(LIFETIMES.token_expiry(log_on, end.minus(Duration::from_mins(1))), end);
    }

    #[test]
    fn a_session_is_alive_until_its_end_and_not_at_it() {
        let expires_at = Timestamp::from_seconds(100);
        let session = Session {
            sub: AccountId::new(&[1; 16]),
            sid: SessionId::new(&[2; 16]),
            email: "e".into(),
            name: Name::parse("n").unwrap(),
            role: None,
            auth_time: Timestamp::from_seconds(0),
            expires_at,
            generation: 0,
        };
        assert!(session.is_alive(expires_at.minus(Duration::from_millis(1))));
        assert!(!session.is_alive(expires_at));
    }
}
