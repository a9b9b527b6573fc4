//! The keys of the log-on function: read from the store, unsealed once, and held in memory.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::EncodingKey;
use tokio::sync::Mutex;

use crate::{
    kms::{Kms, KmsError},
    secret::ServiceSecret,
    signing_key::{self, Algorithm, InvalidKey, Jwk, KeyId, KeyMaterial, SKEW, SigningKey, Window},
    store::{Added, SECRET_KID, Store, StoreError, StoredKeys},
    time::Timestamp,
};

/// How long the stored keys are trusted to be as they were read. A new or revoked key takes effect within this time.
pub const KEYS_MAX_AGE: Duration = Duration::from_mins(1);

/// The keys of one stack.
pub struct Keyring {
    store: Store,
    kms: Kms,
    /// Held while reading, so that requests which find the keys too old wait for one read instead of making many.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    read_at: Option<Timestamp>,
    keys: Vec<SigningKey>,
    sealed_secret: Option<Vec<u8>>,
    signer: Option<Arc<Signer>>,
    secret: Option<Arc<ServiceSecret>>,
}

/// The key that signs now, unsealed.
pub struct Signer {
    /// Its id.
    pub kid: KeyId,
    /// What it is for.
    pub algorithm: Algorithm,
    /// The private half.
    pub key: EncodingKey,
}

/// What a log-on needs of the keys.
#[derive(Clone)]
pub struct Unsealed {
    /// Signs tokens.
    pub signer: Arc<Signer>,
    /// Keys the hashes of emails.
    pub secret: Arc<ServiceSecret>,
}

/// There are no keys to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// KMS failed, or would not unseal what is stored.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// No key signs now.
    #[error("no signing key signs now; make one with `jea-auth key rotate`")]
    NoSigningKey,
    /// The service secret was never made.
    #[error("there is no service secret; make it with `jea-auth key rotate`")]
    NoSecret,
    /// A key could not be made, or what KMS opened is not the private half of it.
    #[error(transparent)]
    Invalid(#[from] InvalidKey),
}

impl Keyring {
    /// The keys in `store`, sealed by `kms`.
    #[must_use]
    pub fn new(store: Store, kms: Kms) -> Self {
        Self { store, kms, state: Mutex::default() }
    }

    /// The key that signs now, and the service secret.
    ///
    /// # Errors
    /// Any [`KeyringError`]. The next call tries again.
    pub async fn unsealed(&self, now: Timestamp) -> Result<Unsealed, KeyringError> {
        let mut state = self.state.lock().await;
        self.refresh(&mut state, now).await?;
        // Both at once: each is a round trip to KMS in the first request of an instance.
        let (signer, secret) = tokio::try_join!(self.signer(&state, now), self.secret(&state))?;
        state.signer = Some(Arc::clone(&signer));
        state.secret = Some(Arc::clone(&secret));
        Ok(Unsealed { signer, secret })
    }

    /// The public halves that verify now or will: the JWK set. It needs nothing of KMS.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store fails, [`KeyringError::NoSigningKey`] if there is none yet: an empty set
    /// would be remembered for longer than it is true.
    pub async fn public_keys(&self, now: Timestamp) -> Result<Vec<Jwk>, KeyringError> {
        let mut state = self.state.lock().await;
        self.refresh(&mut state, now).await?;
        let mut keys: Vec<Jwk> =
            state.keys.iter().filter(|key| key.window.verifies_at(now)).map(|key| key.jwk.clone()).collect();
        keys.sort_by(|a, b| a.key_id().cmp(b.key_id()));
        if keys.is_empty() { Err(KeyringError::NoSigningKey) } else { Ok(keys) }
    }

    /// Makes the key that is due, if one is, and the service secret, if there is none. Gives back the new key's id. The
    /// algorithm is that of the newest key. `random` becomes the service secret.
    ///
    /// # Errors
    /// [`KeyringError::Store`], [`KeyringError::Kms`] or [`KeyringError::Invalid`].
    pub async fn make_due(&self, now: Timestamp, random: &[u8; 32]) -> Result<Option<KeyId>, KeyringError> {
        self.make(now, random, None, signing_key::due).await
    }

    /// Makes a key that signs as soon as every cache has seen it, whether one is due or not. A successor that was
    /// published and has not signed yet gives way to it.
    ///
    /// # Errors
    /// [`KeyringError::Store`], [`KeyringError::Kms`] or [`KeyringError::Invalid`].
    pub async fn make_now(
        &self,
        now: Timestamp,
        random: &[u8; 32],
        algorithm: Option<Algorithm>,
    ) -> Result<Option<KeyId>, KeyringError> {
        let made = self.make(now, random, algorithm, |keys, now| Some(signing_key::forced(keys, now))).await?;
        if let Some(made) = &made {
            for key in self.store.signing_keys().await?.keys {
                if key.window.signs_from > now && key.jwk.key_id() != made {
                    self.store.remove_signing_key(key.jwk.key_id()).await?;
                }
            }
        }
        Ok(made)
    }

    async fn make(
        &self,
        now: Timestamp,
        random: &[u8; 32],
        algorithm: Option<Algorithm>,
        plan: impl Fn(&[SigningKey], Timestamp) -> Option<Window>,
    ) -> Result<Option<KeyId>, KeyringError> {
        let stored = self.store.signing_keys().await?;
        if stored.sealed_secret.is_none() {
            let sealed = self.kms.seal(SECRET_KID, random).await?;
            // Whoever comes second leaves the first one's secret alone.
            let _ = self.store.add_service_secret(&sealed).await?;
        }
        if let Some(key) = stored.keys.iter().max_by_key(|key| key.created)
            && key.created.since(now) > SKEW
        {
            let (kid, seconds) = (key.jwk.key_id().as_str(), key.created.since(now).as_secs());
            tracing::warn!(
                kid,
                seconds,
                "a key was made by a clock that is ahead of this one: is one of the two wrong?"
            );
        }
        let Some(window) = plan(&stored.keys, now) else { return Ok(None) };
        let chain = signing_key::chain(&stored.keys, now);
        let newest = chain.last().copied().or_else(|| stored.keys.iter().max_by_key(|key| key.window.signs_from));
        let algorithm = algorithm.or(newest.map(|key| key.jwk.algorithm())).unwrap_or(Algorithm::Es256);
        let kid = KeyId::made_at(now);
        let KeyMaterial { private, jwk } = KeyMaterial::generate(kid.clone(), algorithm)?;
        let sealed = self.kms.seal(kid.as_str(), &private).await?;
        let key = SigningKey { jwk, sealed, created: now, window };
        Ok(match self.store.add_signing_key(&key, stored.latest.as_deref()).await? {
            Added::Added => Some(kid),
            Added::Exists => None,
        })
    }

    /// Removes a key. Tells whether it was there.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store fails.
    pub async fn revoke(&self, kid: &KeyId) -> Result<bool, KeyringError> {
        Ok(self.store.remove_signing_key(kid).await?)
    }

    /// All stored keys, oldest first.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store fails.
    pub async fn stored(&self) -> Result<Vec<SigningKey>, KeyringError> {
        let mut keys = self.store.signing_keys().await?.keys;
        keys.sort_by_key(|key| key.created);
        Ok(keys)
    }

    /// All that the table of keys holds, what is malformed included.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store fails.
    pub async fn stored_items(&self) -> Result<StoredKeys, KeyringError> {
        Ok(self.store.signing_keys().await?)
    }

    async fn refresh(&self, state: &mut State, now: Timestamp) -> Result<(), KeyringError> {
        // Requests that waited for one read have come before it, so what is in memory can be younger than they are.
        let is_fresh = |read_at: Timestamp| now.distance(read_at) < KEYS_MAX_AGE;
        // Without a signer the store is asked every time: what is missing may have been made by now.
        if state.read_at.is_some_and(is_fresh) && signing_key::signer(&state.keys, now).is_some() {
            return Ok(());
        }
        let stored = self.store.signing_keys().await?;
        (state.keys, state.sealed_secret) = (stored.keys, stored.sealed_secret);
        state.read_at = Some(now);
        Ok(())
    }

    async fn signer(&self, state: &State, now: Timestamp) -> Result<Arc<Signer>, KeyringError> {
        let key = signing_key::signer(&state.keys, now).ok_or(KeyringError::NoSigningKey)?;
        let (kid, algorithm) = (key.jwk.key_id(), key.jwk.algorithm());
        if let Some(signer) = state.signer.as_ref().filter(|signer| signer.kid == *kid) {
            return Ok(Arc::clone(signer));
        }
        let private = self.kms.unseal(kid.as_str(), &key.sealed).await?;
        Ok(Arc::new(Signer { kid: kid.clone(), algorithm, key: signing_key::signing(&key.jwk, &private)? }))
    }

    async fn secret(&self, state: &State) -> Result<Arc<ServiceSecret>, KeyringError> {
        if let Some(secret) = &state.secret {
            return Ok(Arc::clone(secret));
        }
        let sealed = state.sealed_secret.as_ref().ok_or(KeyringError::NoSecret)?;
        let secret = self.kms.unseal(SECRET_KID, sealed).await?;
        Ok(Arc::new(ServiceSecret::new(&secret)))
    }
}
