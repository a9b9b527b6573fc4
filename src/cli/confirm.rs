//! Asking before something is gone.

use std::io::{self, BufRead, IsTerminal};

use super::{Failure, output};

/// Says what will happen, and goes on only if a person says yes or a script said `--yes`.
pub(super) fn confirm(plan: &str, yes: bool) -> Result<(), Failure> {
    output::note(plan);
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new("nobody is there to ask", "say --yes to do it without being asked"));
    }
    output::note("Go on? [y/N]");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new("nothing was done", "answer y to go on"))
    }
}
