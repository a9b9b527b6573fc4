//! What a person types to log on, and to change the password.

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{account::Email, json, password::Password};

/// Longest body that may hold a credential, in bytes after decoding.
pub const CREDENTIAL_MAX_BYTES: usize = 4096;

/// An email and a password, neither of them checked.
pub struct Credential {
    /// In canonical form; possibly the email of nobody.
    pub email: Email,
    /// The password.
    pub password: Password,
}

/// The bytes are not one JSON object of exactly the two strings `email` and `password`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object with exactly the strings email and password")]
pub struct NotACredential;

impl Credential {
    /// Parses the JSON object `{"email": "...", "password": "..."}`.
    ///
    /// # Errors
    /// [`NotACredential`] for any other bytes: other JSON, duplicate or unknown members, invalid UTF-8.
    pub fn parse(body: &[u8]) -> Result<Self, NotACredential> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            email: Zeroizing<String>,
            password: Zeroizing<String>,
        }
        // People type passwords into the email field, so that one clears itself as well.
        let Members { email, password } = json::object(body).ok_or(NotACredential)?;
        Ok(Self { email: Email::canonical(&email), password: Password::new(&password) })
    }
}

/// A password and the one that is to take its place, neither of them checked.
pub struct NewPassword {
    /// The present password.
    pub password: Password,
    /// The new one.
    pub new_password: Password,
}

/// The bytes are not one JSON object of exactly the two strings `password` and `new_password`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object with exactly the strings password and new_password")]
pub struct NotTwoPasswords;

impl NewPassword {
    /// Parses the JSON object `{"password": "...", "new_password": "..."}`.
    ///
    /// # Errors
    /// [`NotTwoPasswords`] for any other bytes.
    pub fn parse(body: &[u8]) -> Result<Self, NotTwoPasswords> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            password: Zeroizing<String>,
            new_password: Zeroizing<String>,
        }
        let Members { password, new_password } = json::object(body).ok_or(NotTwoPasswords)?;
        Ok(Self { password: Password::new(&password), new_password: Password::new(&new_password) })
    }
}

/// A link's token and the password that it is to set, neither of them checked.
pub struct NewPasswordByLink {
    /// The token.
    pub token: Zeroizing<String>,
    /// The new password.
    pub new_password: Password,
}

/// The bytes are not one JSON object of exactly the two strings `token` and `new_password`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object with exactly the strings token and new_password")]
pub struct NotByLink;

impl NewPasswordByLink {
    /// Parses the JSON object `{"token": "...", "new_password": "..."}`.
    ///
    /// # Errors
    /// [`NotByLink`] for any other bytes.
    pub fn parse(body: &[u8]) -> Result<Self, NotByLink> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            token: Zeroizing<String>,
            new_password: Zeroizing<String>,
        }
        let Members { token, new_password } = json::object(body).ok_or(NotByLink)?;
        Ok(Self { token, new_password: Password::new(&new_password) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_two_strings() {
        let credential = Credential::parse(br#"{"password": "secret", "email": " Yi@jEPlus.org"}"#).unwrap();
        assert_eq!(credential.email.as_str(), "yi@jeplus.org");
    }

    #[test]
    fn nothing_else_is_a_credential() {
        for body in [
            r#"{"email": "yi@jeplus.org"}"#,
            r#"{"email": "yi@jeplus.org", "password": 1}"#,
            r#"{"email": null, "password": "x"}"#,
            r#"{"email": "a", "password": "x", "remember": true}"#,
            r#"{"email": "a", "email": "b", "password": "x"}"#,
            r#"["yi@jeplus.org", "x"]"#,
            r#""yi@jeplus.org""#,
        ] {
            assert!(Credential::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
