//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{Failure, Target, output, roster::Line};

/// One object a line; with `--json` one array of them, an element a line.
pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.store.accounts();
    let mut before = "[";
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        for account in &page {
            let line = serde_json::to_string(&Line::of(account))?;
            if target.json {
                output::say(before);
                before = ",";
            }
            output::say(&line);
        }
    }
    if target.json {
        output::say(if before == "[" { "[]" } else { "]" });
    }
    Ok(())
}
