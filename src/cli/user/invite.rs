//! `jea-auth user invite` and `user reset`: owners set their passwords themselves, by a link in a mail.

use super::show;
use crate::{
    cli::{Failure, Target, failures::unknown, mail, output},
    domain::{
        account::{Account, Email, Name, Role, Status},
        ids::AccountId,
        mail::MailKind,
    },
    platform::{
        machine,
        store::{Added, Store},
    },
};

pub(super) const INVITE_HELP: &str = "\
The account is there at once, but has no password: nobody can log on to it. Its owner gets a mail with a link, sets a password
by it, and logs on. So no password passes through anybody else's hands.

The link is good for 7 days, and once. If it was lost, or is too old, `jea-auth user reset EMAIL` has another one sent.

Mails must be switched on: on AWS by the template's parameter MailFrom, on this machine by `jea-auth serve` without --no-mail.
Without them `jea-auth user add` adds an account with a password that you choose.

Example:
  jea-auth user invite yi@jeplus.org --name Yi --role editor";

pub(super) const RESET_HELP: &str = "\
The owner gets a mail with a link, and sets another password by it; that ends all sessions and access keys of the account.
Until then the old password and all sessions go on. To end them now, say `jea-auth session revoke EMAIL`.

The link is good for 30 minutes, and once. Links that were mailed before are void. An account that has no password yet gets an invitation, which is good for 7 days.

Mails must be switched on: on AWS by the template's parameter MailFrom, on this machine by `jea-auth serve` without --no-mail.
Without them `jea-auth user passwd` sets a password that you choose.

Example:
  jea-auth user reset yi@jeplus.org";

pub(super) async fn invite(text: &str, name: Name, role: Option<Role>, target: &Target) -> Result<(), Failure> {
    let mut account = Account::new(text, name, AccountId::new(&machine::random()), machine::now())?;
    account.role = role;
    mail::mailable(&account.email)?;
    let store = target.connect().await.stack.store;
    mail::switched_on(&store, target).await?;
    match store.add_account(&account).await.map_err(|error| target.unreachable(error))? {
        Added::Added => {}
        Added::Exists => return Err(is_there(&store, &account.email, target).await),
    }
    let email = account.email.as_str().to_owned();
    mail::send(&store, MailKind::Invitation, &account.email).await.map_err(|error| {
        Failure::with_hint(
            error,
            format!("the account is there, without a mail; `jea-auth user reset {email}` sends it"),
        )
    })?;
    show(&[account], target)?;
    output::note(&invitation(&email));
    Ok(())
}

/// What to do about an account that is there depends on whether it still waits for its owner.
async fn is_there(store: &Store, email: &Email, target: &Target) -> Failure {
    let text = email.as_str();
    let account = match store.account(email).await {
        Ok(account) => account,
        Err(error) => return target.unreachable(error),
    };
    if account.is_some_and(|account| account.password_hash.is_none() && account.status == Status::Active) {
        return Failure::new(
            format!("there is an account with the email {text}, and it has no password yet"),
            format!("`jea-auth user reset {text}` mails its owner a link again"),
        );
    }
    super::exists(email)
}

pub(super) async fn reset(email: &Email, target: &Target) -> Result<(), Failure> {
    mail::mailable(email)?;
    let (store, text) = (target.connect().await.stack.store, email.as_str());
    mail::switched_on(&store, target).await?;
    let account = store.account(email).await.map_err(|error| target.unreachable(error))?;
    let account = account.ok_or_else(|| unknown(text))?;
    // The mailer would send nothing, and tell nobody.
    if account.status == Status::Disabled {
        let hint = format!("`jea-auth user enable {text}` lets its owner log on again");
        return Err(Failure::new("the account is disabled, so no link is sent", hint));
    }
    let voided = target.connect().await.stack.administration().void_links(email).await;
    voided.map_err(|error| target.unreachable(error))?;
    let has_password = account.password_hash.is_some();
    let kind = if has_password { MailKind::Reset } else { MailKind::Invitation };
    mail::send(&store, kind, email).await.map_err(|error| target.unreachable(error))?;
    output::note(&if has_password {
        format!("a link is on its way to {text}; it is good for 30 minutes")
    } else {
        invitation(text)
    });
    Ok(())
}

fn invitation(email: &str) -> String {
    format!("an invitation is on its way to {email}; its link is good for 7 days")
}
