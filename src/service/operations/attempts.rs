//! Attempts: how often a password may be tried. They are counted before any hash is computed.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    causes::Causes,
    domain::{
        throttle::{BucketKey, Pace, Taken, WAIT_MAX},
        time::Timestamp,
    },
    platform::store::{Store, StoreError},
};

/// How many buckets are remembered, at some 100 bytes each. When all places are taken, all are given up; then the store
/// decides again.
const BUCKETS_MAX: usize = 4096;

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
        let until = lock(&self.empty_until).get(key).copied();
        // If it lies further ahead than any wait, the clock has been set back since.
        until.map(|until| until.since(now)).filter(|wait| *wait <= WAIT_MAX).unwrap_or_default()
    }

    /// Takes one attempt, or tells how long to wait.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell.
    pub(super) async fn take(
        &self,
        store: &Store,
        key: &BucketKey,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Result<Taken, Duration>, StoreError> {
        let taken = store.take_attempt(key, pace, now).await?;
        if let Err(wait) = taken {
            put(&self.empty_until, key, now.plus(wait));
        }
        Ok(taken)
    }

    /// As [`Self::take`], for an address. If the store cannot tell, this instance counts by itself: guessing is bounded
    /// by the account's bucket, which does not open without the store, so nobody need be locked out for the address's.
    pub(super) async fn take_address(
        &self,
        store: &Store,
        key: &BucketKey,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Taken, Duration> {
        match self.take(store, key, pace, now).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::error!(
                    error = %Causes(&error),
                    "addresses are counted by this instance alone"
                );
                let tat = lock(&self.local).get(key).map_or(now, |tat| (*tat).min(pace.empty(now)));
                let taken = pace.take(Some(tat), now);
                put(&self.local, key, taken.map_or(tat, |taken| taken.tat));
                // As if from a full bucket: the store did not count it, so nothing is to be given back there.
                taken.map(|_| Taken { tat: now, was_full: true })
            }
        }
    }

    /// Gives back what a right password need not have cost. A failure leaves the attempt as dear as a wrong one, and
    /// fails no log-on.
    pub(super) async fn give_back(&self, store: &Store, key: &BucketKey, by: Duration) {
        if by.is_zero() {
            return;
        }
        if let Err(error) = store.give_back(key, by).await {
            tracing::warn!(error = %Causes(&error), "an attempt was not given back");
            return;
        }
        lock(&self.empty_until).remove(key);
    }
}

fn put(places: &Mutex<HashMap<BucketKey, Timestamp>>, key: &BucketKey, at: Timestamp) {
    let mut places = lock(places);
    if places.len() >= BUCKETS_MAX {
        places.clear();
    }
    places.insert(key.clone(), at);
}

fn lock(places: &Mutex<HashMap<BucketKey, Timestamp>>) -> MutexGuard<'_, HashMap<BucketKey, Timestamp>> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}
