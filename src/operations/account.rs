//! What an owner changes of the account: its details and its password.

use std::sync::Arc;

use super::{
    Client, Fresh, Issued, Mismatch, Operations, Outcome, Refusal, Unavailable, factor::with_code_used, proof::Verified,
};
use crate::{
    account::Account,
    credential::NewPassword,
    details::DetailsChange,
    device::Device,
    factor::Otp,
    identity::Identity,
    keyring::Unsealed,
    mail::MailKind,
    password::{
        Password, PasswordHash, Verification,
        policy::{self, CHARACTERS_MIN},
    },
    store::{Changed, Confirmed, Ended, Kept, StoreError},
    time::Timestamp,
};

/// An account whose generation has moved, with one session carried over.
pub(super) struct Carried {
    pub(super) account: Account,
    /// How many others ended.
    pub(super) ended: usize,
}

/// How often what another change overtook starts over. Each time one of those at the same moment gets through.
pub(super) const TRIES: u32 = 16;

impl Operations {
    /// The account of a session, as it is now. The authorizer asks for the session alone; so every operation on an account
    /// asks here whether the session still counts. From the moment an account is disabled, changed or deleted no operation
    /// succeeds, however long it takes to delete the account's sessions.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] if the account is gone, disabled or of another generation than the session, or the access
    /// key that opened the session has ended, or [`Refusal::Unavailable`].
    pub async fn account(&self, identity: &Identity, now: Timestamp) -> Result<Account, Refusal> {
        for _ in 0..TRIES {
            let account = self.store.account(&identity.email).await?.ok_or(Refusal::SessionEnded)?;
            if identity.is_of(&account, now) {
                return Ok(account);
            }
            // Another request of the same session may have carried it over into a later generation a moment ago, or be
            // doing that now. Read after the account, a session of an earlier one was not carried.
            let session = self.store.session(&identity.sub, &identity.sid).await?.ok_or(Refusal::SessionEnded)?;
            if session.generation <= account.generation {
                let identity = Identity { generation: session.generation, ..identity.clone() };
                return Some(account).filter(|account| identity.is_of(account, now)).ok_or(Refusal::SessionEnded);
            }
        }
        Err(StoreError::Overtaken { operation: "GetItem" }.into())
    }

    /// Changes the account of a session, on which the session must still count.
    pub(super) async fn change_own(
        &self,
        identity: &Identity,
        now: Timestamp,
        change: impl Fn(&Account) -> Result<Account, Refusal>,
    ) -> Result<Changed, Refusal> {
        let mut identity = identity.clone();
        for _ in 0..TRIES {
            let own = |account: &Account| {
                change(Some(account).filter(|account| identity.is_of(account, now)).ok_or(Refusal::SessionEnded)?)
            };
            match self.store.change_account(&identity.email, own).await {
                Ok(changed) => return changed.ok_or(Refusal::SessionEnded),
                Err(Refusal::SessionEnded) => identity.generation = self.account(&identity, now).await?.generation,
                Err(refusal) => return Err(refusal),
            }
        }
        Err(StoreError::Overtaken { operation: "UpdateItem" }.into())
    }

    /// Changes account details. A new name is written into all sessions of the account as well.
    ///
    /// # Errors
    /// [`Refusal::BadDetails`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn update_user(
        &self,
        identity: &Identity,
        change: &DetailsChange,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let change = |account: &Account| change.of(account).map_err(Refusal::BadDetails);
        let changed = self.change_own(identity, now, change).await?;
        // Also where the name is as it was: an earlier call may have broken off here.
        Ok(self.store.relabel_sessions(&changed.after).await?)
    }

    /// Changes the password of whoever gives the present one, and ends all sessions but the one that asks. The outcome is
    /// [`Refusal::WrongPassword`], [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::Unfit`], [`Refusal::Throttled`],
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`], if it is not a token.
    pub async fn change_password(
        &self,
        identity: &Identity,
        passwords: NewPassword,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Outcome<Issued> {
        let NewPassword { password, new_password, otp } = passwords;
        // Before anything is counted: a password that cannot be taken is no attempt.
        if let Err(unfit) = policy::check(&new_password, CHARACTERS_MIN, &[identity.email.as_str()]) {
            return Outcome::early(Refusal::Unfit(unfit));
        }
        let keys = match self.keyring.unsealed(now).await {
            Ok(keys) => keys,
            Err(error) => return Outcome::early(error.into()),
        };
        let proof = self.prove(&identity.email, &Arc::new(password), client, &keys, now, fresh).await;
        let result = match proof.result {
            Ok(verified) => {
                self.set_password(&verified, identity, (new_password, otp.as_ref()), &keys, now, fresh).await
            }
            Err(Refusal::Mismatch(mismatch)) => {
                self.password_is_set(mismatch, identity, new_password, &keys, now, fresh).await
            }
            Err(refusal) => Err(refusal),
        };
        Outcome { result, account: Some(proof.account), times: proof.times }
    }

    async fn set_password(
        &self,
        verified: &Verified,
        identity: &Identity,
        (new_password, otp): (Password, Option<&Otp>),
        keys: &Unsealed,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Issued, Refusal> {
        self.give_back(&verified.given_back).await;
        let read = &verified.account;
        if !identity.is_of(read, now) {
            self.account(identity, now).await?;
        }
        // What only the account tells.
        policy::check(&new_password, CHARACTERS_MIN, &read.names()).map_err(Refusal::Unfit)?;
        let code = self.prove_code(read, otp, &keys.secret, now, fresh).await?;
        let hash = self.hash(new_password, fresh).await?;
        let change = |account: &Account| {
            let account = &with_code_used(account, code.as_ref())?;
            // Of the same generation it has the same password, though perhaps a stronger hash of it.
            (account.generation == read.generation || account.password_hash == read.password_hash)
                .then(|| Account { password_hash: Some(hash.clone()), ..account.clone() }.next_generation())
                .ok_or(Refusal::WrongPassword(Mismatch::AccountChanged))
        };
        let Carried { account, .. } = self.change_and_keep(read.clone(), identity, now, change).await?;
        if let Some(code) = &code {
            self.give_back(&code.given_back).await;
        }
        let issued = self.renew(identity, &account, &keys.signer, now, fresh, Confirmed::Before).await?;
        self.notify(MailKind::PasswordChanged, &account, now, fresh).await;
        // A device that was known stays known.
        let device = verified.device.as_ref().map(|device| {
            let device = Device { generation: account.generation, ..device.clone() };
            device.cookie(&keys.secret, &account.email, now)
        });
        Ok(Issued { device, ..issued })
    }

    /// Goes on where an earlier call set this very password and broke off before it had ended all other sessions, so that
    /// sending the request again mends it. The new password is as good a proof as the old one was; it is compared only where
    /// such sessions are left, as each attempt is to buy one comparison.
    async fn password_is_set(
        &self,
        mismatch: Mismatch,
        identity: &Identity,
        new_password: Password,
        keys: &Unsealed,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Issued, Refusal> {
        let account = self.account(identity, now).await?;
        let sessions = self.store.sessions(&account.sub).await?;
        let is_left = sessions.iter().any(|session| session.generation < account.generation);
        let hash = account.password_hash.clone().filter(|_| is_left).ok_or(Refusal::WrongPassword(mismatch))?;
        if self.compare(&Arc::new(new_password), Some(hash), fresh).await?.0 == Verification::Mismatch {
            return Err(Refusal::WrongPassword(mismatch));
        }
        self.store.end_sessions(account.sub.as_str(), Ended::Before(account.generation)).await?;
        self.renew(identity, &account, &keys.signer, now, fresh, Confirmed::Before).await
    }

    /// Changes an account into the next generation, carries the session that asks over into it, and ends all others.
    ///
    /// The account and the session change in one transaction, or a failure between them would end the session that asks.
    /// The others are read after it, as whatever ends sessions does.
    pub(super) async fn change_and_keep(
        &self,
        read: Account,
        identity: &Identity,
        now: Timestamp,
        change: impl Fn(&Account) -> Result<Account, Refusal>,
    ) -> Result<Carried, Refusal> {
        let mut before = read;
        for _ in 0..TRIES {
            let after = change(&before)?;
            match self.store.change_account_and_keep(&before, &after, &identity.sid).await? {
                Kept::Changed => {
                    let others = Ended::Before(after.generation);
                    let ended = self.store.end_sessions(after.sub.as_str(), others).await?;
                    return Ok(Carried { account: after, ended });
                }
                Kept::SessionEnded => return Err(Refusal::SessionEnded),
                Kept::AccountChanged => before = self.account(identity, now).await?,
            }
        }
        Err(StoreError::Overtaken { operation: "TransactWriteItems" }.into())
    }

    /// Computes the hash of a new password on a thread of its own.
    pub(super) async fn hash(&self, password: Password, fresh: &Fresh) -> Result<PasswordHash, Unavailable> {
        let (hasher, salt) = (Arc::clone(&self.hasher), fresh.salt);
        Ok(tokio::task::spawn_blocking(move || hasher.hash(&password, salt)).await??)
    }
}
