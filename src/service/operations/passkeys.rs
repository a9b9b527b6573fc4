//! Passkeys: a log-on without a password, and what an owner does with them.
//!
//! A passkey's use is a whole log-on, as its authenticator has asked its user for something beside itself: it is asked
//! for no password and no code, and counts as the password given.

use super::{
    Context, Issued, Mismatch, Operations, Outcome, Refusal, Told,
    proof::{KEY_REFUSED_AFTER, Proof, Verified},
};
use crate::{
    domain::{
        account::{Account, Name},
        mail::MailKind,
        passkey::{CredentialId, PASSKEYS_MAX, StoredPasskey, UserHandle},
        session::By,
        throttle::BucketKey,
        time::Timestamp,
        webauthn::{
            AnsweredAssertion, CeremonyError, ChallengeFor, NotAdded, PresentedChallenge, RelyingParty,
            UnverifiedAssertion, UnverifiedRegistration, challenge,
        },
    },
    platform::{
        aws::giving_way,
        journal::{Stopwatch, Times},
        store::{Spent, StoreError},
    },
    web::identity::Identity,
};

/// What a browser makes a passkey with.
pub struct BegunPasskey {
    /// What the authenticator signs.
    pub challenge: String,
    /// What the account's passkeys are for.
    pub rp_id: String,
    /// What they know the account by.
    pub handle: UserHandle,
    /// The account, with the passkeys that an authenticator must not make once more.
    pub account: Account,
}

/// A passkey that was added.
pub struct AddedPasskey {
    /// Its id.
    pub id: CredentialId,
    /// What the account keeps of it.
    pub stored: StoredPasskey,
}

impl Operations {
    /// Who passkeys are for. Where there are none, no operation of them is there to ask.
    fn party(&self) -> Result<&RelyingParty, Refusal> {
        self.rules.passkeys.as_ref().ok_or(Refusal::NotFound)
    }

    /// The host that passkeys are for, if there are any.
    #[must_use]
    pub fn rp_id(&self) -> Option<&str> {
        self.rules.passkeys.as_ref().map(RelyingParty::id)
    }

    /// Whether an account has a second factor that can be used here.
    pub(super) fn has_factor(&self, account: &Account) -> bool {
        account.has_factor(|passkey| self.is_usable(passkey))
    }

    /// Whether an account must have a second factor, and has none that can be used here.
    pub(super) fn lacks_factor(&self, account: &Account) -> bool {
        self.rules.require_factor.is_unmet(account, |passkey| self.is_usable(passkey))
    }

    fn is_usable(&self, passkey: &StoredPasskey) -> bool {
        self.rp_id() == Some(&passkey.rp_id)
    }

    /// A challenge for the use of a passkey, whosever it is, and the relying party's id.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] without passkeys.
    pub fn passkey_options(&self, context: &Context<'_>) -> Result<(String, &str), Refusal> {
        let Context { keys, random, now, .. } = context;
        let challenge = challenge(ChallengeFor::Assertion, &keys.secret, &random.bytes(), *now);
        Ok((challenge, self.party()?.id()))
    }

    /// Opens a session for whoever uses a passkey: one round trip to spend the challenge and to look up the handle, one
    /// to read the account, and one to write the session. The outcome is [`Refusal::Mismatch`], [`Refusal::Throttled`]
    /// or [`Refusal::Unavailable`], if it is not a token.
    pub async fn log_on_by_passkey(&self, assertion: UnverifiedAssertion, context: &Context<'_>) -> Outcome<Issued> {
        let Proof { result, told } = self.prove_by_passkey(assertion, context).await;
        let verified = match result {
            Ok(verified) => verified,
            Err(refusal) => return Outcome { result: Err(refusal), told },
        };
        let watch = Stopwatch::start();
        let result = self.write_and_issue(&verified, false, context).await;
        let store = told.times.store.map(|so_far| so_far.saturating_add(watch.elapsed()));
        Outcome { result, told: Told { times: Times { store, ..told.times }, ..told } }
    }

    /// As [`Operations::confirm`], by a passkey of the session's own account.
    pub async fn confirm_by_passkey(
        &self,
        assertion: UnverifiedAssertion,
        identity: &Identity,
        context: &Context<'_>,
    ) -> Outcome<Issued> {
        let proving = self.prove_by_passkey(assertion, context);
        let (proof, living) = tokio::join!(proving, self.living(identity, context.now));
        let result = match (proof.result, living) {
            (Ok(verified), _) if verified.account.sub != identity.sub => {
                Err(Refusal::Mismatch(Mismatch::AnotherAccount))
            }
            (Ok(verified), Ok((_, of_session))) => {
                let verified = verified.not_after(&of_session);
                let opened = self.write_and_issue(&verified, false, context).await;
                // The log-on before has made the device a known one.
                opened.map(|issued| Issued { device: None, ..issued })
            }
            (Ok(verified), Err(refusal)) => {
                // The passkey was right, whatever has become of the session.
                self.give_back(&verified.given_back).await;
                Err(refusal)
            }
            (Err(refusal), _) => Err(refusal),
        };
        Outcome { result, told: proof.told }
    }

    /// Takes an attempt from the address's bucket, spends the challenge, and then compares. Whatever is wrong, it is
    /// told after the same time, and whether an account has the handle changes no call.
    async fn prove_by_passkey(&self, assertion: UnverifiedAssertion, context: &Context<'_>) -> Proof {
        let watch = Stopwatch::start();
        let result = self.verify_passkey(assertion, context).await;
        if matches!(result, Err(Refusal::Mismatch(_))) {
            tokio::time::sleep(KEY_REFUSED_AFTER.saturating_sub(watch.elapsed())).await;
        }
        let times = Times { store: Some(watch.elapsed()), hash: None };
        let verified = result.as_ref().ok();
        let account = verified.map(|verified| BucketKey::account(&context.keys.secret, &verified.account.email));
        Proof { result, told: Told { account, times } }
    }

    async fn verify_passkey(&self, assertion: UnverifiedAssertion, context: &Context<'_>) -> Result<Verified, Refusal> {
        let party = self.party()?;
        let (secret, now) = (&context.keys.secret, context.now);
        let (presented, answered) = match assertion.answered(secret, now) {
            Ok(answered) => answered,
            Err(error) => {
                self.take_for_address(context).await?;
                return Err(refused(error));
            }
        };
        let (taken, spent, account) = tokio::join!(
            self.take_for_address(context),
            giving_way(1, || self.spend(&presented, context)),
            giving_way(2, || self.account_of(&answered)),
        );
        let given_back = taken?;
        spent?.map_err(refused)?;
        let account = account?;
        let used = answered.verify(party, account.as_ref()).map_err(refused)?;
        let account = account.ok_or_else(|| refused(CeremonyError::OtherHandle))?;
        let (by, passkey) = (By::Passkey, Some(used));
        Ok(Verified { account, by, passkey, stronger: None, given_back, device: None })
    }

    async fn account_of(&self, answered: &AnsweredAssertion) -> Result<Option<Account>, StoreError> {
        match &answered.handle {
            Some(handle) => self.store.account_of_handle(handle).await,
            None => Ok(None),
        }
    }

    /// Spends a challenge, which counts once.
    async fn spend(
        &self,
        presented: &PresentedChallenge,
        context: &Context<'_>,
    ) -> Result<Result<(), CeremonyError>, StoreError> {
        Ok(match self.store.spend_challenge(presented, &context.random.bytes()).await? {
            Spent::Now => Ok(()),
            Spent::Before => Err(CeremonyError::Spent),
        })
    }

    /// Begins a passkey: the account gets the handle that its passkeys know it by, if it has none.
    ///
    /// # Errors
    /// [`Refusal::PasskeyNotAdded`] if the account has as many as it may have, [`Refusal::Throttled`],
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn begin_passkey(&self, identity: &Identity, context: &Context<'_>) -> Result<BegunPasskey, Refusal> {
        let rp_id = self.party()?.id().to_owned();
        let new = UserHandle::new(&context.random.bytes());
        let begin = |account: &Account| {
            if account.passkeys.len() >= PASSKEYS_MAX {
                return Err(Refusal::PasskeyNotAdded(NotAdded::TooMany));
            }
            Ok(Account { handle: account.handle.or(Some(new)), ..account.clone() })
        };
        let account = self.change_own(identity, context, &begin).await?.after;
        let handle = account.handle.unwrap_or(new);
        let purpose = ChallengeFor::Registration(&account.sub, &handle);
        let challenge = challenge(purpose, &context.keys.secret, &context.random.bytes(), context.now);
        Ok(BegunPasskey { challenge, rp_id, handle, account })
    }

    /// Adds a passkey that was made with [`BegunPasskey`]. In a session that can do nothing but set up a second factor
    /// it is one, and lifts the session's limits. Sent again, as its answer may have been lost, it is told the same
    /// again.
    ///
    /// # Errors
    /// [`Refusal::BadPasskey`], [`Refusal::PasskeyNotAdded`], [`Refusal::Throttled`], [`Refusal::SessionEnded`] or
    /// [`Refusal::Unavailable`].
    pub async fn add_passkey(
        &self,
        identity: &Identity,
        name: Name,
        registration: UnverifiedRegistration,
        context: &Context<'_>,
    ) -> Result<AddedPasskey, Refusal> {
        let (party, now) = (self.party()?, context.now);
        let account = self.before_change(identity, context).await?;
        let answered = registration.answered(&account, &context.keys.secret, now);
        let (presented, answered) = answered.map_err(Refusal::BadPasskey)?;
        let spent = self.spend(&presented, context).await?;
        let made = answered.verify(party).map_err(Refusal::BadPasskey)?;
        let is_again = spent.is_err() && made.is_of(&account);
        if !is_again {
            spent.map_err(Refusal::BadPasskey)?;
        }
        let handle = account.handle;
        let add = |account: &Account| {
            // It knows the account by the handle that it was made with.
            if account.handle != handle {
                return Err(Refusal::BadPasskey(CeremonyError::OtherHandle));
            }
            made.added_to(account, name.clone(), now).map_err(Refusal::PasskeyNotAdded)
        };
        let changed = if is_again { account } else { self.change_and_lift(account, identity, context, &add).await? };
        self.notify(MailKind::PasskeyAdded, &changed, context).await;
        let stored = changed.passkeys.get(&made.id).cloned().ok_or(Refusal::NotFound)?;
        Ok(AddedPasskey { id: made.id, stored })
    }

    /// The passkeys of the account, oldest first.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn passkeys(
        &self,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Vec<(CredentialId, StoredPasskey)>, Refusal> {
        let account = self.account(identity, now).await?;
        let mut passkeys: Vec<_> = account.passkeys.into_iter().collect();
        passkeys.sort_by(|(a_id, a), (b_id, b)| (a.created, a_id).cmp(&(b.created, b_id)));
        Ok(passkeys)
    }

    /// Removes a passkey. No session ends by it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the account has no such passkey, [`Refusal::FactorRequired`] if it must have a second
    /// factor and this is the last, [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn remove_passkey(
        &self,
        identity: &Identity,
        id: &CredentialId,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let remove = |account: &Account| {
            let mut removed = account.clone();
            removed.passkeys.remove(id);
            let is_last = self.has_factor(account) && self.lacks_factor(&removed);
            if is_last { Err(Refusal::FactorRequired) } else { Ok(removed) }
        };
        let changed = self.change_own(identity, context, &remove).await?;
        if !changed.before.passkeys.contains_key(id) {
            return Err(Refusal::NotFound);
        }
        self.notify(MailKind::PasskeyRemoved, &changed.after, context).await;
        Ok(())
    }
}

/// What is told of a passkey's use that is refused. The log has which check it was.
fn refused(error: CeremonyError) -> Refusal {
    tracing::info!(%error, "a passkey is refused");
    Refusal::Mismatch(match error {
        CeremonyError::NoHandle | CeremonyError::OtherHandle | CeremonyError::UnknownPasskey => {
            Mismatch::UnknownPasskey
        }
        CeremonyError::Expired | CeremonyError::Spent => Mismatch::OldChallenge,
        CeremonyError::Disabled => Mismatch::DisabledAccount,
        CeremonyError::ClientData
        | CeremonyError::Type
        | CeremonyError::Challenge
        | CeremonyError::Origin
        | CeremonyError::CrossOrigin
        | CeremonyError::TopOrigin
        | CeremonyError::AuthenticatorData
        | CeremonyError::RpId
        | CeremonyError::UserPresence
        | CeremonyError::UserVerification
        | CeremonyError::BackupState
        | CeremonyError::NoKey
        | CeremonyError::OtherId
        | CeremonyError::IdLength
        | CeremonyError::Algorithm
        | CeremonyError::Key
        | CeremonyError::Signature => Mismatch::WrongPasskey,
    })
}
