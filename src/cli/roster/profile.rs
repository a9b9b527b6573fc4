//! What may stand in a profile, which its owner and every client of its owner sees.

use crate::{
    cli::import::hash,
    domain::{account::Name, details},
};

/// Members of the account details beside the profile, which it cannot give another value.
const OWN: [&str; 3] = ["email", "nickname", "role"];

/// What keeps a member out of a profile, if anything does.
pub(in crate::cli) fn check(name: &str, value: &str) -> Result<(), String> {
    Name::parse(name).map_err(|error| format!("name of a profile member: {error}"))?;
    if names_a_secret(name) {
        return Err(format!("profile member {name} is a secret by its name, and a profile is public: leave it out"));
    }
    if OWN.contains(&name.to_lowercase().as_str()) {
        return Err(format!("profile member {name} would stand for another member of the account: leave it out"));
    }
    // What an owner may write is that owner's to publish, and an export of it must be taken back.
    if hash::is_one(value) && !details::MEMBERS.contains(&name) {
        return Err(format!("profile member {name} holds a password's hash, and a profile is public: leave it out"));
    }
    Ok(())
}

/// Words of a name that tell a secret, and what a name without spaces holds or ends with that tells one.
const SECRET_WORDS: [&str; 15] = [
    "pass", "pw", "hash", "token", "secret", "salt", "key", "keys", "pin", "otp", "totp", "mfa", "crypt", "seed",
    "recovery",
];
const SECRET_PARTS: [&str; 8] =
    ["password", "passwd", "passphrase", "passwort", "kennwort", "secret", "token", "credential"];
const SECRET_ENDS: [&str; 4] = ["hash", "salt", "key", "pwd"];

/// The words of a name, in lower case: apart by signs, or by a capital in the middle.
pub(in crate::cli) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// Whether a member of this name is a secret, as far as a name can say. It says it too often rather than too seldom.
pub(in crate::cli) fn names_a_secret(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
        || SECRET_PARTS.iter().any(|part| joined.contains(part))
        || SECRET_ENDS.iter().any(|end| joined.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 73.
    #[test]
    fn a_member_that_names_a_secret_is_known_by_its_name() {
        for name in [
            "password",
            "Password",
            "encrypted_password",
            "passwordHash",
            "pwd",
            "hash",
            "pw_hash",
            "remember_token",
            "resetPasswordToken",
            "secret",
            "otp_secret",
            "salt",
            "passwordsalt",
            "key",
            "apiKey",
            "API key",
            "apikey",
            "recovery_codes",
            "PIN",
            "kennwort",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        for name in
            ["country", "company", "title", "tel", "firstname", "hashtags", "keynote", "spin", "saltlake", "compass"]
        {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}
