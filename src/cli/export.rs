//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{
    Failure, Target,
    failures::left_out,
    harmless,
    output::{self, Reader},
    roster::{Line, OpenFactor, sealing_secret},
};

pub(super) const HELP: &str = "\
Everything that is stored of the accounts comes out, in the form that `jea-auth user import` reads: password hashes, profiles,
the public keys of passkeys, and of access keys the SHA-256 of their secrets, never a password or a key itself. Keep it where you
would keep the tables: weak passwords can be guessed from their hashes. Sessions are not in it.

Second factors are left out, and counted, unless you say --with-factors: then their secrets are in the file in clear, and whoever
has it can make their codes. For that you need kms:Decrypt on the stack's key.

Example:
  jea-auth user export > users.jsonl";

/// One object a line; with `--json` one array of them, an element a line.
pub(super) async fn run(with_factors: bool, target: &Target) -> Result<(), Failure> {
    let stack = target.connect().await.stack;
    let secret = if with_factors { Some(sealing_secret(&stack).await?) } else { None };
    let mut pages = stack.store.accounts();
    let (mut before, mut malformed, mut left_behind) = ("[", Vec::new(), 0_usize);
    let mut closed: Vec<String> = Vec::new();
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        let mut lines = String::new();
        for item in page {
            match item {
                Ok(account) => {
                    if target.json {
                        lines.push_str(std::mem::replace(&mut before, ","));
                    }
                    let mut line = Line::of(&account);
                    match &secret {
                        Some(secret) => {
                            line.second_factor = OpenFactor::of(&account, secret).unwrap_or_else(|reason| {
                                closed.push(format!("\n  {}: {reason}", account.email.as_str()));
                                None
                            });
                        }
                        None => left_behind += usize::from(account.factor.is_some()),
                    }
                    lines.push_str(&harmless::json(&line)?);
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
    if left_behind > 0 {
        output::note(&format!("second factors left out: {left_behind}; --with-factors has them in clear"));
    }
    left_out(&malformed)?;
    if closed.is_empty() {
        return Ok(());
    }
    let hint =
        "bring the table of signing keys back from a backup, or remove them with `jea-auth user factor EMAIL --reset`";
    Err(Failure::new(format!("second factors left out:{}", closed.concat()), hint))
}
