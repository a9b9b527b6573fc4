//! The JSON objects of the answers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    account::{Account, Role},
    api::Operation,
    session::Session,
    signing_key::Jwk,
    token::Token,
};

/// The answer of every operation on a session. Members in this order.
#[derive(Serialize)]
pub(super) struct AuthObject<'a> {
    ok: bool,
    status: &'a str,
    jwt: &'a str,
    user: Option<&'a str>,
    role: Option<&'a str>,
    email: Option<&'a str>,
}

/// What an Auth object says of the operation that made it.
#[derive(Clone, Copy)]
pub(super) struct Occasion {
    status: &'static str,
    /// What stands in the token's place when it travels in the cookie.
    placeholder: &'static str,
}

impl Occasion {
    pub(super) const LOG_ON: Self = Self { status: "Logged in successfully!", placeholder: "Session token in cookie" };
    pub(super) const CHECK_IN: Self =
        Self { status: "Session renewed successfully!", placeholder: "Session key cookie" };
    pub(super) const CONFIRM: Self = Self { status: "User credential confirmed!", placeholder: "Session key cookie" };
}

impl<'a> AuthObject<'a> {
    /// With a token that travels in the cookie.
    pub(super) fn in_cookie(occasion: Occasion, session: &'a Session) -> Self {
        Self::of(occasion, session, occasion.placeholder)
    }

    /// With a token that travels in this object.
    pub(super) fn in_body(occasion: Occasion, session: &'a Session, token: &'a Token) -> Self {
        Self::of(occasion, session, token.expose())
    }

    fn of(occasion: Occasion, session: &'a Session, jwt: &'a str) -> Self {
        let (user, role) = (session.name.as_str(), session.role.as_ref().map(Role::as_str));
        Self { ok: true, status: occasion.status, jwt, user: Some(user), role, email: Some(&session.email) }
    }

    /// After a log-off.
    pub(super) fn void() -> Self {
        let (status, jwt) = ("Logged out successfully!", "Session token cleared");
        Self { ok: true, status, jwt, user: None, role: None, email: None }
    }
}

/// Every refusal and every error.
#[derive(Serialize)]
pub(super) struct Failed<'a> {
    pub(super) ok: bool,
    pub(super) status: &'a str,
}

/// An account, as its owner sees it.
#[derive(Serialize)]
pub(super) struct AccountObject<'a> {
    ok: bool,
    status: &'static str,
    data: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    nickname: &'a str,
    email: &'a str,
    role: Option<&'a str>,
    #[serde(flatten)]
    profile: BTreeMap<&'a str, &'a str>,
}

impl<'a> AccountObject<'a> {
    pub(super) fn of(account: &'a Account) -> Self {
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

/// What runs here. Numbers have 32 bits at most: the .NET client reads them so.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
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
    pub(super) fn current() -> Self {
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
pub(super) struct JwkSet {
    pub(super) keys: Vec<Jwk>,
}

/// Provider metadata (OpenID Connect Discovery 1.0, section 3). There is no authorization endpoint in the sense of
/// OAuth; the member is required, and names where one logs on.
#[derive(Serialize)]
pub(super) struct Discovery {
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
    pub(super) fn of(issuer: &str, keys: &[Jwk]) -> Self {
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
