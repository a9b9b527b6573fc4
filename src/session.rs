//! Sessions: a session exists or it does not. Log-off deletes it.

use std::time::Duration;

use crate::{
    access_key::{AccessKeyId, InvalidAccessKeyId},
    account::{Account, Name, Role},
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
    /// When its password was given last, by log-on or to confirm. Nothing if it never was.
    pub confirmed_at: Option<Timestamp>,
    /// What opened it.
    pub by: By,
    /// The User-Agent of the log-on, as [`agent`] cuts it.
    pub agent: String,
    /// The address of the log-on, as the gateway saw it.
    pub address: String,
}

/// What opened a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The password.
    Password,
    /// This access key.
    Key(AccessKeyId),
}

impl By {
    /// `password`, or the id of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Password => "password",
            Self::Key(id) => id.as_str(),
        }
    }

    /// Parses what [`Self::as_str`] writes.
    ///
    /// # Errors
    /// [`InvalidAccessKeyId`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidAccessKeyId> {
        if text == "password" { Ok(Self::Password) } else { AccessKeyId::parse(text).map(Self::Key) }
    }
}

/// Longest User-Agent that is kept, in bytes.
pub const AGENT_MAX_BYTES: usize = 256;

/// A User-Agent as it is kept: without control characters, and no longer than [`AGENT_MAX_BYTES`].
#[must_use]
pub fn agent(text: &str) -> String {
    let mut agent: String = text.chars().filter(|c| !c.is_control()).collect();
    agent.truncate(agent.floor_char_boundary(AGENT_MAX_BYTES));
    agent
}

impl Session {
    /// Whether it still holds. An item past its end is gone, also when DynamoDB's TTL has not removed it yet.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether it has the account's name and role.
    #[must_use]
    pub fn is_labelled_as(&self, account: &Account) -> bool {
        (&self.name, &self.role) == (&account.name, &account.role)
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
            confirmed_at: None,
            by: By::Password,
            agent: String::new(),
            address: String::new(),
        };
        assert!(session.is_alive(expires_at.minus(Duration::from_millis(1))));
        assert!(!session.is_alive(expires_at));
    }

    #[test]
    fn an_agent_is_kept_without_what_acts_on_a_terminal_and_to_its_longest() {
        assert_eq!(agent("curl/8.1\u{1b}[2J\r\n"), "curl/8.1[2J");
        assert_eq!(agent(&"\u{e4}".repeat(129)), "\u{e4}".repeat(128));
        assert_eq!(agent(&format!("x{}", "\u{e4}".repeat(128))).len(), 255);
    }

    #[test]
    fn what_opened_a_session_is_kept_by_its_name() {
        for by in [By::Password, By::Key(AccessKeyId::new(&[1; 16]))] {
            assert_eq!(By::parse(by.as_str()), Ok(by));
        }
        assert_eq!(By::parse("pigeon"), Err(InvalidAccessKeyId));
    }
}
