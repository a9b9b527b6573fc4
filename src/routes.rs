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

impl Operation {
    /// The operation at exactly this path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        ROUTES.iter().find(|(known, _)| *known == path).map(|(_, operation)| *operation)
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
