//! Requests: an event, asked once what it is for, whether it may be, and what its body says.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{LogonFunction, NotJson, Reason, Refused, Site};
use crate::{
    api::{self, Access, Asked, Operation, Reach, Route},
    domain::{device::DEVICE_COOKIE, json, session::By, time::Timestamp},
    service::operations::{Client, Context},
    web::{carrier, event::Event, identity::Identity},
};

/// Longest body, in bytes after decoding.
pub const BODY_MAX_BYTES: usize = 4096;

/// Longest body with a new passkey, whose id may have 1023 bytes, which come four times.
pub const REGISTRATION_MAX_BYTES: usize = 8192;

/// A request for an operation, as its handler gets it.
pub(super) struct Request<'a> {
    pub(super) function: &'a LogonFunction,
    pub(super) operation: Operation,
    pub(super) event: &'a Event,
    pub(super) now: Timestamp,
    identity: Option<Identity>,
    parameter: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// The request in an event.
    ///
    /// # Errors
    /// Why there is none, and the operation that it asks for, if it asks for one.
    pub(super) fn of(
        function: &'a LogonFunction,
        event: &'a Event,
        now: Timestamp,
    ) -> Result<Self, (Option<Operation>, Refused)> {
        let identity = Identity::from_context(|member| event.authorizer(member));
        let refused = match (api::asked(event.method(), event.path(), function.site.features), identity) {
            (Asked::For(route, parameter), identity) => {
                let operation = route.operation;
                return match admit(route, event, &function.site, identity, now) {
                    Ok(identity) => Ok(Self { function, operation, event, now, identity, parameter }),
                    Err(refused) => Err((Some(operation), refused)),
                };
            }
            (Asked::ByOtherMethod(_) | Asked::Nothing, None) => Refused::NoSession,
            (Asked::ByOtherMethod(allowed), Some(_)) => Refused::OtherMethod(allowed),
            (Asked::Nothing, Some(_)) => Refused::NoOperation,
        };
        Err((None, refused))
    }

    /// Whose request it is.
    ///
    /// # Errors
    /// [`Refused::NoSession`] if it is nobody's, as of an operation that is open to everybody.
    pub(super) fn identity(&self) -> Result<&Identity, Refused> {
        self.identity.as_ref().ok_or(Refused::NoSession)
    }

    /// The id in the path.
    ///
    /// # Errors
    /// [`Refused::NoSuchId`]: one that cannot be is as unknown as one that is not there.
    pub(super) fn id<T, E>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Refused> {
        self.parameter.and_then(|text| parse(text).ok()).ok_or(Refused::NoSuchId)
    }

    /// What the operation works with.
    ///
    /// # Errors
    /// [`Refused::ByOperation`] without keys.
    pub(super) async fn context(&self) -> Result<Context<'a>, Refused> {
        let event = self.event;
        let client = Client {
            address: event.source_ip(),
            agent: event.headers("user-agent").first().copied().unwrap_or_default(),
            devices: carrier::named(event.headers("cookie").into_iter(), DEVICE_COOKIE).collect(),
        };
        Ok(self.function.operations.context(client, self.now).await?)
    }
}

/// Holds what the table of operations says: who may ask, and whether the password must have been given a moment ago;
/// and that no page of another site may change anything. Behind the authorizer the last has been asked already, of
/// every request that carries the cookie.
fn admit(
    route: &Route,
    event: &Event,
    site: &Site,
    identity: Option<Identity>,
    now: Timestamp,
) -> Result<Option<Identity>, Refused> {
    match (route.access, identity) {
        (Access::Session | Access::Person | Access::SteppedUp, None) => Err(Refused::NoSession),
        // Whoever has a key of a script gets no further by it.
        (Access::Person | Access::SteppedUp, Some(Identity { by: By::Key(_), .. })) => Err(Refused::KeySession),
        // The authorizer has asked this already, too.
        (Access::Session | Access::Person | Access::SteppedUp, Some(identity))
            if identity.limited && !route.marks.within.contains(&Reach::Enrolment) =>
        {
            Err(Refused::NoSession)
        }
        (Access::SteppedUp, Some(identity)) if !identity.is_confirmed(now) => Err(Refused::NotConfirmed),
        (Access::Session | Access::Person | Access::SteppedUp, Some(identity)) => Ok(Some(identity)),
        (Access::Open, _) if route.method == "GET" => Ok(None),
        (Access::Open, _) if site.origins.is_cross_site(&event.provenance(), event.host()) => Err(Refused::CrossSite),
        (Access::Open, _) => Ok(None),
    }
}

/// The body of an operation.
pub(crate) trait Body: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Refused::NotJson`], [`Refused::TooLarge`] or [`Refused::Malformed`].
    fn read(event: &Event) -> Result<Self, Refused>;
}

/// The body of an operation that takes none: what is sent is not looked at.
impl Body for () {
    fn read(_: &Event) -> Result<Self, Refused> {
        Ok(())
    }
}

/// Reads a body that is one JSON object of the members of `T`, and nothing else, for whoever is told `expected` of any
/// other.
///
/// # Errors
/// As [`Body::read`].
pub(super) fn object<T: for<'de> Deserialize<'de>>(event: &Event, expected: &'static str) -> Result<T, Refused> {
    json::object(&bytes(event, expected)?).ok_or_else(|| malformed(expected))
}

/// The body is something else than what is expected.
pub(super) fn malformed(expected: &'static str) -> Refused {
    Refused::Malformed(Reason::MalformedBody, expected.into())
}

/// The bytes of a body that is JSON by its headers. It can hold a password, so it clears itself.
pub(super) fn bytes(event: &Event, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, Refused> {
    bytes_up_to(BODY_MAX_BYTES, event, expected)
}

/// As [`bytes`], of a body that may have another length.
pub(super) fn bytes_up_to(most: usize, event: &Event, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, Refused> {
    if let Some(not_json) = unreadable(event) {
        return Err(Refused::NotJson(not_json));
    }
    let body = Zeroizing::new(event.body().map_err(|_| malformed(expected))?);
    if body.len() > most { Err(Refused::TooLarge(most)) } else { Ok(body) }
}

/// What a header says that makes the body anything but JSON in UTF-8 (RFC 8259, section 8.1), once and as it is.
fn unreadable(event: &Event) -> Option<NotJson> {
    if !event.headers("content-encoding").is_empty() {
        return Some(NotJson::Encoded);
    }
    let types = event.headers("content-type");
    let [content_type] = types.as_slice() else {
        return Some(NotJson::NoType);
    };
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Some(NotJson::OtherType);
    }
    let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
    let is_utf8 = parameters.all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value));
    (!is_utf8).then_some(NotJson::OtherCharset)
}

/// Whether a charset is UTF-8 by the labels that clients send (WHATWG Encoding Standard, section 4.2).
fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    ["utf-8", "utf8"].iter().any(|label| charset.eq_ignore_ascii_case(label))
}
