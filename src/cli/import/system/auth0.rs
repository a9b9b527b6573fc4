//! Auth0: hashes as its support exports them, and users as its import takes them.

use base64::Engine;
use serde_json::Value;

use crate::cli::{
    import::{
        hash::{self, BASE64},
        json::{Object, at},
    },
    roster::{Line, text},
};

/// What no member of the object itself says.
pub(super) fn complete(line: &mut Line, fields: &Object) -> Result<(), String> {
    if fields.get("email").is_none_or(Value::is_null)
        && let Some(email) = email(fields)
    {
        line.set("email", email)?;
    }
    if let Some(custom) = fields.get("custom_password_hash").and_then(Value::as_object) {
        let known = custom_hash(custom)?;
        if known.is_none() {
            let algorithm = custom.get("algorithm").and_then(Value::as_str).unwrap_or("without an algorithm");
            line.told.unusable =
                Some(format!("Auth0's custom_password_hash, {algorithm}, of a form that is not known here"));
        }
        line.set("password_hash", &known.into())?;
    }
    Ok(())
}

fn email(fields: &Object) -> Option<&Value> {
    let identifiers = fields.get("identifiers")?.as_array()?;
    identifiers.iter().find(|one| one.get("type").is_some_and(|kind| kind == "email"))?.get("value")
}

/// A hash of another system before Auth0 ("Bulk User Imports" in its documentation): whole as it is, or in parts.
fn custom_hash(custom: &Object) -> Result<Option<String>, String> {
    let value = text("custom_password_hash", at(custom, "hash.value").unwrap_or(&Value::Null))?;
    let value = value.ok_or("custom_password_hash: it has no hash.value")?;
    let member = |path: &str| at(custom, path).and_then(Value::as_str);
    let number = |path: &str| at(custom, path).and_then(Value::as_u64);
    let bytes = |text: &str, encoding: Option<&str>| match encoding {
        Some("hex") => hash::hex(text),
        Some("base64") => BASE64.decode(text).ok(),
        Some("utf8") | None => Some(text.as_bytes().to_vec()),
        Some(_) => None,
    };
    let in_parts = || {
        let digest = bytes(&value, Some(member("hash.encoding").unwrap_or("hex")))?;
        let salt = bytes(member("salt.value")?, member("salt.encoding"))?;
        if member("algorithm")? == "scrypt" {
            let n = number("cost").unwrap_or(16_384);
            let lanes = |path: &str, usual: u32| number(path).map_or(Some(usual), |number| u32::try_from(number).ok());
            let (r, p) = (lanes("blockSize", 8)?, lanes("parallelization", 1)?);
            return n.is_power_of_two().then(|| hash::scrypt(n.ilog2(), r, p, &salt, &digest));
        }
        let scheme = match member("algorithm")? {
            "md5" => "SMD5",
            "sha1" => "SSHA",
            "sha256" => "SSHA256",
            "sha512" => "SSHA512",
            _ => return None,
        };
        // Where the salt stands before the password, LDAP has no spelling for it.
        (member("salt.position")? == "suffix")
            .then(|| format!("{{{scheme}}}{}", BASE64.encode([digest, salt].concat())))
    };
    Ok(match member("algorithm") {
        None | Some("argon2" | "bcrypt" | "ldap" | "pbkdf2") => Some(value.clone()),
        Some(_) => in_parts(),
    })
}
