//! Passwords from a person or a program, never from the command line: other users of the machine can read that.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::Failure;
use crate::password::{PASSWORD_MAX_BYTES, Password};

/// Fewest characters of a new password (NIST SP 800-63B-4, section 3.1.1.2, where it is the only factor).
const CHARACTERS_MIN: usize = 15;
/// Fewest characters where it is not the only factor (same section).
const CHARACTERS_MIN_SHORT: usize = 8;
/// The commonest passwords of at least [`CHARACTERS_MIN_SHORT`] characters, one a line, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// A new password: from stdin without its line end, or asked for twice.
pub(super) fn new_password(from_stdin: bool, allow_short: bool) -> Result<Password, Failure> {
    let text = if from_stdin { from_standard_input()? } else { ask_twice()? };
    let password = Password::new(&text);
    if text.contains(['\n', '\r']) {
        return Err(Failure::new("the password has more than one line", "give one line, and nothing after it"));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::new(
            "the password has a control character, which not every keyboard can type",
            "use letters, digits, signs and spaces",
        ));
    }
    if password.is_too_long() {
        return Err(Failure::new("the password is too long", format!("use at most {PASSWORD_MAX_BYTES} bytes")));
    }
    let least = if allow_short { CHARACTERS_MIN_SHORT } else { CHARACTERS_MIN };
    if password.characters() < least {
        return Err(Failure::new(
            "the password is too short",
            format!("use at least {least} characters; a few words in a row are easy to remember"),
        ));
    }
    if COMMON.lines().any(|common| common == text.to_lowercase()) {
        return Err(Failure::new(
            "the password is one of the commonest",
            "use one that nobody else has; a few words in a row are easy to remember",
        ));
    }
    Ok(password)
}

fn from_standard_input() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    // One byte more than any password with its line end and a byte order mark, to tell one that is too long from one that
    // is not.
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
