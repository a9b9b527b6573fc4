//! The names under which the gateway hands on who a request comes from.

/// Headers that the gateway sets for a backend behind the authorizer, and the member of the authorizer's context that each
/// is set from.
pub const HEADERS: [(&str, &str); 5] = [
    ("x-user-id", "sub"),
    ("x-user-email", "email"),
    ("x-user-name", "name"),
    ("x-user-role", "role"),
    ("x-session-id", "sid"),
];

/// Whether a backend could take this header of a client for one of [`HEADERS`]. CGI and its heirs turn a hyphen into an
/// underscore (RFC 3875, section 4.1.18), so a client's `X_User_Id` and the gateway's `X-User-Id` can be one to them;
/// and whether the gateway's value replaces a client's of another spelling is documented nowhere.
#[must_use]
pub fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    HEADERS.iter().any(|(known, _)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
