//! Which path is which operation. The template and the local gateway have the same routes, and tests compare them.

/// What the service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Version info.
    Info,
    /// Log on.
    LogOn,
    /// Renew a session.
    CheckIn,
    /// End a session.
    LogOff,
    /// Give the password once more.
    Confirm,
    /// Account details.
    User,
    /// Public keys (RFC 7517).
    Jwks,
    /// `OpenID` Connect Discovery 1.0.
    Discovery,
}

/// All paths. `/logon` is another name of `/auth`.
pub const ROUTES: [(&str, Operation); 9] = [
    ("/users/api/info", Operation::Info),
    ("/users/api/auth", Operation::LogOn),
    ("/users/api/logon", Operation::LogOn),
    ("/users/api/checkin", Operation::CheckIn),
    ("/users/api/logout", Operation::LogOff),
    ("/users/api/confirm", Operation::Confirm),
    ("/users/api/user", Operation::User),
    ("/.well-known/jwks.json", Operation::Jwks),
    ("/.well-known/openid-configuration", Operation::Discovery),
];

/// The route of this path. API Gateway leads `/x/` where it leads `/x`, and the event's path keeps the slash.
#[must_use]
pub fn route(path: &str) -> Option<(&'static str, Operation)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    ROUTES.into_iter().find(|(known, _)| *known == path)
}

impl Operation {
    /// The operation at this path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        route(path).map(|(_, operation)| operation)
    }

    /// Its name in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::LogOn => "log-on",
            Self::CheckIn => "check-in",
            Self::LogOff => "log-off",
            Self::Confirm => "confirm",
            Self::User => "user",
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
        }
    }

    /// The method that it is called with.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Info | Self::User | Self::Jwks | Self::Discovery => "GET",
            Self::LogOn | Self::CheckIn | Self::LogOff | Self::Confirm => "POST",
        }
    }

    /// Whether it is done without a token.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Info | Self::LogOn | Self::Jwks | Self::Discovery => true,
            Self::CheckIn | Self::LogOff | Self::Confirm | Self::User => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_at_the_end_is_the_same_operation_and_two_are_none() {
        for (path, operation) in ROUTES {
            assert_eq!(Operation::at(path), Some(operation));
            assert_eq!(route(&format!("{path}/")), Some((path, operation)));
            for other in [format!("{path}//"), format!("/{path}"), format!("{path}/."), format!("{path}/x")] {
                assert_eq!(Operation::at(&other), None, "{other}");
            }
        }
        for path in ["", "/", "//"] {
            assert_eq!(Operation::at(path), None, "{path}");
        }
    }
}
