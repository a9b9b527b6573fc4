//! `jea-auth user set` and `user rename`: who an account is.

use std::collections::BTreeMap;

use clap::Args;

use super::show_one;
use crate::{
    cli::{
        Failure, Target,
        failures::{broke_off, unknown},
        mail, output,
        roster::profile,
        session::{alive, ended},
    },
    domain::{
        account::{Email, Name, Role},
        mail::MailKind,
    },
    service::administration::{Administration, Particulars, RenameError, RoleChange, SetError},
};

pub(super) const SET_HELP: &str = "\
At least one option is needed; what is not named stays as it is. Whoever is logged on stays so, and everybody sees the change
within 5 seconds: the owner in the account details, programs behind the service in the headers of the next request.

The profile is whatever else is known of a person: country, company, title and the like. --profile can be given several times,
and an empty value removes the member. A profile is public to its owner's clients, so a member whose name is that of a secret, as
password or apiKey, is refused, and so is the hash of a password. All texts of an account together have at most 60,000 bytes.

Examples:
  jea-auth user set yi@jeplus.org --name \"Zhang Yi\" --role editor
  jea-auth user set yi@jeplus.org --no-role --profile country=GB --profile company=";

pub(super) const RENAME_HELP: &str = "\
The account stays the same one: its id, password, profile and access keys stay, and what other programs keep by its id stays
right. All its sessions end, because they carry the email; its owner logs on again, with the new email. Where mails are on, a
mail to the old email says so.

Upper and lower case make no difference when somebody logs on. To change them alone, say the same email as it is to be
written.

If something fails on the way, the account is at the one email or at the other, and never at none. Say the same again to see
at which.

Example:
  jea-auth user rename yi@jeplus.org zhang.yi@jeplus.org";

/// What is changed of who somebody is.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(in crate::cli) struct Change {
    /// What the person is called from now on
    #[arg(long, value_parser = Name::parse)]
    name: Option<Name>,
    /// The name of the role it has from now on
    #[arg(long, value_parser = Role::parse)]
    role: Option<Role>,
    /// It has no role from now on
    #[arg(long, conflicts_with = "role")]
    no_role: bool,
    /// A member of the profile and its new value; an empty value removes the member
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    profile: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("KEY=VALUE is expected, as in country=GB, or KEY= to remove it")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Change {
    fn particulars(self) -> Result<Particulars, Failure> {
        let role = match (self.role, self.no_role) {
            (Some(role), _) => RoleChange::Set(role),
            (None, true) => RoleChange::Remove,
            (None, false) => RoleChange::Keep,
        };
        let mut members = BTreeMap::new();
        for (key, value) in self.profile {
            // What is there against the rules can still be removed.
            if !value.is_empty() {
                profile::check(&key, &value).map_err(|reason| {
                    Failure::new(reason, "nothing was changed; `jea-auth user set --help` says what a profile may hold")
                })?;
            }
            if members.contains_key(&key) {
                return Err(Failure::new(format!("profile member {key} is there twice"), "name each member once"));
            }
            members.insert(key, value);
        }
        Ok(Particulars { name: self.name, role, profile: members })
    }
}

pub(super) async fn set(email: &Email, change: Change, target: &Target) -> Result<(), Failure> {
    let particulars = change.particulars()?;
    let account = target.connect().await.stack.administration().set(email, &particulars).await;
    let account = account.map_err(|error| match error {
        SetError::Store(error) => broke_off(error, target),
        SetError::TooLarge => Failure::with_hint(error, "nothing was changed; shorten the values, or remove others"),
    })?;
    show_one(account.ok_or_else(|| unknown(email.as_str()))?, target)
}

pub(super) async fn rename(email: &Email, new_email: &str, target: &Target) -> Result<(), Failure> {
    // Another spelling of the same email changes nothing about it.
    if let Ok(new) = Email::parse(new_email)
        && new != *email
    {
        mail::mailable(&new)?;
    }
    let administration = target.connect().await.stack.administration();
    let before = alive(&administration, email).await;
    let renamed = administration.rename(email, new_email).await.map_err(|error| {
        let show = format!("`jea-auth user show {}` shows it", Email::canonical(new_email).as_str());
        match error {
            RenameError::Store(error) => broke_off(error, target),
            RenameError::Email(_) => Failure::with_hint(error, "nothing was changed; check the new email"),
            RenameError::Exists => Failure::with_hint(error, format!("nothing was changed; {show}")),
            RenameError::Same => Failure::with_hint(error, format!("there is nothing to change; {show}")),
        }
    })?;
    match renamed {
        Some(account) => {
            // To the email that it had. If only the spelling changed, it has it still.
            if account.email != *email {
                mail::notify(&administration.store, MailKind::EmailChanged, email).await;
            }
            show_one(account, target)?;
            output::note(&ended(before.as_ref()));
            Ok(())
        }
        None => Err(not_there(&administration, email, new_email, target).await?),
    }
}

/// There is no account at the old email. If there is one at the new, perhaps this is a rename that was done before.
async fn not_there(
    administration: &Administration,
    email: &Email,
    new_email: &str,
    target: &Target,
) -> Result<Failure, Failure> {
    let new = Email::parse(new_email)?;
    let there = administration.store.sub_at(new.as_str()).await.map_err(|error| target.unreachable(error))?;
    if there.is_none() {
        return Ok(unknown(email.as_str()));
    }
    let (old, new) = (email.as_str(), new.as_str());
    Ok(Failure::new(
        format!("there is no account with the email {old}, but there is one with {new}"),
        format!("if you say this a second time, it has been done; `jea-auth user show {new}` shows the account"),
    ))
}
