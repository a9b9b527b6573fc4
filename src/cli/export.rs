//! `jea-auth user export`: all accounts, in the form that `import` reads.

use super::{
    Failure, Target, harmless,
    output::{self, Reader},
    roster::Line,
    user::left_out,
};

pub(super) async fn run(target: &Target) -> Result<(), Failure> {
    let mut pages = target.connect().await.store.accounts();
    let mut malformed = Vec::new();
    while let Some(page) = pages.next().await.map_err(|error| target.unreachable(error))? {
        let mut lines = String::new();
        for item in page {
            match item {
                Ok(account) => {
                    lines.push_str(&harmless::json(&Line::of(&account))?);
                    lines.push('\n');
                }
                Err(item) => malformed.push(item),
            }
        }
        if output::data(&lines)? == Reader::Gone {
            break;
        }
    }
    left_out(&malformed)
}
