//! Making and revoking signing keys.

use std::time::Duration;

use crate::{
    domain::{
        signing_key::{self, Algorithm, InvalidKey, KeyId, KeyMaterial, SKEW, SigningKey, Window},
        time::Timestamp,
    },
    platform::{
        kms::{Kms, KmsError},
        store::{Added, SECRET_KID, Store, StoreError, StoredKeys},
    },
};

/// The stored keys of one stack.
pub struct Rotation {
    /// The tables.
    pub store: Store,
    /// Seals private keys.
    pub kms: Kms,
}

/// A key could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// KMS failed.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// AWS-LC made no key pair.
    #[error(transparent)]
    Invalid(#[from] InvalidKey),
}

impl Rotation {
    /// Makes the key that is due, if one is, and the service secret, if there is none. Gives back the new key's id. The
    /// algorithm is that of the newest key. `random` becomes the service secret.
    ///
    /// # Errors
    /// [`RotationError::Store`], [`RotationError::Kms`] or [`RotationError::Invalid`].
    pub async fn make_due(&self, now: Timestamp, random: &[u8; 32]) -> Result<Option<KeyId>, RotationError> {
        self.make(now, random, None, signing_key::due).await
    }

    /// Makes a key that signs when it has been published for `ahead`, or at once if nothing signs, whether one is due
    /// or not. A successor that was published and has not signed yet gives way to it.
    ///
    /// # Errors
    /// [`RotationError::Store`], [`RotationError::Kms`] or [`RotationError::Invalid`].
    pub async fn make_now(
        &self,
        now: Timestamp,
        random: &[u8; 32],
        algorithm: Option<Algorithm>,
        ahead: Duration,
    ) -> Result<Option<KeyId>, RotationError> {
        let plan = |keys: &[SigningKey], now| Some(signing_key::forced(keys, now, ahead));
        let made = self.make(now, random, algorithm, plan).await?;
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
    ) -> Result<Option<KeyId>, RotationError> {
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
    /// [`RotationError::Store`] if the store fails.
    pub async fn revoke(&self, kid: &KeyId) -> Result<bool, RotationError> {
        Ok(self.store.remove_signing_key(kid).await?)
    }

    /// All that the table of keys holds, keys oldest first, what is malformed included.
    ///
    /// # Errors
    /// [`RotationError::Store`] if the store fails.
    pub async fn stored(&self) -> Result<StoredKeys, RotationError> {
        let mut stored = self.store.signing_keys().await?;
        stored.keys.sort_by_key(|key| key.created);
        Ok(stored)
    }
}
