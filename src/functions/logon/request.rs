//! Requests: an event, asked once what it is for, whether it may be, and what its body says.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{NotJson, Reason, Refused, Site};
use crate::{
    api::{self, Access, Asked, Operation, Route},
    domain::{
        access_key::{AccessKeyId, DAYS_DEFAULT, DAYS_MAX},
        account::{Email, Name},
        credential::{CREDENTIAL_MAX_BYTES, Credential, NewPasswordByLink, PasswordChange},
        details::DetailsChange,
        factor::Otp,
        ids::SessionId,
        json,
        session::By,
        time::Timestamp,
    },
    web::{event::Event, identity::Identity},
};

/// What the function is to do, with all that it needs of the event.
pub(super) enum Request {
    Info,
    LogOn(Credential),
    CheckIn(Identity),
    LogOff(Identity),
    Confirm(Identity, Credential),
    User(Identity),
    UpdateUser(Identity, DetailsChange),
    Password(Identity, PasswordChange),
    Sessions(Identity),
    EndSession(Identity, SessionId),
    EndOtherSessions(Identity),
    Keys(Identity),
    MakeKey(Identity, NewKey),
    EndKey(Identity, AccessKeyId),
    BeginFactor(Identity),
    ConfirmFactor(Identity, Otp),
    RemoveFactor(Identity),
    Forgot(Email),
    Reset(NewPasswordByLink),
    Description,
    SignInPage,
    AccountPage,
    Jwks,
    Discovery,
}

/// An access key that is to be made.
pub(super) struct NewKey {
    pub(super) name: Name,
    pub(super) days: u64,
}

impl Request {
    /// The request in an event, and the operation that it asks for, which is known also of one that is refused.
    pub(super) fn of(event: &Event, site: &Site, now: Timestamp) -> (Option<Operation>, Result<Self, Refused>) {
        let identity = Identity::from_context(|member| event.authorizer(member));
        let refused = match (api::asked(event.method(), event.path(), site.features), identity) {
            (Asked::For(route, parameter), identity) => {
                let admitted = admit(route, event, site, identity, now);
                let request = admitted.and_then(|identity| Self::parsed(route.operation, event, identity, parameter));
                return (Some(route.operation), request);
            }
            (Asked::ByOtherMethod(_) | Asked::Nothing, None) => Refused::NoSession,
            (Asked::ByOtherMethod(allowed), Some(_)) => Refused::OtherMethod(allowed),
            (Asked::Nothing, Some(_)) => Refused::NoOperation,
        };
        (None, Err(refused))
    }

    fn parsed(
        operation: Operation,
        event: &Event,
        identity: Option<Identity>,
        parameter: Option<&str>,
    ) -> Result<Self, Refused> {
        let session = || identity.ok_or(Refused::NoSession);
        Ok(match operation {
            Operation::Info => Self::Info,
            Operation::LogOn => Self::LogOn(credential(event)?),
            Operation::CheckIn => Self::CheckIn(session()?),
            Operation::LogOff => Self::LogOff(session()?),
            Operation::Confirm => Self::Confirm(session()?, credential(event)?),
            Operation::User => Self::User(session()?),
            Operation::UpdateUser => Self::UpdateUser(session()?, details(event)?),
            Operation::Password => Self::Password(session()?, new_password(event)?),
            Operation::Sessions => Self::Sessions(session()?),
            Operation::EndSession => Self::EndSession(session()?, id(parameter, SessionId::parse)?),
            Operation::EndOtherSessions => Self::EndOtherSessions(session()?),
            Operation::Keys => Self::Keys(session()?),
            Operation::MakeKey => Self::MakeKey(session()?, new_key(event)?),
            Operation::EndKey => Self::EndKey(session()?, id(parameter, AccessKeyId::parse)?),
            Operation::BeginFactor => Self::BeginFactor(session()?),
            Operation::ConfirmFactor => Self::ConfirmFactor(session()?, otp(event)?),
            Operation::RemoveFactor => Self::RemoveFactor(session()?),
            Operation::Forgot => Self::Forgot(forgotten(event)?),
            Operation::Reset => Self::Reset(by_link(event)?),
            Operation::Description => Self::Description,
            Operation::SignInPage => Self::SignInPage,
            Operation::AccountPage => Self::AccountPage,
            Operation::Jwks => Self::Jwks,
            Operation::Discovery => Self::Discovery,
        })
    }
}

/// Holds what the table of routes says: who may ask, and whether the password must have been given a moment ago; and
/// that no page of another site may change anything. Behind the authorizer the last has been asked already, of every
/// request that carries the cookie.
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
        (Access::SteppedUp, Some(identity)) if !identity.is_confirmed(now) => Err(Refused::NotConfirmed),
        (Access::Session | Access::Person | Access::SteppedUp, Some(identity)) => Ok(Some(identity)),
        (Access::Open, _) if route.method == "GET" => Ok(None),
        (Access::Open, _) if site.origins.is_cross_site(&event.provenance(), event.host()) => Err(Refused::CrossSite),
        (Access::Open, _) => Ok(None),
    }
}

/// The id in a path. One that cannot be is as unknown as one that is not there.
fn id<T, E>(parameter: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Refused> {
    parameter.and_then(|text| parse(text).ok()).ok_or(Refused::NoSuchId)
}

fn credential(event: &Event) -> Result<Credential, Refused> {
    const EXPECTED: &str = "Send one JSON object with exactly two strings: \"email\" and \"password\".";
    const WITH_CODE: &str = "Send one JSON object with three strings: \"email\", \"password\" and \"otp\".";
    let body = body(event, EXPECTED)?;
    // Whoever has no second factor is told what was always told.
    let expected = if body.windows(5).any(|window| window == b"\"otp\"") { WITH_CODE } else { EXPECTED };
    Credential::parse(&body).map_err(|_| malformed(expected))
}

fn otp(event: &Event) -> Result<Otp, Refused> {
    const EXPECTED: &str = "Send one JSON object with exactly one string: \"otp\".";
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Members {
        otp: Zeroizing<String>,
    }
    let Members { otp } = json::object(&body(event, EXPECTED)?).ok_or_else(|| malformed(EXPECTED))?;
    Ok(Otp::new(&otp))
}

fn new_password(event: &Event) -> Result<PasswordChange, Refused> {
    const EXPECTED: &str =
        "Send one JSON object with the strings \"password\" and \"new_password\" and, with a second factor, \"otp\".";
    PasswordChange::parse(&body(event, EXPECTED)?).map_err(|_| malformed(EXPECTED))
}

fn forgotten(event: &Event) -> Result<Email, Refused> {
    const EXPECTED: &str = "Send one JSON object with exactly one string: \"email\".";
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Members {
        // People type passwords into the email field.
        email: Zeroizing<String>,
    }
    let Members { email } = json::object(&body(event, EXPECTED)?).ok_or_else(|| malformed(EXPECTED))?;
    Ok(Email::canonical(&email))
}

fn by_link(event: &Event) -> Result<NewPasswordByLink, Refused> {
    const EXPECTED: &str =
        "Send one JSON object with the strings \"token\" and \"new_password\" and, with a second factor, \"otp\".";
    NewPasswordByLink::parse(&body(event, EXPECTED)?).map_err(|_| malformed(EXPECTED))
}

fn details(event: &Event) -> Result<DetailsChange, Refused> {
    let body = body(event, "Send one JSON object with members of the account details, each once.")?;
    DetailsChange::parse(&body).map_err(|bad| Refused::Malformed((&bad).into(), bad.to_string().into()))
}

fn new_key(event: &Event) -> Result<NewKey, Refused> {
    const EXPECTED: &str = "Send one JSON object with the string \"name\" and, if you like, the whole number \"days\".";
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Members {
        name: String,
        days: Option<u64>,
    }
    let Members { name, days } = json::object(&body(event, EXPECTED)?).ok_or_else(|| malformed(EXPECTED))?;
    let bad_name = |sentence| Refused::Malformed(Reason::BadName, sentence);
    let name = Name::parse(&name).map_err(|error| bad_name(format!("name: {error}.").into()))?;
    // The list of sessions says what opened each: the password, or the key of a name.
    if name.as_str().eq_ignore_ascii_case(By::Password.as_str()) {
        return Err(bad_name("name: a key cannot be called password.".into()));
    }
    let days = days.unwrap_or(DAYS_DEFAULT);
    if (1..=DAYS_MAX).contains(&days) {
        Ok(NewKey { name, days })
    } else {
        Err(Refused::Malformed(Reason::BadDays, format!("days: send 1 to {DAYS_MAX}.").into()))
    }
}

/// The body is something else than what is expected.
fn malformed(expected: &'static str) -> Refused {
    Refused::Malformed(Reason::MalformedBody, expected.into())
}

/// The bytes of a body that is JSON by its headers. It can hold a password, so it clears itself.
fn body(event: &Event, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, Refused> {
    if let Some(not_json) = unreadable(event) {
        return Err(Refused::NotJson(not_json));
    }
    let body = Zeroizing::new(event.body().map_err(|_| malformed(expected))?);
    if body.len() > CREDENTIAL_MAX_BYTES { Err(Refused::TooLarge) } else { Ok(body) }
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
