//! Passwords from a person or a program, never from the command line: other users of the machine can read that.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::Failure;
use crate::domain::password::{
    PASSWORD_MAX_BYTES, Password,
    policy::{self, CHARACTERS_MIN, CHARACTERS_MIN_SHORT},
};

/// A new password: from stdin without its line end, or asked for twice.
pub(super) fn new_password(from_stdin: bool, allow_short: bool, names: &[&str]) -> Result<Password, Failure> {
    let text = if from_stdin { from_standard_input()? } else { ask_twice()? };
    let password = Password::new(&text);
    let characters_min = if allow_short { CHARACTERS_MIN_SHORT } else { CHARACTERS_MIN };
    policy::check(&password, characters_min, names).map_err(|unfit| Failure::with_hint(unfit, unfit.advice()))?;
    Ok(password)
}

fn from_standard_input() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    // One byte more than any password with its line end and a byte order mark, to tell one that is too long from one
    // that is not.
    let limit = PASSWORD_MAX_BYTES as u64 + 6;
    io::stdin().lock().take(limit).read_to_string(&mut text)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask_twice() -> Result<Zeroizing<String>, Failure> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|error| Failure::with_hint(error, "without a terminal, give the password with --password-stdin"))
    };
    let first = ask("Password: ")?;
    let second = ask("Once more: ")?;
    if first == second { Ok(first) } else { Err(Failure::new("the two passwords differ", "try again")) }
}
