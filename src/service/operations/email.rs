//! The email of an account, changed by its owner: by a link to the present address and one to the new one.

use super::{Context, Operations, Refusal};
use crate::{
    domain::{
        account::Account,
        email_change::EmailChange,
        email_link::{EmailLink, PresentedEmailLink},
        ids::ChangeId,
        mail::MailKind,
        throttle::{BucketKey, MAIL_PACE},
    },
    platform::{
        store::{Renamed, StoreError},
        tries::{CHANGE, Tries},
    },
    web::identity::Identity,
};

/// How far a change of email is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailConfirmed {
    /// By one of the two addresses: nothing has changed.
    ByOne,
    /// By both: it is done.
    ByBoth,
}

impl Operations {
    /// Has a link sent to the present and one to the new email, which change it together. Links of an earlier request
    /// are void. Whether another account has the new email is not looked up here, so that no answer tells; the
    /// function that sends mails looks. An email that no account can have is refused as a link that leads nowhere.
    ///
    /// # Errors
    /// [`Refusal::BadLink`], [`Refusal::Throttled`], [`Refusal::SessionEnded`] or [`Refusal::Unavailable`].
    pub async fn change_email(
        &self,
        identity: &Identity,
        new_email: &str,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let Context { keys, now, random, .. } = context;
        let change = EmailChange::new(new_email, ChangeId::new(&random.bytes()), *now);
        let change = change.map_err(|_| Refusal::BadLink)?;
        let before = self.before_change(identity, context).await?;
        // As for a forgotten password, and from the same bucket: nobody's mailbox is filled.
        let bucket = BucketKey::mail(&keys.secret, &change.email);
        self.attempts.take(&self.store, &bucket, MAIL_PACE, *now).await?.map_err(Refusal::Throttled)?;
        let ask = |account: &Account| Ok(Account { email_change: Some(change.clone()), ..account.clone() });
        let account = self.change_from(before, identity, context, &ask).await?.after;
        let (to_present, to_new) = (random.bytes(), random.bytes());
        tokio::try_join!(
            self.store.send_mail(&to_present, MailKind::EmailPresent, &account.email, *now),
            self.store.send_mail_to_new(&to_new, &account.email, &change.email, *now),
        )?;
        Ok(())
    }

    /// Confirms a change of email by a link, and makes it if the other address has confirmed it before: the account
    /// moves to its new email with all that it has, and its sessions end. A link that is used again, as its answer may
    /// have been lost, is told the same again.
    ///
    /// # Errors
    /// [`Refusal::BadLink`], also if another account has the new email by then; [`Refusal::Throttled`] or
    /// [`Refusal::Unavailable`].
    pub async fn confirm_email(&self, token: &str, context: &Context<'_>) -> Result<EmailConfirmed, Refusal> {
        self.take_for_address(context).await?;
        let presented = EmailLink::parse(token, &context.keys.secret, context.now).ok_or(Refusal::BadLink)?;
        let mut tries = self.store.tries(CHANGE);
        loop {
            let confirm = |account: &Account| presented.confirmed_on(account).ok_or(Refusal::BadLink);
            let confirmed = match self.store.change_account(&presented.link.present, confirm).await {
                Ok(Some(changed)) => changed.after,
                Ok(None) | Err(Refusal::BadLink) => return self.was_moved(&presented).await,
                Err(refusal) => return Err(refusal),
            };
            let Some(moved) = presented.moved(&confirmed, context.now) else { return Ok(EmailConfirmed::ByOne) };
            match self.move_account(&presented, &confirmed, &moved, &mut tries, context).await? {
                Renamed::Renamed => return Ok(EmailConfirmed::ByBoth),
                Renamed::Exists => return self.was_moved(&presented).await,
                Renamed::Changed if tries.again().await => {}
                Renamed::Changed => {
                    return Err(StoreError::Overtaken { operation: "TransactWriteItems" }.into());
                }
            }
        }
    }

    /// Moves an account to its new email, and tells the one that it had. Another spelling of the same one is the same
    /// item, which a transaction cannot both put and delete.
    async fn move_account(
        &self,
        presented: &PresentedEmailLink,
        before: &Account,
        after: &Account,
        tries: &mut Tries,
        context: &Context<'_>,
    ) -> Result<Renamed, Refusal> {
        if before.email != after.email {
            let mail = (&context.random.bytes(), context.now);
            return Ok(self.store.rename_account(before, after, Some(mail)).await?);
        }
        let respell = |account: &Account| presented.moved(account, context.now).ok_or(Refusal::BadLink);
        let changed = self.store.change_in_generation(before.clone(), respell, tries).await?;
        if changed.is_none() {
            return Ok(Renamed::Changed);
        }
        self.notify(MailKind::EmailChanged, before, context).await;
        Ok(Renamed::Renamed)
    }

    /// Whether this link has moved the account before: then its answer was perhaps lost.
    async fn was_moved(&self, presented: &PresentedEmailLink) -> Result<EmailConfirmed, Refusal> {
        let there = self.store.account(&presented.link.new).await?;
        let is_moved = there.is_some_and(|account| presented.was_used_on(&account));
        is_moved.then_some(EmailConfirmed::ByBoth).ok_or(Refusal::BadLink)
    }
}
