//! `jea-auth user passkeys`: the passkeys of an account.

use serde::Serialize;

use crate::{
    cli::{
        Failure, Target,
        confirm::confirm,
        failures::{broke_off, unknown},
        mail, output,
    },
    domain::{
        account::Email,
        mail::MailKind,
        passkey::{CredentialId, StoredPasskey},
        time::Timestamp,
    },
};

pub(super) const HELP: &str = "\
A passkey logs its owner on without a password. The owner of an account makes and removes it; here are its id and its name, the
host that it is for, when it was added, the last day on which it was used, and whether its authenticator said that there is a
copy elsewhere.

Without --remove nothing changes. With it, the passkey opens nothing from now on; sessions stay, those included that it has
opened. Where mails are on, its owner is told by mail. It asks first; --yes is for scripts. With --json, times are in seconds
since 1970.

Examples:
  jea-auth user passkeys yi@jeplus.org
  jea-auth user passkeys yi@jeplus.org --remove ID";

/// What is shown of a passkey.
#[derive(Serialize)]
struct PasskeyRow<'a> {
    id: String,
    name: &'a str,
    rp_id: &'a str,
    created: u64,
    last_used: Option<u64>,
    backed_up: bool,
}

const COLUMNS: [&str; 6] = ["id", "name", "rp_id", "created", "last_used", "backed_up"];

impl<'a> PasskeyRow<'a> {
    fn of(id: &CredentialId, passkey: &'a StoredPasskey) -> Self {
        Self {
            id: id.text(),
            name: passkey.name.as_str(),
            rp_id: &passkey.rp_id,
            created: passkey.created.seconds(),
            last_used: passkey.last_used.map(Timestamp::seconds),
            backed_up: passkey.backed_up,
        }
    }
}

pub(super) async fn list(email: &Email, target: &Target) -> Result<(), Failure> {
    let account = target.connect().await.stack.store.account(email).await.map_err(|error| target.unreachable(error))?;
    let account = account.ok_or_else(|| unknown(email.as_str()))?;
    let mut passkeys: Vec<_> = account.passkeys.iter().collect();
    passkeys.sort_by_key(|(_, passkey)| passkey.created);
    let shown: Vec<_> = passkeys.iter().map(|(id, passkey)| PasskeyRow::of(id, passkey)).collect();
    output::rows(&shown, &COLUMNS, target.json)?;
    if passkeys.is_empty() {
        output::note("no passkeys");
    }
    Ok(())
}

pub(super) async fn remove(email: &Email, id: &CredentialId, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let (id_text, email_text) = (id.text(), email.as_str());
    let account = administration.store.account(email).await.map_err(|error| target.unreachable(error))?;
    let account = account.ok_or_else(|| unknown(email_text))?;
    let passkey = account.passkeys.get(id).ok_or_else(|| no_such_passkey(email))?;
    confirm(&format!("This removes the passkey {id_text} ({}) of {email_text}.", passkey.name.as_str()), yes)?;
    let had_it = administration.remove_passkey(email, id).await.map_err(|error| broke_off(error, target))?;
    if !had_it.ok_or_else(|| unknown(email_text))? {
        // Somebody else was quicker.
        return Err(no_such_passkey(email));
    }
    mail::notify(&administration.store, MailKind::PasskeyRemoved, email).await;
    output::note(&format!("passkey {id_text} removed"));
    // For a program. A table of it would look as if it were there.
    if target.json { output::rows(&[PasskeyRow::of(id, passkey)], &COLUMNS, target.json) } else { Ok(()) }
}

fn no_such_passkey(email: &Email) -> Failure {
    Failure::new(
        "the account has no such passkey",
        format!("`jea-auth user passkeys {}` shows the passkeys it has", email.as_str()),
    )
}
