//! An account as an item of its table.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    StoreError,
    item::{Item, bytes, flag, number, seconds, text},
};
use crate::domain::{
    access_key::{AccessKeyId, Digest, StoredKey},
    account::{Account, Email, Name, Role, Status},
    email_change::{EmailChange, Mailbox},
    factor::Factor,
    ids::{AccountId, ChangeId, SessionId},
    passkey::{CredentialId, PublicKey, StoredPasskey, UserHandle},
    password::PasswordHash,
};

/// The table's name without the stack.
pub(super) const TABLE: &str = "accounts";
/// The attribute that the index of handles has as its key. Accounts without passkeys lack it, so they are not in there.
pub(super) const HANDLE: &str = "handle";
/// The attributes of second factors.
pub(super) const FACTOR: &str = "factor";
pub(super) const PASSKEYS: &str = "passkeys";

/// Attributes of an access key that are there if they are so.
const READ_ONLY: &str = "read_only";
pub(super) const END_TOLD: &str = "end_told";

pub(super) fn account(attributes: HashMap<String, AttributeValue>) -> Result<Account, StoreError> {
    account_of(&Item::new(TABLE, attributes))
}

pub(super) fn account_of(item: &Item) -> Result<Account, StoreError> {
    let (handle, passkeys) = (item.parsed_or_none(HANDLE, UserHandle::parse)?, passkeys(item)?);
    // Nobody could use them, and their owner would see them.
    if handle.is_none() && !passkeys.is_empty() {
        return Err(item.malformed(HANDLE));
    }
    Ok(Account {
        email: item.parsed("email", Email::parse)?,
        registered_email: item.text("registered_email")?.to_owned(),
        sub: item.parsed("sub", AccountId::parse)?,
        name: item.parsed("name", Name::stored)?,
        role: item.parsed_or_none("role", Role::stored)?,
        status: status(item)?,
        password_hash: item.parsed_or_none("password_hash", PasswordHash::parse)?,
        temporary_until: item.seconds_or_none("temporary_until")?,
        created: item.seconds("created")?,
        generation: item.number("generation")?,
        links: item.number("links")?,
        used_link: item.text_or_none("used_link")?.map(str::to_owned),
        profile: item.texts("profile")?.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        access_keys: access_keys(item)?,
        factor: item.map_or_none(FACTOR)?.map(|factor| stored_factor(&factor)).transpose()?,
        begun_factor: item.bytes_or_none("begun_factor")?.map(<[u8]>::to_vec),
        email_change: item.map_or_none("email_change")?.map(|change| stored_change(&change)).transpose()?,
        handle,
        passkeys,
    })
}

pub(super) fn status(item: &Item) -> Result<Status, StoreError> {
    Status::named(item.text("status")?).ok_or(item.malformed("status"))
}

pub(super) fn access_keys(item: &Item) -> Result<BTreeMap<AccessKeyId, StoredKey>, StoreError> {
    let id = |id: &str| AccessKeyId::parse(id).map_err(|_| item.malformed("access_keys"));
    item.maps("access_keys")?.into_iter().map(|(text, key)| Ok((id(text)?, stored_key(&key)?))).collect()
}

fn passkeys(item: &Item) -> Result<BTreeMap<CredentialId, StoredPasskey>, StoreError> {
    let id = |id: &str| CredentialId::parse(id).map_err(|_| item.malformed(PASSKEYS));
    item.maps(PASSKEYS)?.into_iter().map(|(text, passkey)| Ok((id(text)?, stored_passkey(&passkey)?))).collect()
}

fn stored_passkey(item: &Item) -> Result<StoredPasskey, StoreError> {
    let public_key = PublicKey::parse(item.bytes("public_key")?).map_err(|_| item.malformed("public_key"))?;
    Ok(StoredPasskey {
        name: item.parsed("name", Name::stored)?,
        public_key,
        rp_id: item.text("rp_id")?.to_owned(),
        created: item.seconds("created")?,
        last_used: item.seconds_or_none("last_used")?,
        sign_count: item.number("sign_count")?.try_into().map_err(|_| item.malformed("sign_count"))?,
        backed_up: item.flag("backed_up")?,
    })
}

fn stored_factor(item: &Item) -> Result<Factor, StoreError> {
    let digest = |bytes: &[u8]| Some(Digest(bytes.try_into().ok()?));
    let recovery = item.list_of_bytes("recovery")?.map(digest).collect::<Option<_>>();
    Ok(Factor {
        sealed: item.bytes("sealed")?.to_vec(),
        last_step: item.number("last_step")?,
        last_use: item.text("last_use")?.to_owned(),
        confirmed_by: item.parsed_or_none("confirmed_by", SessionId::parse)?,
        recovery: recovery.ok_or(item.malformed("recovery"))?,
    })
}

fn stored_change(item: &Item) -> Result<EmailChange, StoreError> {
    Ok(EmailChange {
        id: item.parsed("id", ChangeId::parse)?,
        email: item.parsed("registered_email", Email::parse)?,
        registered_email: item.text("registered_email")?.to_owned(),
        expires_at: item.seconds("expires_at")?,
        confirmed: item.parsed_or_none("confirmed", |name| Mailbox::named(name).ok_or(()))?,
    })
}

fn stored_key(item: &Item) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        name: item.parsed("name", Name::stored)?,
        digest: Digest(item.bytes("digest")?.try_into().map_err(|_| item.malformed("digest"))?),
        created: item.seconds("created")?,
        expires_at: item.seconds("expires_at")?,
        last_used: item.seconds_or_none("last_used")?,
        read_only: item.is_set(READ_ONLY)?,
        end_told: item.is_set(END_TOLD)?,
    })
}

pub(super) fn attributes(account: &Account) -> HashMap<String, AttributeValue> {
    let profile = account.profile.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    let mut attributes = HashMap::from([
        ("email".to_owned(), text(account.email.as_str())),
        ("registered_email".to_owned(), text(&account.registered_email)),
        ("sub".to_owned(), text(account.sub.as_str())),
        ("name".to_owned(), text(account.name.as_str())),
        ("status".to_owned(), text(account.status.name())),
        ("created".to_owned(), seconds(account.created)),
        ("generation".to_owned(), number(account.generation)),
        ("links".to_owned(), number(account.links)),
        ("profile".to_owned(), AttributeValue::M(profile)),
    ]);
    if let Some(tag) = &account.used_link {
        attributes.insert("used_link".to_owned(), text(tag));
    }
    if let Some(hash) = &account.password_hash {
        attributes.insert("password_hash".to_owned(), text(hash.as_str()));
    }
    if let Some(end) = account.temporary_until {
        attributes.insert("temporary_until".to_owned(), seconds(end));
    }
    if let Some(role) = &account.role {
        attributes.insert("role".to_owned(), text(role.as_str()));
    }
    if !account.access_keys.is_empty() {
        let keys = account.access_keys.iter().map(|(id, key)| (id.as_str().to_owned(), key_attributes(key)));
        attributes.insert("access_keys".to_owned(), AttributeValue::M(keys.collect()));
    }
    if let Some(factor) = &account.factor {
        attributes.insert(FACTOR.to_owned(), factor_attributes(factor));
    }
    if let Some(sealed) = &account.begun_factor {
        attributes.insert("begun_factor".to_owned(), bytes(sealed));
    }
    if let Some(change) = &account.email_change {
        attributes.insert("email_change".to_owned(), change_attributes(change));
    }
    if let Some(handle) = &account.handle {
        attributes.insert(HANDLE.to_owned(), text(&handle.text()));
    }
    if !account.passkeys.is_empty() {
        let passkeys = account.passkeys.iter().map(|(id, passkey)| (id.text(), passkey_attributes(passkey)));
        attributes.insert(PASSKEYS.to_owned(), AttributeValue::M(passkeys.collect()));
    }
    attributes
}

fn factor_attributes(factor: &Factor) -> AttributeValue {
    let recovery = factor.recovery.iter().map(|digest| bytes(&digest.0)).collect();
    let mut attributes = HashMap::from([
        ("sealed".to_owned(), bytes(&factor.sealed)),
        ("last_step".to_owned(), number(factor.last_step)),
        ("last_use".to_owned(), text(&factor.last_use)),
        ("recovery".to_owned(), AttributeValue::L(recovery)),
    ]);
    if let Some(sid) = &factor.confirmed_by {
        attributes.insert("confirmed_by".to_owned(), text(sid.as_str()));
    }
    AttributeValue::M(attributes)
}

fn change_attributes(change: &EmailChange) -> AttributeValue {
    let mut attributes = HashMap::from([
        ("id".to_owned(), text(change.id.as_str())),
        ("registered_email".to_owned(), text(&change.registered_email)),
        ("expires_at".to_owned(), seconds(change.expires_at)),
    ]);
    if let Some(mailbox) = change.confirmed {
        attributes.insert("confirmed".to_owned(), text(mailbox.name()));
    }
    AttributeValue::M(attributes)
}

fn key_attributes(key: &StoredKey) -> AttributeValue {
    let mut attributes = HashMap::from([
        ("name".to_owned(), text(key.name.as_str())),
        ("digest".to_owned(), bytes(&key.digest.0)),
        ("created".to_owned(), seconds(key.created)),
        ("expires_at".to_owned(), seconds(key.expires_at)),
    ]);
    if let Some(day) = key.last_used {
        attributes.insert("last_used".to_owned(), seconds(day));
    }
    for (name, _) in [(READ_ONLY, key.read_only), (END_TOLD, key.end_told)].into_iter().filter(|(_, is_so)| *is_so) {
        attributes.insert(name.to_owned(), AttributeValue::Bool(true));
    }
    AttributeValue::M(attributes)
}

fn passkey_attributes(passkey: &StoredPasskey) -> AttributeValue {
    let mut attributes = HashMap::from([
        ("name".to_owned(), text(passkey.name.as_str())),
        ("public_key".to_owned(), bytes(&passkey.public_key.cose())),
        ("rp_id".to_owned(), text(&passkey.rp_id)),
        ("created".to_owned(), seconds(passkey.created)),
        ("sign_count".to_owned(), number(passkey.sign_count.into())),
        ("backed_up".to_owned(), flag(passkey.backed_up)),
    ]);
    if let Some(day) = passkey.last_used {
        attributes.insert("last_used".to_owned(), seconds(day));
    }
    AttributeValue::M(attributes)
}
