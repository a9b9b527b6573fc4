//! `jea-auth user`: accounts.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;

use super::{Failure, Target, output, secret};
use crate::{
    account::{Account, Email, Status},
    app,
    operations::id,
    password::Hasher,
    store::Added,
};

#[derive(Subcommand)]
pub(super) enum User {
    /// Add an account
    #[command(after_help = "The password is asked for, twice.\n\nFrom a program:\n  printf %s \"$PASSWORD\" | \
                            jea-auth user add yi@jeplus.org --name Yi --password-stdin")]
    Add {
        /// The email to log on with
        email: String,
        /// What the person is called
        #[arg(long)]
        name: String,
        /// The name of a role
        #[arg(long)]
        role: Option<String>,
        /// Read the password from stdin; one line end is not part of it
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        target: Target,
    },
    /// List accounts
    List {
        #[command(flatten)]
        target: Target,
    },
}

/// What is shown of an account.
#[derive(Serialize)]
struct Shown<'a> {
    email: &'a str,
    name: &'a str,
    role: Option<&'a str>,
    status: &'static str,
    sub: &'a str,
    created: u64,
    profile: &'a BTreeMap<String, String>,
}

const COLUMNS: [&str; 4] = ["email", "name", "role", "status"];

impl User {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add { email, name, role, password_stdin, target } => {
                let canonical = Email::parse(&email)?;
                let password = secret::new_password(password_stdin)?;
                let account = Account {
                    email: canonical,
                    registered_email: email.trim().to_owned(),
                    sub: id(&app::random()),
                    name,
                    role,
                    status: Status::Active,
                    password_hash: Hasher::default().hash(&password, app::random())?,
                    created: app::now(),
                    profile: BTreeMap::new(),
                };
                let added = target.connect().await.store.add_account(&account).await;
                match added.map_err(|error| target.unreachable(error))? {
                    Added::Added => show(&[account], &target),
                    Added::Exists => Err(Failure::new(
                        format!("there is an account with the email {}", account.email.as_str()),
                        "`jea-auth user list` shows all accounts",
                    )),
                }
            }
            Self::List { target } => {
                let accounts = target.connect().await.store.accounts().await;
                let mut accounts = accounts.map_err(|error| target.unreachable(error))?;
                accounts.sort_by(|a, b| a.email.as_str().cmp(b.email.as_str()));
                show(&accounts, &target)
            }
        }
    }
}

fn show(accounts: &[Account], target: &Target) -> Result<(), Failure> {
    let shown = accounts.iter().map(|account| Shown {
        email: &account.registered_email,
        name: &account.name,
        role: account.role.as_deref(),
        status: match account.status {
            Status::Active => "active",
            Status::Disabled => "disabled",
        },
        sub: &account.sub,
        created: account.created.seconds(),
        profile: &account.profile,
    });
    output::rows(&shown.collect::<Vec<_>>(), &COLUMNS, target.json)
}
