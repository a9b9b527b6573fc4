//! What proves who somebody is: the password, or an access key; passkeys have a file of their own. Each takes attempts,
//! which are counted before anything is compared.

use std::{sync::Arc, time::Duration};

use super::{Context, Mismatch, Operations, Refusal, Told, Unavailable};
use crate::{
    domain::{
        access_key::{AccessKey, Digest},
        account::{Account, Email, Status},
        device::Device,
        passkey::UsedPasskey,
        password::{Password, PasswordHash, Verification},
        session::By,
        throttle::{ACCESS_KEY_PACE, BucketKey, Pace, REFUSED_KEYS_PACE, Taken},
        time::Timestamp,
    },
    platform::{
        aws::giving_way,
        journal::{Stopwatch, Times},
    },
};

/// When an access key or a passkey that is refused is answered, counted from when it came. An account that is there
/// takes DynamoDB and the SDK a tenth of a millisecond longer than one that is not, which no slow hash hides here.
/// DynamoDB answers in less than this.
pub(super) const KEY_REFUSED_AFTER: Duration = Duration::from_millis(25);

/// What came of a proof, with what the journal tells of it.
pub(super) struct Proof {
    pub(super) result: Result<Verified, Refusal>,
    pub(super) told: Told,
}

/// An account whose password, access key or passkey was given.
pub(super) struct Verified {
    pub(super) account: Account,
    pub(super) by: By,
    /// The passkey, if one was used.
    pub(super) passkey: Option<UsedPasskey>,
    /// A hash of the password with the current parameters, if the account's has others.
    pub(super) stronger: Option<PasswordHash>,
    pub(super) given_back: GivenBack,
    pub(super) device: Option<Device>,
}

impl Verified {
    /// As of the earlier of two moments at which the account was read. An end of sessions between the two has ended the
    /// session that asks for another, so the other is ended with it.
    pub(super) fn not_after(mut self, read: &Account) -> Self {
        self.account.generation = self.account.generation.min(read.generation);
        self
    }
}

/// What a right password puts back, by bucket.
pub(super) type GivenBack = Vec<(BucketKey, Duration)>;

/// An account that was read, and the attempts that were taken for it.
struct Attempted {
    read: Option<Account>,
    given_back: GivenBack,
    device: Option<Device>,
}

impl Operations {
    /// Takes the attempts, then compares. An unknown or disabled account costs the same calls and the same hash as a
    /// wrong password.
    pub(super) async fn prove(&self, email: &Email, password: &Arc<Password>, context: &Context<'_>) -> Proof {
        let account = Some(BucketKey::account(&context.keys.secret, email));
        let watch = Stopwatch::start();
        let attempted = match self.attempt(email, context).await {
            Ok(attempted) => attempted,
            Err(refusal) => return Proof { result: Err(refusal), told: Told { account, times: Times::default() } },
        };
        let store = Some(watch.elapsed());
        let watch = Stopwatch::start();
        let result = self.verify(attempted, password, context).await;
        Proof { result, told: Told { account, times: Times { store, hash: Some(watch.elapsed()) } } }
    }

    /// As [`Self::prove`], by an access key. It computes no slow hash. A right key takes from its own bucket and from
    /// no other, as 256 bits are not guessed: no neighbour and no stranger keeps it out. A refused one takes from the
    /// bucket of refused keys of its address. Whatever is wrong with the key or the email, it costs the same calls and
    /// the same comparison, and is told after the same time.
    pub(super) async fn prove_by_key(&self, email: &Email, key: &AccessKey, context: &Context<'_>) -> Proof {
        let (keys, now) = (&context.keys, context.now);
        let account = Some(BucketKey::account(&keys.secret, email));
        let watch = Stopwatch::start();
        let own = BucketKey::access_key(&keys.secret, email, key);
        let taking = self.attempts.take(&self.store, &own, ACCESS_KEY_PACE, now);
        let (taken, read) = tokio::join!(taking, giving_way(1, || self.store.account(email)));
        let result = match (taken, read) {
            (Ok(taken), Ok(read)) => match verify_key(read, key, now) {
                Ok(verified) => taken.map(|_| verified).map_err(Refusal::Throttled),
                Err(mismatch) => Err(self.refused_key(mismatch, context).await),
            },
            (Err(error), _) | (Ok(_), Err(error)) => Err(error.into()),
        };
        let times = Times { store: Some(watch.elapsed()), hash: None };
        if matches!(result, Err(Refusal::Mismatch(_))) {
            tokio::time::sleep(KEY_REFUSED_AFTER.saturating_sub(watch.elapsed())).await;
        }
        Proof { result, told: Told { account, times } }
    }

    /// What is told of a refused key, which takes from the bucket of those of its address.
    async fn refused_key(&self, mismatch: Mismatch, context: &Context<'_>) -> Refusal {
        let bucket = BucketKey::refused_keys(&context.keys.secret, context.client.address);
        match self.attempts.take_address(&self.store, &bucket, REFUSED_KEYS_PACE, context.now).await {
            Ok(_) => Refusal::Mismatch(mismatch),
            Err(wait) => Refusal::Throttled(wait),
        }
    }

    /// Takes the attempts, and reads the account at the same time.
    async fn attempt(&self, email: &Email, context: &Context<'_>) -> Result<Attempted, Refusal> {
        let Context { client, keys, now, .. } = context;
        if let Some(known) = Device::known(&client.devices, &keys.secret, email, *now) {
            let taking = self.take_for_device(&known, context);
            let (taken, read) = tokio::join!(taking, giving_way(1, || self.store.account(email)));
            let read = read?;
            if read.as_ref().is_some_and(|account| known.is_of(account)) {
                return Ok(Attempted { read, given_back: taken?, device: Some(known) });
            }
            // The cookie is of another generation, or of an account that is gone.
            let given_back = self.take_for_stranger(email, context).await?;
            return Ok(Attempted { read, given_back, device: None });
        }
        let stranger = self.take_for_stranger(email, context);
        let (taken, read) = tokio::join!(stranger, giving_way(2, || self.store.account(email)));
        Ok(Attempted { given_back: taken?, read: read?, device: None })
    }

    async fn verify(
        &self,
        attempted: Attempted,
        password: &Arc<Password>,
        context: &Context<'_>,
    ) -> Result<Verified, Refusal> {
        let Attempted { read, given_back, device } = attempted;
        let mismatch = match &read {
            None => Mismatch::UnknownEmail,
            Some(account) if account.status == Status::Disabled => Mismatch::DisabledAccount,
            Some(account) if account.hash_at(context.now).is_none() => Mismatch::NoPassword,
            Some(_) => Mismatch::WrongPassword,
        };
        let account = read.filter(|account| account.status == Status::Active);
        // One that does not open is compared as none is, at the same cost.
        let opened = |account: &Account| account.hash_at(context.now)?.opened(&account.sub, &context.keys.secret);
        let stored = account.as_ref().and_then(opened);
        match (self.compare(password, stored, context).await?, account) {
            ((Verification::Match | Verification::MatchOutdated, stronger), Some(account)) => {
                Ok(Verified { account, by: By::Password, passkey: None, stronger, given_back, device })
            }
            ((Verification::Mismatch, _), _) | (_, None) => Err(Refusal::Mismatch(mismatch)),
        }
    }

    /// Takes an attempt from the account's bucket and one from the address's.
    async fn take_for_stranger(&self, email: &Email, context: &Context<'_>) -> Result<GivenBack, Refusal> {
        self.take_two(BucketKey::account(&context.keys.secret, email), self.rules.paces.account, context).await
    }

    /// Takes an attempt from a bucket and one from the address's.
    pub(super) async fn take_two(
        &self,
        bucket: BucketKey,
        pace: Pace,
        context: &Context<'_>,
    ) -> Result<GivenBack, Refusal> {
        let (address, address_pace, now) = (context.address_bucket(), self.rules.paces.address, context.now);
        let known_wait = self.attempts.known_wait(&bucket, now).max(self.attempts.known_wait(&address, now));
        if !known_wait.is_zero() {
            return Err(Refusal::Throttled(known_wait));
        }
        let (of_bucket, of_address) = tokio::join!(
            self.attempts.take(&self.store, &bucket, pace, now),
            giving_way(1, || self.attempts.take_address(&self.store, &address, address_pace, now)),
        );
        match (of_bucket?, of_address) {
            (Ok(of_bucket), Ok(of_address)) => Ok(vec![
                (bucket, pace.given_back_by_success(of_bucket)),
                (address, address_pace.given_back_to_address(of_address, now)),
            ]),
            (of_bucket, of_address) => {
                let wait = |taken: Result<Taken, Duration>| taken.err().unwrap_or_default();
                Err(Refusal::Throttled(wait(of_bucket).max(wait(of_address))))
            }
        }
    }

    /// Takes an attempt from an address's bucket alone, and gives back what a success puts back.
    pub(super) async fn take_for_address(&self, context: &Context<'_>) -> Result<GivenBack, Refusal> {
        let (bucket, pace, now) = (context.address_bucket(), self.rules.paces.address, context.now);
        let known_wait = self.attempts.known_wait(&bucket, now);
        if !known_wait.is_zero() {
            return Err(Refusal::Throttled(known_wait));
        }
        let taken = self.attempts.take_address(&self.store, &bucket, pace, now).await.map_err(Refusal::Throttled)?;
        Ok(vec![(bucket, pace.given_back_to_address(taken, now))])
    }

    /// Takes an attempt from a known device's bucket, and none from the address's: strangers behind the same address do
    /// not keep the owner out.
    async fn take_for_device(&self, device: &Device, context: &Context<'_>) -> Result<GivenBack, Refusal> {
        let pace = self.rules.paces.account;
        let bucket = BucketKey::device(&context.keys.secret, device.id, &device.sub, device.generation);
        let taken = self.attempts.take(&self.store, &bucket, pace, context.now).await?.map_err(Refusal::Throttled)?;
        Ok(vec![(bucket, pace.given_back_by_success(taken))])
    }

    pub(super) async fn give_back(&self, all: &GivenBack) {
        for (bucket, by) in all {
            self.attempts.give_back(&self.store, bucket, *by).await;
        }
    }

    /// Computes the hash on a thread of its own, so that nothing else waits for it.
    pub(super) async fn compare(
        &self,
        password: &Arc<Password>,
        stored: Option<PasswordHash>,
        context: &Context<'_>,
    ) -> Result<(Verification, Option<PasswordHash>), Unavailable> {
        let (hasher, password, salt) = (Arc::clone(&self.hasher), Arc::clone(password), context.random.bytes());
        let computed = tokio::task::spawn_blocking(move || match hasher.verify(&password, stored.as_ref()) {
            Verification::MatchOutdated => {
                hasher.hash(&password, salt).map(|stronger| (Verification::MatchOutdated, Some(stronger)))
            }
            other @ (Verification::Match | Verification::Mismatch) => Ok((other, None)),
        });
        Ok(computed.await??)
    }
}

fn verify_key(read: Option<Account>, key: &AccessKey, now: Timestamp) -> Result<Verified, Mismatch> {
    let stored = read.as_ref().and_then(|account| account.access_keys.get(&key.id)).cloned();
    let is_right = key.is(&stored.as_ref().map_or(Digest::OF_NO_KEY, |stored| stored.digest));
    match (read, stored) {
        (None, _) => Err(Mismatch::UnknownEmail),
        (Some(account), _) if account.status == Status::Disabled => Err(Mismatch::DisabledAccount),
        (Some(_), None) => Err(Mismatch::UnknownKey),
        (Some(_), Some(_)) if !is_right => Err(Mismatch::WrongKey),
        (Some(_), Some(stored)) if !stored.is_alive(now) => Err(Mismatch::ExpiredKey),
        (Some(account), Some(_)) => {
            let by = By::Key(key.id.clone());
            Ok(Verified { account, by, passkey: None, stronger: None, given_back: Vec::new(), device: None })
        }
    }
}
