//! What an owner changes of the account: its details and its password.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Context, Issued, Mismatch, Operations, Outcome, Refusal, Told, Unavailable, factor::with_code_used, proof::Verified,
};
use crate::{
    domain::{
        account::Account,
        details::DetailsChange,
        factor::Otp,
        mail::MailKind,
        password::{
            Password, PasswordHash,
            policy::{self, CHARACTERS_MIN},
        },
        session::Session,
        throttle::{BucketKey, CHANGES_PACE},
        time::Timestamp,
    },
    platform::{
        store::{ChangedAccount, Kept, KeptSession, StoreError},
        tries::CHANGE,
    },
    web::identity::Identity,
};

/// A password and the one that is to take its place, and a code if one was typed, none of them checked.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    password: Password,
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    new_password: Password,
    /// A code of the second factor, or a recovery code.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    otp: Option<Otp>,
}

/// What a change makes of the account, or why it is refused. It is no type parameter, as each of these operations would
/// be compiled once more for every change.
pub(super) type Change<'a> = &'a (dyn Fn(&Account) -> Result<Account, Refusal> + Sync);

impl Operations {
    /// The session of a request and its account, as they are now. The authorizer has read both before; an operation
    /// reads them again, so that none succeeds for a session whose end was acknowledged in between. A session that was
    /// there to set up a second factor is over when the account has one, unless the factor was set up in this session,
    /// which is not limited any more then: whoever has learned the password may have opened such a session, too.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] if the session is not alive, or [`Refusal::Unavailable`].
    pub(super) async fn living(&self, identity: &Identity, now: Timestamp) -> Result<(Session, Account), Refusal> {
        let living = self.store.living((&identity.sub, &identity.sid), Some(&identity.email), now).await?;
        let is_over = |(session, account): &(Session, Account)| session.limited && self.has_factor(account);
        living.filter(|living| !is_over(living)).ok_or(Refusal::SessionEnded)
    }

    /// The account of a session, as it is now.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] if the session is not alive, or [`Refusal::Unavailable`].
    pub async fn account(&self, identity: &Identity, now: Timestamp) -> Result<Account, Refusal> {
        self.living(identity, now).await.map(|(_, account)| account)
    }

    /// Changes the account of the session that asks, as `change` says, if the session is alive and the account's bucket
    /// of changes has an attempt, which it takes.
    pub(super) async fn change_own(
        &self,
        identity: &Identity,
        context: &Context<'_>,
        change: Change<'_>,
    ) -> Result<ChangedAccount, Refusal> {
        let before = self.before_change(identity, context).await?;
        self.change_from(before, identity, context, change).await
    }

    /// As [`Self::change_own`], of an account that [`Self::before_change`] has read.
    pub(super) async fn change_from(
        &self,
        mut before: Account,
        identity: &Identity,
        context: &Context<'_>,
        change: Change<'_>,
    ) -> Result<ChangedAccount, Refusal> {
        let mut tries = self.store.tries(CHANGE);
        loop {
            if let Some(changed) = self.store.change_in_generation(before, change, &mut tries).await? {
                return Ok(changed);
            }
            // Another request of the same session may have carried it over into the next generation.
            before = self.account(identity, context.now).await?;
        }
    }

    /// The account of a session that is about to change it, which takes from the account's bucket of changes.
    pub(super) async fn before_change(&self, identity: &Identity, context: &Context<'_>) -> Result<Account, Refusal> {
        let bucket = BucketKey::changes(&context.keys.secret, &identity.sub);
        let taking = self.attempts.take(&self.store, &bucket, CHANGES_PACE, context.now);
        let (taken, account) = tokio::join!(taking, self.account(identity, context.now));
        let account = account?;
        taken?.map_err(Refusal::Throttled)?;
        Ok(account)
    }

    /// Changes account details.
    ///
    /// # Errors
    /// [`Refusal::BadDetails`], [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn update_user(
        &self,
        identity: &Identity,
        change: &DetailsChange,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let change = |account: &Account| change.of(account).map_err(Refusal::BadDetails);
        self.change_own(identity, context, &change).await.map(drop)
    }

    /// Changes the password of whoever gives the present one. It ends all sessions, the one that asks included, and
    /// opens a new one: a copy of the old cookie does not outlive the old password (ASVS 5.0, 7.2.4). The outcome is
    /// [`Refusal::WrongPassword`], [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::UsedCode`],
    /// [`Refusal::FactorRequired`], [`Refusal::Unfit`], [`Refusal::Throttled`], [`Refusal::SessionEnded`] or
    /// [`Refusal::Unavailable`], if it is not a token.
    pub async fn change_password(
        &self,
        identity: &Identity,
        passwords: PasswordChange,
        context: &Context<'_>,
    ) -> Outcome<Issued> {
        let PasswordChange { password, new_password, otp } = passwords;
        // Before anything is counted: a password that cannot be taken is no attempt.
        let fit = policy::check(&new_password, CHARACTERS_MIN, &[identity.email.as_str()]);
        if let Err(unfit) = fit.and_then(|()| policy::differs(&new_password, &password)) {
            return Outcome { result: Err(Refusal::Unfit(unfit)), told: Told::default() };
        }
        let proof = self.prove(&identity.email, &Arc::new(password), context).await;
        let result = match proof.result {
            Ok(verified) => self.set_password(&verified, identity, new_password, otp.as_ref(), context).await,
            Err(Refusal::Mismatch(mismatch)) => Err(Refusal::WrongPassword(mismatch)),
            Err(refusal) => Err(refusal),
        };
        Outcome { result, told: proof.told }
    }

    async fn set_password(
        &self,
        verified: &Verified,
        identity: &Identity,
        new_password: Password,
        otp: Option<&Otp>,
        context: &Context<'_>,
    ) -> Result<Issued, Refusal> {
        self.give_back(&verified.given_back).await;
        let read = &verified.account;
        let before = self.before_change(identity, context).await?;
        // What only the account tells.
        policy::check(&new_password, CHARACTERS_MIN, &read.names()).map_err(Refusal::Unfit)?;
        let code = self.prove_code(read, otp, context).await?;
        let session = self.session_of(verified, context);
        let set = async {
            // The new session would be good for everything.
            if self.lacks_factor(read) {
                return Err(Refusal::FactorRequired);
            }
            let hash = self.hash(Arc::new(new_password), context).await?;
            let change = |account: &Account| {
                let account = with_code_used(account, code.as_ref())?;
                // Of the same generation it has the same password, though perhaps a stronger hash of it.
                (account.generation == read.generation || account.password_hash == read.password_hash)
                    .then(|| account.with_password(hash.clone()))
                    .ok_or(Refusal::WrongPassword(Mismatch::WrongPassword))
            };
            self.end_all_but(KeptSession::New(&session), before, identity, context, &change).await
        };
        let account = self.used(code.as_ref(), set.await, context).await?;
        self.notify(MailKind::PasswordChanged, &account, context).await;
        let issued = self.issue(&session, &account, context)?;
        Ok(Issued { device: Some(context.device_of(&account, verified.device.as_ref())), ..issued })
    }

    /// Changes the account of a session as `change` says and into its next generation, which ends all sessions but the
    /// one that is `kept`.
    pub(super) async fn end_all_but(
        &self,
        kept: KeptSession<'_>,
        before: Account,
        identity: &Identity,
        context: &Context<'_>,
        change: Change<'_>,
    ) -> Result<Account, Refusal> {
        let ending = |account: &Account| Ok(change(account)?.next_generation(context.now));
        self.change_and_keep(kept, before, || self.account(identity, context.now), &ending).await
    }

    /// As [`Self::change_from`], where the session that asks may be limited, whose limit the change lifts.
    pub(super) async fn change_and_lift(
        &self,
        before: Account,
        identity: &Identity,
        context: &Context<'_>,
        change: Change<'_>,
    ) -> Result<Account, Refusal> {
        if !identity.limited {
            return self.change_from(before, identity, context, change).await.map(|changed| changed.after);
        }
        let lifted = KeptSession::Lifted(&identity.sid);
        self.change_and_keep(lifted, before, || self.account(identity, context.now), change).await
    }

    /// Changes an account as `change` says, and by the same write the session that is `kept`. Where another change
    /// comes between, the account is `read` again.
    pub(super) async fn change_and_keep<Read: Future<Output = Result<Account, Refusal>>>(
        &self,
        kept: KeptSession<'_>,
        mut before: Account,
        read: impl Fn() -> Read,
        change: Change<'_>,
    ) -> Result<Account, Refusal> {
        let mut tries = self.store.tries(CHANGE);
        loop {
            let after = change(&before)?;
            match self.store.change_account_and_keep(&before, &after, kept).await? {
                Kept::Changed => return Ok(after),
                Kept::SessionEnded => return Err(Refusal::SessionEnded),
                Kept::AccountChanged if tries.again().await => before = read().await?,
                Kept::AccountChanged => {
                    return Err(StoreError::Overtaken { operation: "TransactWriteItems" }.into());
                }
            }
        }
    }

    /// Computes the hash of a new password on a thread of its own.
    pub(super) async fn hash(
        &self,
        password: Arc<Password>,
        context: &Context<'_>,
    ) -> Result<PasswordHash, Unavailable> {
        let (hasher, salt) = (Arc::clone(&self.hasher), context.random.bytes());
        Ok(tokio::task::spawn_blocking(move || hasher.hash(&password, salt)).await??)
    }
}
