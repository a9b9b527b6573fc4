//! What a new password must be, wherever it is set (NIST SP 800-63B-4, section 3.1.1.2): long, and not one that
//! everybody has. No rule of composition, and no expiry.

use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::Zeroizing;

use super::{PASSWORD_MAX_BYTES, Password};
use crate::domain::access_key::{PREFIX, begins_as_key};

/// Fewest characters where the password is the only factor.
pub const CHARACTERS_MIN: usize = 15;
/// Fewest characters where it is not the only factor.
pub const CHARACTERS_MIN_SHORT: usize = 8;
/// Common passwords of at least [`CHARACTERS_MIN`] characters, one a line, in lower case. common.md says where they
/// come from.
const COMMON_LONG: &str = include_str!("common-long.txt");
/// Those that are shorter, of at least [`CHARACTERS_MIN_SHORT`] characters. No function takes passwords that short.
#[cfg(feature = "terminal")]
const COMMON_SHORT: &str = include_str!("common-short.txt");
#[cfg(not(feature = "terminal"))]
const COMMON_SHORT: &str = "";

/// Why a text can be no new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has more than one line.
    #[error("the password has more than one line")]
    Lines,
    /// It has a control character.
    #[error("the password has a control character, which not every keyboard can type")]
    ControlCharacter,
    /// It has more than [`PASSWORD_MAX_BYTES`].
    #[error("the password is too long")]
    TooLong,
    /// It has fewer than so many characters.
    #[error("the password is too short")]
    TooShort(usize),
    /// It is the email or the name of the account.
    #[error("the password is the account's email or name")]
    Personal,
    /// It begins as an access key does.
    #[error("the password begins with {PREFIX}, as access keys do")]
    AccessKey,
    /// Everybody has it.
    #[error("the password is one of the commonest")]
    Common,
    /// The account has it already.
    #[error("the password is the one that the account has")]
    Present,
}

impl Unfit {
    /// Its name in the journal.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Lines | Self::ControlCharacter => "unusable new password",
            Self::TooLong => "long new password",
            Self::TooShort(_) => "short new password",
            Self::Personal => "personal new password",
            Self::AccessKey => "key-shaped new password",
            Self::Common => "common new password",
            Self::Present => "present password as the new one",
        }
    }

    /// What to do instead.
    #[must_use]
    pub fn advice(self) -> String {
        match self {
            Self::Lines => "give one line, and nothing after it".to_owned(),
            Self::ControlCharacter => "use letters, digits, signs and spaces".to_owned(),
            Self::TooLong => format!("use at most {PASSWORD_MAX_BYTES} bytes"),
            Self::TooShort(least) => {
                format!("use at least {least} characters; a few words in a row are easy to remember")
            }
            Self::Personal => {
                "use one that cannot be found out about you; a few words in a row are easy to remember".to_owned()
            }
            Self::AccessKey => "begin it with something else".to_owned(),
            Self::Common => "use one that nobody else has; a few words in a row are easy to remember".to_owned(),
            Self::Present => "use another one".to_owned(),
        }
    }
}

/// Whether the new password of an account is another one than the present one, where that is given with it. Where it is
/// not, [`Hasher::verify`](super::Hasher::verify) tells.
///
/// # Errors
/// [`Unfit::Present`].
pub fn differs(new: &Password, present: &Password) -> Result<(), Unfit> {
    if new.is(present) { Err(Unfit::Present) } else { Ok(()) }
}

/// Whether `password` may be a new one of at least so many characters, for an account with these `names`: its email,
/// what its owner is called.
///
/// # Errors
/// The first [`Unfit`] that holds.
pub fn check(password: &Password, characters_min: usize, names: &[&str]) -> Result<(), Unfit> {
    let text = &*password.text;
    let lowered = Zeroizing::new(text.to_lowercase());
    // As the password is.
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    if text.contains(['\n', '\r']) {
        Err(Unfit::Lines)
    } else if text.chars().any(char::is_control) {
        Err(Unfit::ControlCharacter)
    } else if password.is_too_long() {
        Err(Unfit::TooLong)
    } else if text.chars().count() < characters_min {
        Err(Unfit::TooShort(characters_min))
    } else if begins_as_key(text) {
        Err(Unfit::AccessKey)
    } else if names.iter().any(|name| nfc.normalize(name).to_lowercase() == *lowered) {
        Err(Unfit::Personal)
    } else if COMMON_LONG.lines().chain(COMMON_SHORT.lines()).any(|common| common == *lowered) {
        Err(Unfit::Common)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_long_enough_and_not_everybody_s() {
        let check =
            |text: &str, least| check(&Password::new(text), least, &["yi.zhang@jeplus.org", "Zhang Yi of jEPlus"]);
        assert_eq!(check("fifteen letters", CHARACTERS_MIN), Ok(()));
        assert_eq!(check("fourteen chars", CHARACTERS_MIN), Err(Unfit::TooShort(15)));
        assert_eq!(check("\u{1f511}".repeat(8).as_str(), CHARACTERS_MIN_SHORT), Ok(()), "characters, not bytes");
        assert_eq!(check("Yi.Zhang@jEPlus.org", CHARACTERS_MIN), Err(Unfit::Personal));
        assert_eq!(check("zhang yi of jeplus", CHARACTERS_MIN), Err(Unfit::Personal));
        assert_eq!(check("zhang yi of jeplus!", CHARACTERS_MIN), Ok(()));
        assert_eq!(check("jea_ and fifteen more", CHARACTERS_MIN), Err(Unfit::AccessKey));
        assert_eq!(check("\u{3000}jea_ and fifteen more", CHARACTERS_MIN), Err(Unfit::AccessKey));
        assert_eq!(check("QwertyuiopAsdfghjkl", CHARACTERS_MIN), Err(Unfit::Common));
        assert_eq!(check("Password", CHARACTERS_MIN_SHORT), Err(Unfit::Common));
        assert_eq!(check(&"x".repeat(PASSWORD_MAX_BYTES), CHARACTERS_MIN), Ok(()));
        assert_eq!(check(&"x".repeat(PASSWORD_MAX_BYTES + 1), CHARACTERS_MIN), Err(Unfit::TooLong));
        assert_eq!(check("two lines of text\nin one", CHARACTERS_MIN), Err(Unfit::Lines));
        assert_eq!(check("a bell \u{7} in a password", CHARACTERS_MIN), Err(Unfit::ControlCharacter));
    }

    #[test]
    fn the_present_password_is_no_new_one_however_its_letters_are_composed() {
        let present = Password::new("Jos\u{e9} of jEPlus Ltd");
        assert_eq!(differs(&Password::new("Jose\u{301} of jEPlus Ltd"), &present), Err(Unfit::Present));
        assert_eq!(differs(&Password::new("jos\u{e9} of jEPlus Ltd"), &present), Ok(()));
        assert_eq!(differs(&Password::new("Jos\u{e9} of jEPlus Ltd "), &present), Ok(()));
    }

    #[test]
    fn a_name_is_the_same_however_its_letters_are_composed() {
        let password = Password::new("Jos\u{e9} of jEPlus Ltd");
        assert_eq!(check(&password, CHARACTERS_MIN, &["Jose\u{301} of jEPlus Ltd"]), Err(Unfit::Personal));
    }

    #[test]
    fn the_lists_are_of_common_passwords_of_the_two_lengths() {
        for (list, lengths) in
            [(COMMON_LONG, CHARACTERS_MIN..=64), (COMMON_SHORT, CHARACTERS_MIN_SHORT..=CHARACTERS_MIN - 1)]
        {
            let lines: Vec<&str> = list.lines().collect();
            assert!(lines.len() >= 3000, "{}", lines.len());
            assert!(lines.is_sorted() && lines.windows(2).all(|pair| pair[0] != pair[1]));
            for line in lines {
                assert!(lengths.contains(&line.chars().count()) && line.to_lowercase() == line, "{line}");
            }
        }
    }
}
