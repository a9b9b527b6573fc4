//! Attempts: how often a password may be tried, before any hash is computed.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    causes::Causes,
    store::{Store, StoreError},
    throttle::{BucketKey, Pace},
    time::Timestamp,
};

/// How many buckets are remembered, at some 100 bytes each. When all places are taken, all are given up; then the store
/// decides again.
const PLACES: usize = 4096;

/// What this instance remembers of buckets.
#[derive(Default)]
pub(super) struct Attempts {
    /// Buckets that are empty, and until when. While one is, the store need not be asked: an attack on one account
    /// costs DynamoDB next to nothing.
    empty_until: Mutex<HashMap<BucketKey, Timestamp>>,
    /// Buckets of addresses while the store cannot count them.
    local: Mutex<HashMap<BucketKey, Timestamp>>,
}

impl Attempts {
    /// How long a bucket is known to be empty, without asking the store; zero if it is not.
    pub(super) fn known_wait(&self, key: &BucketKey, now: Timestamp) -> Duration {
        lock(&self.empty_until).get(key).map_or(Duration::ZERO, |until| until.since(now))
    }

    /// Takes one attempt. Gives back zero, or how long to wait.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell.
    pub(super) async fn take(
        &self,
        store: &Store,
        key: &BucketKey,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Duration, StoreError> {
        let wait = store.take_attempt(key, pace, now).await?;
        if !wait.is_zero() {
            put(&self.empty_until, key, now.plus(wait));
        }
        Ok(wait)
    }

    /// As [`Self::take`], for an address: if the store cannot tell, this instance counts by itself. Addresses are a
    /// second line; with the first one closed nobody gets this far, and with it open nobody need be locked out.
    pub(super) async fn take_address(&self, store: &Store, key: &BucketKey, pace: Pace, now: Timestamp) -> Duration {
        match self.take(store, key, pace, now).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(
                    error = %Causes(&error),
                    "addresses are counted by this instance alone"
                );
                let tat = lock(&self.local).get(key).copied();
                match pace.take(tat, now) {
                    Ok(tat) => {
                        put(&self.local, key, tat);
                        Duration::ZERO
                    }
                    Err(wait) => wait,
                }
            }
        }
    }

    /// Forgets that a bucket was empty.
    pub(super) fn forget(&self, key: &BucketKey) {
        lock(&self.empty_until).remove(key);
    }
}

fn put(places: &Mutex<HashMap<BucketKey, Timestamp>>, key: &BucketKey, at: Timestamp) {
    let mut places = lock(places);
    if places.len() >= PLACES {
        places.clear();
    }
    places.insert(key.clone(), at);
}

fn lock(places: &Mutex<HashMap<BucketKey, Timestamp>>) -> MutexGuard<'_, HashMap<BucketKey, Timestamp>> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}
