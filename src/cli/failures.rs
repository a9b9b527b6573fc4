//! Failures that several commands tell alike.

use super::{Failure, Target};
use crate::platform::store::{Malformed, StoreError};

/// There is no such account.
pub(super) fn unknown(email: &str) -> Failure {
    Failure::new(format!("there is no account with the email {email}"), "`jea-auth user list` shows all accounts")
}

/// A change whose answer did not arrive: each is one write, which is done or not, and can be made again.
pub(super) fn broke_off(error: StoreError, target: &Target) -> Failure {
    if matches!(error, StoreError::Malformed { .. }) {
        return target.unreachable(error);
    }
    let mut failure = target.unreachable(error);
    failure.hint =
        failure.hint.map(|hint| format!("{hint}. It may have been done all the same; say it again to be sure"));
    failure
}

/// Fails if items were left out, and names them.
pub(super) fn left_out(malformed: &[Malformed]) -> Result<(), Failure> {
    if malformed.is_empty() {
        return Ok(());
    }
    let items: Vec<String> = malformed.iter().map(|item| format!("\n  {}: {}", item.key, item.error)).collect();
    Err(Failure::new(
        format!("left out, because it is no account as this version writes one:{}", items.concat()),
        "mend the item in the table, or remove it with `jea-auth user delete KEY`",
    ))
}
