//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{Failure, Target, output, roster::Line, user::left_out};

pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.store.accounts();
    let mut malformed = Vec::new();
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        for item in page {
            match item {
                Ok(account) => output::say(&serde_json::to_string(&Line::of(&account))?),
                Err(item) => malformed.push(item),
            }
        }
    }
    left_out(&malformed)
}
