//! `jea-auth user`: accounts.

mod change;
mod delete;
mod factor;
mod invite;
mod keys;
mod passkeys;
mod password;

use std::{collections::BTreeMap, path::PathBuf};

use clap::Subcommand;
use serde::Serialize;

use self::password::NewPassword;
use super::{
    Failure, Target, export,
    failures::{broke_off, left_out, unknown},
    import, mail, output,
    session::{Alive, alive, ended},
};
use crate::{
    domain::{
        access_key::AccessKeyId,
        account::{Account, Email, Name, Role},
        ids::AccountId,
        passkey::CredentialId,
        password::PasswordHash,
        time::Timestamp,
    },
    platform::{machine, store::Added},
    service::administration::Changed,
};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add an account
    #[command(after_help = "The password is asked for, twice.\n\nFrom a program:\n  printf %s \"$PASSWORD\" | \
                            jea-auth user add yi@jeplus.org --name Yi --password-stdin")]
    Add {
        /// The email that the person logs on with
        email: String,
        /// What the person is called
        #[arg(long, value_parser = Name::parse)]
        name: Name,
        /// The name of a role, which your API is told with each request
        #[arg(long, value_parser = Role::parse)]
        role: Option<Role>,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        target: Target,
    },
    /// Add an account without a password, and have its owner mailed a link to set one
    #[command(after_help = invite::INVITE_HELP)]
    Invite {
        /// The email to log on with, and to write to
        email: String,
        /// What the person is called
        #[arg(long, value_parser = Name::parse)]
        name: Name,
        /// The name of a role
        #[arg(long, value_parser = Role::parse)]
        role: Option<Role>,
        #[command(flatten)]
        target: Target,
    },
    /// List accounts
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Show one account
    Show {
        /// The account's email
        email: String,
        #[command(flatten)]
        target: Target,
    },
    /// Change name, role or profile of an account; its sessions go on
    #[command(after_help = change::SET_HELP)]
    Set {
        /// The account's email
        email: String,
        #[command(flatten)]
        change: change::Change,
        #[command(flatten)]
        target: Target,
    },
    /// Give an account another email; ends all its sessions
    #[command(after_help = change::RENAME_HELP)]
    Rename {
        /// The email that the account has
        email: String,
        /// The email that the account gets
        new_email: String,
        #[command(flatten)]
        target: Target,
    },
    /// List the access keys of an account, or end one of them
    #[command(after_help = keys::HELP)]
    Keys {
        /// The account's email
        email: String,
        /// End the key with this id, and all sessions that were opened with it
        #[arg(long, value_name = "ID", value_parser = AccessKeyId::parse)]
        revoke: Option<AccessKeyId>,
        /// Do it without asking
        #[arg(long, requires = "revoke")]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Show whether an account has a second factor, or remove it
    #[command(after_help = factor::HELP)]
    Factor {
        /// The account's email
        email: String,
        /// Remove it
        #[arg(long)]
        reset: bool,
        /// Do it without asking
        #[arg(long, requires = "reset")]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
    /// List the passkeys of an account, or remove one of them
    #[command(after_help = passkeys::HELP)]
    Passkeys {
        /// The account's email
        email: String,
        /// Remove the passkey with this id
        #[arg(long, value_name = "ID", value_parser = CredentialId::parse, allow_hyphen_values = true)]
        remove: Option<CredentialId>,
        /// Do it without asking
        #[arg(long, requires = "remove")]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Give an account another password; ends all its sessions, its access keys stay
    Passwd {
        /// The account's email
        email: String,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        target: Target,
    },
    /// Have the owner of an account mailed a link to set another password
    #[command(after_help = invite::RESET_HELP)]
    Reset {
        /// The account's email
        email: String,
        #[command(flatten)]
        target: Target,
    },
    /// Let nobody log on to an account any more; ends all its sessions, and removes its access keys and passkeys
    Disable {
        /// The account's email
        email: String,
        #[command(flatten)]
        target: Target,
    },
    /// Let the owner of a disabled account log on again; access keys and passkeys do not come back
    Enable {
        /// The account's email
        email: String,
        #[command(flatten)]
        target: Target,
    },
    /// Remove an account and its access keys for good; ends all its sessions
    Delete {
        /// The account's email
        email: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Add accounts from a file
    #[command(after_help = import::HELP)]
    Import {
        /// A file whose name ends in .csv, in .jsonl (one JSON object a line) or in .json (an array); - reads stdin
        file: PathBuf,
        #[command(flatten)]
        reading: import::Reading,
        /// Check the whole file and compare it with the accounts that are there, but add nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Print all accounts: one JSON object a line, or with --json one array
    #[command(after_help = export::HELP)]
    Export {
        /// Have the secrets of second factors in the file, in clear; without this they are left out
        #[arg(long)]
        with_factors: bool,
        #[command(flatten)]
        target: Target,
    },
}

/// What is shown of an account.
#[derive(Serialize)]
struct AccountRow<'a> {
    email: &'a str,
    name: &'a str,
    role: Option<&'a str>,
    status: &'static str,
    sub: &'a str,
    created: u64,
    /// Nothing if it has no password.
    current_hash: Option<bool>,
    profile: &'a BTreeMap<String, String>,
    /// Its second factor, if it has one.
    factor: Option<&'static str>,
    /// `set`, or `temporary` if the owner must change it; nothing if it has none.
    password: Option<&'static str>,
    /// Until when a temporary one is good.
    temporary_until: Option<u64>,
    /// How many access keys it has, expired ones included.
    keys: usize,
}

const COLUMNS: [&str; 6] = ["email", "name", "role", "status", "factor", "password"];
/// Where one account is looked at.
const COLUMNS_OF_ONE: [&str; 8] = ["email", "name", "role", "status", "factor", "password", "temporary_until", "keys"];

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add { email, name, role, password, target } => add(email, name, role, &password, &target).await,
            Self::Invite { email, name, role, target } => invite::invite(&email, name, role, &target).await,
            Self::List { target } => list(&target).await,
            Self::Show { email, target } => {
                let (email, connection) = (Email::parse(&email)?, target.connect().await);
                let account =
                    connection.stack.store.account(&email).await.map_err(|error| target.unreachable(error))?;
                show_one(account.ok_or_else(|| unknown(email.as_str()))?, &target)
            }
            Self::Set { email, change, target } => change::set(&Email::parse(&email)?, change, &target).await,
            Self::Rename { email, new_email, target } => {
                change::rename(&Email::parse(&email)?, &new_email, &target).await
            }
            Self::Keys { email, revoke: None, target, .. } => keys::list(&Email::parse(&email)?, &target).await,
            Self::Keys { email, revoke: Some(id), yes, target } => {
                keys::revoke(&Email::parse(&email)?, &id, yes, &target).await
            }
            Self::Factor { email, reset: false, target, .. } => factor::show(&Email::parse(&email)?, &target).await,
            Self::Factor { email, yes, target, .. } => factor::reset(&Email::parse(&email)?, yes, &target).await,
            Self::Passkeys { email, remove: None, target, .. } => passkeys::list(&Email::parse(&email)?, &target).await,
            Self::Passkeys { email, remove: Some(id), yes, target } => {
                passkeys::remove(&Email::parse(&email)?, &id, yes, &target).await
            }
            Self::Passwd { email, password, target } => {
                password::passwd(&Email::parse(&email)?, &password, &target).await
            }
            Self::Reset { email, target } => invite::reset(&Email::parse(&email)?, &target).await,
            Self::Disable { email, target } => {
                let email = Email::parse(&email)?;
                let administration = target.connect().await.stack.administration();
                let before = alive(&administration, &email).await;
                let changed = administration.disable(&email).await.map_err(|error| broke_off(error, &target))?;
                changed_and_ended(changed, before.as_ref(), &email, &target)
            }
            Self::Enable { email, target } => {
                let email = Email::parse(&email)?;
                let account = target.connect().await.stack.administration().enable(&email).await;
                let account = account.map_err(|error| broke_off(error, &target))?;
                show(&[account.ok_or_else(|| unknown(email.as_str()))?], &target)
            }
            Self::Delete { email, yes, target } => delete::delete(&email, yes, &target).await,
            Self::Import { file, reading, dry_run, target } => import::run(&file, &reading, dry_run, &target).await,
            Self::Export { with_factors, target } => export::run(with_factors, &target).await,
        }
    }
}

async fn add(
    email: String,
    name: Name,
    role: Option<Role>,
    password: &NewPassword,
    target: &Target,
) -> Result<(), Failure> {
    let mut account = Account::new(&email, name, AccountId::new(&machine::random()), machine::now())?;
    account.role = role;
    let account = password.given_to(account)?;
    let added = target.connect().await.stack.store.add_account(&account).await;
    match added.map_err(|error| target.unreachable(error))? {
        Added::Added => {
            mail::warn_unless_mailable(&account.email);
            show(&[account], target)
        }
        Added::Exists => Err(exists(&account.email)),
    }
}

/// There is such an account already.
fn exists(email: &Email) -> Failure {
    let hint = "`jea-auth user passwd` gives it another password";
    Failure::new(format!("there is an account with the email {}", email.as_str()), hint)
}

async fn list(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.stack.store.accounts();
    let (mut table, mut malformed) = (output::Table::new(&COLUMNS, target.json), Vec::new());
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        for item in page {
            match item {
                Ok(account) => table.add(account.email.as_str(), &row(&account))?,
                Err(item) => malformed.push(item),
            }
        }
    }
    table.print()?;
    left_out(&malformed)
}

fn changed_and_ended(
    changed: Option<Changed>,
    alive: Option<&Alive>,
    email: &Email,
    target: &Target,
) -> Result<(), Failure> {
    let changed = changed.ok_or_else(|| unknown(email.as_str()))?;
    let (keys, passkeys) = (changed.account.access_keys.len(), changed.account.passkeys.len());
    for (removed, what) in [(changed.keys_removed, "access key"), (changed.passkeys_removed, "passkey")] {
        if removed > 0 {
            output::note(&format!("{} removed for good", output::count(removed, what)));
        }
    }
    show(&[changed.account], target)?;
    output::note(&ended(alive));
    if keys > 0 {
        let keys = output::count(keys, "access key");
        let told = format!("{keys} can still be used; `jea-auth user keys {}` lists them", email.as_str());
        output::note(&target.said(&told));
    }
    if passkeys > 0 {
        output::note(&format!("{} can still be used", output::count(passkeys, "passkey")));
    }
    Ok(())
}

/// One account, as `user show` shows it.
fn show_one(account: Account, target: &Target) -> Result<(), Failure> {
    rows(&[account], &COLUMNS_OF_ONE, target)
}

fn show(accounts: &[Account], target: &Target) -> Result<(), Failure> {
    rows(accounts, &COLUMNS, target)
}

fn rows(accounts: &[Account], columns: &[&str], target: &Target) -> Result<(), Failure> {
    output::rows(&accounts.iter().map(row).collect::<Vec<_>>(), columns, target.json)
}

fn row(account: &Account) -> AccountRow<'_> {
    AccountRow {
        email: &account.registered_email,
        name: account.name.as_str(),
        role: account.role.as_ref().map(Role::as_str),
        status: account.status.name(),
        sub: account.sub.as_str(),
        created: account.created.seconds(),
        current_hash: account.password_hash.as_ref().map(PasswordHash::is_current),
        profile: &account.profile,
        factor: account.factor.as_ref().map(|_| "otp"),
        password: account
            .password_hash
            .as_ref()
            .map(|_| if account.temporary_until.is_some() { "temporary" } else { "set" }),
        temporary_until: account.temporary_until.map(Timestamp::seconds),
        keys: account.access_keys.len(),
    }
}
