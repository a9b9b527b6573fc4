//! Ids: types of their own, so that no two of one call can be swapped.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// Longest id of an account or a session, in bytes.
pub const ID_MAX_BYTES: usize = 128;

/// The text is no id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it has 1 to {ID_MAX_BYTES} characters of A-Z a-z 0-9 . _ : -")]
pub struct InvalidId;

/// Declares a type of id. Its text can stand in a key, in a header, in a path and in a claim.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new one, of 128 random bits.
            #[must_use]
            pub fn new(random: &[u8; 16]) -> Self {
                Self(hexadecimal(random))
            }

            /// Parses one.
            ///
            /// # Errors
            /// [`InvalidId`] if it is empty, longer than [`ID_MAX_BYTES`], or holds anything but `A-Z a-z 0-9 . _ : -`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                is_possible(text).then(|| Self(text.to_owned())).ok_or(InvalidId)
            }

            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                if is_possible(&text) { Ok(Self(text)) } else { Err(InvalidId) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id! {
    /// The id of a change of email that was asked for.
    ChangeId
}

id! {
    /// An account's opaque, lasting id: the claim `sub`. That it is unique is for the importer to see to, which takes
    /// ids of other systems.
    AccountId
}

id! {
    /// A session's id, unique within its account: the claim `sid`.
    SessionId
}

/// 128 random bits in hexadecimal digits: base64url is shorter, but one in 64 begins with a hyphen, and on a command
/// line that is an option.
#[must_use]
pub fn hexadecimal(random: &[u8; 16]) -> String {
    HEXLOWER.encode(random)
}

fn is_possible(text: &str) -> bool {
    (1..=ID_MAX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 73.
    #[test]
    fn an_id_can_stand_in_a_key_a_header_and_a_claim() {
        for text in ["x", "auth0:5f7c8ec7c33c6c004bbafe82", "a.b_c-D", &"x".repeat(ID_MAX_BYTES)] {
            assert_eq!(AccountId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "x\r\nX-User-Role: admin", "a b", "a|b", "\u{e4}", &"x".repeat(ID_MAX_BYTES + 1)] {
            assert_eq!(AccountId::parse(text), Err(InvalidId), "{text:?}");
            assert_eq!(SessionId::try_from(text.to_owned()), Err(InvalidId), "{text:?}");
        }
    }
}
