//! The table of routes: what the service does, where, and who may ask for it. The functions and the local gateway decide by
//! it; tests compare the template and the README with it.

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, without a slash at its end.
    pub path: &'static str,
    /// What is done there.
    pub operation: Operation,
    /// Who may ask for it.
    pub access: Access,
    /// What it is for, in a few words.
    pub summary: &'static str,
}

/// Who may ask for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody. The gateway does not ask the authorizer.
    Open,
    /// Whoever has a session.
    Session,
}

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

impl Operation {
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

    /// The path that clients are told; an operation can have others.
    #[must_use]
    pub fn path(self) -> &'static str {
        // Each operation has a row; a test holds that.
        ROUTES.iter().find(|route| route.operation == self).map_or("/", |route| route.path)
    }

    /// Whether it compares a password.
    #[must_use]
    pub fn checks_password(self) -> bool {
        matches!(self, Self::LogOn | Self::Confirm)
    }
}

/// All routes. Everything else needs a session, and is the backend's, or 404.
pub const ROUTES: [Route; 9] = {
    use Access::{Open, Session};
    use Operation::{CheckIn, Confirm, Discovery, Info, Jwks, LogOff, LogOn, User};
    [
        row("GET", "/users/api/info", Info, Open, "Version info"),
        row("POST", "/users/api/auth", LogOn, Open, "Log on"),
        row("POST", "/users/api/logon", LogOn, Open, "Log on, by another name"),
        row("POST", "/users/api/checkin", CheckIn, Session, "Renew the token"),
        row("POST", "/users/api/logout", LogOff, Session, "End the session"),
        row("POST", "/users/api/confirm", Confirm, Session, "Give the password once more"),
        row("GET", "/users/api/user", User, Session, "Account details"),
        row("GET", "/.well-known/jwks.json", Jwks, Open, "Public keys"),
        row("GET", "/.well-known/openid-configuration", Discovery, Open, "OpenID discovery"),
    ]
};

const fn row(
    method: &'static str,
    path: &'static str,
    operation: Operation,
    access: Access,
    summary: &'static str,
) -> Route {
    Route { method, path, operation, access, summary }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This route.
    For(&'static Route),
    /// A path of the table, by a method that no route there has. These are the ones that do.
    ByOtherMethod(Vec<&'static str>),
    /// Nothing of the table.
    Nothing,
}

/// Looks up a request. API Gateway leads `/x/` where it leads `/x`, and the event's path keeps the slash.
#[must_use]
pub fn asked(method: &str, path: &str) -> Asked {
    let path = path.strip_suffix('/').unwrap_or(path);
    let routes: Vec<&Route> = ROUTES.iter().filter(|route| route.path == path).collect();
    match routes.iter().find(|route| route.method == method) {
        Some(route) => Asked::For(route),
        None if routes.is_empty() => Asked::Nothing,
        None => Asked::ByOtherMethod(routes.iter().map(|route| route.method).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_at_the_end_is_the_same_operation_and_two_are_none() {
        for route in &ROUTES {
            let Route { method, path, .. } = route;
            assert_eq!(asked(method, path), Asked::For(route));
            assert_eq!(asked(method, &format!("{path}/")), Asked::For(route));
            assert_eq!(asked("PURGE", path), Asked::ByOtherMethod(vec![method]));
            for other in [format!("{path}//"), format!("/{path}"), format!("{path}/."), format!("{path}/x")] {
                assert_eq!(asked(method, &other), Asked::Nothing, "{other}");
            }
        }
        for path in ["", "/", "//"] {
            assert_eq!(asked("GET", path), Asked::Nothing, "{path}");
        }
    }

    #[test]
    fn every_operation_has_a_path_and_every_route_is_its_own() {
        use Operation::{CheckIn, Confirm, Discovery, Info, Jwks, LogOff, LogOn, User};
        for operation in [Info, LogOn, CheckIn, LogOff, Confirm, User, Jwks, Discovery] {
            assert_ne!(operation.path(), "/", "{operation:?}");
        }
        for (at, route) in ROUTES.iter().enumerate() {
            let is_again = |other: &Route| (other.method, other.path) == (route.method, route.path);
            assert!(!ROUTES[at + 1..].iter().any(is_again), "{route:?}");
        }
    }
}
