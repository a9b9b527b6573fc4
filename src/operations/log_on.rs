//! The operations that check a password.

use std::{sync::Arc, time::Duration};

use super::{Client, Fresh, Identity, Issued, Notes, Operations, Refusal, Unavailable, id};
use crate::{
    account::{Account, Email, Status},
    causes::Causes,
    credential::Credential,
    device::Device,
    journal::Stopwatch,
    keyring::Unsealed,
    password::{Password, PasswordHash, Verification},
    secret::ServiceSecret,
    session::Session,
    store::StoreError,
    throttle::{BucketKey, Taken},
    time::Timestamp,
};

/// How often a log-on begins: once more if its account changed while it ran.
const TRIES: usize = 2;
/// Random bytes of session ids: for each time that a log-on begins, one for each of two tries to write a session.
pub type SessionIds = [[[u8; 16]; 2]; TRIES];

/// An account whose password was given.
struct Verified {
    account: Account,
    /// A hash of the password with the current parameters, if the account's has others.
    stronger: Option<PasswordHash>,
    keys: Unsealed,
    given_back: GivenBack,
    device: Option<Device>,
}

/// What a right password puts back, by bucket.
type GivenBack = Vec<(BucketKey, Duration)>;

impl Operations {
    /// Opens a session for whoever knows the password: one round trip for attempts and account, one hash, one round trip to
    /// write the session, and one to look at the account again.
    ///
    /// No transaction holds the account and the session together. Instead each side writes first and then looks: a log-on
    /// writes its session, then reads the account; whatever ends an account's sessions raises its generation, then reads its
    /// sessions. All of these are single writes and consistent reads, so whichever side comes second sees the other. If
    /// it dies in between, a session stays that nobody has a token of, until it expires.
    ///
    /// # Errors
    /// [`Refusal::Mismatch`], [`Refusal::Throttled`] or [`Refusal::Unavailable`].
    pub async fn log_on(
        &self,
        credential: Credential,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
        notes: &mut Notes,
    ) -> Result<Issued, Refusal> {
        let Credential { email, password } = credential;
        let password = Arc::new(password);
        for sids in &fresh.sids {
            let verified = self.verify(&email, &password, client, now, fresh, notes).await?;
            let watch = Stopwatch::start();
            let (session, ()) =
                tokio::join!(self.open_session(&verified.account, now, sids), self.give_back(&verified.given_back));
            let session = session?;
            // While DynamoDB is asked, the token is made that is given away only after its answer.
            let (unchanged, issued) = tokio::join!(self.is_unchanged(&verified), async {
                let Verified { keys, device, account, .. } = &verified;
                let id = device.as_ref().map_or(fresh.device, |device| device.id);
                let device = Device { id, sub: account.sub.clone(), generation: account.generation };
                let issued = self.issue(session.clone(), &keys.signer, now, fresh)?;
                Ok::<_, Refusal>(Issued { device: Some(device.cookie(&keys.secret, &email, now)), ..issued })
            });
            notes.store = notes.store.map(|before| before.saturating_add(watch.elapsed()));
            if matches!(unchanged, Ok(true)) {
                return issued;
            }
            // Nobody has a token of it, and no check-in would renew it: a failure to delete it harms nobody.
            if let Err(error) = self.store.end_session(&session.sub, &session.sid).await {
                tracing::warn!(
                    error = %Causes(&error),
                    "a session without a token stays until it expires"
                );
            }
            unchanged?;
        }
        notes.reason = Some("account changed");
        Err(Refusal::Mismatch)
    }

    /// Renews a session whose user gives the password once more.
    ///
    /// # Errors
    /// [`Refusal::Mismatch`] if the credential is not that of the session's own account, [`Refusal::Throttled`],
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn confirm(
        &self,
        credential: Credential,
        identity: &Identity,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
        notes: &mut Notes,
    ) -> Result<Issued, Refusal> {
        let Credential { email, password } = credential;
        let verified = self.verify(&email, &Arc::new(password), client, now, fresh, notes).await?;
        if verified.account.sub != identity.sub {
            notes.reason = Some("another account");
            return Err(Refusal::Mismatch);
        }
        // The password was right, whatever becomes of the session.
        self.give_back(&verified.given_back).await;
        if !identity.is_of(&verified.account) {
            return Err(Refusal::SessionEnded);
        }
        self.renew(identity, &verified.account, &verified.keys.signer, now, fresh).await
    }

    /// Writes a session. Each try has an id of its own, so a copy of an earlier one that arrives late opens nothing: only the
    /// id whose write was acknowledged gets a token.
    async fn open_session(
        &self,
        account: &Account,
        now: Timestamp,
        [first, second]: &[[u8; 16]; 2],
    ) -> Result<Session, StoreError> {
        let session = |sid| Session {
            sub: account.sub.clone(),
            sid: id(sid),
            email: account.registered_email.clone(),
            name: account.name.clone(),
            role: account.role.clone(),
            auth_time: now,
            expires_at: self.tokens.lifetimes.token_expiry(now, now),
            generation: account.generation,
        };
        let (first, second) = (session(first), session(second));
        match self.store.add_session(&first).await {
            Ok(()) => Ok(first),
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "a session was not written at the first try");
                self.store.add_session(&second).await.map(|()| second)
            }
        }
    }

    /// The second look at the account, after the session is written: whether it is still the one whose password was
    /// compared, active, and no session of it has been ended since. The hash is not compared: other log-ons at the same
    /// moment may have replaced it by a stronger one of the same password, and a new password raises the generation.
    async fn is_unchanged(&self, verified: &Verified) -> Result<bool, StoreError> {
        let Verified { account: read, stronger, .. } = verified;
        let replaced = match (&read.password_hash, stronger) {
            (Some(weaker), Some(stronger)) => {
                self.store.strengthen(read, weaker, stronger).await.inspect_err(|error| {
                    tracing::warn!(error = %Causes(error), "an older hash was not replaced");
                })
            }
            (None, _) | (_, None) => Ok(None),
        };
        let account = match replaced {
            Ok(Some(account)) => Some(account),
            Ok(None) | Err(_) => self.store.account(&read.email).await?,
        };
        Ok(account.is_some_and(|account| {
            (&account.sub, account.status, account.generation) == (&read.sub, read.status, read.generation)
        }))
    }

    /// Takes the attempts, then compares. An unknown or disabled account costs the same calls and the same hash as a wrong
    /// password.
    async fn verify(
        &self,
        email: &Email,
        password: &Arc<Password>,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
        notes: &mut Notes,
    ) -> Result<Verified, Refusal> {
        let keys = self.keyring.unsealed(now).await?;
        notes.account = Some(BucketKey::account(&keys.secret, email).as_str().to_owned());
        let mut device = Device::known(client.devices, &keys.secret, email, now);
        let watch = Stopwatch::start();
        let (given_back, read) = if let Some(known) = &device {
            let (taken, read) = tokio::join!(self.take_for_device(known, &keys.secret, now), self.store.account(email));
            let read = read?;
            if read.as_ref().is_some_and(|account| known.is_of(account)) {
                (taken?, read)
            } else {
                // The cookie is of another generation, or of an account that is gone.
                device = None;
                (self.take_for_stranger(email, client.address, &keys.secret, now).await?, read)
            }
        } else {
            let stranger = self.take_for_stranger(email, client.address, &keys.secret, now);
            let (taken, read) = tokio::join!(stranger, self.store.account(email));
            (taken?, read?)
        };
        notes.store = Some(watch.elapsed());
        let refused = match &read {
            None => "unknown email",
            Some(account) if account.status == Status::Disabled => "disabled account",
            Some(account) if account.password_hash.is_none() => "no password",
            Some(_) => "wrong password",
        };
        let account = read.filter(|account| account.status == Status::Active);
        let stored = account.as_ref().and_then(|account| account.password_hash.clone());
        let watch = Stopwatch::start();
        let (verification, stronger) = self.compare(password, stored, fresh).await?;
        notes.hash = Some(watch.elapsed());
        match (verification, account) {
            (Verification::Match | Verification::MatchOutdated, Some(account)) => {
                Ok(Verified { account, stronger, keys, given_back, device })
            }
            (Verification::Mismatch, _) | (_, None) => {
                notes.reason = Some(refused);
                Err(Refusal::Mismatch)
            }
        }
    }

    /// Takes an attempt from the account's bucket and one from the address's.
    async fn take_for_stranger(
        &self,
        email: &Email,
        address: &str,
        secret: &ServiceSecret,
        now: Timestamp,
    ) -> Result<GivenBack, Refusal> {
        let paces = self.paces;
        let (account, address) = (BucketKey::account(secret, email), BucketKey::address(secret, address));
        let known_wait = self.attempts.known_wait(&account, now).max(self.attempts.known_wait(&address, now));
        if !known_wait.is_zero() {
            return Err(Refusal::Throttled(known_wait));
        }
        let (of_account, of_address) = tokio::join!(
            self.attempts.take(&self.store, &account, paces.account, now),
            self.attempts.take_address(&self.store, &address, paces.address, now),
        );
        match (of_account?, of_address) {
            (Ok(of_account), Ok(of_address)) => Ok(vec![
                (account, paces.account.given_back_by_success(of_account)),
                (address, paces.address.given_back_to_address(of_address, now)),
            ]),
            (of_account, of_address) => {
                let wait = |taken: Result<Taken, Duration>| taken.err().unwrap_or_default();
                Err(Refusal::Throttled(wait(of_account).max(wait(of_address))))
            }
        }
    }

    /// Takes an attempt from a known device's bucket, and none from the address's: strangers behind the same address do not
    /// keep the owner out.
    async fn take_for_device(
        &self,
        device: &Device,
        secret: &ServiceSecret,
        now: Timestamp,
    ) -> Result<GivenBack, Refusal> {
        let pace = self.paces.account;
        let bucket = BucketKey::device(secret, device.id, &device.sub, device.generation);
        let taken = self.attempts.take(&self.store, &bucket, pace, now).await?.map_err(Refusal::Throttled)?;
        Ok(vec![(bucket, pace.given_back_by_success(taken))])
    }

    async fn give_back(&self, all: &GivenBack) {
        for (bucket, by) in all {
            self.attempts.give_back(&self.store, bucket, *by).await;
        }
    }

    /// Computes the hash on a thread of its own, so that nothing else waits for it.
    async fn compare(
        &self,
        password: &Arc<Password>,
        stored: Option<PasswordHash>,
        fresh: &Fresh,
    ) -> Result<(Verification, Option<PasswordHash>), Unavailable> {
        let (hasher, password, salt) = (Arc::clone(&self.hasher), Arc::clone(password), fresh.salt);
        let computed = tokio::task::spawn_blocking(move || match hasher.verify(&password, stored.as_ref()) {
            Verification::MatchOutdated => {
                hasher.hash(&password, salt).map(|stronger| (Verification::MatchOutdated, Some(stronger)))
            }
            other @ (Verification::Match | Verification::Mismatch) => Ok((other, None)),
        });
        Ok(computed.await??)
    }
}
