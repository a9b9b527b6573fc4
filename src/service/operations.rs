//! The operations of the service: one file each, or one for those that share their work. No HTTP here.

mod account;
mod attempts;
mod check_in;
mod email;
mod factor;
mod keys;
mod log_on;
mod passkeys;
mod proof;
mod recovery;
mod sessions;

use std::{sync::Arc, time::Duration};

use crate::{
    causes::Causes,
    domain::{
        account::{Account, Email, Name, Role},
        details::BadDetails,
        device::Device,
        enrolment::RequireFactor,
        ids::hexadecimal,
        password::{Hasher, UnusableHash, policy::Unfit},
        random::Random,
        session::Session,
        signing_key::Jwk,
        throttle::{BucketKey, Paces},
        time::Timestamp,
        token::{CannotSign, Claims, Token, TokenRules},
        webauthn::{CeremonyError, NotAdded, RelyingParty},
    },
    platform::{
        journal::Times,
        store::{Store, StoreError},
    },
    service::keyring::{Keyring, KeyringError, Unsealed},
};
pub use account::PasswordChange;
use attempts::Attempts;
pub use email::EmailConfirmed;
pub use factor::BegunFactor;
pub use keys::{MadeKey, NewKey};
pub use log_on::{Amends, Credential};
pub use passkeys::{AddedPasskey, BegunPasskey};
pub use recovery::NewPasswordByLink;
pub use sessions::{EndedOthers, ListedSession};

/// What the operations work with.
pub struct Operations {
    store: Store,
    keyring: Keyring,
    hasher: Arc<Hasher>,
    rules: Rules,
    random: Random,
    attempts: Attempts,
}

/// What an operator has chosen.
#[derive(Clone)]
pub struct Rules {
    /// What stands in tokens, and how long they live.
    pub tokens: TokenRules,
    /// How often a password may be tried.
    pub paces: Paces,
    /// Whose accounts must have a second factor.
    pub require_factor: RequireFactor,
    /// Who passkeys are for, if there are any.
    pub passkeys: Option<RelyingParty>,
    /// Whether there is anybody who sends mails.
    pub sends_mail: bool,
}

/// Where a credential comes from.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    /// Its address, as the gateway saw it.
    pub address: &'a str,
    /// What it calls itself: its header `User-Agent`.
    pub agent: &'a str,
    /// What it shows to be a known device.
    pub devices: Vec<&'a str>,
}

/// What an operation works with that looks at an attempt, seals, signs or draws random bytes, beside what it is asked
/// for.
pub struct Context<'a> {
    /// Where the request comes from.
    client: Client<'a>,
    /// The keys of this moment.
    keys: Unsealed,
    /// The time of the request, which is one for all that the operation does.
    now: Timestamp,
    random: Random,
}

impl Context<'_> {
    /// The bucket of the client's address.
    fn address_bucket(&self) -> BucketKey {
        BucketKey::address(&self.keys.secret, self.client.address)
    }

    /// The cookie value that makes a device a known one of an account's present generation: the one that it was
    /// before, if it was one, or a new one.
    fn device_of(&self, account: &Account, known: Option<&Device>) -> String {
        let id = known.map_or_else(|| self.random.bytes(), |device| device.id);
        Device::of(account, id).cookie(&self.keys.secret, &account.email, self.now)
    }
}

/// What came of an operation that checks a password, with what the journal tells of it.
#[must_use]
pub struct Outcome<T> {
    /// What is answered.
    pub result: Result<T, Refusal>,
    /// What the journal tells.
    pub told: Told,
}

/// What the journal tells of a request, beside what was asked for and answered.
#[derive(Clone, Default)]
pub struct Told {
    /// The keyed hash of the email, if a password got as far as being compared.
    pub account: Option<BucketKey>,
    /// How long the parts of that took.
    pub times: Times,
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
    /// The code is wrong.
    #[error("wrong code")]
    WrongCode,
    /// The code was right, and was used already.
    #[error("used code")]
    UsedCode,
    /// The password is right, and must be changed: another one has to come with it.
    #[error("the password must be changed")]
    ChangeNeeded,
    /// The account must have a second factor: it has none, or this would remove it.
    #[error("a second factor is required")]
    FactorRequired,
    /// The account has no second factor, or has begun none.
    #[error("no second factor")]
    NoFactor,
    /// What came of a passkey's making is not what it should be.
    #[error("passkey not registered: {0}")]
    BadPasskey(CeremonyError),
    /// The account cannot have the passkey.
    #[error(transparent)]
    PasskeyNotAdded(NotAdded),
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
    /// No account has the passkey.
    UnknownPasskey,
    /// The challenge was used already, or has expired.
    OldChallenge,
    /// Something else is wrong with what a passkey's use has brought.
    WrongPasskey,
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
            Self::UnknownPasskey => "unknown passkey",
            Self::OldChallenge => "old challenge",
            Self::WrongPasskey => "wrong passkey",
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
    pub fn new(store: Store, keyring: Keyring, rules: Rules, random: Random) -> Self {
        Self { store, keyring, hasher: Arc::default(), rules, random, attempts: Attempts::default() }
    }

    /// What an operation works with for a request of `client` at `now`.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] without keys.
    pub async fn context<'a>(&self, client: Client<'a>, now: Timestamp) -> Result<Context<'a>, Refusal> {
        Ok(Context { client, keys: self.keyring.unsealed(now).await?, now, random: self.random })
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

    fn issue(&self, session: &Session, account: &Account, context: &Context<'_>) -> Result<Issued, Refusal> {
        let (signer, now) = (&context.keys.signer, context.now);
        let claims = Claims {
            iss: self.rules.tokens.issuer.as_str().to_owned(),
            aud: self.rules.tokens.audience.clone(),
            sub: session.sub.clone(),
            sid: session.sid.clone(),
            jti: hexadecimal(&context.random.bytes::<16>()),
            iat: now.seconds(),
            exp: session.expires_at.seconds(),
            auth_time: session.auth_time.seconds(),
        };
        let token = Token::sign(&claims, &signer.kid, &signer.key).map_err(Unavailable::from)?;
        let life = Duration::from_secs(claims.exp.saturating_sub(claims.iat));
        let (email, name, role) = (session.email.clone(), account.name.clone(), account.role.clone());
        Ok(Issued { token, email, name, role, life, device: None })
    }
}
