//! `jea-auth user factor`: the second factor of an account.

use serde::Serialize;

use crate::{
    cli::{Failure, Target, confirm::confirm, failures::unknown, mail, output},
    domain::{
        account::{Account, Email},
        mail::MailKind,
    },
};

pub(super) const HELP: &str = "\
With a second factor a log-on with the password needs a code of an authenticator app, or one of ten recovery codes, each of which
counts once. The owner of an account sets it up and removes it; here is whether there is one, and how many recovery codes
are left.

Without --reset nothing changes. With it the second factor is gone and the password is enough: for an owner who has lost app
and recovery codes. Be sure that it is the owner who asks. Sessions and access keys stay. Where mails are on, the owner is
told by mail. It asks first; --yes is for scripts.

Examples:
  jea-auth user factor yi@jeplus.org
  jea-auth user factor yi@jeplus.org --reset";

/// What is shown of a second factor.
#[derive(Serialize)]
struct FactorRow<'a> {
    email: &'a str,
    factor: Option<&'static str>,
    recovery_codes: usize,
}

const COLUMNS: [&str; 3] = ["email", "factor", "recovery_codes"];

pub(super) async fn show(email: &Email, target: &Target) -> Result<(), Failure> {
    let account = target.connect().await.stack.store.account(email).await.map_err(|error| target.unreachable(error))?;
    row(&account.ok_or_else(|| unknown(email.as_str()))?, target)
}

pub(super) async fn reset(email: &Email, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let account = administration.store.account(email).await.map_err(|error| target.unreachable(error))?;
    if account.ok_or_else(|| unknown(email.as_str()))?.factor.is_none() {
        return Err(Failure::new("the account has no second factor", "nothing is to be done"));
    }
    confirm(&format!("This removes the second factor of {}; the password is enough then.", email.as_str()), yes)?;
    let account = administration.remove_factor(email).await.map_err(|error| target.unreachable(error))?;
    let account = account.ok_or_else(|| unknown(email.as_str()))?;
    mail::notify(&administration.store, MailKind::FactorRemoved, email).await;
    row(&account, target)
}

fn row(account: &Account, target: &Target) -> Result<(), Failure> {
    let row = FactorRow {
        email: &account.registered_email,
        factor: account.factor.as_ref().map(|_| "otp"),
        recovery_codes: account.factor.as_ref().map_or(0, |factor| factor.recovery.len()),
    };
    output::rows(&[row], &COLUMNS, target.json)
}
