//! Auth0: hashes as its support exports them, and users as its import takes them.

use serde_json::Value;

use crate::cli::{
    import::{json::Object, reading::at},
    roster::{Line, text},
};

/// What no member of the object itself says.
pub(super) fn complete(line: &mut Line, fields: &Object) -> Result<(), String> {
    if fields.get("email").is_none_or(Value::is_null)
        && let Some(email) = email(fields)
    {
        line.set("email", email)?;
    }
    if let Some(hash) = fields.get("custom_password_hash").and_then(Value::as_object) {
        let value = at(hash, "hash.value").unwrap_or(&Value::Null);
        if text("custom_password_hash", value)?.is_none() {
            return Err("custom_password_hash: it has no hash.value".to_owned());
        }
        line.set("password_hash", value)?;
    }
    Ok(())
}

fn email(fields: &Object) -> Option<&Value> {
    let identifiers = fields.get("identifiers")?.as_array()?;
    identifiers.iter().find(|one| one.get("type").is_some_and(|kind| kind == "email"))?.get("value")
}
