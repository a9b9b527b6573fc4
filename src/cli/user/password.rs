//! `jea-auth user passwd`, and passwords of new accounts.

use clap::Args;

use super::changed_and_ended;
use crate::{
    cli::{
        Failure, Target,
        failures::{broke_off, unknown},
        mail, secret,
        session::alive,
    },
    domain::{
        account::{Account, Email},
        mail::MailKind,
        password::{Hasher, PasswordHash, Verification, policy::Unfit},
    },
    platform::machine,
};

/// How a new password comes in, and for how long.
#[derive(Args)]
pub(in crate::cli) struct NewPassword {
    /// Read the password from stdin instead of asking; a line end after it is left out
    #[arg(long)]
    password_stdin: bool,
    /// Accept 8 characters or more instead of 15, for an account that something else protects too
    #[arg(long)]
    allow_short: bool,
    /// Have the owner change it at the first log-on, for which it is good for 7 days
    #[arg(long)]
    temporary: bool,
}

impl NewPassword {
    /// A new account with the password.
    pub(super) fn given_to(&self, account: Account) -> Result<Account, Failure> {
        let hash = self.hash(&account)?;
        let (now, is_temporary) = (machine::now(), self.temporary);
        Ok(if is_temporary { account.with_temporary_password(hash, now) } else { account.with_password(hash) })
    }

    /// The hash of a password that is new to the account. A sealed hash is not opened here, and tells nothing.
    fn hash(&self, account: &Account) -> Result<PasswordHash, Failure> {
        let password = secret::new_password(self.password_stdin, self.allow_short, &account.names())?;
        let (hasher, present) = (Hasher::default(), account.password_hash.as_ref());
        if present.is_some_and(|present| hasher.verify(&password, Some(present)) != Verification::Mismatch) {
            return Err(Failure::with_hint(Unfit::Present, Unfit::Present.advice()));
        }
        Ok(hasher.hash(&password, machine::random())?)
    }
}

pub(super) async fn passwd(email: &Email, password: &NewPassword, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let account = administration.store.account(email).await.map_err(|error| target.unreachable(error))?;
    let hash = password.hash(&account.ok_or_else(|| unknown(email.as_str()))?)?;
    let before = alive(&administration, email).await;
    let changed = if password.temporary {
        administration.set_temporary_password(email, hash).await
    } else {
        administration.change_password(email, hash).await
    };
    let changed = changed.map_err(|error| broke_off(error, target))?;
    if changed.is_some() {
        mail::notify(&administration.store, MailKind::PasswordChanged, email).await;
    }
    changed_and_ended(changed, before.as_ref(), email, target)
}
