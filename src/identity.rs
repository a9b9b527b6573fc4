//! The names under which the gateway hands on who a request comes from, and how that fits into a header.

use std::fmt::Write;

/// The account's opaque id.
pub const SUB: &str = "sub";
/// The session's id.
pub const SID: &str = "sid";
/// The account's email, as it was registered.
pub const EMAIL: &str = "email";
/// What the person is called.
pub const NAME: &str = "name";
/// The name of the account's role, or [`NO_ROLE`].
pub const ROLE: &str = "role";
/// When the person gave the password, in seconds since the epoch.
pub const AUTH_TIME: &str = "auth_time";
/// The account's generation at log-on.
pub const GENERATION: &str = "generation";
/// What the token came by.
pub const CARRIER: &str = "carrier";

/// The role of an account that has none. An empty value will not do: AWS does not document whether API Gateway replaces a
/// client's header by an empty one.
pub const NO_ROLE: &str = "none";

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
    Header { name: "x-user-id", member: "x_user_id", plain: SUB },
    Header { name: "x-user-email", member: "x_user_email", plain: EMAIL },
    Header { name: "x-user-name", member: "x_user_name", plain: NAME },
    Header { name: "x-user-role", member: "x_user_role", plain: ROLE },
    Header { name: "x-session-id", member: "x_session_id", plain: SID },
];

/// A text as the value of a header: UTF-8, percent-encoded where it is not printable ASCII, and `%` itself too. A header
/// holds nothing else that all who read it agree on (RFC 9110, section 5.5), and blanks at its ends are no part of it.
#[must_use]
pub fn header_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    for (at, byte) in text.bytes().enumerate() {
        let is_inner_blank = byte == b' ' && at > 0 && at < last;
        if is_inner_blank || (byte.is_ascii_graphic() && byte != b'%') {
            value.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
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
}
