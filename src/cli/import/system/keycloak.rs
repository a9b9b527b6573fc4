//! Keycloak: the users of a realm.

use serde_json::Value;

use crate::cli::{
    import::{hash, json::Object},
    roster::Line,
};

/// What no member of a user says by itself. A realm that `verifies` lets nobody in whose address was not proved; a file
/// that does not say it is of one that might.
pub(super) fn complete(line: &mut Line, user: &Object, verifies: Option<bool>) -> Result<(), String> {
    let must = |action: &str| {
        let actions = user.get("requiredActions").and_then(Value::as_array).into_iter().flatten();
        actions.into_iter().any(|one| one == action)
    };
    let proved = user.get("emailVerified").and_then(Value::as_bool);
    let is_unproved = match verifies {
        Some(true) => proved != Some(true),
        Some(false) => false,
        None => proved == Some(false),
    };
    line.told.is_unproved |= is_unproved || must("VERIFY_EMAIL");
    line.told.is_temporary |= must("UPDATE_PASSWORD");
    let credentials = user.get("credentials").and_then(Value::as_array).into_iter().flatten();
    let password = credentials.into_iter().find(|one| one.get("type").is_some_and(|kind| kind == "password"));
    if let Some(password) = password {
        line.told.is_temporary |= password.get("temporary") == Some(&Value::Bool(true));
        match hash(password) {
            Some(hash) => drop(line.set("password_hash", &hash.into())?),
            None => line.told.unusable = Some("none of Keycloak's PBKDF2 or Argon2".to_owned()),
        }
    }
    Ok(())
}

/// The hash of a credential: two texts of JSON, and everything in one object before version 8.
fn hash(password: &Value) -> Option<String> {
    let inner = |name: &str| {
        let text = password.get(name).and_then(Value::as_str)?;
        serde_json::from_str::<Value>(text).ok()
    };
    let (secret, data) = (inner("secretData"), inner("credentialData"));
    let (secret, data) = (secret.as_ref().unwrap_or(password), data.as_ref().unwrap_or(password));
    let value = secret.get("value").or_else(|| secret.get("hashedSaltedValue"))?.as_str()?;
    let (salt, algorithm) = (secret.get("salt")?.as_str()?, data.get("algorithm")?.as_str()?);
    let rounds = data.get("hashIterations")?.as_u64()?;
    let parameter = |name: &str| data.get("additionalParameters")?.get(name)?.get(0)?.as_str();
    hash::keycloak(algorithm, rounds, salt, value, parameter)
}
