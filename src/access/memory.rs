//! The sessions that the authorizer has seen a moment ago.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{session::Session, time::Timestamp};

/// How many sessions are remembered, at some 300 bytes each. When all places are taken, all are given up: the next
/// request of each session costs one read.
const PLACES: usize = 1024;

pub(super) struct SessionMemory {
    max_age: Duration,
    places: Mutex<HashMap<(String, String), (Session, Timestamp)>>,
}

impl SessionMemory {
    pub(super) fn new(max_age: Duration) -> Self {
        Self { max_age, places: Mutex::default() }
    }

    pub(super) fn recall(&self, sub: &str, sid: &str, now: Timestamp) -> Option<Session> {
        let key = (sub.to_owned(), sid.to_owned());
        let places = self.lock();
        let (session, read_at) = places.get(&key)?;
        (*read_at <= now && now.since(*read_at) < self.max_age).then(|| session.clone())
    }

    pub(super) fn remember(&self, session: &Session, now: Timestamp) {
        if self.max_age.is_zero() {
            return;
        }
        let mut places = self.lock();
        if places.len() >= PLACES {
            places.clear();
        }
        places.insert((session.sub.clone(), session.sid.clone()), (session.clone(), now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), (Session, Timestamp)>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn session(sid: &str) -> Session {
        Session {
            sub: "sub".into(),
            sid: sid.into(),
            email: "yi@jeplus.org".into(),
            name: "Yi".into(),
            role: None,
            auth_time: NOW,
            expires_at: NOW.plus(Duration::from_mins(1)),
        }
    }

    #[test]
    fn a_session_is_remembered_until_its_time_is_over_and_not_at_it() {
        let memory = SessionMemory::new(Duration::from_secs(5));
        memory.remember(&session("a"), NOW);
        assert!(memory.recall("sub", "a", NOW.plus(Duration::from_millis(4_999))).is_some());
        assert!(memory.recall("sub", "a", NOW.plus(Duration::from_secs(5))).is_none());
        assert!(memory.recall("sub", "b", NOW).is_none());
    }

    #[test]
    fn a_memory_of_zero_remembers_nothing() {
        let memory = SessionMemory::new(Duration::ZERO);
        memory.remember(&session("a"), NOW);
        assert!(memory.recall("sub", "a", NOW).is_none());
    }

    #[test]
    fn the_memory_is_bounded() {
        let memory = SessionMemory::new(Duration::from_secs(5));
        for number in 0..=PLACES {
            memory.remember(&session(&number.to_string()), NOW);
        }
        assert!(memory.lock().len() <= PLACES);
    }
}
