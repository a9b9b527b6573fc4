//! One account as it stands in a file: what `export` writes and `import` reads.

mod factor;
mod keys;
mod passkeys;
pub(super) mod profile;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub(super) use factor::{OpenFactor, sealing_secret};
use passkeys::Passkeys;

use crate::{
    domain::access_key::{AccessKeyId, StoredKey},
    domain::account::{Account, Email, Name, Role, Status, TEMPORARY_LIFE, TEXTS_MAX_BYTES},
    domain::ids::AccountId,
    domain::password::PasswordHash,
    domain::time::Timestamp,
    platform::machine,
    platform::store::ADDED_AT_ONCE,
};

// As many accounts as are added at once fit into the 4 MB of a DynamoDB transaction, with their access keys and the
// names of what they have.
const _: () = assert!(TEXTS_MAX_BYTES * ADDED_AT_ONCE <= 3_000_000);

/// What a line may hold, but for members of a profile, access keys and passkeys.
pub(super) const MEMBERS: [&str; 9] =
    ["email", "name", "role", "password_hash", "temporary_until", "status", "sub", "created", "generation"];
/// What a line of JSON may hold beside them. In a cell of CSV these have no place.
pub(super) const OF_JSON_ALONE: [&str; 3] = [ACCESS_KEYS, SECOND_FACTOR, PASSKEYS];
const ACCESS_KEYS: &str = "access_keys";
const SECOND_FACTOR: &str = "second_factor";
const PASSKEYS: &str = "passkeys";

/// One account as it stands in a file.
#[derive(Default, Serialize)]
pub(super) struct Line {
    pub(super) email: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temporary_until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    profile: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "keys::serialize")]
    access_keys: BTreeMap<AccessKeyId, StoredKey>,
    /// With its secret in clear; there if an operator wants it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) second_factor: Option<OpenFactor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkeys: Option<Passkeys>,
    /// What a file says of the account beside what is kept of it.
    #[serde(skip)]
    pub(super) told: Told,
}

/// Whether an account may log on in another system. What one member says, no other takes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Nothing says that it may not.
    #[default]
    Open,
    /// It may not.
    Barred,
    /// It was deleted.
    Deleted,
    /// Another service lets its owner in, and it has no password.
    Elsewhere,
}

/// What the file of another system says of an account beside what is kept of it.
#[derive(Default)]
pub(super) struct Told {
    pub(super) standing: Standing,
    /// Nobody has proved there that its address is the owner's.
    pub(super) is_unproved: bool,
    /// Its password is one that the owner must change first.
    pub(super) is_temporary: bool,
    /// Why its hash cannot be taken, where that is known before it is read.
    pub(super) unusable: Option<String>,
    /// The salt of its hash, where it is not in it.
    pub(super) salt: Option<String>,
    /// What the person is called, in a member of another name.
    pub(super) full_name: Option<String>,
    /// What the person was called where no other name is known.
    pub(super) username: Option<String>,
    /// The secret of a second factor, and whether that is on.
    pub(super) totp_secret: Option<String>,
    pub(super) totp_on: bool,
}

impl Line {
    /// An account with all that is stored of it.
    pub(super) fn of(account: &Account) -> Self {
        Self {
            email: account.registered_email.clone(),
            name: account.name.as_str().to_owned(),
            role: account.role.as_ref().map(|role| role.as_str().to_owned()),
            password_hash: account.password_hash.as_ref().map(|hash| hash.as_str().to_owned()),
            temporary_until: account.temporary_until.map(Timestamp::seconds),
            status: Some(account.status.name().to_owned()),
            sub: Some(account.sub.as_str().to_owned()),
            created: Some(account.created.seconds()),
            profile: account.profile.clone(),
            access_keys: account.access_keys.clone(),
            second_factor: None,
            passkeys: Passkeys::of(account),
            told: Told::default(),
        }
    }

    /// Whether it brings an id of its own.
    pub(super) fn has_sub(&self) -> bool {
        self.sub.is_some()
    }

    /// Sets one of [`MEMBERS`], or the object `profile` or one of [`OF_JSON_ALONE`]. Whether it is one of them is given
    /// back.
    pub(super) fn set(&mut self, member: &str, value: &Value) -> Result<bool, String> {
        match member {
            "email" => self.email = text(member, value)?.unwrap_or_default(),
            "name" => self.name = text(member, value)?.unwrap_or_default(),
            "role" => self.role = text(member, value)?,
            "password_hash" => self.password_hash = text(member, value)?,
            "temporary_until" => self.temporary_until = number(member, value, "seconds since 1970")?,
            "status" => self.status = status(value)?,
            "sub" => self.sub = text(member, value)?,
            "created" => self.created = number(member, value, "seconds since 1970")?,
            // Earlier releases exported one. An account that is added begins with a generation of its own, or one could
            // come twice.
            "generation" => drop(number(member, value, "a number")?),
            ACCESS_KEYS => self.access_keys = keys::parse(value, machine::now())?,
            SECOND_FACTOR => self.second_factor = OpenFactor::parse(value)?,
            PASSKEYS => self.passkeys = Passkeys::parse(value, machine::now())?,
            "profile" if value.is_null() => {}
            "profile" => {
                let profile = value.as_object().ok_or("profile: an object is expected")?;
                for (name, value) in profile {
                    self.set_profile(name, text(&format!("profile member {name}"), value)?)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sets a member of the profile, which its owner and every client of its owner will see.
    pub(super) fn set_profile(&mut self, name: &str, value: Option<String>) -> Result<(), String> {
        let Some(value) = value else { return Ok(()) };
        profile::check(name, &value)?;
        match self.profile.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(format!("profile member {name} is there twice")),
        }
    }

    /// What tells a person which account it is.
    pub(super) fn who(&self) -> Option<&str> {
        [Some(self.email.trim()), self.told.username.as_deref()].into_iter().flatten().find(|who| !who.is_empty())
    }

    /// The account with this hash, or what is wrong with the line. What is not there gets the value of a new account.
    pub(super) fn account(self, password_hash: Option<PasswordHash>, name_from_email: bool) -> Result<Account, String> {
        Email::parse(&self.email).map_err(|error| format!("email: {error}"))?;
        let now = machine::now();
        let created = self.created.map_or(now, Timestamp::from_seconds);
        if created > now {
            return Err("created is in the future: seconds since 1970 are expected, not milliseconds".to_owned());
        }
        let temporary_until = self.temporary_until.map(Timestamp::from_seconds);
        if temporary_until.is_some_and(|end| end > now.plus(TEMPORARY_LIFE)) {
            return Err("temporary_until: a time in at most 7 days is expected, in seconds since 1970".to_owned());
        }
        let sub = self.sub.as_deref().map(AccountId::parse).transpose().map_err(|error| format!("sub: {error}"))?;
        let name = Name::parse(&self.known_name(name_from_email)?).map_err(|error| format!("name: {error}"))?;
        let role = self.role.as_deref().map(Role::parse).transpose().map_err(|error| format!("role: {error}"))?;
        let status = self.status.as_deref().and_then(Status::named).unwrap_or(Status::Active);
        let sub = sub.unwrap_or_else(|| AccountId::new(&machine::random()));
        let account = Account {
            role,
            status: if self.told.standing == Standing::Open { status } else { Status::Disabled },
            password_hash,
            temporary_until,
            created,
            profile: self.profile,
            access_keys: self.access_keys,
            handle: self.passkeys.as_ref().map(|passkeys| passkeys.handle),
            passkeys: self.passkeys.map(|passkeys| passkeys.keys).unwrap_or_default(),
            ..Account::new(&self.email, name, sub, now).map_err(|error| format!("email: {error}"))?
        };
        if account.texts_bytes() > TEXTS_MAX_BYTES {
            return Err(format!("its texts have more than {TEXTS_MAX_BYTES} bytes"));
        }
        Ok(account)
    }

    fn known_name(&self, name_from_email: bool) -> Result<String, String> {
        let parts: Vec<&str> = ["firstname", "surname"]
            .into_iter()
            .filter_map(|part| self.profile.get(part))
            .map(String::as_str)
            .collect();
        let before_at = || self.email.trim().rsplit_once('@').map(|(local, _)| local.to_owned());
        [Some(self.name.clone()), self.told.full_name.clone(), Some(parts.join(" ")), self.told.username.clone()]
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty())
            .or_else(|| name_from_email.then(before_at).flatten())
            .ok_or_else(|| {
                "name is missing: say --map name=COLUMN, or --name-from-email for what is before the @".to_owned()
            })
    }
}

/// A text; nothing if it is empty or null.
pub(super) fn text(member: &str, value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("{member}: a text is expected"))
        }
    }
}

/// A whole number; nothing if it is empty or null.
fn number(member: &str, value: &Value, expected: &str) -> Result<Option<u64>, String> {
    if value.is_null() || value == "" {
        return Ok(None);
    }
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.map(Some).ok_or_else(|| format!("{member}: a whole number is expected, {expected}"))
}

/// The name of a status, however other systems write it.
fn status(value: &Value) -> Result<Option<String>, String> {
    let text = if value.is_boolean() || value.is_number() { Some(value.to_string()) } else { text("status", value)? };
    let Some(text) = text.map(|text| text.to_lowercase()) else { return Ok(None) };
    let status = match text.as_str() {
        "active" | "1" | "true" | "t" => Status::Active,
        "disabled" | "0" | "false" | "f" => Status::Disabled,
        _ => return Err("status: active or disabled is expected, or 1 or 0, or true or false".to_owned()),
    };
    Ok(Some(status.name().to_owned()))
}
