//! Codes as people type them.

use data_encoding::BASE32_NOPAD;
use icu_properties::{CodePointSetData, props::Dash};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{RECOVERY_CODE_BYTES, RecoveryCode};
use crate::domain::name::is_undrawn;

/// How many letters and digits a recovery code has.
const RECOVERY_CODE_LETTERS: usize = RECOVERY_CODE_BYTES * 8 / 5;

/// What a person types as a code: that of an app, or a recovery code. Not checked. It cannot be printed, and clears
/// itself.
#[derive(Deserialize)]
#[serde(from = "Zeroizing<String>")]
pub struct Otp(pub(super) Zeroizing<String>);

impl From<Zeroizing<String>> for Otp {
    fn from(typed: Zeroizing<String>) -> Self {
        Self::new(&typed)
    }
}

impl Otp {
    /// What was typed, in upper case and in characters of ASCII, without blanks, dashes, and marks that are not drawn,
    /// which come along when a code is copied.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(typed.len()));
        let is_of_code = |c: &char| !c.is_whitespace() && !is_dash(*c) && !is_undrawn(*c);
        text.extend(typed.chars().map(narrow).filter(is_of_code).map(|c| c.to_ascii_uppercase()));
        Self(text)
    }

    /// The recovery code that it is, if it has the shape of one, perhaps behind its number in the list.
    pub(super) fn recovery_code(&self) -> Option<RecoveryCode> {
        let (before, code) = self.0.split_at_checked(self.0.len().checked_sub(RECOVERY_CODE_LETTERS)?)?;
        if !is_number_of_list(before) {
            return None;
        }
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(code.as_bytes()).ok()?);
        Some(RecoveryCode(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }
}

/// The character of ASCII that a full-width one is, as Chinese and Japanese keyboards type them (Unicode, "Halfwidth
/// and Fullwidth Forms").
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Whether this is a dash, or what a Japanese keyboard types for one: the mark of a long vowel.
fn is_dash(c: char) -> bool {
    matches!(c, '\u{30fc}' | '\u{ff70}') || CodePointSetData::new::<Dash>().contains(c)
}

/// Whether a text is nothing, or a number as it stands before a line of a list: `3`, `3.`, `(3)`, `#3:`.
fn is_number_of_list(text: &str) -> bool {
    let number = text.trim_start_matches(['(', '#']).trim_end_matches(['.', ')', ':']);
    text.is_empty() || ((1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::factor::{
        Accepted, CodeVerification,
        tests::{at, factor, secret},
    };

    // Checks 76, 86.
    #[test]
    fn a_recovery_code_counts_once_however_it_is_typed() {
        let code = RecoveryCode::new(&[1; RECOVERY_CODE_BYTES]);
        let text = code.expose();
        assert_eq!((text.len(), text.matches('-').count()), (29, 5));
        let wide: String = text.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
        for typed in [
            text.to_string(),
            text.to_uppercase(),
            text.replace('-', " "),
            format!(" {}\n", text.replace('-', "")),
            // Hyphen, no-break hyphen, en and em dash, minus, and what Japanese keyboards type.
            text.replace('-', "\u{2010}"),
            text.replace('-', "\u{2011}"),
            text.replace('-', "\u{2013}"),
            text.replace('-', "\u{2014}"),
            text.replace('-', "\u{2212}"),
            text.replace('-', "\u{30fc}"),
            text.replace('-', "\u{ff70}"),
            wide,
            format!("\u{feff}\u{202a}{}\u{202c}\u{200b}", *text),
            format!("3 {}", *text),
            format!("3. {}", *text),
            format!("10) {}", *text),
            format!("(3) {}", *text),
            format!("#3: {}", *text),
            format!("\u{ff13}\u{ff0e}\u{3000}{}", *text),
        ] {
            let verified = factor(0).verify(&secret(), &Otp::new(&typed), at(3_000));
            let accepted = Accepted::Recovery(code.digest());
            assert_eq!(verified, CodeVerification::Right(accepted.clone()), "{typed:?}");
            let used = factor(0).after(&accepted, "a").unwrap();
            assert_eq!(used.recovery.len(), 1);
            assert!(used.after(&accepted, "b").is_none());
            assert_eq!(used.verify(&secret(), &Otp::new(&typed), at(3_000)), CodeVerification::Wrong);
        }
        let other = RecoveryCode::new(&[3; RECOVERY_CODE_BYTES]).expose();
        for typed in [
            "",
            "12345",
            "1234567",
            "abcdef",
            "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}",
            &text[1..],
            &other,
            &format!("{}.", *text),
            &format!("100. {}", *text),
            &format!("a {}", *text),
            &format!(". {}", *text),
            &format!("\u{fc}{}", *text),
        ] {
            assert_eq!(factor(0).verify(&secret(), &Otp::new(typed), at(3_000)), CodeVerification::Wrong, "{typed}");
        }
    }

    // Check 86.
    #[test]
    fn a_code_of_an_app_counts_however_it_is_typed() {
        let code = secret().code(100);
        let (first, last) = code.split_at(3);
        let wide: String = code.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
        for typed in [
            format!("{first} {last}"),
            format!("{first}\u{a0}{last}\r\n"),
            format!("{first}-{last}"),
            format!("{first}\u{2013}{last}"),
            format!("{first}\u{200b}{last}"),
            format!("\u{2068}{code}\u{2069}"),
            format!("\u{200e}{code}\u{200f}\u{ad}"),
            wide,
        ] {
            let verified = factor(0).verify(&secret(), &Otp::new(&typed), at(3_000));
            assert_eq!(verified, CodeVerification::Right(Accepted::Step(100)), "{typed:?}");
        }
        let numbered = factor(0).verify(&secret(), &Otp::new(&format!("1. {code}")), at(3_000));
        assert_eq!(numbered, CodeVerification::Wrong, "an app has no list");
    }
}
