//! Access keys as they stand in a file: the hash of a secret, and never the secret.

use std::{collections::BTreeMap, time::Duration};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{number, text};
use crate::domain::{
    access_key::{AccessKeyId, DAYS_MAX, Digest, KEYS_MAX, StoredKey},
    account::Name,
    time::Timestamp,
};

const MEMBERS: [&str; 7] = ["name", "sha256", "created", "expires", "last_used", "read_only", "end_told"];
const LONGEST: Duration = Duration::from_hours(24 * DAYS_MAX);

/// One key as it stands in a file.
#[derive(Serialize)]
struct KeyObject<'a> {
    name: &'a str,
    sha256: String,
    created: u64,
    expires: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<u64>,
    #[serde(skip_serializing_if = "is_not_so")]
    read_only: bool,
    #[serde(skip_serializing_if = "is_not_so")]
    end_told: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_not_so(is_so: &bool) -> bool {
    !is_so
}

pub(super) fn serialize<S: Serializer>(
    keys: &BTreeMap<AccessKeyId, StoredKey>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(keys.iter().map(|(id, key)| {
        let object = KeyObject {
            name: key.name.as_str(),
            sha256: digits(&key.digest),
            created: key.created.seconds(),
            expires: key.expires_at.seconds(),
            last_used: key.last_used.map(Timestamp::seconds),
            read_only: key.read_only,
            end_told: key.end_told,
        };
        (id.as_str(), object)
    }))
}

/// The keys of an account, or what is wrong with them.
pub(super) fn parse(value: &Value, now: Timestamp) -> Result<BTreeMap<AccessKeyId, StoredKey>, String> {
    if value.is_null() {
        return Ok(BTreeMap::new());
    }
    let keys = value.as_object().ok_or("access_keys: an object is expected, of ids and what belongs to each")?;
    // The service removes those that have expired when it makes another one, so it never keeps more than this either.
    if keys.len() > KEYS_MAX {
        return Err(format!("access_keys: at most {KEYS_MAX} are expected"));
    }
    let keys = keys.iter().map(|(id, key)| {
        let parsed = AccessKeyId::parse(id).map_err(|error| format!("access_keys: {error}"))?;
        let key = key.as_object().ok_or("an object is expected".to_owned()).and_then(|key| stored(key, now));
        Ok((parsed, key.map_err(|reason| format!("access key {id}: {reason}"))?))
    });
    keys.collect()
}

fn stored(key: &Map<String, Value>, now: Timestamp) -> Result<StoredKey, String> {
    if let Some(unknown) = key.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(format!("unknown member {unknown}: {} are expected", MEMBERS.join(", ")));
    }
    let member = |name: &'static str| key.get(name).unwrap_or(&Value::Null);
    let flag = |name: &'static str| match member(name) {
        Value::Null => Ok(false),
        Value::Bool(is_so) => Ok(*is_so),
        // Whoever says it otherwise may mean a key that is for reading alone.
        Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("{name}: true or false is expected"))
        }
    };
    let time = |name: &'static str| Ok::<_, String>(number(name, member(name), SECONDS)?.map(Timestamp::from_seconds));
    let name = text("name", member("name"))?.ok_or("name is missing")?;
    let sha256 = text("sha256", member("sha256"))?.ok_or("sha256 is missing")?;
    let created = time("created")?.ok_or("created is missing")?;
    let expires_at = time("expires")?.ok_or("expires is missing")?;
    let last_used = time("last_used")?;
    if created > now || last_used.is_some_and(|day| day > now) {
        let which = if created > now { "created" } else { "last_used" };
        return Err(format!("{which} is in the future: seconds since 1970 are expected, not milliseconds"));
    }
    if expires_at <= created || expires_at > created.plus(LONGEST) {
        return Err(format!("expires: a time after created is expected, at most {DAYS_MAX} days"));
    }
    Ok(StoredKey {
        name: Name::parse(&name).map_err(|error| format!("name: {error}"))?,
        digest: digest(&sha256).ok_or("sha256: 64 hexadecimal digits in lower case are expected")?,
        created,
        expires_at,
        last_used,
        read_only: flag("read_only")?,
        end_told: flag("end_told")?,
    })
}

const SECONDS: &str = "seconds since 1970";

pub(super) fn digest(text: &str) -> Option<Digest> {
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (text.len() == 64 && text.bytes().all(is_lower_hex)).then_some(Digest(bytes))
}

pub(super) fn digits(digest: &Digest) -> String {
    digest.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|n| char::from_digit(n.into(), 16)).collect()
}
