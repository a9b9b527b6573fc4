//! Forgotten passwords: a link by mail, and the new password by the link.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Context, Operations, Refusal, factor::with_code_used};
use crate::domain::{
    account::{Account, Email},
    factor::Otp,
    link::{Link, PresentedLink},
    mail::MailKind,
    password::{
        Password, Verification,
        policy::{self, CHARACTERS_MIN, Unfit},
    },
    throttle::{BucketKey, MAIL_PACE},
};

/// A link's token and the password that it is to set, and a code if one was typed, none of them checked.
#[derive(Deserialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields)]
pub struct NewPasswordByLink {
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    token: Zeroizing<String>,
    #[cfg_attr(feature = "terminal", schemars(with = "String"))]
    new_password: Password,
    /// A code of the second factor, or a recovery code.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    otp: Option<Otp>,
}

impl Operations {
    /// Has a link sent to whoever has this email, if anybody has. The account is not looked up here, so an unknown
    /// email costs what a known one does; the function that sends mails looks.
    ///
    /// # Errors
    /// [`Refusal::Throttled`] or [`Refusal::Unavailable`].
    pub async fn forgot(&self, email: &Email, context: &Context<'_>) -> Result<(), Refusal> {
        // Neither is given back: nothing tells a right email from a wrong one.
        let bucket = BucketKey::mail(&context.keys.secret, email);
        self.take_two(bucket, MAIL_PACE, context).await?;
        Ok(self.store.send_mail(&context.random.bytes(), MailKind::Reset, email, context.now).await?)
    }

    /// Sets the password by a link, and ends all sessions, access keys and passkeys. A password that is refused leaves
    /// the link good; one that is set voids it. Whoever sends the same link with the same password again, as the answer
    /// may have been lost, hears the same again. Gives back the cookie value that makes the device a known one.
    ///
    /// # Errors
    /// [`Refusal::BadLink`], [`Refusal::Unfit`], [`Refusal::CodeNeeded`], [`Refusal::WrongCode`],
    /// [`Refusal::UsedCode`], [`Refusal::Throttled`] or [`Refusal::Unavailable`].
    pub async fn reset(&self, by_link: NewPasswordByLink, context: &Context<'_>) -> Result<String, Refusal> {
        let NewPasswordByLink { token, new_password, otp } = by_link;
        self.take_for_address(context).await?;
        let presented = Link::parse(&token, &context.keys.secret, context.now).ok_or(Refusal::BadLink)?;
        let account = self.store.account(&presented.link.email).await?.ok_or(Refusal::BadLink)?;
        let new_password = Arc::new(new_password);
        let account = if presented.was_used_on(&account) {
            // Set by it before, if this is the password.
            match self.has_password(&account, &new_password, context).await? {
                Ok(true) => account,
                Ok(false) => return Err(Refusal::BadLink),
                Err(wait) => return Err(Refusal::Throttled(wait)),
            }
        } else {
            self.set_by_link(&presented, account, new_password, otp.as_ref(), context).await?
        };
        self.notify(MailKind::PasswordReset, &account, context).await;
        Ok(context.device_of(&account, None))
    }

    async fn set_by_link(
        &self,
        presented: &PresentedLink,
        account: Account,
        new_password: Arc<Password>,
        otp: Option<&Otp>,
        context: &Context<'_>,
    ) -> Result<Account, Refusal> {
        let (PresentedLink { link, tag }, now) = (presented, context.now);
        if !link.is_of(&account) {
            return Err(Refusal::BadLink);
        }
        policy::check(&new_password, CHARACTERS_MIN, &account.names()).map_err(Refusal::Unfit)?;
        let code = self.prove_code(&account, otp, context).await?;
        let set = async {
            // Strangers who empty the account's bucket keep no owner from a reset: then it is not compared.
            if self.has_password(&account, &new_password, context).await? == Ok(true) {
                return Err(Refusal::Unfit(Unfit::Present));
            }
            let hash = self.hash(new_password, context).await?;
            let set = |account: &Account| {
                let account = Some(account).filter(|account| link.is_of(account)).ok_or(Refusal::BadLink)?;
                let account = with_code_used(account, code.as_ref())?.next_generation(now).next_links(now);
                let account = account.with_password(hash.clone());
                Ok::<_, Refusal>(Account {
                    used_link: Some(tag.clone()),
                    access_keys: [].into(),
                    passkeys: [].into(),
                    ..account
                })
            };
            let changed = self.store.change_account(&link.email, set).await?;
            changed.map(|changed| changed.after).ok_or(Refusal::BadLink)
        };
        self.used(code.as_ref(), set.await, context).await
    }

    /// Whether this is the account's password, or how long until that is told again. Whoever has a link could send one
    /// password after another by it at the same moment, so each comparison takes an attempt from the account's bucket,
    /// as one of a log-on does. None comes back: it tells as much as a log-on.
    async fn has_password(
        &self,
        account: &Account,
        password: &Arc<Password>,
        context: &Context<'_>,
    ) -> Result<Result<bool, Duration>, Refusal> {
        let secret = &context.keys.secret;
        let bucket = BucketKey::account(secret, &account.email);
        let taken = self.attempts.take(&self.store, &bucket, self.rules.paces.account, context.now).await?;
        if let Err(wait) = taken {
            return Ok(Err(wait));
        }
        let stored = account.password_hash.as_ref().and_then(|hash| hash.opened(&account.sub, secret));
        Ok(Ok(match self.compare(password, stored, context).await?.0 {
            Verification::Match | Verification::MatchOutdated => true,
            Verification::Mismatch => false,
        }))
    }

    /// Tells an owner by mail what happened to the account, where mails are switched on. What has happened has
    /// happened: a mail that cannot be written down fails nothing.
    pub(super) async fn notify(&self, kind: MailKind, account: &Account, context: &Context<'_>) {
        if !self.rules.sends_mail {
            return;
        }
        if let Err(error) = self.store.send_mail(&context.random.bytes(), kind, &account.email, context.now).await {
            tracing::error!(error = %crate::causes::Causes(&error), kind = kind.name(), "an owner is not told");
        }
    }
}
