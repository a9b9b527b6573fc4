//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{
    Failure, Target, harmless,
    output::{self, Reader},
    roster::Line,
    user::left_out,
};

/// One object a line; with `--json` one array of them, an element a line.
pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.stack.store.accounts();
    let (mut before, mut malformed) = ("[", Vec::new());
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        let mut lines = String::new();
        for item in page {
            match item {
                Ok(account) => {
                    if target.json {
                        lines.push_str(std::mem::replace(&mut before, ","));
                    }
                    lines.push_str(&harmless::json(&Line::of(&account))?);
                    lines.push('\n');
                }
                Err(item) => malformed.push(item),
            }
        }
        if output::data(&lines)? == Reader::Gone {
            return left_out(&malformed);
        }
    }
    if target.json {
        output::data(if before == "[" { "[]\n" } else { "]\n" })?;
    }
    left_out(&malformed)
}
