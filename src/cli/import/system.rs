//! The exports of other systems, in the layouts that they document. Of each the email, the hash, the name, the date and
//! whether the account may log on is known, and nothing else is taken.

use clap::ValueEnum;
use serde_json::Value;

use super::{
    hash,
    json::Object,
    layout::{Column, set},
};
use crate::cli::roster::Line;

/// A system whose exports are known.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum System {
    /// Password hashes as Auth0's support exports them, JSON lines
    Auth0,
    /// Devise, the table of users as CSV
    Devise,
    /// Django, `dumpdata auth.User` as JSON or the table `auth_user` as CSV
    Django,
    /// Keycloak, a realm with its users as JSON
    Keycloak,
    /// Laravel, the table `users` as CSV
    Laravel,
    /// Supabase, the table `auth.users` as CSV
    Supabase,
}

impl System {
    /// Whether its export is JSON, and not CSV; nothing if there are both.
    pub(super) fn is_json(self) -> Option<bool> {
        match self {
            Self::Auth0 | Self::Keycloak => Some(true),
            Self::Devise | Self::Laravel | Self::Supabase => Some(false),
            Self::Django => None,
        }
    }

    /// A column of its table. What is not known here is left out.
    pub(super) fn column(self, name: &str) -> Column {
        let member = |name: &str| Column::Member(name.to_owned());
        match (self, name) {
            (_, "email") => member("email"),
            (Self::Django | Self::Laravel, "password") | (Self::Devise | Self::Supabase, "encrypted_password") => {
                member("password_hash")
            }
            (Self::Django, "is_active") => member("status"),
            (Self::Django, "username") => Column::Username,
            (Self::Django, "first_name") => Column::Profile("firstname".to_owned()),
            (Self::Django, "last_name") => Column::Profile("surname".to_owned()),
            (Self::Django, "date_joined") | (Self::Devise | Self::Laravel | Self::Supabase, "created_at") => {
                Column::Date
            }
            (Self::Devise | Self::Laravel, "name") => member("name"),
            (Self::Devise, "locked_at") => Column::Barred,
            (Self::Supabase, "banned_until") => Column::BarredUntil,
            (Self::Devise | Self::Laravel | Self::Supabase, "deleted_at") => Column::Deleted,
            _ => Column::Skipped,
        }
    }

    /// The account of an object in its export; nothing if the object is none, or was deleted.
    pub(super) fn line(self, object: &Object) -> Result<Option<Line>, String> {
        // `dumpdata` may hold other models as well, and realms have accounts of programs.
        let (fields, is_other) = if self == Self::Django {
            let fields = object.get("fields").and_then(Value::as_object).unwrap_or(object);
            (fields, !fields.contains_key("password"))
        } else {
            (object, object.contains_key("serviceAccountClientId"))
        };
        if is_other {
            return Ok(None);
        }
        let mut line = Line::default();
        let mut put = |column: &Column, name: &str| match fields.get(name) {
            Some(value) => set(&mut line, column, value),
            None => Ok(true),
        };
        let member = |name: &str| Column::Member(name.to_owned());
        match self {
            Self::Auth0 => {
                put(&member("email"), "email")?;
                put(&member("name"), "name")?;
                put(&member("password_hash"), "passwordHash")?;
                if fields.get("blocked") == Some(&Value::Bool(true)) {
                    put(&Column::Barred, "blocked")?;
                }
                if fields.get("email").is_none_or(Value::is_null)
                    && let Some(email) = auth0_email(fields)
                {
                    line.set("email", email)?;
                }
            }
            Self::Keycloak => {
                put(&member("email"), "email")?;
                put(&member("status"), "enabled")?;
                put(&Column::Username, "username")?;
                put(&Column::Profile("firstname".to_owned()), "firstName")?;
                put(&Column::Profile("surname".to_owned()), "lastName")?;
                if let Some(millis) = fields.get("createdTimestamp").and_then(Value::as_u64) {
                    line.set("created", &(millis / 1000).into())?;
                }
                if let Some(hash) = keycloak_hash(fields)? {
                    line.set("password_hash", &hash.into())?;
                }
            }
            Self::Devise | Self::Django | Self::Laravel | Self::Supabase => {
                for name in fields.keys() {
                    if !put(&self.column(name), name)? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(line))
    }
}

fn auth0_email(fields: &Object) -> Option<&Value> {
    let identifiers = fields.get("identifiers")?.as_array()?;
    identifiers.iter().find(|one| one.get("type").is_some_and(|kind| kind == "email"))?.get("value")
}

/// The hash of a realm's user: two texts of JSON, and everything in one object before version 8.
fn keycloak_hash(user: &Object) -> Result<Option<String>, String> {
    let credentials = user.get("credentials").and_then(Value::as_array).into_iter().flatten();
    let Some(password) = credentials.into_iter().find(|one| one.get("type").is_some_and(|kind| kind == "password"))
    else {
        return Ok(None);
    };
    let inner = |name: &str| {
        let text = password.get(name).and_then(Value::as_str)?;
        serde_json::from_str::<Value>(text).ok()
    };
    let (secret, data) = (inner("secretData"), inner("credentialData"));
    let (secret, data) = (secret.as_ref().unwrap_or(password), data.as_ref().unwrap_or(password));
    let hash = || {
        let value = secret.get("value").or_else(|| secret.get("hashedSaltedValue"))?.as_str()?;
        let (salt, algorithm) = (secret.get("salt")?.as_str()?, data.get("algorithm")?.as_str()?);
        let rounds = data.get("hashIterations")?.as_u64()?;
        let parameter = |name: &str| data.get("additionalParameters")?.get(name)?.get(0)?.as_str();
        hash::keycloak(algorithm, rounds, salt, value, parameter)
    };
    let unknown = "password_hash is none of Keycloak's PBKDF2 or Argon2: import the account without a hash, and set a \
                   password with `jea-auth user passwd`";
    hash().map(Some).ok_or_else(|| unknown.to_owned())
}
