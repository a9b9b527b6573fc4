//! The operations that check a password.

use std::sync::Arc;

use super::{Client, Fresh, Identity, Issued, Notes, Operations, Refusal, Unavailable, id};
use crate::{
    account::{Account, Email, Status},
    credential::Credential,
    device::Device,
    journal::Stopwatch,
    keyring::Unsealed,
    password::{Password, PasswordHash, Verification},
    session::Session,
    store::Opened,
    throttle::BucketKey,
    time::Timestamp,
};

/// How often a log-on starts over because its account changed while it ran: another log-on may have replaced the
/// hash by a stronger one of the same password.
const TRIES: u32 = 2;

/// An account whose password was given.
struct Verified {
    account: Account,
    /// A hash of the password with the current parameters, if the account's has others.
    stronger: Option<PasswordHash>,
    keys: Unsealed,
    /// Where the attempt was taken from: the account's bucket, or that of a known device.
    bucket: BucketKey,
    device: Option<Device>,
}

impl Operations {
    /// Opens a session for whoever knows the password: one round trip for attempts and account, one hash, one
    /// transaction.
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
        let mut generation = None;
        for _ in 0..TRIES {
            let verified = self.verify(&email, &password, client, now, fresh, notes).await?;
            // An operator ended the account's sessions since this log-on began: it is one of them.
            if *generation.get_or_insert(verified.account.generation) != verified.account.generation {
                break;
            }
            let session = Session {
                sub: verified.account.sub.clone(),
                sid: id(&fresh.sid),
                email: verified.account.registered_email.clone(),
                name: verified.account.name.clone(),
                role: verified.account.role.clone(),
                auth_time: now,
                expires_at: self.tokens.lifetimes.token_expiry(now, now),
            };
            let Verified { account, stronger, keys, bucket, device } = &verified;
            let watch = Stopwatch::start();
            let opened = self.store.open_session(account, stronger.as_ref(), &session, bucket).await;
            notes.store = notes.store.map(|before| before.saturating_add(watch.elapsed()));
            match opened? {
                Opened::Opened => {
                    self.attempts.forget(bucket);
                    let device = device.clone().unwrap_or_else(|| Device::new(&fresh.device));
                    let cookie = device.cookie(&keys.secret, &email, now);
                    let issued = self.issue(session, &keys.signer, now, fresh)?;
                    return Ok(Issued { device: Some(cookie), ..issued });
                }
                Opened::AccountChanged => {}
            }
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
        // First, because the password was right whatever becomes of the session, and a failure changes nothing then.
        self.store.forget_attempts(&verified.bucket).await?;
        self.attempts.forget(&verified.bucket);
        self.check_in(identity, now, fresh).await
    }

    /// Takes an attempt from both buckets, unless one is known to be empty, then compares. An unknown or disabled
    /// account costs the same calls and the same hash as a wrong password.
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
        let account_bucket = keys.secret.account_bucket(email);
        notes.account = Some(account_bucket.as_str().to_owned());
        let device = client.device.and_then(|value| Device::known(value, &keys.secret, email, now));
        let bucket = match &device {
            Some(device) => keys.secret.device_bucket(device),
            None => account_bucket,
        };
        let address_bucket = keys.secret.address_bucket(client.address);
        let known_wait = self.attempts.known_wait(&bucket, now).max(self.attempts.known_wait(&address_bucket, now));
        if !known_wait.is_zero() {
            return Err(Refusal::Throttled(known_wait));
        }
        let watch = Stopwatch::start();
        let (account_wait, address_wait, account) = tokio::join!(
            self.attempts.take(&self.store, &bucket, self.paces.account, now),
            self.attempts.take_address(&self.store, &address_bucket, self.paces.address, now),
            self.store.account(email),
        );
        notes.store = Some(watch.elapsed());
        let wait = account_wait?.max(address_wait);
        if !wait.is_zero() {
            return Err(Refusal::Throttled(wait));
        }
        let read = account?;
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
                Ok(Verified { account, stronger, keys, bucket, device })
            }
            (Verification::Mismatch, _) | (_, None) => {
                notes.reason = Some(refused);
                Err(Refusal::Mismatch)
            }
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
