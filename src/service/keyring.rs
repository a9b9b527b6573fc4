//! The keys of the log-on function: read from the store, unsealed once, and held in memory.

use std::{sync::Arc, time::Duration};

use tokio::sync::Mutex;

use crate::{
    domain::{
        secret::ServiceSecret,
        signing_key::{self, InvalidKey, Jwk, KeyId, PrivateKey, SigningKey},
        time::Timestamp,
    },
    platform::{
        kms::{Kms, KmsError},
        store::{SECRET_KID, Store, StoreError},
    },
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
    /// The private half.
    pub key: PrivateKey,
}

/// What a log-on needs of the keys.
#[derive(Clone)]
pub struct Unsealed {
    /// Signs tokens.
    pub signer: Arc<Signer>,
    /// Keys the hashes of emails, and seals second factors.
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
    /// What KMS opened is not the private half of the key.
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

    /// The service secret alone.
    ///
    /// # Errors
    /// [`KeyringError::Store`], [`KeyringError::Kms`] or [`KeyringError::NoSecret`].
    pub async fn service_secret(&self, now: Timestamp) -> Result<Arc<ServiceSecret>, KeyringError> {
        let mut state = self.state.lock().await;
        self.refresh(&mut state, now).await?;
        self.secret(&state).await
    }

    /// The public halves that verify now or will, the one that signs first: the JWK set. It needs nothing of KMS.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store fails, [`KeyringError::NoSigningKey`] if there is none yet: an empty set
    /// would be remembered for longer than it is true.
    pub async fn public_keys(&self, now: Timestamp) -> Result<Vec<Jwk>, KeyringError> {
        let mut state = self.state.lock().await;
        self.refresh(&mut state, now).await?;
        let keys: Vec<Jwk> = signing_key::published(&state.keys, now).into_iter().map(|key| key.jwk.clone()).collect();
        if keys.is_empty() { Err(KeyringError::NoSigningKey) } else { Ok(keys) }
    }

    async fn refresh(&self, state: &mut State, now: Timestamp) -> Result<(), KeyringError> {
        // A request that waited while another one read has an older `now` than that read: then `read_at` lies ahead,
        // and the keys are as fresh as can be.
        let is_fresh = |read_at: Timestamp| now.distance(read_at) < KEYS_MAX_AGE;
        // While no key signs, each request reads the store again: an operator or the rotator may have made a key since.
        if state.read_at.is_some_and(is_fresh) && signing_key::signs_now(&state.keys, now).is_some() {
            return Ok(());
        }
        let stored = self.store.signing_keys().await?;
        (state.keys, state.sealed_secret) = (stored.keys, stored.sealed_secret);
        state.read_at = Some(now);
        Ok(())
    }

    async fn signer(&self, state: &State, now: Timestamp) -> Result<Arc<Signer>, KeyringError> {
        let key = signing_key::signs_now(&state.keys, now).ok_or(KeyringError::NoSigningKey)?;
        let kid = key.jwk.key_id();
        if let Some(signer) = state.signer.as_ref().filter(|signer| signer.kid == *kid) {
            return Ok(Arc::clone(signer));
        }
        let private = self.kms.unseal(kid.as_str(), &key.sealed).await?;
        Ok(Arc::new(Signer { kid: kid.clone(), key: PrivateKey::of(&key.jwk, &private)? }))
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
