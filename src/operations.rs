//! The operations of the service: log on, check in, log off, confirm, account details. No HTTP here.

mod attempts;
mod log_on;

use std::{sync::Arc, time::Duration};

use crate::{
    account::{Account, Email, Status},
    carrier::Carrier,
    causes::Causes,
    keyring::{Keyring, KeyringError, Signer},
    password::{Hasher, SALT_BYTES, UnusableHash},
    session::Session,
    signing_key::Jwk,
    store::{Store, StoreError},
    throttle::Paces,
    time::Timestamp,
    token::{CannotSign, Claims, Expected, Token},
};
use attempts::Attempts;
pub use log_on::SessionIds;

/// No account has this email.
const NOBODY: &str = "nobody";

/// What the operations work with.
pub struct Operations {
    store: Store,
    keyring: Keyring,
    hasher: Arc<Hasher>,
    tokens: Expected,
    paces: Paces,
    attempts: Attempts,
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its address, as the gateway saw it.
    pub address: &'a str,
    /// What it shows to be a known device.
    pub devices: &'a [&'a str],
}

/// Random bytes for one operation, drawn whether they are used or not.
#[derive(Clone)]
pub struct Fresh {
    /// For session ids.
    pub sids: SessionIds,
    /// For a token id.
    pub jti: [u8; 16],
    /// For the salt of a new password hash.
    pub salt: [u8; SALT_BYTES],
    /// For the id of a new device.
    pub device: [u8; 16],
}

/// What is noted of a log-on on its way, for the journal. Clients never hear of it.
#[derive(Debug, Default)]
pub struct Notes {
    /// The keyed hash of the email.
    pub account: Option<String>,
    /// Why it was refused.
    pub reason: Option<&'static str>,
    /// How long the password hash took.
    pub hash: Option<Duration>,
    /// How long the store took.
    pub store: Option<Duration>,
}

/// Who a request comes from, as the authorizer found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's opaque id.
    pub sub: String,
    /// The session's id.
    pub sid: String,
    /// The account's email as it was registered.
    pub email: String,
    /// When the password was given.
    pub auth_time: Timestamp,
    /// The generation of the account in which the session was opened.
    pub generation: u64,
    /// How the token came.
    pub carrier: Carrier,
}

impl Identity {
    /// Whether its session is one of this account, as the account is now.
    fn is_of(&self, account: &Account) -> bool {
        account.sub == self.sub && account.generation == self.generation && account.status == Status::Active
    }
}

/// A new token and the session that it belongs to.
pub struct Issued {
    /// The token.
    pub token: Token,
    /// Its session.
    pub session: Session,
    /// How long the token lives.
    pub life: Duration,
    /// The cookie value that makes the device a known one; after a log-on.
    pub device: Option<String>,
}

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Email and password are not those of an account that may log on, or, to confirm, not those of the session's
    /// own account.
    #[error("no matching email and password")]
    Mismatch,
    /// Too many tries.
    #[error("too many attempts; next one in {0:?}")]
    Throttled(Duration),
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// Something that the service depends on failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What failed that the service depends on.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The signing key.
    #[error(transparent)]
    Sign(#[from] CannotSign),
    /// The password hash.
    #[error(transparent)]
    Hash(#[from] UnusableHash),
    /// The thread that computed the password hash.
    #[error("the password hash was not computed")]
    Thread(#[from] tokio::task::JoinError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<KeyringError> for Refusal {
    fn from(error: KeyringError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Operations {
    /// Operations on `store`, with keys of `keyring`.
    #[must_use]
    pub fn new(store: Store, keyring: Keyring, tokens: Expected, paces: Paces) -> Self {
        Self { store, keyring, hasher: Arc::default(), tokens, paces, attempts: Attempts::default() }
    }

    /// Does before the first request what that one would wait for: opens as many connections as a log-on uses at once,
    /// unseals the keys, and tries the engine of the hash. What fails here is tried again by the request that needs it.
    pub async fn warm_up(&self, now: Timestamp) {
        let (nobody, hasher) = (Email::canonical(NOBODY), Arc::clone(&self.hasher));
        let (keys, one, two, hash) = tokio::join!(
            self.keyring.unsealed(now),
            self.store.account(&nobody),
            self.store.account(&nobody),
            tokio::task::spawn_blocking(move || hasher.warm_up()),
        );
        let failed = keys.map(drop).err().map(Unavailable::from);
        let failed = failed.or_else(|| one.and(two).err().map(Unavailable::from));
        if let Some(error) = failed.or_else(|| hash.err().map(Unavailable::from)) {
            tracing::warn!(error = %Causes(&error), "not warmed up");
        }
    }

    /// Renews a session: a new token, and an end that lies as far ahead as the token's.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn check_in(&self, identity: &Identity, now: Timestamp, fresh: &Fresh) -> Result<Issued, Refusal> {
        let (keys, account) = tokio::join!(self.keyring.unsealed(now), self.account(identity));
        self.renew(identity, &account?, &keys?.signer, now, fresh).await
    }

    /// Ends a session. One that is gone already is as the caller wants it: this request may have ended it itself, if the
    /// first answer to it was lost and it was sent again.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn log_off(&self, identity: &Identity) -> Result<(), Refusal> {
        self.store.end_session(&identity.sub, &identity.sid).await?;
        Ok(())
    }

    /// The account of a session, as it is now. The authorizer asks for the session alone; so every operation on an account
    /// asks here whether the session still counts. From the moment an account is disabled, changed or deleted no operation
    /// succeeds, however long it takes to delete the account's sessions.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] if the account is gone, disabled or of another generation than the session, or
    /// [`Refusal::Unavailable`].
    pub async fn account(&self, identity: &Identity) -> Result<Account, Refusal> {
        let account = self.store.account(&Email::canonical(&identity.email)).await?;
        account.filter(|account| identity.is_of(account)).ok_or(Refusal::SessionEnded)
    }

    /// The public keys that verify our tokens.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn public_keys(&self, now: Timestamp) -> Result<Vec<Jwk>, Refusal> {
        Ok(self.keyring.public_keys(now).await?)
    }

    async fn renew(
        &self,
        identity: &Identity,
        account: &Account,
        signer: &Signer,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Issued, Refusal> {
        let expires_at = self.tokens.lifetimes.token_expiry(identity.auth_time, now);
        if expires_at.seconds() <= now.seconds() {
            return Err(Refusal::SessionEnded);
        }
        let session = self.store.extend_session(account, &identity.sid, now, expires_at).await?;
        self.issue(session.ok_or(Refusal::SessionEnded)?, signer, now, fresh)
    }

    fn issue(&self, session: Session, signer: &Signer, now: Timestamp, fresh: &Fresh) -> Result<Issued, Refusal> {
        let claims = Claims {
            iss: self.tokens.issuer.clone(),
            aud: self.tokens.audience.clone(),
            sub: session.sub.clone(),
            sid: session.sid.clone(),
            jti: id(&fresh.jti),
            iat: now.seconds(),
            exp: session.expires_at.seconds(),
            auth_time: session.auth_time.seconds(),
        };
        let token = Token::sign(&claims, &signer.kid, signer.algorithm, &signer.key).map_err(Unavailable::from)?;
        let life = Duration::from_secs(claims.exp.saturating_sub(claims.iat));
        Ok(Issued { token, session, life, device: None })
    }
}

/// An opaque id of 128 random bits, in hexadecimal digits: base64url is shorter, but one in 64 begins with a hyphen,
/// and on a command line that is an option.
#[must_use]
pub fn id(random: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*random))
}
