//! The operations of the service: one file each, or one for those that share their work. No HTTP here.

mod account;
mod attempts;
mod check_in;
mod factor;
mod keys;
mod log_on;
mod proof;
mod recovery;
mod sessions;

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use crate::{
    causes::Causes,
    domain::{
        account::{Account, Email, Name, Role},
        details::BadDetails,
        factor::{RECOVERY_CODE_BYTES, RECOVERY_CODES, SECRET_BYTES},
        ids::hexadecimal,
        password::{Hasher, SALT_BYTES, UnusableHash, policy::Unfit},
        secret::SealNonce,
        session::Session,
        signing_key::Jwk,
        throttle::{BucketKey, Paces},
        time::Timestamp,
        token::{CannotSign, Claims, Token, TokenRules},
    },
    platform::{
        journal::Times,
        store::{Store, StoreError},
    },
    service::keyring::{Keyring, KeyringError, Signer},
};
use attempts::Attempts;
pub use factor::BegunFactor;
pub use keys::MadeKey;
pub use sessions::{EndedOthers, ListedSession};

/// What the operations work with.
pub struct Operations {
    store: Store,
    keyring: Keyring,
    hasher: Arc<Hasher>,
    tokens: TokenRules,
    paces: Paces,
    attempts: Attempts,
    /// Whether there is anybody who sends mails.
    sends_mail: bool,
}

/// Where a credential comes from.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its address, as the gateway saw it.
    pub address: &'a str,
    /// What it calls itself: its header `User-Agent`.
    pub agent: &'a str,
    /// What it shows to be a known device.
    pub devices: &'a [&'a str],
}

/// Random bytes for one operation, drawn whether they are used or not.
#[derive(Clone)]
pub struct Fresh {
    /// For the ids of a new session: one for each of two tries to write it.
    pub sids: [[u8; 16]; 2],
    /// For a token id.
    pub jti: [u8; 16],
    /// For the salt of a new password hash.
    pub salt: [u8; SALT_BYTES],
    /// For the id of a new device.
    pub device: [u8; 16],
    /// For the id of a new access key.
    pub key_id: [u8; 16],
    /// For the secret of a new access key.
    pub key_secret: Zeroizing<[u8; 32]>,
    /// For the id of a mail.
    pub mail: [u8; 16],
    /// For the secret of a second factor.
    pub totp: Zeroizing<[u8; SECRET_BYTES]>,
    /// To seal it with.
    pub seal: SealNonce,
    /// For recovery codes.
    pub recovery: Zeroizing<[[u8; RECOVERY_CODE_BYTES]; RECOVERY_CODES]>,
}

/// What came of an operation that checks a credential, with what the journal tells of it.
#[must_use]
pub struct Outcome<T> {
    /// What is answered.
    pub result: Result<T, Refusal>,
    /// The keyed hash of the email, if it got that far.
    pub account: Option<BucketKey>,
    /// How long its parts took.
    pub times: Times,
}

impl<T> Outcome<T> {
    /// Refused before there was anything to tell.
    fn early(refusal: Refusal) -> Self {
        Self { result: Err(refusal), account: None, times: Times::default() }
    }
}

/// A new token, and what its answer tells.
pub struct Issued {
    /// The token.
    pub token: Token,
    /// The account's email as it was registered.
    pub email: String,
    /// What the person is called.
    pub name: Name,
    /// The name of the account's role, if it has one.
    pub role: Option<Role>,
    /// How long the token lives.
    pub life: Duration,
    /// The cookie value that makes the device a known one, where its owner gave the password.
    pub device: Option<String>,
}

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Email and password are not those of an account that may log on, or, to confirm, not those of the session's own
    /// account. Clients hear the same of each.
    #[error("{}", .0.reason())]
    Mismatch(Mismatch),
    /// To change the password: the present one is another.
    #[error("{}", .0.reason())]
    WrongPassword(Mismatch),
    /// The new password cannot be one.
    #[error(transparent)]
    Unfit(Unfit),
    /// The account details cannot be changed so.
    #[error(transparent)]
    BadDetails(BadDetails),
    /// The account has as many access keys as it may have.
    #[error("too many access keys")]
    TooManyKeys,
    /// The account has a second factor, and no code came.
    #[error("no code")]
    CodeNeeded,
    /// The code is wrong, or was used.
    #[error("wrong code")]
    WrongCode,
    /// The account has no second factor, or has begun none.
    #[error("no second factor")]
    NoFactor,
    /// The link has expired, was used, or never was one.
    #[error("no such link")]
    BadLink,
    /// The account has nothing of this id.
    #[error("no such id")]
    NotFound,
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

/// Why a credential is refused. The journal tells; clients never hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// No account has the email.
    UnknownEmail,
    /// The account is disabled.
    DisabledAccount,
    /// The account has no password.
    NoPassword,
    /// The password is another one.
    WrongPassword,
    /// The account has no such access key.
    UnknownKey,
    /// The access key has expired.
    ExpiredKey,
    /// The access key's secret is another one.
    WrongKey,
    /// To confirm: the credential is another account's.
    AnotherAccount,
}

impl Mismatch {
    /// Its name in the journal.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::UnknownEmail => "unknown email",
            Self::DisabledAccount => "disabled account",
            Self::NoPassword => "no password",
            Self::WrongPassword => "wrong password",
            Self::UnknownKey => "unknown access key",
            Self::ExpiredKey => "expired access key",
            Self::WrongKey => "wrong access key",
            Self::AnotherAccount => "another account",
        }
    }
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
    /// The second factor of an account: its secret was sealed with another service secret than the present one.
    #[error("the second factor of an account does not open; `jea-auth doctor` tells more")]
    Factor,
    /// AWS-LC sealed nothing.
    #[error("the secret of a second factor could not be sealed")]
    Seal,
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
    pub fn new(store: Store, keyring: Keyring, tokens: TokenRules, paces: Paces, sends_mail: bool) -> Self {
        Self { store, keyring, hasher: Arc::default(), tokens, paces, attempts: Attempts::default(), sends_mail }
    }

    /// Does before the first request what that one would wait for: opens as many connections as a log-on uses at once,
    /// unseals the keys, and tries the engine of the hash. What fails here is tried again by the request that needs it.
    pub async fn warm_up(&self, now: Timestamp) {
        let (no_email, hasher) = (Email::canonical(""), Arc::clone(&self.hasher));
        let (keys, one, two, hash) = tokio::join!(
            self.keyring.unsealed(now),
            self.store.account(&no_email),
            self.store.account(&no_email),
            tokio::task::spawn_blocking(move || hasher.warm_up()),
        );
        let failed = keys.map(drop).err().map(Unavailable::from);
        let failed = failed.or_else(|| one.and(two).err().map(Unavailable::from));
        if let Some(error) = failed.or_else(|| hash.err().map(Unavailable::from)) {
            tracing::warn!(error = %Causes(&error), "not warmed up");
        }
    }

    /// The public keys that verify our tokens.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn public_keys(&self, now: Timestamp) -> Result<Vec<Jwk>, Refusal> {
        Ok(self.keyring.public_keys(now).await?)
    }

    fn issue(
        &self,
        session: &Session,
        account: &Account,
        signer: &Signer,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Issued, Refusal> {
        let claims = Claims {
            iss: self.tokens.issuer.as_str().to_owned(),
            aud: self.tokens.audience.clone(),
            sub: session.sub.clone(),
            sid: session.sid.clone(),
            jti: hexadecimal(&fresh.jti),
            iat: now.seconds(),
            exp: session.expires_at.seconds(),
            auth_time: session.auth_time.seconds(),
        };
        let token = Token::sign(&claims, &signer.kid, signer.algorithm, &signer.key).map_err(Unavailable::from)?;
        let life = Duration::from_secs(claims.exp.saturating_sub(claims.iat));
        let (email, name, role) = (session.email.clone(), account.name.clone(), account.role.clone());
        Ok(Issued { token, email, name, role, life, device: None })
    }
}
