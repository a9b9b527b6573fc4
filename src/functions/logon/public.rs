//! What everybody may see: what runs here, its description, its pages, and the public keys.

#[cfg(feature = "terminal")]
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    LogonFunction,
    answer::{Answer, Reply},
    refusal::Refused,
    request::Request,
};
use crate::{
    api::{Operation, ROUTES},
    domain::signing_key::Jwk,
    web::pages::{self, Page},
};

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
    fn current() -> Self {
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
                Operation::LogOn.route().path
            ),
        }
    }
}

/// A JWK set (RFC 7517, section 5).
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct JwkSet {
    #[cfg_attr(feature = "terminal", schemars(with = "Vec<BTreeMap<String, String>>"))]
    keys: Vec<Jwk>,
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
    fn of(issuer: &str, keys: &[Jwk]) -> Self {
        let mut algorithms: Vec<&str> = keys.iter().map(|key| key.algorithm().name()).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}{}", Operation::LogOn.route().path),
            jwks_uri: format!("{issuer}{}", Operation::Jwks.route().path),
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms,
            claims_supported: ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time"],
        }
    }
}

pub(super) async fn info(_: Request<'_>, (): ()) -> Result<Reply<Version>, Refused> {
    Ok(Reply::ok(&Version::current()))
}

/// The description has the service's URL, and nothing that is not switched on.
pub(super) async fn description(request: Request<'_>, (): ()) -> Result<Reply<Map<String, Value>>, Refused> {
    let site = &request.function.site;
    let mut description: Map<String, Value> = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if let Some(paths) = description.get_mut("paths").and_then(Value::as_object_mut) {
        let is_on =
            |path: &str| ROUTES.iter().any(|route| route.path == path && site.features.has(route.marks.feature));
        paths.retain(|path, _| is_on(path));
    }
    description.insert("servers".to_owned(), json!([{"url": site.issuer.as_str()}]));
    Ok(Reply::ok(&description))
}

pub(super) async fn sign_in_page(request: Request<'_>, (): ()) -> Result<Reply<String>, Refused> {
    Ok(page(&pages::SIGN_IN, request.function))
}

pub(super) async fn account_page(request: Request<'_>, (): ()) -> Result<Reply<String>, Refused> {
    Ok(page(&pages::ACCOUNT, request.function))
}

/// Leads to the page of one's own account (W3C, "A Well-Known URL for Changing Passwords"), below the stage that was
/// asked.
pub(super) async fn change_password_page(request: Request<'_>, (): ()) -> Result<Reply<String>, Refused> {
    let up = if request.event.path().ends_with('/') { "../.." } else { ".." };
    Ok(Reply::of(Answer::found(&format!("{up}{}", Operation::AccountPage.route().path))))
}

fn page(page: &Page, function: &LogonFunction) -> Reply<String> {
    Reply::of(Answer::page(page, &function.site, function.operations.rp_id()))
}

pub(super) async fn jwks(request: Request<'_>, (): ()) -> Result<Reply<JwkSet>, Refused> {
    Ok(Reply::public(&JwkSet { keys: request.function.operations.public_keys(request.now).await? }))
}

pub(super) async fn discovery(request: Request<'_>, (): ()) -> Result<Reply<Discovery>, Refused> {
    let LogonFunction { operations, site, .. } = request.function;
    let keys = operations.public_keys(request.now).await?;
    Ok(Reply::public(&Discovery::of(site.issuer.as_str(), &keys)))
}
