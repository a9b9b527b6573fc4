//! Who a request comes from: how the authorizer hands it on, how the log-on function and a backend receive it. The
//! names stand here alone; the template is compared with them.

use std::{collections::BTreeMap, time::Duration};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{
    domain::{
        account::{Email, NO_ROLE, Name, Role},
        ids::{AccountId, SessionId},
        session::{By, Session},
        time::Timestamp,
    },
    web::carrier::Carrier,
};

/// Members of the authorizer's context.
mod member {
    /// The account's opaque id.
    pub(super) const SUB: &str = "sub";
    /// The session's id.
    pub(super) const SID: &str = "sid";
    /// The account's email, as it was registered.
    pub(super) const EMAIL: &str = "email";
    /// What the person is called.
    pub(super) const NAME: &str = "name";
    /// The name of the account's role, or [`NO_ROLE`](super::NO_ROLE).
    pub(super) const ROLE: &str = "role";
    /// When the session was opened, in seconds since the epoch.
    pub(super) const AUTH_TIME: &str = "auth_time";
    /// When the password was given, or the passkey used, that opened the session, in seconds since the epoch, or
    /// [`NEVER`](super::NEVER).
    pub(super) const CONFIRMED_AT: &str = "confirmed_at";
    /// What opened the session: `password`, `passkey`, or the id of an access key.
    pub(super) const BY: &str = "by";
    /// What the token came by.
    pub(super) const CARRIER: &str = "carrier";
    /// That the session can do nothing but set up a second factor. Of others it says nothing.
    pub(super) const LIMITED: &str = "limited";
}

/// The time of something that has not been.
const NEVER: &str = "never";

/// How long after its password was given a session may ask for what changes who can log on.
pub const CONFIRMED_FOR: Duration = Duration::from_mins(15);

/// A header that the gateway sets for a backend behind the authorizer.
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// The member of the authorizer's context that has its value.
    pub member: &'static str,
    /// The member that has the same as plain text, for Lambda functions.
    pub plain: &'static str,
}

/// All of them.
pub const HEADERS: [Header; 5] = [
    Header { name: "x-user-id", member: "x_user_id", plain: member::SUB },
    Header { name: "x-user-email", member: "x_user_email", plain: member::EMAIL },
    Header { name: "x-user-name", member: "x_user_name", plain: member::NAME },
    Header { name: "x-user-role", member: "x_user_role", plain: member::ROLE },
    Header { name: "x-session-id", member: "x_session_id", plain: member::SID },
];

/// Who a request comes from, as the authorizer found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's opaque id.
    pub sub: AccountId,
    /// The session's id.
    pub sid: SessionId,
    /// The account's email.
    pub email: Email,
    /// When the session was opened.
    pub auth_time: Timestamp,
    /// When the password was given, or the passkey used, that opened the session.
    pub confirmed_at: Option<Timestamp>,
    /// What opened the session.
    pub by: By,
    /// How the token came.
    pub carrier: Carrier,
    /// Whether the session can do nothing but set up a second factor.
    pub limited: bool,
}

impl Identity {
    /// Reads the authorizer's context, whose members `read` gives. Without one of them the request comes from nobody.
    pub fn from_context<'a>(read: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        Some(Self {
            sub: AccountId::parse(read(member::SUB)?).ok()?,
            sid: SessionId::parse(read(member::SID)?).ok()?,
            email: Email::canonical(read(member::EMAIL)?),
            auth_time: Timestamp::from_seconds(read(member::AUTH_TIME)?.parse().ok()?),
            confirmed_at: read(member::CONFIRMED_AT)?.parse().ok().map(Timestamp::from_seconds),
            by: By::parse(read(member::BY)?).ok()?,
            carrier: Carrier::named(read(member::CARRIER)?)?,
            limited: read(member::LIMITED).is_some(),
        })
    }

    /// Whether its password was given, or its passkey used, a moment ago. A session that an access key opened never
    /// counts as that: whoever has a key of a script gets no further by it.
    #[must_use]
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        self.by.is_person() && self.confirmed_at.is_some_and(|at| now.seconds() <= at.plus(CONFIRMED_FOR).seconds())
    }
}

/// The authorizer's context for a request of this session, with name and role of its account: for the log-on function,
/// for Lambda functions behind the authorizer, and encoded for the headers of a backend. Its values are texts (API
/// Gateway Developer Guide, "Output from an API Gateway Lambda authorizer").
#[must_use]
pub fn context(
    session: &Session,
    name: &Name,
    role: Option<&Role>,
    carrier: Carrier,
) -> BTreeMap<&'static str, String> {
    let mut context: BTreeMap<&str, String> = [
        (member::SUB, session.sub.as_str().to_owned()),
        (member::SID, session.sid.as_str().to_owned()),
        (member::EMAIL, session.email.clone()),
        (member::NAME, name.as_str().to_owned()),
        (member::ROLE, role.map_or(NO_ROLE, Role::as_str).to_owned()),
        (member::AUTH_TIME, session.auth_time.seconds().to_string()),
        (member::CONFIRMED_AT, session.confirmed_at.map_or(NEVER.to_owned(), |at| at.seconds().to_string())),
        (member::BY, session.by.as_str().to_owned()),
        (member::CARRIER, carrier.name().to_owned()),
    ]
    .into();
    if session.limited {
        context.insert(member::LIMITED, "true".to_owned());
    }
    for header in HEADERS {
        let value = context.get(header.plain).map(|text| header_value(text)).unwrap_or_default();
        context.insert(header.member, value);
    }
    context
}

/// A text as the value of a header: UTF-8, percent-encoded where it is not printable ASCII, and `%` itself too. A
/// header holds nothing else that all who read it agree on (RFC 9110, section 5.5), and blanks at its ends are no part
/// of it.
#[must_use]
pub fn header_value(text: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
    let inner = text.trim_matches(' ');
    let (before, after) = text.split_once(inner).unwrap_or_default();
    let blanks = |blanks: &str| "%20".repeat(blanks.len());
    format!("{}{}{}", blanks(before), utf8_percent_encode(inner, ENCODED), blanks(after))
}

/// Whether a backend could take this header of a client for one of [`HEADERS`]. CGI and its heirs turn a hyphen into an
/// underscore (RFC 3875, section 4.1.18), so a client's `X_User_Id` and the gateway's `X-User-Id` can be one to them;
/// and whether the gateway's value replaces a client's of another spelling is documented nowhere.
#[must_use]
pub fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    HEADERS.iter().any(|header| header.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access_key::AccessKeyId;

    #[test]
    fn any_text_fits_into_a_header_and_can_be_read_back() {
        for (text, value) in [
            ("yi@jeplus.org", "yi@jeplus.org"),
            ("Zhang Yi; \"x\", \\", "Zhang Yi; \"x\", \\"),
            ("\u{5f20}\u{6bc5}", "%E5%BC%A0%E6%AF%85"),
            ("Jos\u{e9} 100%", "Jos%C3%A9 100%25"),
            ("%C3%A9", "%25C3%25A9"),
            (" a  b ", "%20a  b%20"),
            (" ", "%20"),
            ("a\r\nX-User-Role: admin\u{0}\u{7f}", "a%0D%0AX-User-Role: admin%00%7F"),
            ("", ""),
        ] {
            assert_eq!(header_value(text), value);
        }
    }

    #[test]
    fn an_identity_header_is_one_in_any_spelling() {
        for name in ["X-User-Id", "x_user_id", "X-USER_ROLE", "x-session-id", "X_Session-Id", "x-user-name"] {
            assert!(is_header(name), "{name}");
        }
        for name in ["X-User", "X-User-Id-2", "User-Id", "XUserId", "x.user.id", "Cookie"] {
            assert!(!is_header(name), "{name}");
        }
    }

    // Check 75.
    #[test]
    fn a_password_counts_as_given_for_a_quarter_of_an_hour_and_a_key_never() {
        let now = Timestamp::from_seconds(1_750_000_000);
        let identity = |confirmed_at: Option<Timestamp>, by: By| Identity {
            sub: AccountId::new(&[1; 16]),
            sid: SessionId::new(&[2; 16]),
            email: Email::canonical("yi@jeplus.org"),
            auth_time: now,
            confirmed_at,
            by,
            carrier: Carrier::Cookie,
            limited: false,
        };
        let ago = |seconds: u64| Some(now.minus(Duration::from_secs(seconds)));
        assert!(identity(ago(900), By::Password).is_confirmed(now));
        assert!(identity(ago(900), By::Passkey).is_confirmed(now));
        assert!(!identity(ago(901), By::Password).is_confirmed(now));
        assert!(!identity(None, By::Password).is_confirmed(now));
        assert!(!identity(ago(0), By::Key(AccessKeyId::new(&[3; 16]))).is_confirmed(now));
    }

    #[test]
    fn an_identity_arrives_as_it_was_handed_on() {
        let now = Timestamp::from_seconds(1_750_000_000);
        for (confirmed_at, by, limited) in [
            (None, By::Key(AccessKeyId::new(&[3; 16])), false),
            (Some(now), By::Password, false),
            (Some(now), By::Password, true),
        ] {
            let session = Session {
                sub: AccountId::new(&[1; 16]),
                sid: SessionId::new(&[2; 16]),
                email: "Yi@jeplus.org".to_owned(),
                auth_time: now,
                expires_at: now,
                generation: 7,
                confirmed_at,
                by: by.clone(),
                limited,
                agent: String::new(),
                address: String::new(),
            };
            let context = context(&session, &Name::parse("Yi").unwrap(), None, Carrier::Bearer);
            let identity = Identity::from_context(|name| context.get(name).map(String::as_str)).unwrap();
            assert_eq!((identity.sub, identity.sid), (session.sub, session.sid));
            assert_eq!((identity.email.as_str(), identity.auth_time), ("yi@jeplus.org", now));
            assert_eq!((identity.confirmed_at, identity.by, identity.carrier), (confirmed_at, by, Carrier::Bearer));
            assert_eq!(identity.limited, limited);
            for missing in ["sub", "sid", "email", "auth_time", "confirmed_at", "by", "carrier"] {
                let read = |name: &str| context.get(name).filter(|_| name != missing).map(String::as_str);
                assert_eq!(Identity::from_context(read), None, "{missing}");
            }
        }
    }
}
