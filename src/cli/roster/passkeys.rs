//! Passkeys as they stand in a file: public keys, and the handle that they know their account by.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::{Map, Value};

use super::{number, text};
use crate::domain::{
    account::{Account, DOMAIN_MAX_BYTES, Name, is_host},
    passkey::{CredentialId, InvalidPublicKey, PASSKEYS_MAX, PublicKey, StoredPasskey, UserHandle},
    time::Timestamp,
};

const MEMBERS: [&str; 2] = ["handle", "keys"];
const OF_KEY: [&str; 7] = ["name", "public_key", "rp_id", "created", "last_used", "sign_count", "backed_up"];

/// The passkeys of an account, under the handle that their authenticators give back.
pub(in crate::cli) struct Passkeys {
    pub(super) handle: UserHandle,
    pub(super) keys: BTreeMap<CredentialId, StoredPasskey>,
}

/// One passkey as it stands in a file.
#[derive(Serialize)]
struct PasskeyObject<'a> {
    name: &'a str,
    public_key: String,
    rp_id: &'a str,
    created: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<u64>,
    sign_count: u32,
    backed_up: bool,
}

impl Serialize for Passkeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = self.keys.iter().map(|(id, passkey)| {
            let object = PasskeyObject {
                name: passkey.name.as_str(),
                public_key: URL_SAFE_NO_PAD.encode(passkey.public_key.cose()),
                rp_id: &passkey.rp_id,
                created: passkey.created.seconds(),
                last_used: passkey.last_used.map(Timestamp::seconds),
                sign_count: passkey.sign_count,
                backed_up: passkey.backed_up,
            };
            (id.text(), object)
        });
        let keys: BTreeMap<String, PasskeyObject> = keys.collect();
        let mut object = serializer.serialize_struct("Passkeys", MEMBERS.len())?;
        object.serialize_field("handle", &self.handle.text())?;
        object.serialize_field("keys", &keys)?;
        object.end()
    }
}

impl Passkeys {
    /// The passkeys of an account, if it has a handle.
    pub(super) fn of(account: &Account) -> Option<Self> {
        account.handle.map(|handle| Self { handle, keys: account.passkeys.clone() })
    }

    /// The passkeys of an account, or what is wrong with them.
    pub(super) fn parse(value: &Value, now: Timestamp) -> Result<Option<Self>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let passkeys = value.as_object().ok_or("passkeys: an object is expected, of handle and keys")?;
        if let Some(unknown) = passkeys.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(format!("passkeys: unknown member {unknown}: {} are expected", MEMBERS.join(", ")));
        }
        let member = |name: &'static str| passkeys.get(name).unwrap_or(&Value::Null);
        let handle = text("passkeys: handle", member("handle"))?.ok_or("passkeys: handle is missing")?;
        let handle = UserHandle::parse(&handle).map_err(|error| format!("passkeys: handle: {error}"))?;
        let none = Map::new();
        let keys = if member("keys").is_null() { Some(&none) } else { member("keys").as_object() };
        let keys = keys.ok_or("passkeys: keys: an object is expected, of ids and what belongs to each")?;
        if keys.len() > PASSKEYS_MAX {
            return Err(format!("passkeys: at most {PASSKEYS_MAX} are expected"));
        }
        let keys = keys.iter().map(|(id, passkey)| {
            let parsed = CredentialId::parse(id).map_err(|error| format!("passkeys: {error}"))?;
            let passkey = passkey.as_object().ok_or("an object is expected".to_owned());
            Ok((parsed, passkey.and_then(|passkey| stored(passkey, now)).map_err(|reason| told(id, &reason))?))
        });
        Ok(Some(Self { handle, keys: keys.collect::<Result<_, String>>()? }))
    }
}

fn told(id: &str, reason: &str) -> String {
    format!("passkey {id}: {reason}")
}

fn stored(passkey: &Map<String, Value>, now: Timestamp) -> Result<StoredPasskey, String> {
    if let Some(unknown) = passkey.keys().find(|name| !OF_KEY.contains(&name.as_str())) {
        return Err(format!("unknown member {unknown}: {} are expected", OF_KEY.join(", ")));
    }
    let member = |name: &'static str| passkey.get(name).unwrap_or(&Value::Null);
    let needed = |name: &'static str| text(name, member(name))?.ok_or_else(|| format!("{name} is missing"));
    let time = |name: &'static str| {
        let time = number(name, member(name), "seconds since 1970")?.map(Timestamp::from_seconds);
        if time.is_some_and(|time| time > now) {
            return Err(format!("{name} is in the future: seconds since 1970 are expected, not milliseconds"));
        }
        Ok(time)
    };
    let rp_id = needed("rp_id")?;
    if rp_id.len() > DOMAIN_MAX_BYTES || !is_host(&rp_id) || rp_id != rp_id.to_ascii_lowercase() {
        return Err("rp_id: a host in lower case is expected".to_owned());
    }
    let backed_up = member("backed_up");
    Ok(StoredPasskey {
        name: Name::parse(&needed("name")?).map_err(|error| format!("name: {error}"))?,
        public_key: public_key(&needed("public_key")?)?,
        rp_id,
        created: time("created")?.ok_or("created is missing")?,
        last_used: time("last_used")?,
        sign_count: number("sign_count", member("sign_count"), "of 32 bits")?
            .unwrap_or_default()
            .try_into()
            .map_err(|_| "sign_count: a number of 32 bits is expected")?,
        backed_up: if backed_up.is_null() { Some(false) } else { backed_up.as_bool() }
            .ok_or("backed_up: true or false is expected")?,
    })
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| "public_key: base64url without padding is expected")?;
    let key = PublicKey::parse(&bytes).and_then(|key| {
        // A point beside the curve would be refused at each log-on, without a word here.
        if key.is_on_its_curve() { Ok(key) } else { Err(InvalidPublicKey::Malformed) }
    });
    key.map_err(|error| format!("public_key: a COSE_Key is expected: {error}"))
}
