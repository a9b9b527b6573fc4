//! Forgotten passwords: a link by mail, and the new password by the link.

use std::sync::Arc;

use super::{Client, Fresh, Operations, Refusal, factor::with_code_used};
use crate::domain::{
    account::{Account, Email},
    credential::NewPasswordByLink,
    device::Device,
    factor::Otp,
    link::{Link, PresentedLink},
    mail::MailKind,
    password::{
        Password, Verification,
        policy::{self, CHARACTERS_MIN},
    },
    secret::ServiceSecret,
    throttle::{BucketKey, MAIL_PACE},
    time::Timestamp,
};

impl Operations {
    /// Has a link sent to whoever has this email, if anybody has. The account is not looked up here, so an unknown
    /// email costs what a known one does; the function that sends mails looks.
    ///
    /// # Errors
    /// [`Refusal::Throttled`] or [`Refusal::Unavailable`].
    pub async fn forgot(
        &self,
        email: &Email,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<(), Refusal> {
        let keys = self.keyring.unsealed(now).await?;
        // Neither is given back: nothing tells a right email from a wrong one.
        let bucket = (BucketKey::mail(&keys.secret, email), MAIL_PACE);
        self.take_two(bucket, client.address, &keys.secret, now).await?;
        Ok(self.store.send_mail(&fresh.mail, MailKind::Reset, email, now).await?)
    }

    /// Sets the password by a link, and ends all sessions and access keys. A password that is refused leaves the link
    /// good; one that is set voids it. Whoever sends the same link with the same password again, as the answer may have
    /// been lost, hears the same again. Gives back the cookie value that makes the device a known one.
    ///
    /// # Errors
    /// [`Refusal::BadLink`], [`Refusal::Unfit`], [`Refusal::CodeNeeded`], [`Refusal::WrongCode`],
    /// [`Refusal::Throttled`] or [`Refusal::Unavailable`].
    pub async fn reset(
        &self,
        by_link: NewPasswordByLink,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<String, Refusal> {
        let NewPasswordByLink { token, new_password, otp } = by_link;
        let keys = self.keyring.unsealed(now).await?;
        self.take_for_address(client.address, &keys.secret, now).await?;
        let presented = Link::parse(&token, &keys.secret, now).ok_or(Refusal::BadLink)?;
        let account = self.store.account(&presented.link.email).await?.ok_or(Refusal::BadLink)?;
        let account = if presented.was_used_on(&account) {
            self.is_set(&account, new_password, &keys.secret, now, fresh).await?;
            account
        } else {
            self.set_by_link(&presented, account, (new_password, otp.as_ref()), &keys.secret, now, fresh).await?
        };
        self.notify(MailKind::PasswordReset, &account, now, fresh).await;
        Ok(Device::of(&account, fresh.device).cookie(&keys.secret, &account.email, now))
    }

    async fn set_by_link(
        &self,
        presented: &PresentedLink,
        account: Account,
        (new_password, otp): (Password, Option<&Otp>),
        secret: &ServiceSecret,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<Account, Refusal> {
        let PresentedLink { link, tag } = presented;
        if !link.is_of(&account) {
            return Err(Refusal::BadLink);
        }
        policy::check(&new_password, CHARACTERS_MIN, &account.names()).map_err(Refusal::Unfit)?;
        let code = self.prove_code(&account, otp, secret, now, fresh).await?;
        let hash = self.hash(new_password, fresh).await?;
        let set = |account: &Account| {
            let account = Some(account).filter(|account| link.is_of(account)).ok_or(Refusal::BadLink)?;
            let account = with_code_used(account, code.as_ref())?.next_generation(now).next_links(now);
            let account = account.with_password(hash.clone());
            Ok::<_, Refusal>(Account { used_link: Some(tag.clone()), access_keys: [].into(), ..account })
        };
        let changed = self.store.change_account(&link.email, set).await?.ok_or(Refusal::BadLink)?;
        if let Some(code) = &code {
            self.give_back(&code.given_back).await;
        }
        Ok(changed.after)
    }

    /// Whether the account has this password, which a link has set that is used again. As every comparison it takes an
    /// attempt from the account's bucket, and none comes back: each success sends a mail.
    async fn is_set(
        &self,
        account: &Account,
        password: Password,
        secret: &ServiceSecret,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<(), Refusal> {
        let bucket = BucketKey::account(secret, &account.email);
        let taken = self.attempts.take(&self.store, &bucket, self.paces.account, now).await?;
        taken.map_err(Refusal::Throttled)?;
        match self.compare(&Arc::new(password), account.password_hash.clone(), fresh).await?.0 {
            Verification::Match | Verification::MatchOutdated => Ok(()),
            Verification::Mismatch => Err(Refusal::BadLink),
        }
    }

    /// Tells an owner by mail what happened to the account, where mails are switched on. What has happened has
    /// happened: a mail that cannot be written down fails nothing.
    pub(super) async fn notify(&self, kind: MailKind, account: &Account, now: Timestamp, fresh: &Fresh) {
        if !self.sends_mail {
            return;
        }
        if let Err(error) = self.store.send_mail(&fresh.mail, kind, &account.email, now).await {
            tracing::error!(error = %crate::causes::Causes(&error), kind = kind.name(), "an owner is not told");
        }
    }
}
