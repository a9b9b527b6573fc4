//! What an owner says of himself: the members of the account details that he may change.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;
use zeroize::Zeroize;

use crate::domain::{
    account::{Account, Email, InvalidLabel, Name, TEXTS_MAX_BYTES},
    json,
};

/// The members that an owner may change. `nickname` is the account's name; the others are its profile.
pub const MEMBERS: [&str; 14] = [
    "title",
    "firstname",
    "middlename",
    "surname",
    NICKNAME,
    "position",
    "company",
    "tel",
    ADDRESS,
    "postcode",
    "country",
    "website",
    "twitter",
    "linkedin",
];
/// Longest value of one, in bytes.
pub const VALUE_MAX_BYTES: usize = 256;

const NICKNAME: &str = "nickname";
/// The one member that can have several lines.
const ADDRESS: &str = "address";
/// Credentials of another system, which clients of the original service send along. They are taken and never kept.
const NEVER_KEPT: [&str; 3] = ["use_jess", "jess_user", "jess_pwd"];

/// A change of account details, each member with its new value; an empty one removes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DetailsChange(BTreeMap<String, Option<String>>);

/// Why a change is refused. It names the member, and never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDetails {
    /// The body is not one JSON object, or has a member twice.
    #[error("Send one JSON object with members of the account details, each once.")]
    NotAnObject,
    /// The value is neither a text nor null.
    #[error("{0}: send a text, or null to leave it as it is.")]
    NotAText(String),
    /// The value is too long.
    #[error("{0}: send at most {VALUE_MAX_BYTES} bytes.")]
    TooLong(String),
    /// The value has a control character.
    #[error("{0}: send no control characters.")]
    ControlCharacter(String),
    /// The name of the person would be gone.
    #[error("nickname: it cannot be empty.")]
    NoNickname,
    /// The name of the person would be none.
    #[error("nickname: {0}.")]
    BadNickname(InvalidLabel),
    /// The account would be larger than one may be.
    #[error("The account details would have more than {TEXTS_MAX_BYTES} bytes. Send less.")]
    AccountTooLarge,
    /// The member is not the owner's to change.
    #[error("{0}: this cannot be changed here. Leave it out, or send it as it is.")]
    NotYours(String),
}

impl DetailsChange {
    /// Parses a body.
    ///
    /// # Errors
    /// The first [`BadDetails`] that holds; [`BadDetails::NotYours`] can be told by [`Self::of`] alone.
    pub fn parse(body: &[u8]) -> Result<Self, BadDetails> {
        let Members(members) = json::object(body).ok_or(BadDetails::NotAnObject)?;
        let mut change = BTreeMap::new();
        for (name, value) in members {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(BadDetails::NotAText(shown(&name)));
                }
            };
            change.insert(name, value);
        }
        Ok(Self(change))
    }

    /// The account with the change made.
    ///
    /// # Errors
    /// The first [`BadDetails`] that holds.
    pub fn of(&self, account: &Account) -> Result<Account, BadDetails> {
        let mut changed = account.clone();
        for (name, value) in &self.0 {
            let is_owners = MEMBERS.contains(&name.as_str());
            let is_left = match value {
                // First, so that a value which an import took, though it could not be set here, can be sent back.
                Some(value) => is_already_so(account, name, value),
                None => is_owners || is_known(account, name),
            };
            if is_left {
                continue;
            }
            let Some(value) = value.as_ref().filter(|_| is_owners) else {
                return Err(BadDetails::NotYours(shown(name)));
            };
            if value.len() > VALUE_MAX_BYTES {
                return Err(BadDetails::TooLong(shown(name)));
            }
            let is_line_end = |char: char| name == ADDRESS && matches!(char, '\n' | '\r');
            if value.chars().any(|char| char.is_control() && !is_line_end(char)) {
                return Err(BadDetails::ControlCharacter(shown(name)));
            }
            match (name.as_str(), value.as_str()) {
                (NICKNAME, "") => return Err(BadDetails::NoNickname),
                (NICKNAME, value) => changed.name = Name::parse(value).map_err(BadDetails::BadNickname)?,
                (_, "") => drop(changed.profile.remove(name)),
                (_, _) => drop(changed.profile.insert(name.clone(), value.clone())),
            }
        }
        // What is too large already can be made smaller.
        let is_too_large = changed.texts_bytes() > TEXTS_MAX_BYTES.max(account.texts_bytes());
        if is_too_large { Err(BadDetails::AccountTooLarge) } else { Ok(changed) }
    }
}

/// Whether account details have this member, though it is not the owner's to change.
fn is_known(account: &Account, name: &str) -> bool {
    name == "email" || name == "role" || account.profile.contains_key(name)
}

/// Whether a member has this value, so that what the owner was given can be sent back.
fn is_already_so(account: &Account, name: &str, value: &str) -> bool {
    match name {
        "email" => Email::canonical(value) == account.email,
        "role" => account.role.as_ref().is_some_and(|role| role.as_str() == value),
        NICKNAME => account.name.as_str() == value,
        _ => account.profile.get(name).is_some_and(|present| present == value),
    }
}

/// A member's name in a sentence. Whatever else a client takes for a name is not repeated.
fn shown(name: &str) -> String {
    let is_plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_plain { name.to_owned() } else { "A member of another name".to_owned() }
}

/// The members of an object, none of them twice, without those that are never kept.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut names = Vec::<String>::new();
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom("duplicate member"));
            }
            if NEVER_KEPT.contains(&name.as_str()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                members.push((name.clone(), map.next_value()?));
            }
            names.push(name);
        }
        Ok(Members(members))
    }
}

impl Drop for DetailsChange {
    /// An owner's address and number need not stay in memory.
    fn drop(&mut self) {
        self.0.values_mut().flatten().for_each(Zeroize::zeroize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{account::Role, ids::AccountId, time::Timestamp};

    fn account() -> Account {
        let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&[1; 16]));
        let mut account = Account::new("Yi@jeplus.org", name, sub, Timestamp::from_seconds(0)).unwrap();
        account.role = Some(Role::parse("admin").unwrap());
        account.profile =
            [("country", "GB"), ("legacy", "7")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        account
    }

    fn changed(body: &str) -> Result<Account, BadDetails> {
        DetailsChange::parse(body.as_bytes())?.of(&account())
    }

    #[test]
    fn members_are_set_left_and_removed() {
        let changed = changed(r#"{"nickname": "Zhang Yi", "company": "jEPlus", "country": "", "tel": null}"#).unwrap();
        assert_eq!(changed.name.as_str(), "Zhang Yi");
        assert_eq!(
            changed.profile.into_iter().collect::<Vec<_>>(),
            [("company".to_owned(), "jEPlus".to_owned()), ("legacy".to_owned(), "7".to_owned())]
        );
    }

    #[test]
    fn what_is_already_so_can_be_sent_back() {
        let same = r#"{"email": "yi@jeplus.org", "role": "admin", "legacy": "7", "country": "GB", "nickname": "Yi"}"#;
        assert!(changed(same).is_ok_and(|changed| changed == account()));
        for other in [r#"{"email": "a@b.c"}"#, r#"{"role": "root"}"#, r#"{"legacy": "8"}"#, r#"{"legacy": ""}"#] {
            assert!(matches!(changed(other), Err(BadDetails::NotYours(_))), "{other}");
        }
    }

    #[test]
    fn what_only_an_import_could_set_can_be_sent_back_and_nulls_add_nothing() {
        let mut imported = account();
        let long = "x".repeat(VALUE_MAX_BYTES + 1);
        imported
            .profile
            .extend([("company", "jEPlus\nLondon"), ("position", &long)].map(|(k, v)| (k.into(), v.into())));
        imported.name = Name::stored("\u{200b}").unwrap();
        let of = |body: &Value| DetailsChange::parse(body.to_string().as_bytes())?.of(&imported);
        let same = serde_json::json!({
            "company": "jEPlus\nLondon", "position": long, "nickname": "\u{200b}", "role": null, "legacy": null
        });
        assert!(of(&same).is_ok_and(|changed| changed == imported));
        assert!(matches!(of(&serde_json::json!({"company": "1\n2"})), Err(BadDetails::ControlCharacter(_))));
        assert!(matches!(of(&serde_json::json!({"admin": null})), Err(BadDetails::NotYours(_))));
    }

    #[test]
    fn an_address_can_have_several_lines_and_nothing_else_can() {
        for address in ["1 High St\nLondon", "1 High St\r\nLondon\r\n"] {
            let changed = changed(&serde_json::json!({"address": address}).to_string()).unwrap();
            assert_eq!(changed.profile.get("address").unwrap(), address);
        }
        for (member, value) in MEMBERS.map(|member| (member, "a\nb")).into_iter().chain([("address", "a\tb")]) {
            let changed = changed(&serde_json::json!({member: value}).to_string()).map(drop);
            let refused = Err(BadDetails::ControlCharacter(member.to_owned()));
            assert_eq!(changed, if (member, value) == ("address", "a\nb") { Ok(()) } else { refused }, "{member}");
        }
    }

    #[test]
    fn a_refusal_names_the_member_and_never_its_value() {
        let long = format!(r#"{{"title": "{}"}}"#, "x".repeat(257));
        for (body, sentence) in [
            (r#"{"title": 1}"#, "title: send a text, or null to leave it as it is."),
            (r#"{"title": "a\u0007"}"#, "title: send no control characters."),
            (&long, "title: send at most 256 bytes."),
            (r#"{"nickname": ""}"#, "nickname: it cannot be empty."),
            (r#"{"nickname": "\u3164 \u200b"}"#, "nickname: it has at least one character that can be seen."),
            (r#"{"nickname": "\u202eiY"}"#, "nickname: it has no characters that control the direction of text."),
            (r#"{"admin": "secret"}"#, "admin: this cannot be changed here. Leave it out, or send it as it is."),
            (
                r#"{"a b": "secret"}"#,
                "A member of another name: this cannot be changed here. Leave it out, or send it as it is.",
            ),
            (r#"{"title": "a", "title": "a"}"#, "Send one JSON object with members of the account details, each once."),
            (r#"["title"]"#, "Send one JSON object with members of the account details, each once."),
        ] {
            assert_eq!(changed(body).err().unwrap().to_string(), sentence, "{body}");
        }
        assert!(changed(&format!(r#"{{"title": "{}"}}"#, "x".repeat(256))).is_ok());
    }

    #[test]
    fn credentials_of_another_system_are_taken_and_never_kept() {
        let changed = changed(r#"{"use_jess": true, "jess_user": "yi", "jess_pwd": "secret"}"#);
        assert!(changed.is_ok_and(|changed| changed == account()));
        assert!(DetailsChange::parse(br#"{"jess_pwd": "a", "jess_pwd": "b"}"#).is_err());
    }

    #[test]
    fn an_account_does_not_grow_beyond_what_an_import_takes() {
        let mut large = account();
        large.profile.insert("legacy".to_owned(), "x".repeat(TEXTS_MAX_BYTES - 100));
        let change = |body: &str| DetailsChange::parse(body.as_bytes()).unwrap().of(&large).map(drop);
        let long = format!(r#"{{"company": "{}"}}"#, "x".repeat(200));
        assert_eq!(change(&long), Err(BadDetails::AccountTooLarge));
        assert_eq!(change(r#"{"country": ""}"#), Ok(()));
    }
}
