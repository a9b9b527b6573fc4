//! The public keys that the authorizer has met.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::DecodingKey;

use super::Denial;
use crate::{
    keyring::KEYS_MAX_AGE,
    signing_key::{Algorithm, KeyId},
    store::Store,
    time::Timestamp,
};

/// How long a key that is not there is known not to be there.
const UNKNOWN_MAX_AGE: Duration = Duration::from_secs(10);
/// How many keys are remembered, those that are not there included. With all places taken by recent entries, a key id
/// that is not among them is not asked for: so many reads at the most can be forced in 10 s by tokens that nobody
/// signed. A key that is there keeps its place for its whole life, or they could push it out.
const PLACES: usize = 32;

/// A key in the form that checks signatures.
pub(super) struct KnownKey {
    pub(super) algorithm: Algorithm,
    pub(super) verifying: DecodingKey,
    verifies_until: Timestamp,
}

#[derive(Default)]
pub(super) struct KnownKeys {
    places: Mutex<HashMap<KeyId, Place>>,
}

#[derive(Clone)]
struct Place {
    key: Option<Arc<KnownKey>>,
    read_at: Timestamp,
}

impl Place {
    fn holds(&self, now: Timestamp) -> bool {
        let max_age = if self.key.is_some() { KEYS_MAX_AGE } else { UNKNOWN_MAX_AGE };
        self.read_at <= now && now.since(self.read_at) < max_age
    }
}

impl KnownKeys {
    /// The key with this id, from memory or from the store.
    ///
    /// # Errors
    /// [`Denial::UnknownKey`], or if that cannot be told [`Denial::NoRoom`] or [`Denial::Undecided`].
    pub(super) async fn find(&self, store: &Store, kid: &KeyId, now: Timestamp) -> Result<Arc<KnownKey>, Denial> {
        let place = match self.recall(kid, now) {
            Recall::Place(place) => place,
            Recall::NoRoom => return Err(Denial::NoRoom),
            Recall::Unread => {
                let read = store.verifying_key(kid).await?;
                let key = read.and_then(|key| {
                    let verifying = key.jwk.verifying()?;
                    let algorithm = key.jwk.algorithm();
                    Some(Arc::new(KnownKey { algorithm, verifying, verifies_until: key.verifies_until }))
                });
                let place = Place { key, read_at: now };
                self.lock().insert(kid.clone(), place.clone());
                place
            }
        };
        place.key.filter(|key| now < key.verifies_until).ok_or(Denial::UnknownKey)
    }

    fn recall(&self, kid: &KeyId, now: Timestamp) -> Recall {
        let mut places = self.lock();
        if let Some(place) = places.get(kid).filter(|place| place.holds(now)) {
            return Recall::Place(place.clone());
        }
        if places.len() >= PLACES && !places.contains_key(kid) {
            places.retain(|_, place| match &place.key {
                Some(key) => now < key.verifies_until,
                None => place.holds(now),
            });
            if places.len() >= PLACES {
                return Recall::NoRoom;
            }
        }
        Recall::Unread
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<KeyId, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Recall {
    Place(Place),
    Unread,
    NoRoom,
}
