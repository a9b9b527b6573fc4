//! Requests: an event, asked once what it is for, whether it may be, and what its body says.

use zeroize::Zeroizing;

use super::{Refused, Site};
use crate::{
    api::{self, Access, Asked, Operation, Route},
    credential::{CREDENTIAL_MAX_BYTES, Credential},
    event::Event,
    identity::Identity,
};

/// What the function is to do, with all that it needs of the event.
pub(super) enum Request {
    Info,
    LogOn(Credential),
    CheckIn(Identity),
    LogOff(Identity),
    Confirm(Identity, Credential),
    User(Identity),
    Jwks,
    Discovery,
}

impl Request {
    /// The request in an event, and the operation that it asks for, which is known also of one that is refused.
    pub(super) fn of(event: &Event, site: &Site) -> (Option<Operation>, Result<Self, Refused>) {
        let identity = Identity::from_context(|member| event.authorizer(member));
        let refused = match (api::asked(event.method(), event.path()), identity) {
            (Asked::For(route), identity) => {
                return (Some(route.operation), Self::admitted(route, event, site, identity));
            }
            (Asked::ByOtherMethod(_) | Asked::Nothing, None) => Refused::NoSession,
            (Asked::ByOtherMethod(allowed), Some(_)) => Refused::OtherMethod(allowed),
            (Asked::Nothing, Some(_)) => Refused::NoOperation,
        };
        (None, Err(refused))
    }

    fn admitted(route: &Route, event: &Event, site: &Site, identity: Option<Identity>) -> Result<Self, Refused> {
        let identity = admit(route, event, site, identity)?;
        let session = || identity.ok_or(Refused::NoSession);
        Ok(match route.operation {
            Operation::Info => Self::Info,
            Operation::LogOn => Self::LogOn(credential(event)?),
            Operation::CheckIn => Self::CheckIn(session()?),
            Operation::LogOff => Self::LogOff(session()?),
            Operation::Confirm => Self::Confirm(session()?, credential(event)?),
            Operation::User => Self::User(session()?),
            Operation::Jwks => Self::Jwks,
            Operation::Discovery => Self::Discovery,
        })
    }
}

/// Holds what the table of routes says: who may ask, and that no page of another site may change anything. Behind the
/// authorizer the latter has been asked already, of every request that carries the cookie.
fn admit(route: &Route, event: &Event, site: &Site, identity: Option<Identity>) -> Result<Option<Identity>, Refused> {
    match route.access {
        Access::Session => identity.map(Some).ok_or(Refused::NoSession),
        Access::Open if route.method == "GET" => Ok(None),
        Access::Open if site.origins.is_cross_site(&event.provenance(), event.host()) => Err(Refused::CrossSite),
        Access::Open => Ok(None),
    }
}

fn credential(event: &Event) -> Result<Credential, Refused> {
    const EXPECTED: &str = "Send one JSON object with exactly two strings: \"email\" and \"password\".";
    Credential::parse(&body(event, EXPECTED)?).map_err(|_| Refused::Malformed(EXPECTED))
}

/// The bytes of a body that is JSON by its headers. It can hold a password, so it clears itself.
fn body(event: &Event, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, Refused> {
    if let Some(sentence) = unreadable(event) {
        return Err(Refused::NotJson(sentence));
    }
    let body = Zeroizing::new(event.body().map_err(|_| Refused::Malformed(expected))?);
    if body.len() > CREDENTIAL_MAX_BYTES { Err(Refused::TooLarge) } else { Ok(body) }
}

/// What a header says that makes the body anything but JSON in UTF-8 (RFC 8259, section 8.1), once and as it is.
fn unreadable(event: &Event) -> Option<&'static str> {
    if !event.headers("content-encoding").is_empty() {
        return Some("Content-Encoding: send the credential without one.");
    }
    let types = event.headers("content-type");
    let [content_type] = types.as_slice() else {
        return Some("Content-Type: send one, application/json.");
    };
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Some("Content-Type: send the credential as application/json.");
    }
    let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
    let is_utf8 = parameters.all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value));
    (!is_utf8).then_some("Content-Type: send the credential in the charset utf-8.")
}

/// Whether a charset is UTF-8 by the labels that clients send (WHATWG Encoding Standard, section 4.2).
fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    ["utf-8", "utf8"].iter().any(|label| charset.eq_ignore_ascii_case(label))
}
