//! The public keys of the stack, in the authorizer's memory.
//!
//! There are a handful at most, so they are read all at once. An id that is not in the set that was read last is
//! refused without a call: tokens with invented key ids cost nothing, however many come, and take no key's place.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use super::Denial;
use crate::{
    domain::{
        signing_key::{Algorithm, KeyId},
        time::Timestamp,
    },
    platform::store::Store,
    service::keyring::KEYS_MAX_AGE,
};

/// How old the set must be to be read again for an id that is not in it. A new key is met within this time; in practice
/// sooner, as it is published before it signs.
const UNKNOWN_MAX_AGE: Duration = Duration::from_secs(10);

/// A key in the form that checks signatures.
pub(super) struct KnownKey {
    pub(super) algorithm: Algorithm,
    pub(super) verifying: DecodingKey,
    verifies_until: Timestamp,
}

#[derive(Default)]
pub(super) struct KnownKeys {
    set: RwLock<Option<Arc<KeySet>>>,
    /// Held while the set is read, so that many requests that need it wait for one read.
    reading: Mutex<()>,
}

struct KeySet {
    keys: HashMap<KeyId, Arc<KnownKey>>,
    read_at: Timestamp,
}

impl KeySet {
    /// The key with this id or that there is none, unless the set is too old to tell.
    fn tell(&self, kid: &KeyId, now: Timestamp) -> Option<Result<Arc<KnownKey>, Denial>> {
        let key = self.keys.get(kid);
        let max_age = if key.is_some() { KEYS_MAX_AGE } else { UNKNOWN_MAX_AGE };
        // A request that waited while another one read has an older `now` than that read: then the set is of later, and
        // as fresh as can be.
        (self.read_at.distance(now) < max_age)
            .then(|| key.filter(|key| now < key.verifies_until).cloned().ok_or(Denial::UnknownKey))
    }
}

impl KnownKeys {
    /// The key with this id, from memory or from the store.
    ///
    /// # Errors
    /// [`Denial::UnknownKey`], or [`Denial::Undecided`] if the store cannot tell.
    pub(super) async fn find(&self, store: &Store, kid: &KeyId, now: Timestamp) -> Result<Arc<KnownKey>, Denial> {
        if let Some(told) = self.tell(kid, now) {
            return told;
        }
        let _only_reader = self.reading.lock().await;
        if let Some(told) = self.tell(kid, now) {
            return told;
        }
        let read = store.verifying_keys().await?;
        let keys = read.into_iter().filter_map(|key| {
            let (algorithm, verifying) = (key.jwk.algorithm(), key.jwk.verifying()?);
            let known = KnownKey { algorithm, verifying, verifies_until: key.verifies_until };
            Some((key.jwk.key_id().clone(), Arc::new(known)))
        });
        let set = KeySet { keys: keys.collect(), read_at: now };
        let told = set.tell(kid, now).unwrap_or(Err(Denial::UnknownKey));
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
        told
    }

    fn tell(&self, kid: &KeyId, now: Timestamp) -> Option<Result<Arc<KnownKey>, Denial>> {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner).clone();
        set?.tell(kid, now)
    }
}
