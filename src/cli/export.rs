//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{
    Failure, Target, harmless,
    output::{self, Reader},
    roster::Line,
};

pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.store.accounts();
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        let mut lines = String::new();
        for account in &page {
            lines.push_str(&harmless::json(&Line::of(account))?);
            lines.push('\n');
        }
        if output::data(&lines)? == Reader::Gone {
            break;
        }
    }
    Ok(())
}
