//! What a person types to log on, to change the password, and to set one by a link.

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::domain::{account::Email, factor::Otp, json, password::Password};

/// Longest body that may hold a credential, in bytes after decoding.
pub const CREDENTIAL_MAX_BYTES: usize = 4096;

/// An email and a password, and a code if one was typed, none of them checked.
pub struct Credential {
    /// In canonical form; possibly the email of nobody.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// A code of the second factor.
    pub otp: Option<Otp>,
}

/// The bytes are not one JSON object of the two strings `email` and `password`, and perhaps `otp`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object with exactly the strings email and password, and perhaps otp")]
pub struct NotACredential;

impl Credential {
    /// Parses the JSON object `{"email": "...", "password": "..."}`, which may have a third string, `otp`.
    ///
    /// # Errors
    /// [`NotACredential`] for any other bytes: other JSON, duplicate or unknown members, invalid UTF-8.
    pub fn parse(body: &[u8]) -> Result<Self, NotACredential> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            email: Zeroizing<String>,
            password: Zeroizing<String>,
            otp: Option<Zeroizing<String>>,
        }
        // People type passwords into the email field, so that one clears itself as well.
        let Members { email, password, otp } = json::object(body).ok_or(NotACredential)?;
        Ok(Self { email: email_of(&email), password: password_of(&password), otp: otp_of(otp.as_ref()) })
    }
}

/// A password and the one that is to take its place, and a code if one was typed, none of them checked.
pub struct PasswordChange {
    /// The present password.
    pub password: Password,
    /// The new one.
    pub new_password: Password,
    /// A code of the second factor.
    pub otp: Option<Otp>,
}

/// The bytes are not one JSON object of the two strings `password` and `new_password`, and perhaps `otp`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object with exactly the strings password and new_password, and perhaps otp")]
pub struct NotTwoPasswords;

impl PasswordChange {
    /// Parses the JSON object `{"password": "...", "new_password": "..."}`, which may have a third string, `otp`.
    ///
    /// # Errors
    /// [`NotTwoPasswords`] for any other bytes.
    pub fn parse(body: &[u8]) -> Result<Self, NotTwoPasswords> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            password: Zeroizing<String>,
            new_password: Zeroizing<String>,
            otp: Option<Zeroizing<String>>,
        }
        let Members { password, new_password, otp } = json::object(body).ok_or(NotTwoPasswords)?;
        let (password, new_password) = (password_of(&password), password_of(&new_password));
        Ok(Self { password, new_password, otp: otp_of(otp.as_ref()) })
    }
}

/// A link's token and the password that it is to set, and a code if one was typed, none of them checked.
pub struct NewPasswordByLink {
    /// The token.
    pub token: Zeroizing<String>,
    /// The new password.
    pub new_password: Password,
    /// A code of the second factor.
    pub otp: Option<Otp>,
}

/// The bytes are not one JSON object of the two strings `token` and `new_password`, and perhaps `otp`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one JSON object with exactly the strings token and new_password, and perhaps otp")]
pub struct NotByLink;

impl NewPasswordByLink {
    /// Parses the JSON object `{"token": "...", "new_password": "..."}`, which may have a third string, `otp`.
    ///
    /// # Errors
    /// [`NotByLink`] for any other bytes.
    pub fn parse(body: &[u8]) -> Result<Self, NotByLink> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            token: Zeroizing<String>,
            new_password: Zeroizing<String>,
            otp: Option<Zeroizing<String>>,
        }
        let Members { token, new_password, otp } = json::object(body).ok_or(NotByLink)?;
        Ok(Self { token, new_password: password_of(&new_password), otp: otp_of(otp.as_ref()) })
    }
}

// What comes out of JSON lies in memory that clears itself: nothing else can be handed to these.

fn email_of(text: &Zeroizing<String>) -> Email {
    Email::canonical(text)
}

fn password_of(text: &Zeroizing<String>) -> Password {
    Password::new(text)
}

fn otp_of(text: Option<&Zeroizing<String>>) -> Option<Otp> {
    text.map(|text| Otp::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_two_strings() {
        let credential = Credential::parse(br#"{"password": "secret", "email": " Yi@jEPlus.org"}"#).unwrap();
        assert!(credential.email.as_str() == "yi@jeplus.org" && credential.otp.is_none());
        let credential = Credential::parse(br#"{"password": "secret", "email": "e", "otp": "123 456"}"#).unwrap();
        assert!(credential.otp.is_some());
    }

    #[test]
    fn nothing_else_is_a_credential() {
        for body in [
            r#"{"email": "yi@jeplus.org"}"#,
            r#"{"email": "yi@jeplus.org", "password": 1}"#,
            r#"{"email": null, "password": "x"}"#,
            r#"{"email": "a", "password": "x", "remember": true}"#,
            r#"{"email": "a", "password": "x", "otp": 123456}"#,
            r#"{"email": "a", "email": "b", "password": "x"}"#,
            r#"["yi@jeplus.org", "x"]"#,
            r#""yi@jeplus.org""#,
        ] {
            assert!(Credential::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
