//! The second factor: set up and removed by the owner, and asked for after a right password.

use zeroize::Zeroizing;

use super::{Context, Operations, Refusal, Unavailable, proof::GivenBack};
use crate::{
    domain::{
        account::Account,
        factor::{Accepted, CodeVerification, Factor, Otp, RECOVERY_CODES, RecoveryCode, TotpSecret, step_of},
        ids::hexadecimal,
        mail::MailKind,
        throttle::{BucketKey, CODE_PACE},
        time::Timestamp,
    },
    platform::{store::StoreError, tries::CHANGE},
    web::identity::Identity,
};

/// A second factor that waits for its confirmation. It cannot be printed.
pub struct BegunFactor {
    /// The secret, shown this once.
    pub secret: TotpSecret,
    /// The account's email, as it was registered.
    pub email: String,
}

/// A code that is right and waits for the write that uses it up.
pub(super) struct RightCode {
    accepted: Accepted,
    /// The sealed secret of the factor that it is a code of.
    sealed: Vec<u8>,
    /// The id of the request, which is written down with the code.
    request: String,
    /// The attempt, which is given back unless another request has used the code.
    given_back: GivenBack,
}

/// How many recovery codes are left when an owner is told so.
const CODES_TOLD: usize = 2;

impl RightCode {
    /// The account with the code used up.
    ///
    /// # Errors
    /// [`Refusal::UsedCode`] if another request has used it meanwhile, [`Refusal::WrongCode`] if the account has
    /// another factor.
    fn used_in(&self, account: &Account) -> Result<Account, Refusal> {
        let factor = account.factor.as_ref().filter(|factor| factor.sealed == self.sealed);
        // By an earlier copy of this very write.
        if factor.is_some_and(|factor| factor.last_use == self.request) {
            return Ok(account.clone());
        }
        let factor = factor.ok_or(Refusal::WrongCode)?.after(&self.accepted, &self.request);
        Ok(Account { factor: Some(factor.ok_or(Refusal::UsedCode)?), ..account.clone() })
    }
}

impl Operations {
    /// Begins a second factor. One that is in force stays so until this one is confirmed.
    ///
    /// # Errors
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn begin_factor(&self, identity: &Identity, context: &Context<'_>) -> Result<BegunFactor, Refusal> {
        let secret = TotpSecret::new(&Zeroizing::new(context.random.bytes()));
        let sealed = context.keys.secret.seal(&identity.sub, context.random.bytes(), secret.expose());
        let sealed = sealed.ok_or(Unavailable::Seal)?;
        let begin = |account: &Account| Ok(Account { begun_factor: Some(sealed.clone()), ..account.clone() });
        let changed = self.change_own(identity, context, &begin).await?;
        Ok(BegunFactor { secret, email: changed.after.registered_email })
    }

    /// Puts the second factor in force that was begun, for whoever has a code of it. That code counts as used. Gives
    /// back the recovery codes. Sent again by the same session with the same code, as its answer may have been lost, it
    /// makes the recovery codes anew.
    ///
    /// # Errors
    /// [`Refusal::NoFactor`] if none was begun, [`Refusal::WrongCode`], [`Refusal::Throttled`],
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn confirm_factor(
        &self,
        identity: &Identity,
        otp: &Otp,
        context: &Context<'_>,
    ) -> Result<Vec<Zeroizing<String>>, Refusal> {
        let Context { keys, now, random, .. } = context;
        let account = self.before_change(identity, context).await?;
        let confirmed_by_this = |account: &Account| {
            let factor = account.factor.as_ref().filter(|factor| factor.confirmed_by.as_ref() == Some(&identity.sid));
            factor.map(|factor| (factor.sealed.clone(), factor.last_step))
        };
        let sealed = account.begun_factor.clone().or_else(|| Some(confirmed_by_this(&account)?.0));
        let sealed = sealed.ok_or(Refusal::NoFactor)?;
        let secret = TotpSecret::open(&keys.secret, &account.sub, &sealed).ok_or(Unavailable::Factor)?;
        let given_back = self.take_code(BucketKey::confirmation(&keys.secret, &account.sub), *now).await?;
        let last_step = step_of(&secret, otp, *now).ok_or(Refusal::WrongCode)?;
        let codes = recovery_codes(context);
        let factor = Factor {
            sealed,
            last_step,
            last_use: hexadecimal(&random.bytes::<16>()),
            recovery: codes.iter().map(RecoveryCode::digest).collect(),
            confirmed_by: Some(identity.sid.clone()),
        };
        let confirm = |account: &Account| {
            // Another one may have been begun meanwhile. One that is in force already was confirmed by this code,
            // unless another code was used since.
            let is_begun = account.begun_factor.as_ref() == Some(&factor.sealed);
            let is_again = confirmed_by_this(account) == Some((factor.sealed.clone(), factor.last_step));
            let confirmed = Account { factor: Some(factor.clone()), begun_factor: None, ..account.clone() };
            (is_begun || is_again).then_some(confirmed).ok_or(Refusal::NoFactor)
        };
        let confirmed = self.change_and_lift(account, identity, context, &confirm).await;
        // The code was right, whatever became of the rest.
        self.give_back(&given_back).await;
        self.notify(MailKind::FactorSet, &confirmed?, context).await;
        Ok(codes.iter().map(RecoveryCode::expose).collect())
    }

    /// Makes new recovery codes, in the place of the old ones, for whoever has a code of the second factor.
    ///
    /// # Errors
    /// [`Refusal::NoFactor`] if the account has none, [`Refusal::WrongCode`], [`Refusal::UsedCode`],
    /// [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn new_codes(
        &self,
        identity: &Identity,
        otp: &Otp,
        context: &Context<'_>,
    ) -> Result<Vec<Zeroizing<String>>, Refusal> {
        let account = self.before_change(identity, context).await?;
        let code = self.prove_code(&account, Some(otp), context).await?.ok_or(Refusal::NoFactor)?;
        let codes = recovery_codes(context);
        let renew = |account: &Account| {
            let mut account = code.used_in(account)?;
            if let Some(factor) = &mut account.factor {
                factor.recovery = codes.iter().map(RecoveryCode::digest).collect();
            }
            Ok(account)
        };
        let renewed = self.change_from(account, identity, context, &renew).await.map(|changed| changed.after);
        self.used(Some(&code), renewed, context).await?;
        Ok(codes.iter().map(RecoveryCode::expose).collect())
    }

    /// Removes the second factor, and what was begun of another one.
    ///
    /// # Errors
    /// [`Refusal::NoFactor`] if the account has none, [`Refusal::FactorRequired`] if it must have one,
    /// [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn remove_factor(&self, identity: &Identity, context: &Context<'_>) -> Result<(), Refusal> {
        let remove = |account: &Account| {
            let removed = Account { factor: None, begun_factor: None, ..account.clone() };
            let is_last = self.has_factor(account) && self.lacks_factor(&removed);
            if is_last { Err(Refusal::FactorRequired) } else { Ok(removed) }
        };
        let changed = self.change_own(identity, context, &remove).await?;
        match (&changed.before.factor, &changed.before.begun_factor) {
            (Some(_), _) => self.notify(MailKind::FactorRemoved, &changed.after, context).await,
            (None, Some(_)) => {}
            (None, None) => return Err(Refusal::NoFactor),
        }
        Ok(())
    }

    /// Asks for a code if the account has a second factor: nothing comes back if it has none. An attempt is taken
    /// before the code is compared. The code is used up by whoever writes what [`RightCode::used_in`] gives.
    ///
    /// # Errors
    /// [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::UsedCode`], [`Refusal::Throttled`] or
    /// [`Refusal::Unavailable`].
    pub(super) async fn prove_code(
        &self,
        account: &Account,
        otp: Option<&Otp>,
        context: &Context<'_>,
    ) -> Result<Option<RightCode>, Refusal> {
        let (secret, now) = (&context.keys.secret, context.now);
        let Some(factor) = &account.factor else { return Ok(None) };
        let otp = otp.ok_or(Refusal::CodeNeeded)?;
        // A factor that does not open keeps everybody out: with a restored table of keys it may open again.
        let of_app = TotpSecret::open(secret, &account.sub, &factor.sealed).ok_or(Unavailable::Factor)?;
        let given_back = self.take_code(BucketKey::code(secret, &account.sub), now).await?;
        let accepted = match factor.verify(&of_app, otp, now) {
            CodeVerification::Right(accepted) => accepted,
            CodeVerification::Used => return Err(Refusal::UsedCode),
            CodeVerification::Wrong => return Err(Refusal::WrongCode),
        };
        let sealed = factor.sealed.clone();
        Ok(Some(RightCode { accepted, sealed, request: hexadecimal(&context.random.bytes::<16>()), given_back }))
    }

    /// Asks for a code if the account has a second factor, and uses it up.
    ///
    /// # Errors
    /// [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::UsedCode`], [`Refusal::Throttled`] or
    /// [`Refusal::Unavailable`], also if the account's sessions were ended meanwhile: what was proved is perhaps no
    /// proof any more.
    pub(super) async fn ask_code(
        &self,
        account: &Account,
        otp: Option<&Otp>,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let Some(code) = self.prove_code(account, otp, context).await? else { return Ok(()) };
        let use_up = |account: &Account| with_code_used(account, Some(&code));
        let mut tries = self.store.tries(CHANGE);
        let changed = self.store.change_in_generation(account.clone(), use_up, &mut tries).await;
        let changed = changed.and_then(|changed| {
            changed.map(|changed| changed.after).ok_or(StoreError::Overtaken { operation: "UpdateItem" }.into())
        });
        self.used(Some(&code), changed, context).await.map(drop)
    }

    /// What is left to do after what a code was asked for, if one was. A right code is no guess: its attempt comes
    /// back, also if the store failed or something else was refused, but not if another request has used it. An owner
    /// who has few recovery codes left then is told. Gives back what was `changed`.
    pub(super) async fn used(
        &self,
        code: Option<&RightCode>,
        changed: Result<Account, Refusal>,
        context: &Context<'_>,
    ) -> Result<Account, Refusal> {
        let Some(code) = code else { return changed };
        if !matches!(changed, Err(Refusal::WrongCode | Refusal::UsedCode)) {
            self.give_back(&code.given_back).await;
        }
        let account = changed?;
        let left = account.factor.as_ref().map(|factor| factor.recovery.len());
        if matches!(code.accepted, Accepted::Recovery(_)) && left == Some(CODES_TOLD) {
            self.notify(MailKind::CodesEnd, &account, context).await;
        }
        Ok(account)
    }

    /// Takes an attempt before a code is compared. What this instance remembers of the bucket is not asked: other
    /// instances give back right codes.
    async fn take_code(&self, bucket: BucketKey, now: Timestamp) -> Result<GivenBack, Refusal> {
        self.attempts.take(&self.store, &bucket, CODE_PACE, now).await?.map_err(Refusal::Throttled)?;
        Ok(vec![(bucket, CODE_PACE.all_but_a_second())])
    }
}

fn recovery_codes(context: &Context<'_>) -> [RecoveryCode; RECOVERY_CODES] {
    [(); RECOVERY_CODES].map(|()| RecoveryCode::new(&Zeroizing::new(context.random.bytes())))
}

/// The account with the code used up, if one was asked for and is still needed; and a code must have been, if the
/// account has got a factor since.
pub(super) fn with_code_used(account: &Account, code: Option<&RightCode>) -> Result<Account, Refusal> {
    match (code, &account.factor) {
        (Some(code), Some(_)) => code.used_in(account),
        (None, Some(_)) => Err(Refusal::CodeNeeded),
        (_, None) => Ok(account.clone()),
    }
}
