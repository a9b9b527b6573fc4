//! `jea-auth user keys`: the access keys of an account.

use serde::Serialize;

use crate::{
    cli::{
        Failure, Target,
        confirm::confirm,
        failures::{broke_off, unknown},
        mail, output,
    },
    domain::{
        access_key::{AccessKeyId, StoredKey},
        account::Email,
        mail::MailKind,
        session::By,
        time::Timestamp,
    },
};

pub(super) const HELP: &str = "\
An access key is what a script gives in the place of a password. The owner of an account makes it and is shown it once; here
are its id and its name, when it was made, from when on it opens nothing, the last day on which it was used, and whether its
sessions may do nothing but read. The key itself is not kept and cannot be shown. An account has at most 20 keys; one that has expired is listed until another one is made.

Without --revoke nothing changes. With it, the key opens nothing from now on, and the sessions that were opened with it end;
all other keys and sessions of the account go on. Where mails are on, its owner is told by mail. It asks first; --yes is for
scripts. With --json, times are in seconds since 1970.

Examples:
  jea-auth user keys yi@jeplus.org
  jea-auth user keys yi@jeplus.org --revoke 0123456789abcdef0123456789abcdef";

/// What is shown of a key.
#[derive(Serialize)]
struct KeyRow<'a> {
    id: &'a str,
    name: &'a str,
    created: u64,
    expires: u64,
    last_used: Option<u64>,
    read_only: bool,
}

const COLUMNS: [&str; 6] = ["id", "name", "created", "expires", "last_used", "read_only"];

impl<'a> KeyRow<'a> {
    fn of(id: &'a AccessKeyId, key: &'a StoredKey) -> Self {
        Self {
            id: id.as_str(),
            name: key.name.as_str(),
            created: key.created.seconds(),
            expires: key.expires_at.seconds(),
            last_used: key.last_used.map(Timestamp::seconds),
            read_only: key.read_only,
        }
    }
}

pub(super) async fn list(email: &Email, target: &Target) -> Result<(), Failure> {
    let account = target.connect().await.stack.store.account(email).await.map_err(|error| target.unreachable(error))?;
    let account = account.ok_or_else(|| unknown(email.as_str()))?;
    let mut keys: Vec<(&AccessKeyId, &StoredKey)> = account.access_keys.iter().collect();
    keys.sort_by_key(|(_, key)| key.created);
    let shown = keys.iter().map(|(id, key)| KeyRow::of(id, key));
    output::rows(&shown.collect::<Vec<_>>(), &COLUMNS, target.json)?;
    if keys.is_empty() {
        output::note("no access keys");
    }
    Ok(())
}

pub(super) async fn revoke(email: &Email, id: &AccessKeyId, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let (id_text, email_text) = (id.as_str(), email.as_str());
    let found = administration.sessions(email).await.map_err(|error| target.unreachable(error))?;
    let (account, sessions) = found.ok_or_else(|| unknown(email_text))?;
    let key = account.access_keys.get(id).ok_or_else(|| no_such_key(email))?;
    let opened = sessions.iter().filter(|session| matches!(&session.by, By::Key(key) if key == id)).count();
    let opened = output::count(opened, "session");
    let name = key.name.as_str();
    confirm(
        &format!("This ends the access key {id_text} ({name}) of {email_text}, and {opened} that it has opened."),
        yes,
    )?;
    let had_it = administration.end_key(email, id).await.map_err(|error| broke_off(error, target))?;
    if !had_it.ok_or_else(|| unknown(email_text))? {
        // Somebody else was quicker.
        return Err(no_such_key(email));
    }
    mail::notify(&administration.store, MailKind::KeyEnded, email).await;
    output::note(&format!("access key {id_text} ended; {opened} ended"));
    // For a program. A table of it would look as if it were there.
    if target.json { output::rows(&[KeyRow::of(id, key)], &COLUMNS, target.json) } else { Ok(()) }
}

fn no_such_key(email: &Email) -> Failure {
    Failure::new(
        "the account has no such access key",
        format!("`jea-auth user keys {}` shows the keys it has", email.as_str()),
    )
}
