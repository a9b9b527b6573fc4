//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{Failure, Target, output, roster::Line};

pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.store.accounts();
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        for account in &page {
            output::say(&serde_json::to_string(&Line::of(account))?);
        }
    }
    Ok(())
}
