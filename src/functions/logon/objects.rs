//! The JSON objects of the answers. The description of the service has their schemas from here.

use std::collections::BTreeMap;

use aws_smithy_types::{DateTime, date_time::Format};
use serde::Serialize;

use super::Reason;
use crate::{
    api::Operation,
    domain::{
        access_key::{AccessKeyId, StoredKey},
        account::{Account, Role},
        ids::SessionId,
        signing_key::Jwk,
        time::Timestamp,
    },
    service::operations::{Issued, ListedSession, MadeKey},
};

/// The answer of every operation on a session. Members in this order.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct AuthObject<'a> {
    ok: bool,
    status: &'a str,
    jwt: &'a str,
    user: Option<&'a str>,
    role: Option<&'a str>,
    email: Option<&'a str>,
}

/// What an Auth object says of the operation that made it.
#[derive(Clone, Copy)]
pub(crate) struct Occasion {
    status: &'static str,
    /// What stands in the token's place when it travels in the cookie.
    placeholder: &'static str,
}

impl Occasion {
    pub(super) const LOG_ON: Self = Self { status: "Logged in successfully!", placeholder: "Session token in cookie" };
    pub(super) const CHECK_IN: Self =
        Self { status: "Session renewed successfully!", placeholder: "Session key cookie" };
    pub(super) const PASSWORD: Self =
        Self { status: "Password changed successfully!", placeholder: "Session key cookie" };
    pub(super) const CONFIRM: Self = Self { status: "User credential confirmed!", placeholder: "Session key cookie" };
}

impl<'a> AuthObject<'a> {
    /// With a token that travels in the cookie.
    pub(crate) fn in_cookie(occasion: Occasion, issued: &'a Issued) -> Self {
        Self::of(occasion, issued, occasion.placeholder)
    }

    /// With a token that travels in this object.
    pub(crate) fn in_body(occasion: Occasion, issued: &'a Issued) -> Self {
        Self::of(occasion, issued, issued.token.expose())
    }

    fn of(occasion: Occasion, issued: &'a Issued, jwt: &'a str) -> Self {
        let (user, role) = (issued.name.as_str(), issued.role.as_ref().map(Role::as_str));
        Self { ok: true, status: occasion.status, jwt, user: Some(user), role, email: Some(&issued.email) }
    }

    /// After a log-off.
    pub(crate) fn void() -> Self {
        let (status, jwt) = ("Logged out successfully!", "Session token cleared");
        Self { ok: true, status, jwt, user: None, role: None, email: None }
    }
}

/// Every refusal and every error.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct Failed<'a> {
    pub(crate) ok: bool,
    pub(crate) status: &'a str,
    /// What is still needed beside the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) factor: Option<&'static str>,
    /// What is wrong, in a word that never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "terminal", schemars(with = "Reason"))]
    pub(crate) reason: Option<Reason>,
}

/// An account, as its owner sees it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct AccountObject<'a> {
    ok: bool,
    status: &'static str,
    data: Details<'a>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
struct Details<'a> {
    nickname: &'a str,
    email: &'a str,
    role: Option<&'a str>,
    // For generators of TypeScript all members must fit the type of those that have no name, and the role can be null.
    #[cfg_attr(feature = "terminal", schemars(with = "BTreeMap<String, Option<String>>"))]
    #[serde(flatten)]
    profile: BTreeMap<&'a str, &'a str>,
}

impl<'a> AccountObject<'a> {
    pub(crate) fn of(account: &'a Account) -> Self {
        let own = ["nickname", "email", "role"];
        let profile = account.profile.iter().map(|(name, value)| (&**name, &**value));
        let data = Details {
            nickname: account.name.as_str(),
            email: &account.registered_email,
            role: account.role.as_ref().map(Role::as_str),
            profile: profile.filter(|(name, _)| !own.contains(name)).collect(),
        };
        Self { ok: true, status: "User's account details included.", data }
    }
}

/// The answer of an operation that has nothing to give back.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct Succeeded<'a> {
    ok: bool,
    status: &'a str,
}

impl<'a> Succeeded<'a> {
    pub(crate) fn new(status: &'a str) -> Self {
        Self { ok: true, status }
    }
}

/// The answer of an operation that gives back `data`.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(rename = "{T}Included"))]
pub(crate) struct Included<T> {
    ok: bool,
    status: &'static str,
    data: T,
}

impl<T: Serialize> Included<T> {
    pub(crate) fn new(status: &'static str, data: T) -> Self {
        Self { ok: true, status, data }
    }
}

/// The original service's transaction object. The session that it speaks of is one of its own.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct UpdatedObject {
    ok: bool,
    status: &'static str,
    // A type with null as its only value is one that OpenAPI Generator makes code of that does not compile.
    #[cfg_attr(feature = "terminal", schemars(with = "Option<String>"))]
    session: Option<()>,
}

impl UpdatedObject {
    pub(crate) fn new() -> Self {
        Self { ok: true, status: "Account details updated successfully!", session: None }
    }
}

/// A session, as its owner sees it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct SessionObject<'a> {
    sid: &'a str,
    /// Whether it is the one that asks.
    current: bool,
    by: &'a str,
    agent: &'a str,
    address: &'a str,
    created: Date,
    expires: Date,
}

impl<'a> SessionObject<'a> {
    pub(crate) fn of(listed: &'a ListedSession, own: &SessionId) -> Self {
        let ListedSession { session, by } = listed;
        Self {
            sid: session.sid.as_str(),
            current: session.sid == *own,
            by,
            agent: &session.agent,
            address: &session.address,
            created: date(session.auth_time),
            expires: date(session.expires_at),
        }
    }
}

/// An access key, as its owner sees it. What it is worth is not in it.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct KeyObject<'a> {
    id: &'a str,
    name: &'a str,
    created: Date,
    expires: Date,
    last_used: Option<Date>,
}

impl<'a> KeyObject<'a> {
    pub(crate) fn of(id: &'a AccessKeyId, key: &'a StoredKey) -> Self {
        Self {
            id: id.as_str(),
            name: key.name.as_str(),
            created: date(key.created),
            expires: date(key.expires_at),
            last_used: key.last_used.map(date),
        }
    }
}

/// A new access key, the only time that it is shown.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct MadeKeyObject<'a> {
    id: &'a str,
    name: &'a str,
    key: &'a str,
    created: Date,
    expires: Date,
}

impl<'a> MadeKeyObject<'a> {
    pub(crate) fn of(made: &'a MadeKey) -> Self {
        let MadeKey { id, text, stored } = made;
        let (created, expires) = (date(stored.created), date(stored.expires_at));
        Self { id: id.as_str(), name: stored.name.as_str(), key: text, created, expires }
    }
}

/// A second factor that waits for its confirmation, the only time that it is shown.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct FactorObject<'a> {
    pub(crate) secret: &'a str,
    pub(crate) uri: &'a str,
}

/// Recovery codes, the only time that they are shown.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct RecoveryCodesObject<'a> {
    pub(crate) recovery_codes: Vec<&'a str>,
}

/// What runs here. Numbers have 32 bits at most: the .NET client reads them so.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    title: &'static str,
    description: &'static str,
    major: u32,
    minor: u32,
    revision: u32,
    release: &'static str,
    update: u32,
    notice: String,
}

impl Version {
    pub(crate) fn current() -> Self {
        let number = |digits: &str| digits.parse().unwrap_or_default();
        Self {
            title: "JEA Auth",
            description: env!("CARGO_PKG_DESCRIPTION"),
            major: number(env!("CARGO_PKG_VERSION_MAJOR")),
            minor: number(env!("CARGO_PKG_VERSION_MINOR")),
            revision: number(env!("CARGO_PKG_VERSION_PATCH")),
            release: env!("CARGO_PKG_VERSION"),
            update: 20_261_121,
            notice: format!(
                "Log on with POST {}. Every other transaction needs the session token.",
                Operation::LogOn.path()
            ),
        }
    }
}

/// A JWK set (RFC 7517, section 5).
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct JwkSet {
    #[cfg_attr(feature = "terminal", schemars(with = "Vec<BTreeMap<String, String>>"))]
    pub(crate) keys: Vec<Jwk>,
}

/// Provider metadata (OpenID Connect Discovery 1.0, section 3). There is no authorization endpoint in the sense of
/// OAuth; the member is required, and names where one logs on.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    claims_supported: [&'static str; 8],
}

impl Discovery {
    /// With the algorithms of the keys that verify now or will.
    pub(crate) fn of(issuer: &str, keys: &[Jwk]) -> Self {
        let mut algorithms: Vec<&str> = keys.iter().map(|key| key.algorithm().name()).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}{}", Operation::LogOn.path()),
            jwks_uri: format!("{issuer}{}", Operation::Jwks.path()),
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms,
            claims_supported: ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time"],
        }
    }
}

// What a date is, a schema says by its format.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
struct Date(#[cfg_attr(feature = "terminal", schemars(extend("format" = "date-time")))] String);

/// A second as RFC 3339 writes it, in UTC: `2026-11-25T22:59:22Z`.
fn date(at: Timestamp) -> Date {
    let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    // The year 10,000 and later has no form there.
    Date(DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_written_as_a_date() {
        for (seconds, written) in [(0, "1970-01-01T00:00:00Z"), (1_795_647_562, "2026-11-25T22:59:22Z"), (u64::MAX, "")]
        {
            assert_eq!(date(Timestamp::from_seconds(seconds)).0, written);
        }
    }
}
