//! Sessions: a session lives by its account. It has the account's id, email and generation, to find and compare the
//! account by, and no copy of anything else. So whatever ends all sessions of an account is one write of the account;
//! one session alone ends when its item is deleted or has expired.

use std::time::Duration;

use crate::{
    api::Reach,
    domain::{
        access_key::{AccessKeyId, InvalidAccessKeyId},
        account::{Holder, Status},
        ids::{AccountId, SessionId},
        time::Timestamp,
    },
};

/// One session of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The account's opaque id.
    pub sub: AccountId,
    /// The session's own id, unique within the account.
    pub sid: SessionId,
    /// The account's email as it was registered, by which the account is found.
    pub email: String,
    /// When the session was opened, by a log-on, a confirmation or a new password: each opens one of its own. The
    /// absolute end is counted from here.
    pub auth_time: Timestamp,
    /// When the last token of the session expires.
    pub expires_at: Timestamp,
    /// The account's generation when the session was opened. When the account's has moved on, the session has ended.
    pub generation: u64,
    /// When the password was given, or the passkey used, that opened the session. Nothing if an access key did.
    /// It never moves: a confirmation opens a session of its own, so that a copy of an older cookie gains nothing
    /// by it (ASVS 5.0, 7.2.4).
    pub confirmed_at: Option<Timestamp>,
    /// What opened it.
    pub by: By,
    /// Whether it can do nothing but set up the second factor that its account must have and has not. The first factor
    /// that is set up in it lifts that, and in no other session of the account: whoever else has learned the password
    /// may have opened one.
    pub limited: bool,
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
    /// A passkey.
    Passkey,
    /// This access key.
    Key(AccessKeyId),
}

impl By {
    /// `password`, `passkey`, or the id of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::Key(id) => id.as_str(),
        }
    }

    /// Parses what [`Self::as_str`] writes.
    ///
    /// # Errors
    /// [`InvalidAccessKeyId`] if it is none of them.
    pub fn parse(text: &str) -> Result<Self, InvalidAccessKeyId> {
        match text {
            "password" => Ok(Self::Password),
            "passkey" => Ok(Self::Passkey),
            id => AccessKeyId::parse(id).map(Self::Key),
        }
    }

    /// Whether a person opened it, and no script.
    #[must_use]
    pub fn is_person(&self) -> bool {
        match self {
            Self::Password | Self::Passkey => true,
            Self::Key(_) => false,
        }
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

/// Whether a session lives.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Alive,
    /// It does not, and never will again.
    Ended,
    /// It is of another generation than its account: it has ended, unless the two were read while one transaction moved
    /// both.
    OtherGeneration,
}

impl Session {
    /// The one rule of what a session is worth. It lives if it has not expired (an item past its end is gone, also when
    /// DynamoDB's TTL has not removed it yet), and the account at its email is the one that opened it, is active, and
    /// is of the same generation. A session that an access key opened needs that key, unexpired, as well.
    pub fn life(&self, holder: Option<Holder<'_>>, now: Timestamp) -> Life {
        let Some(holder) = holder.filter(|holder| *holder.sub == self.sub) else { return Life::Ended };
        let has_key = match &self.by {
            By::Password | By::Passkey => true,
            By::Key(id) => holder.access_keys.get(id).is_some_and(|key| key.is_alive(now)),
        };
        if now >= self.expires_at || holder.status != Status::Active || !has_key {
            Life::Ended
        } else if holder.generation == self.generation {
            Life::Alive
        } else {
            Life::OtherGeneration
        }
    }
}

impl Session {
    /// What it may do, if it lives by this account. What a key may do is told by the account, as its life is.
    #[must_use]
    pub fn reach(&self, holder: Holder<'_>) -> Reach {
        match &self.by {
            By::Key(id) if holder.access_keys.get(id).is_none_or(|key| key.read_only) => Reach::Reading,
            By::Key(_) | By::Password | By::Passkey if self.limited => Reach::Enrolment,
            By::Key(_) | By::Password | By::Passkey => Reach::Whole,
        }
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{
        access_key::{Digest, StoredKey},
        account::Name,
    };

    const LIFETIMES: Lifetimes = Lifetimes { token: Duration::from_hours(12), session: Duration::from_hours(168) };

    #[test]
    fn a_token_never_outlives_its_session() {
        let log_on = Timestamp::from_seconds(1_000_000);
        let end = log_on.plus(LIFETIMES.session);
        assert_eq!(LIFETIMES.token_expiry(log_on, log_on), log_on.plus(LIFETIMES.token));
        assert_eq!(LIFETIMES.token_expiry(log_on, end.minus(Duration::from_mins(1))), end);
    }

    // Checks 43, 81.
    #[test]
    fn a_session_lives_by_its_account_and_every_single_difference_ends_it() {
        let (now, end) = (Timestamp::from_seconds(1_000), Timestamp::from_seconds(2_000));
        let (yi, other) = (AccountId::new(&[1; 16]), AccountId::new(&[2; 16]));
        let (id, another) = (AccessKeyId::new(&[3; 16]), AccessKeyId::new(&[4; 16]));
        let keys = |id: &AccessKeyId, expires_at| {
            BTreeMap::from([(id.clone(), StoredKey { created: now, expires_at, ..stored_key() })])
        };
        let none = BTreeMap::new();
        let session = |by: &By| Session {
            sub: yi.clone(),
            sid: SessionId::new(&[2; 16]),
            email: "yi@jeplus.org".into(),
            auth_time: Timestamp::from_seconds(0),
            expires_at: end,
            generation: 7,
            confirmed_at: None,
            by: by.clone(),
            limited: false,
            agent: String::new(),
            address: String::new(),
        };
        let (password, key) = (By::Password, By::Key(id.clone()));
        let last = end.minus(Duration::from_millis(1));
        for (by, at, sub, status, generation, access_keys, life) in [
            (&password, now, &yi, Status::Active, 7, &none, Life::Alive),
            (&password, last, &yi, Status::Active, 7, &none, Life::Alive),
            (&By::Passkey, last, &yi, Status::Active, 7, &none, Life::Alive),
            (&By::Passkey, now, &yi, Status::Active, 8, &none, Life::OtherGeneration),
            (&password, end, &yi, Status::Active, 7, &none, Life::Ended),
            (&password, now, &other, Status::Active, 7, &none, Life::Ended),
            (&password, now, &yi, Status::Disabled, 7, &none, Life::Ended),
            (&password, now, &yi, Status::Active, 8, &none, Life::OtherGeneration),
            (&password, now, &yi, Status::Active, 6, &none, Life::OtherGeneration),
            (&password, now, &yi, Status::Disabled, 8, &none, Life::Ended),
            (&password, end, &yi, Status::Active, 8, &none, Life::Ended),
            (&key, now, &yi, Status::Active, 7, &keys(&id, end), Life::Alive),
            (&key, now, &yi, Status::Active, 7, &keys(&id, now.plus(Duration::from_secs(1))), Life::Alive),
            (&key, now, &yi, Status::Active, 7, &keys(&id, now), Life::Ended),
            (&key, now, &yi, Status::Active, 7, &keys(&another, end), Life::Ended),
            (&key, now, &yi, Status::Active, 7, &none, Life::Ended),
            (&key, now, &yi, Status::Active, 8, &keys(&id, end), Life::OtherGeneration),
            (&key, now, &yi, Status::Disabled, 7, &keys(&id, end), Life::Ended),
        ] {
            let holder = Holder { sub, status, generation, access_keys };
            assert_eq!(session(by).life(Some(holder), at), life, "{by:?} {at:?} {holder:?}");
        }
        assert_eq!(session(&password).life(None, now), Life::Ended, "there is no account at its email");
    }

    fn stored_key() -> StoredKey {
        let at = Timestamp::from_seconds(1_000);
        let (name, digest) = (Name::parse("key").unwrap(), Digest::OF_NO_KEY);
        StoredKey { name, digest, created: at, expires_at: at, last_used: None, read_only: false, end_told: false }
    }

    // Checks 82, 84.
    #[test]
    fn a_session_reads_by_a_key_for_reading_and_enrols_if_it_is_limited() {
        let (sub, id) = (AccountId::new(&[1; 16]), AccessKeyId::new(&[3; 16]));
        let session = |by: By, limited| Session {
            sub: sub.clone(),
            sid: SessionId::new(&[2; 16]),
            email: "yi@jeplus.org".into(),
            auth_time: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(2_000),
            generation: 7,
            confirmed_at: None,
            by,
            limited,
            agent: String::new(),
            address: String::new(),
        };
        let key = |read_only| BTreeMap::from([(id.clone(), StoredKey { read_only, ..stored_key() })]);
        let (whole, reading, none) = (key(false), key(true), BTreeMap::new());
        for (by, limited, access_keys, reach) in [
            (By::Password, false, &none, Reach::Whole),
            (By::Passkey, false, &none, Reach::Whole),
            (By::Password, false, &reading, Reach::Whole),
            (By::Password, true, &none, Reach::Enrolment),
            (By::Key(id.clone()), false, &whole, Reach::Whole),
            (By::Key(id.clone()), false, &reading, Reach::Reading),
            (By::Key(id.clone()), false, &none, Reach::Reading),
        ] {
            let holder = Holder { sub: &sub, status: Status::Active, generation: 7, access_keys };
            assert_eq!(session(by.clone(), limited).reach(holder), reach, "{by:?} {limited}");
        }
    }

    #[test]
    fn an_agent_is_kept_without_what_acts_on_a_terminal_and_to_its_longest() {
        assert_eq!(agent("curl/8.1\u{1b}[2J\r\n"), "curl/8.1[2J");
        assert_eq!(agent(&"\u{e4}".repeat(129)), "\u{e4}".repeat(128));
        assert_eq!(agent(&format!("x{}", "\u{e4}".repeat(128))).len(), 255);
    }

    #[test]
    fn what_opened_a_session_is_kept_by_its_name() {
        for by in [By::Password, By::Passkey, By::Key(AccessKeyId::new(&[1; 16]))] {
            assert_eq!(By::parse(by.as_str()), Ok(by));
        }
        assert_eq!(By::parse("pigeon"), Err(InvalidAccessKeyId));
    }
}
