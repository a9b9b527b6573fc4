//! The tokens that the authorizer has admitted a moment ago, with their sessions and accounts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};

use super::Living;
use crate::domain::{signing_key::KeyId, time::Timestamp, token::Claims};

/// How many tokens are remembered, at some 800 bytes each, and up to 4 KB more of an account with twenty access keys.
/// When all places are taken, all are given up: the next request of each token costs one signature check and one read.
const TOKENS_MAX: usize = 1024;

/// A token whose signature held, and the session and the account that were there.
pub(super) struct Known {
    pub(super) kid: KeyId,
    pub(super) claims: Claims,
    pub(super) living: Arc<Living>,
    pub(super) read_at: Timestamp,
}

/// Tokens by their SHA-256, so that the memory holds none that could be used.
pub(super) struct TokenMemory {
    max_age: Duration,
    places: Mutex<HashMap<[u8; 32], Arc<Known>>>,
}

impl TokenMemory {
    pub(super) fn new(max_age: Duration) -> Self {
        Self { max_age, places: Mutex::default() }
    }

    pub(super) fn recall(&self, token: &str, now: Timestamp) -> Option<Arc<Known>> {
        let places = self.lock();
        let known = places.get(&sha256(token))?;
        (known.read_at <= now && now.since(known.read_at) < self.max_age).then(|| Arc::clone(known))
    }

    pub(super) fn remember(&self, token: &str, known: Known) {
        if self.max_age.is_zero() {
            return;
        }
        let mut places = self.lock();
        if places.len() >= TOKENS_MAX {
            places.clear();
        }
        places.insert(sha256(token), Arc::new(known));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Known>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sha256(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            account::{Name, Status},
            ids::{AccountId, SessionId},
            session::{By, Session},
        },
        platform::store::AccountSummary,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn known() -> Known {
        let claims = Claims {
            iss: "i".into(),
            aud: "a".into(),
            sub: AccountId::new(&[1; 16]),
            sid: SessionId::new(&[2; 16]),
            jti: "j".into(),
            iat: 1_000,
            exp: 1_060,
            auth_time: 1_000,
        };
        let session = Session {
            sub: AccountId::new(&[1; 16]),
            sid: SessionId::new(&[2; 16]),
            email: "yi@jeplus.org".into(),
            auth_time: NOW,
            expires_at: NOW.plus(Duration::from_mins(1)),
            generation: 0,
            confirmed_at: None,
            by: By::Password,
            limited: false,
            agent: String::new(),
            address: String::new(),
        };
        let account = AccountSummary {
            sub: session.sub.clone(),
            status: Status::Active,
            generation: 0,
            access_keys: [].into(),
            name: Name::parse("Yi").unwrap(),
            role: None,
        };
        Known { kid: KeyId::made_at(NOW), claims, living: Arc::new(Living { session, account }), read_at: NOW }
    }

    #[test]
    fn a_token_is_remembered_until_its_time_is_over_and_not_at_it() {
        let memory = TokenMemory::new(Duration::from_secs(5));
        memory.remember("token", known());
        assert!(memory.recall("token", NOW.plus(Duration::from_millis(4_999))).is_some());
        assert!(memory.recall("token", NOW.plus(Duration::from_secs(5))).is_none());
        assert!(memory.recall("token", NOW.minus(Duration::from_secs(1))).is_none(), "a clock that was set back");
        assert!(memory.recall("Token", NOW).is_none());
    }

    #[test]
    fn a_memory_of_zero_remembers_nothing() {
        let memory = TokenMemory::new(Duration::ZERO);
        memory.remember("token", known());
        assert!(memory.recall("token", NOW).is_none());
    }

    #[test]
    fn the_memory_is_bounded() {
        let memory = TokenMemory::new(Duration::from_secs(5));
        for number in 0..=TOKENS_MAX {
            memory.remember(&number.to_string(), known());
        }
        assert!(memory.lock().len() <= TOKENS_MAX);
    }
}
