//! `jea-auth user delete`.

use serde_json::json;

use super::{COLUMNS, show_one};
use crate::{
    cli::{
        Failure, Target,
        confirm::confirm,
        failures::{broke_off, unknown},
        output,
        session::{alive, ended},
    },
    domain::account::Email,
};

/// `text` is an email, or, for an item that is malformed, its key as it is.
pub(super) async fn delete(text: &str, yes: bool, target: &Target) -> Result<(), Failure> {
    let administration = target.connect().await.stack.administration();
    let canonical = Email::parse(text).map_or_else(|_| text.to_owned(), |email| email.as_str().to_owned());
    for key in [canonical.as_str(), text] {
        let sub = administration.store.sub_at(key).await.map_err(|error| target.unreachable(error))?;
        if sub.is_none() {
            continue;
        }
        // Of an account that is malformed nothing is known but its key, and none of its sessions is alive.
        let before = alive(&administration, &Email::canonical(key)).await;
        let which = before.as_ref().map_or_else(|| "all".to_owned(), |(_, sessions)| sessions.len().to_string());
        confirm(&format!("This removes the account {key} and ends {which} of its sessions."), yes)?;
        if !administration.delete(key).await.map_err(|error| broke_off(error, target))? {
            break;
        }
        output::note(&format!("removed {key}; {}", ended(before.as_ref())));
        // For a program. A table of it would look as if it were there.
        return match before {
            Some((account, _)) if target.json => show_one(account, target),
            None if target.json => output::rows(&[json!({"email": key})], &COLUMNS, target.json),
            Some(_) | None => Ok(()),
        };
    }
    Err(unknown(text))
}
