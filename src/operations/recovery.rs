//! Forgotten passwords: a link by mail, and the new password by the link.

use super::{Client, Fresh, Operations, Refusal, factor::with_code_used};
use crate::{
    account::{Account, Email},
    credential::NewPasswordByLink,
    link::Link,
    mail::MailKind,
    password::policy::{self, CHARACTERS_MIN},
    store::Ended,
    throttle::{BucketKey, MAIL_PACE},
    time::Timestamp,
};

impl Operations {
    /// Has a link sent to whoever has this email, if anybody has. The account is not looked up here, so an unknown email
    /// costs what a known one does; the function that sends mails looks.
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

    /// Sets the password by a link, and ends all sessions and access keys. A password that is refused leaves the link good; one
    /// that is set voids it, as it moves the generation.
    ///
    /// # Errors
    /// [`Refusal::BadLink`], [`Refusal::Unfit`], [`Refusal::CodeNeeded`], [`Refusal::WrongCode`], [`Refusal::Throttled`] or
    /// [`Refusal::Unavailable`].
    pub async fn reset(
        &self,
        by_link: NewPasswordByLink,
        client: Client<'_>,
        now: Timestamp,
        fresh: &Fresh,
    ) -> Result<(), Refusal> {
        let NewPasswordByLink { token, new_password, otp } = by_link;
        let keys = self.keyring.unsealed(now).await?;
        self.take_for_address(client.address, &keys.secret, now).await?;
        let link = Link::parse(&token, &keys.secret, now).ok_or(Refusal::BadLink)?;
        let account = self.store.account(&link.email).await?.filter(|account| link.is_of(account));
        let account = account.ok_or(Refusal::BadLink)?;
        policy::check(&new_password, CHARACTERS_MIN, &account.names()).map_err(Refusal::Unfit)?;
        let code = self.prove_code(&account, otp.as_ref(), &keys.secret, now, fresh).await?;
        let hash = self.hash(new_password, fresh).await?;
        let change = |account: &Account| {
            let account = Some(account).filter(|account| link.is_of(account)).ok_or(Refusal::BadLink)?;
            let account = with_code_used(account, code.as_ref())?;
            let access_keys = [].into();
            Ok::<_, Refusal>(Account { password_hash: Some(hash.clone()), access_keys, ..account }.next_generation())
        };
        let changed = self.store.change_account(&link.email, change).await?.ok_or(Refusal::BadLink)?;
        if let Some(code) = &code {
            self.give_back(&code.given_back).await;
        }
        self.store.end_sessions(changed.after.sub.as_str(), Ended::All).await?;
        self.notify(MailKind::PasswordReset, &changed.after, now, fresh).await;
        Ok(())
    }

    /// Tells an owner by mail what happened to the account, where mails are switched on. What has happened has happened: a
    /// mail that cannot be written down fails nothing.
    pub(super) async fn notify(&self, kind: MailKind, account: &Account, now: Timestamp, fresh: &Fresh) {
        if !self.sends_mail {
            return;
        }
        if let Err(error) = self.store.send_mail(&fresh.mail, kind, &account.email, now).await {
            tracing::error!(error = %crate::causes::Causes(&error), kind = kind.name(), "an owner is not told");
        }
    }
}
