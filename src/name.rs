//! Names of people and of roles.

/// Longest name and longest name of a role, in bytes. Both stand in headers, of which a gateway takes some 10,000 bytes.
pub const LABEL_MAX_BYTES: usize = 256;

/// The text is no name that a person or a role may have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it has 1 to {LABEL_MAX_BYTES} bytes and no control characters")]
pub struct InvalidLabel;

/// What a person is called; the Auth object's `user`. It can stand in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidLabel`] if it is empty, longer than [`LABEL_MAX_BYTES`], or holds a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        label(text).map(Self)
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
    /// Parses the name of a role.
    ///
    /// # Errors
    /// As [`Name::parse`].
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        label(text).map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn label(text: &str) -> Result<String, InvalidLabel> {
    let is_possible = (1..=LABEL_MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if is_possible { Ok(text.to_owned()) } else { Err(InvalidLabel) }
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
            assert_eq!(Name::parse(text), Err(InvalidLabel), "{text:?}");
            assert_eq!(Role::parse(text), Err(InvalidLabel), "{text:?}");
        }
    }
}
