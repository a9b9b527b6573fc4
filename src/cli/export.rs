//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{
    Failure, Target, harmless,
    output::{self, Reader},
    roster::Line,
    user::left_out,
};

pub(super) const HELP: &str = "\
Everything that is stored of the accounts comes out, in the form that `jea-auth user import` reads: password hashes, profiles,
and of access keys the SHA-256 of their secrets, never a password or a key itself. Keep it where you would keep the tables:
weak passwords can be guessed from their hashes. Sessions are not in it.

Example:
  jea-auth user export > users.jsonl";

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
