//! Names of people, of roles and of access keys.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// Longest name and longest name of a role, in bytes. Both stand in headers, of which a gateway takes some 10,000
/// bytes.
pub const LABEL_MAX_BYTES: usize = 256;

/// What stands for the role of an account that has none, so that no role has this name. An empty value will not do: AWS
/// does not document whether API Gateway replaces a client's header by an empty one.
pub const NO_ROLE: &str = "none";

/// The text is no name that a person, a role or an access key may be given.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidLabel {
    /// It is empty, too long, or has a control character.
    #[error("it has 1 to {LABEL_MAX_BYTES} bytes and no control characters")]
    Malformed,
    /// Nothing of it can be seen.
    #[error("it has at least one character that can be seen")]
    Invisible,
    /// It shows what stands beside it in another order (UAX 9, section 2).
    #[error("it has no characters that control the direction of text")]
    Directional,
    /// It is what stands for no role.
    #[error("a role is not called {NO_ROLE}, which stands for no role")]
    NoRole,
}

/// What a person is called; the Auth object's `user`. It can stand in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Parses a name that somebody gives.
    ///
    /// # Errors
    /// Any [`InvalidLabel`] but [`InvalidLabel::NoRole`].
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        label(text).map(Self)
    }

    /// Parses a name that is stored. An earlier release took names that cannot be seen, and whoever has one logs on as
    /// before.
    ///
    /// # Errors
    /// [`InvalidLabel::Malformed`].
    pub fn stored(text: &str) -> Result<Self, InvalidLabel> {
        well_formed(text).map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a role. It can stand in a header. What a role may do is for the backend to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role(String);

impl Role {
    /// Parses the name of a role that somebody gives.
    ///
    /// # Errors
    /// Any [`InvalidLabel`].
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        let role = label(text)?;
        // A header loses the blanks around its value.
        if role.trim().eq_ignore_ascii_case(NO_ROLE) { Err(InvalidLabel::NoRole) } else { Ok(Self(role)) }
    }

    /// Parses the name of a role that is stored, as [`Name::stored`].
    ///
    /// # Errors
    /// [`InvalidLabel::Malformed`].
    pub fn stored(text: &str) -> Result<Self, InvalidLabel> {
        well_formed(text).map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn label(text: &str) -> Result<String, InvalidLabel> {
    let label = well_formed(text)?;
    if label.contains(is_directional) {
        Err(InvalidLabel::Directional)
    } else if label.chars().any(is_visible) {
        Ok(label)
    } else {
        Err(InvalidLabel::Invisible)
    }
}

/// What can stand in a header.
fn well_formed(text: &str) -> Result<String, InvalidLabel> {
    let is_possible = (1..=LABEL_MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if is_possible { Ok(text.to_owned()) } else { Err(InvalidLabel::Malformed) }
}

/// Embeddings, overrides and isolates. The marks U+200E, U+200F and U+061C are none of them: they turn nothing but
/// themselves.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The fillers of Hangul (U+115F, U+3164 and their like) are letters that fonts do not draw, which Unicode tells by
/// this property; that of Braille (U+2800) is a symbol without a dot, which it tells by nothing.
fn is_visible(c: char) -> bool {
    !is_undrawn(c) && !c.is_whitespace() && c != '\u{2800}'
}

/// Whether a font does not draw this: marks of direction, joiners, selectors of variants, and the fillers of Hangul.
pub(crate) fn is_undrawn(c: char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_can_stand_in_a_header() {
        for text in ["Yi", "Žofie Ōe", &"x".repeat(LABEL_MAX_BYTES)] {
            assert_eq!(Name::parse(text).unwrap().as_str(), text);
            assert_eq!(Role::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "Bob\r\nX-User-Role: admin", "\u{1b}[2J", "\0", &"x".repeat(LABEL_MAX_BYTES + 1)] {
            assert_eq!(Name::parse(text), Err(InvalidLabel::Malformed), "{text:?}");
            assert_eq!(Role::parse(text), Err(InvalidLabel::Malformed), "{text:?}");
            assert_eq!(Name::stored(text), Err(InvalidLabel::Malformed), "{text:?}");
            assert_eq!(Role::stored(text), Err(InvalidLabel::Malformed), "{text:?}");
        }
    }

    #[test]
    fn a_label_has_a_character_that_can_be_seen() {
        for blank in [
            ' ',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2060}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0041}',
        ] {
            for text in [blank.to_string(), format!("{blank} {blank}")] {
                assert_eq!(Name::parse(&text), Err(InvalidLabel::Invisible), "{text:?}");
                assert_eq!(Role::parse(&text), Err(InvalidLabel::Invisible), "{text:?}");
                assert_eq!(Name::stored(&text).unwrap().as_str(), text, "an account of an earlier release goes on");
                assert_eq!(Role::stored(&text).unwrap().as_str(), text);
            }
            let seen = format!("{blank}Yi");
            assert_eq!(Name::parse(&seen).unwrap().as_str(), seen);
        }
        for text in ["\u{5f20}\u{6bc5}", "\u{d55c}", "\u{2801}", "\u{1f469}\u{200d}\u{1f4bb}", "."] {
            assert!(Name::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_label_does_not_turn_the_direction_of_what_stands_beside_it() {
        for control in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            let text = format!("Yi{control}");
            assert_eq!(Name::parse(&text), Err(InvalidLabel::Directional), "{text:?}");
            assert_eq!(Role::parse(&text), Err(InvalidLabel::Directional), "{text:?}");
            assert_eq!(Name::stored(&text).unwrap().as_str(), text);
        }
        for beside in ['\u{2029}', '\u{202f}', '\u{2065}', '\u{206a}'] {
            assert!(Name::parse(&format!("Yi{beside}")).is_ok(), "{beside:?}");
        }
    }

    #[test]
    fn no_role_is_called_as_its_absence_is() {
        for text in ["none", "None", "NONE", " none "] {
            assert_eq!(Role::parse(text), Err(InvalidLabel::NoRole), "{text}");
            assert!(Role::stored(text).is_ok());
            assert!(Name::parse(text).is_ok());
        }
        assert!(Role::parse("nones").is_ok());
    }
}
