//! `jea-auth user keys`: the access keys of an account.

use serde::Serialize;
use serde_json::json;

use super::{broke_off, unknown};
use crate::{
    access_key::{AccessKeyId, StoredKey},
    account::Email,
    administration::Administration,
    cli::{Failure, Target, confirm::confirm, mail, output},
    machine,
    mail::MailKind,
    session::By,
    time::Timestamp,
};

pub(super) const HELP: &str = "\
An access key is what a script gives in the place of a password. The owner of an account makes it and is shown it once; here
are its id and its name, when it was made, from when on it opens nothing, and the last day on which it was used. The key
itself is not kept and cannot be shown. An account has at most 20 keys; one that has expired is listed until another one is made.

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
}

const COLUMNS: [&str; 5] = ["id", "name", "created", "expires", "last_used"];

impl<'a> KeyRow<'a> {
    fn of(id: &'a AccessKeyId, key: &'a StoredKey) -> Self {
        Self {
            id: id.as_str(),
            name: key.name.as_str(),
            created: key.created.seconds(),
            expires: key.expires_at.seconds(),
            last_used: key.last_used.map(Timestamp::seconds),
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
    let (key, sessions) = looked_up(&administration, email, id, target).await?;
    // Of a key that is gone sessions are left if an earlier call broke off.
    let (id_text, email_text) = (id.as_str(), email.as_str());
    let opened = output::count(sessions, "session");
    let what = match &key {
        Some(key) => {
            let name = key.name.as_str();
            format!("the access key {id_text} ({name}) of {email_text}, and {opened} that it has opened")
        }
        None if sessions > 0 => {
            format!("{opened} of {email_text} that the access key {id_text} has opened, which is gone")
        }
        None => return Err(no_such_key(email)),
    };
    confirm(&format!("This ends {what}."), yes)?;
    let ended = administration.end_key(email, id).await.map_err(|error| broke_off(error, target))?;
    match ended.ok_or_else(|| unknown(email_text))? {
        // Somebody else was quicker.
        (false, 0) => Err(no_such_key(email)),
        (_, ended) => {
            mail::notify(&administration.store, MailKind::KeyEnded, email).await;
            output::note(&format!("access key {id_text} ended; {} ended", output::count(ended, "session")));
            // For a program. A table of it would look as if it were there.
            match &key {
                Some(key) if target.json => output::rows(&[KeyRow::of(id, key)], &COLUMNS, target.json),
                None if target.json => output::rows(&[json!({"id": id_text})], &COLUMNS, target.json),
                Some(_) | None => Ok(()),
            }
        }
    }
}

/// A key, and how many sessions it has opened that are alive.
async fn looked_up(
    administration: &Administration,
    email: &Email,
    id: &AccessKeyId,
    target: &Target,
) -> Result<(Option<StoredKey>, usize), Failure> {
    let found = administration.sessions(email, machine::now()).await.map_err(|error| target.unreachable(error))?;
    let (account, sessions) = found.ok_or_else(|| unknown(email.as_str()))?;
    let opened = sessions.iter().filter(|session| matches!(&session.by, By::Key(key) if key == id)).count();
    Ok((account.access_keys.get(id).cloned(), opened))
}

fn no_such_key(email: &Email) -> Failure {
    Failure::new(
        "the account has no such access key",
        format!("`jea-auth user keys {}` shows the keys it has", email.as_str()),
    )
}
