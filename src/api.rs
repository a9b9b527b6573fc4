//! The table of routes: what the service does, where, and who may ask for it. The functions and the local gateway
//! decide by it; tests compare the template and the README with it.

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, without a slash at its end. A segment in braces is a parameter, as in the template.
    pub path: &'static str,
    /// What is done there.
    pub operation: Operation,
    /// Who may ask for it.
    pub access: Access,
    /// What it is for, in a few words.
    pub summary: &'static str,
    /// What an operator must have switched on for it to be there.
    pub feature: Option<Feature>,
}

/// What an operator can switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Mails, by `MailFrom`.
    Mail,
    /// Pages for people, by `Pages`.
    Pages,
}

/// What is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Whether mails are sent.
    pub mail: bool,
    /// Whether there are pages.
    pub pages: bool,
}

impl Features {
    /// Everything: the authorizer need not know what is on, as a route that is off has nothing behind it.
    pub const ALL: Self = Self { mail: true, pages: true };

    /// Whether what needs this is on.
    #[must_use]
    pub fn has(self, feature: Option<Feature>) -> bool {
        match feature {
            None => true,
            Some(Feature::Mail) => self.mail,
            Some(Feature::Pages) => self.pages,
        }
    }
}

/// Who may ask for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody. The gateway does not ask the authorizer.
    Open,
    /// Whoever has a session.
    Session,
    /// Whoever has a session that no access key opened.
    Person,
    /// Whoever has such a session, and gave its password a moment ago.
    SteppedUp,
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
    /// Change account details.
    UpdateUser,
    /// Change the password.
    Password,
    /// List one's own sessions.
    Sessions,
    /// End one of them.
    EndSession,
    /// End all others.
    EndOtherSessions,
    /// List access keys.
    Keys,
    /// Make an access key.
    MakeKey,
    /// End an access key.
    EndKey,
    /// Begin a second factor.
    BeginFactor,
    /// Confirm it with a code.
    ConfirmFactor,
    /// Remove it.
    RemoveFactor,
    /// Ask for a link by mail, with which a forgotten password is set anew.
    Forgot,
    /// Set the password by such a link.
    Reset,
    /// The description of all this (`OpenAPI` 3.1).
    Description,
    /// The page to log on, and to set a password by a link.
    SignInPage,
    /// The page of one's own account.
    AccountPage,
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
            Self::UpdateUser => "update-user",
            Self::Password => "password",
            Self::Sessions => "sessions",
            Self::EndSession => "end-session",
            Self::EndOtherSessions => "end-other-sessions",
            Self::Keys => "keys",
            Self::MakeKey => "make-key",
            Self::EndKey => "end-key",
            Self::BeginFactor => "begin-factor",
            Self::ConfirmFactor => "confirm-factor",
            Self::RemoveFactor => "remove-factor",
            Self::Forgot => "forgot",
            Self::Reset => "reset",
            Self::Description => "description",
            Self::SignInPage => "sign-in-page",
            Self::AccountPage => "account-page",
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

    /// Whether its refusals have a `reason` for programs. Those that clients of the original service know keep their
    /// two members.
    #[must_use]
    pub fn gives_reasons(self) -> bool {
        !matches!(
            self,
            Self::Info
                | Self::LogOn
                | Self::CheckIn
                | Self::LogOff
                | Self::Confirm
                | Self::User
                | Self::Jwks
                | Self::Discovery
        )
    }

    /// Whether it renews or ends the session that asks, and does nothing else: then a session that may only read may
    /// ask for it all the same.
    #[must_use]
    pub fn is_of_session_alone(self) -> bool {
        matches!(self, Self::CheckIn | Self::LogOff)
    }

    /// Whether a session may ask for it that can do nothing but set up a second factor.
    #[must_use]
    pub fn is_for_enrolment(self) -> bool {
        matches!(self, Self::BeginFactor | Self::ConfirmFactor | Self::User | Self::LogOff)
    }

    /// Whether it compares a password.
    #[must_use]
    pub fn checks_password(self) -> bool {
        matches!(self, Self::LogOn | Self::Confirm | Self::Password)
    }

    /// Whether it changes what is kept of an account, or ends sessions that its owner chooses.
    #[must_use]
    pub fn changes_account(self) -> bool {
        match self {
            Self::UpdateUser
            | Self::Password
            | Self::EndSession
            | Self::EndOtherSessions
            | Self::MakeKey
            | Self::EndKey
            | Self::BeginFactor
            | Self::ConfirmFactor
            | Self::RemoveFactor
            | Self::Reset => true,
            Self::Info
            | Self::LogOn
            | Self::CheckIn
            | Self::LogOff
            | Self::Confirm
            | Self::User
            | Self::Sessions
            | Self::Keys
            | Self::Forgot
            | Self::Description
            | Self::SignInPage
            | Self::AccountPage
            | Self::Jwks
            | Self::Discovery => false,
        }
    }
}

/// All routes. Everything else needs a session, and is the backend's, or 404.
pub const ROUTES: [Route; 25] = {
    use Access::{Open, Person, Session, SteppedUp};
    use Operation::{
        AccountPage, BeginFactor, CheckIn, Confirm, ConfirmFactor, Description, Discovery, EndKey, EndOtherSessions,
        EndSession, Forgot, Info, Jwks, Keys, LogOff, LogOn, MakeKey, Password, RemoveFactor, Reset, Sessions,
        SignInPage, UpdateUser, User,
    };
    [
        row("GET", "/users/api/info", Info, Open, "Version info"),
        row("GET", "/users/api/openapi.json", Description, Open, "This description"),
        row("POST", "/users/api/auth", LogOn, Open, "Log on"),
        row("POST", "/users/api/logon", LogOn, Open, "Log on, by another name"),
        row("POST", "/users/api/checkin", CheckIn, Session, "Renew the token"),
        row("POST", "/users/api/logout", LogOff, Session, "End the session"),
        row("POST", "/users/api/confirm", Confirm, Person, "Give the password once more"),
        row("GET", "/users/api/user", User, Session, "Account details"),
        row("POST", "/users/api/user", UpdateUser, Session, "Change account details"),
        row("POST", "/users/api/password", Password, Session, "Change the password"),
        row("GET", "/users/api/sessions", Sessions, Session, "My sessions"),
        row("DELETE", "/users/api/sessions", EndOtherSessions, SteppedUp, "End all my other sessions"),
        row("DELETE", "/users/api/sessions/{sid}", EndSession, SteppedUp, "End one of my sessions"),
        row("GET", "/users/api/keys", Keys, Session, "My access keys"),
        row("POST", "/users/api/keys", MakeKey, SteppedUp, "Make an access key"),
        row("DELETE", "/users/api/keys/{id}", EndKey, SteppedUp, "End an access key"),
        row("POST", "/users/api/totp", BeginFactor, SteppedUp, "Begin a second factor"),
        row("DELETE", "/users/api/totp", RemoveFactor, SteppedUp, "Remove the second factor"),
        row("POST", "/users/api/totp/confirm", ConfirmFactor, Person, "Confirm a second factor with a code"),
        by_mail("POST", "/users/api/forgot", Forgot, Open, "Ask for a link to set a forgotten password"),
        by_mail("POST", "/users/api/reset", Reset, Open, "Set the password by the link"),
        page("/users/sign-in", SignInPage, "Page to log on, and to set a password by a link"),
        page("/users/account", AccountPage, "Page of one's own account"),
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
    Route { method, path, operation, access, summary, feature: None }
}

const fn by_mail(
    method: &'static str,
    path: &'static str,
    operation: Operation,
    access: Access,
    summary: &'static str,
) -> Route {
    Route { feature: Some(Feature::Mail), ..row(method, path, operation, access, summary) }
}

const fn page(path: &'static str, operation: Operation, summary: &'static str) -> Route {
    Route { feature: Some(Feature::Pages), ..row("GET", path, operation, Access::Open, summary) }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// This route, with the parameter of its path, if it has one.
    For(&'static Route, Option<&'a str>),
    /// A path of the table, by a method that no route there has. These are the ones that do.
    ByOtherMethod(Vec<&'static str>),
    /// Nothing of the table.
    Nothing,
}

/// Looks up a request. API Gateway leads `/x/` where it leads `/x`, and the event's path keeps the slash.
#[must_use]
pub fn asked<'a>(method: &str, path: &'a str, features: Features) -> Asked<'a> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let on = || ROUTES.iter().filter(|route| features.has(route.feature));
    let found = || on().filter_map(|route| Some((route, matched(route.path, path)?)));
    match found().find(|(route, _)| route.method == method) {
        Some((route, parameter)) => Asked::For(route, Some(parameter).filter(|parameter| !parameter.is_empty())),
        None if found().next().is_none() => Asked::Nothing,
        None => Asked::ByOtherMethod(found().map(|(route, _)| route.method).collect()),
    }
}

/// The parameter of a path, if the path is that of a route: its last segment, or an empty text if the route has none.
fn matched<'a>(of_route: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, _)) = of_route.split_once('{') else { return (of_route == path).then_some("") };
    let is_one = |parameter: &&str| !matches!(*parameter, "" | "." | "..") && !parameter.contains('/');
    path.strip_prefix(before).filter(is_one)
}

#[cfg(test)]
mod tests {
    use super::{asked as asked_with, *};

    fn asked<'a>(method: &str, path: &'a str) -> Asked<'a> {
        asked_with(method, path, Features::ALL)
    }

    #[test]
    fn what_is_switched_off_is_nothing() {
        for route in ROUTES.iter().filter(|route| route.feature.is_some()) {
            assert_eq!(asked_with(route.method, route.path, Features::default()), Asked::Nothing);
            assert!(matches!(asked(route.method, route.path), Asked::For(..)));
        }
    }

    #[test]
    fn one_slash_at_the_end_is_the_same_operation_and_two_are_none() {
        for route in &ROUTES {
            let Route { method, path, .. } = route;
            let (path, parameter) = match path.split_once('{') {
                Some((before, _)) => (format!("{before}x"), Some("x")),
                None => ((*path).to_owned(), None),
            };
            assert_eq!(asked(method, &path), Asked::For(route, parameter));
            assert_eq!(asked(method, &format!("{path}/")), Asked::For(route, parameter));
            let Asked::ByOtherMethod(methods) = asked("PURGE", &path) else { panic!("{path}") };
            assert!(methods.contains(method));
            for other in [format!("{path}//"), format!("/{path}"), format!("{path}/."), format!("{path}/x/y")] {
                assert_eq!(asked(method, &other), Asked::Nothing, "{other}");
            }
        }
        for path in ["", "/", "//"] {
            assert_eq!(asked("GET", path), Asked::Nothing, "{path}");
        }
    }

    #[test]
    fn a_path_can_have_several_methods_and_a_parameter() {
        assert_eq!(asked("PUT", "/users/api/keys"), Asked::ByOtherMethod(vec!["GET", "POST"]));
        assert_eq!(asked("GET", "/users/api/keys/1"), Asked::ByOtherMethod(vec!["DELETE"]));
        assert_eq!(asked("DELETE", "/users/api/keys//"), Asked::Nothing);
        assert_eq!(asked("DELETE", "/users/api/keys/1/2"), Asked::Nothing);
    }

    #[test]
    fn every_operation_has_a_path_and_every_route_is_its_own() {
        for (at, route) in ROUTES.iter().enumerate() {
            assert!(route.operation.path().starts_with('/') && route.operation.path().len() > 1, "{route:?}");
            let is_again = |other: &Route| (other.method, other.path) == (route.method, route.path);
            assert!(!ROUTES[at + 1..].iter().any(is_again), "{route:?}");
        }
    }
}
