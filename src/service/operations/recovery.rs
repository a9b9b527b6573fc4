//! Forgotten passwords: a link by mail, and the new password by the link.

use std::sync::Arc;

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
        policy::{self, CHARACTERS_MIN},
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
    /// [`Refusal::Throttled`] or [`Refusal::Unavailable`].
    pub async fn reset(&self, by_link: NewPasswordByLink, context: &Context<'_>) -> Result<String, Refusal> {
        let NewPasswordByLink { token, new_password, otp } = by_link;
        self.take_for_address(context).await?;
        let presented = Link::parse(&token, &context.keys.secret, context.now).ok_or(Refusal::BadLink)?;
        let account = self.store.account(&presented.link.email).await?.ok_or(Refusal::BadLink)?;
        let account = if presented.was_used_on(&account) {
            self.is_set(&account, new_password, context).await?;
            account
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
        new_password: Password,
        otp: Option<&Otp>,
        context: &Context<'_>,
    ) -> Result<Account, Refusal> {
        let (PresentedLink { link, tag }, now) = (presented, context.now);
        if !link.is_of(&account) {
            return Err(Refusal::BadLink);
        }
        policy::check(&new_password, CHARACTERS_MIN, &account.names()).map_err(Refusal::Unfit)?;
        let code = self.prove_code(&account, otp, context).await?;
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
        let changed = self.store.change_account(&link.email, set).await?.ok_or(Refusal::BadLink)?;
        if let Some(code) = &code {
            self.give_back(&code.given_back).await;
        }
        Ok(changed.after)
    }

    /// Whether the account has this password, which a link has set that is used again. As every comparison it takes an
    /// attempt from the account's bucket, and none comes back: each success sends a mail.
    async fn is_set(&self, account: &Account, password: Password, context: &Context<'_>) -> Result<(), Refusal> {
        let bucket = BucketKey::account(&context.keys.secret, &account.email);
        let taken = self.attempts.take(&self.store, &bucket, self.rules.paces.account, context.now).await?;
        taken.map_err(Refusal::Throttled)?;
        match self.compare(&Arc::new(password), account.password_hash.clone(), context).await?.0 {
            Verification::Match | Verification::MatchOutdated => Ok(()),
            Verification::Mismatch => Err(Refusal::BadLink),
        }
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
