//! The table of operations: what the service does, where, and who may ask for it. The functions and the local gateway
//! decide by it; tests compare the template and the README with it.

/// One row: a method and a path, and what is done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, without a slash at its end. A segment in braces is a parameter, as in the template.
    pub path: &'static str,
    /// What is done there.
    pub operation: Operation,
    /// The operation's name in the journal and in the description.
    pub name: &'static str,
    /// Who may ask for it.
    pub access: Access,
    /// What it is for, in a few words.
    pub summary: &'static str,
    /// What sets the operation apart.
    pub marks: Marks,
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

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything.
    Whole,
    /// Reading: whatever is asked for by a safe method (RFC 9110, section 9.2.1), and what renews or ends the session.
    Reading,
    /// Setting up a second factor.
    Enrolment,
}

impl Reach {
    /// Its name in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "everything",
            Self::Reading => "reading",
            Self::Enrolment => "enrolment",
        }
    }
}

/// What sets an operation apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// What an operator must have switched on for it to be there.
    pub feature: Option<Feature>,
    /// Whether clients of the original service know it. Its refusals keep their two members; those of the others have a
    /// `reason` for programs, too.
    pub is_original: bool,
    /// Whether it compares a password, or verifies a passkey.
    pub checks_password: bool,
    /// Whether it changes what is kept of an account, or ends sessions that its owner chooses.
    pub changes_account: bool,
    /// Which sessions may ask for it that may not do everything.
    pub within: &'static [Reach],
}

const PLAIN: Marks =
    Marks { feature: None, is_original: false, checks_password: false, changes_account: false, within: &[] };
const ORIGINAL: Marks = Marks { is_original: true, ..PLAIN };
const RENEWS: Marks = Marks { within: &[Reach::Reading], ..ORIGINAL };
const ENDS: Marks = Marks { within: &[Reach::Reading, Reach::Enrolment], ..ORIGINAL };
const DETAILS: Marks = Marks { within: &[Reach::Enrolment], ..ORIGINAL };
const CHANGES: Marks = Marks { changes_account: true, ..PLAIN };
const ENROLS: Marks = Marks { within: &[Reach::Enrolment], ..CHANGES };
const CREDENTIAL: Marks = Marks { is_original: true, checks_password: true, ..PLAIN };
const PASSWORD: Marks = Marks { checks_password: true, ..CHANGES };
const FACTOR: Marks = Marks { within: &[Reach::Enrolment], ..PLAIN };
const FORGOT: Marks = Marks { feature: Some(Feature::Mail), ..PLAIN };
const PASSKEYS: Marks = Marks { feature: Some(Feature::Passkeys), ..PLAIN };
const LISTS_PASSKEYS: Marks = Marks { within: &[Reach::Enrolment], ..PASSKEYS };
const PASSKEY: Marks = Marks { checks_password: true, ..PASSKEYS };
const ADDS_PASSKEY: Marks = Marks { feature: Some(Feature::Passkeys), ..ENROLS };
const REMOVES_PASSKEY: Marks = Marks { feature: Some(Feature::Passkeys), ..CHANGES };
const RESET: Marks = Marks { feature: Some(Feature::Mail), ..CHANGES };
const EMAIL: Marks = Marks { feature: Some(Feature::Mail), ..CHANGES };
const PAGE: Marks = Marks { feature: Some(Feature::Pages), ..PLAIN };

/// What an operator can switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Mails, by `MailFrom`.
    Mail,
    /// Pages for people, by `Pages`.
    Pages,
    /// Passkeys, by `Passkeys`.
    Passkeys,
}

/// What is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Whether mails are sent.
    pub mail: bool,
    /// Whether there are pages.
    pub pages: bool,
    /// Whether there are passkeys.
    pub passkeys: bool,
}

impl Features {
    /// Everything: the authorizer need not know what is on, as a route that is off has nothing behind it.
    pub const ALL: Self = Self { mail: true, pages: true, passkeys: true };

    /// Whether what needs this is on.
    #[must_use]
    pub fn has(self, feature: Option<Feature>) -> bool {
        match feature {
            None => true,
            Some(Feature::Mail) => self.mail,
            Some(Feature::Pages) => self.pages,
            Some(Feature::Passkeys) => self.passkeys,
        }
    }
}

/// Declares the operations, each by one row. An operation can have a second path.
macro_rules! operations {
    ($(
        $operation:ident $name:literal $method:ident $path:literal $access:ident $marks:ident $summary:literal
        $(also $alias:literal $alias_summary:literal)?;
    )+) => {
        /// What the service does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $(#[doc = $summary] $operation,)+
        }

        /// All routes. Everything else needs a session, and is the backend's, or 404.
        pub const ROUTES: &[Route] = &[$(
            *Operation::$operation.route(),
            $(Route { path: $alias, summary: $alias_summary, ..*Operation::$operation.route() },)?
        )+];

        impl Operation {
            /// Its row, with the path that clients are told.
            #[must_use]
            pub const fn route(self) -> &'static Route {
                match self {
                    $(Self::$operation => &Route {
                        method: stringify!($method),
                        path: $path,
                        operation: Self::$operation,
                        name: $name,
                        access: Access::$access,
                        summary: $summary,
                        marks: $marks,
                    },)+
                }
            }
        }
    };
}

operations! {
    Info "info" GET "/users/api/info" Open ORIGINAL "Version info";
    Description "description" GET "/users/api/openapi.json" Open PLAIN "This description";
    LogOn "log-on" POST "/users/api/auth" Open CREDENTIAL "Log on"
        also "/users/api/logon" "Log on, by another name";
    CheckIn "check-in" POST "/users/api/checkin" Session RENEWS "Renew the token";
    LogOff "log-off" POST "/users/api/logout" Session ENDS "End the session";
    Confirm "confirm" POST "/users/api/confirm" Person CREDENTIAL "Give the password once more";
    User "user" GET "/users/api/user" Session DETAILS "Account details";
    UpdateUser "update-user" POST "/users/api/user" Session CHANGES "Change account details";
    Password "password" POST "/users/api/password" Session PASSWORD "Change the password";
    Sessions "sessions" GET "/users/api/sessions" Session PLAIN "My sessions";
    EndOtherSessions "end-other-sessions" DELETE "/users/api/sessions" SteppedUp CHANGES "End all my other sessions";
    EndSession "end-session" DELETE "/users/api/sessions/{sid}" SteppedUp CHANGES "End one of my sessions";
    Keys "keys" GET "/users/api/keys" Session PLAIN "My access keys";
    MakeKey "make-key" POST "/users/api/keys" SteppedUp CHANGES "Make an access key";
    EndKey "end-key" DELETE "/users/api/keys/{id}" SteppedUp CHANGES "End an access key";
    Factor "factor" GET "/users/api/totp" Session FACTOR "Whether there is a second factor";
    BeginFactor "begin-factor" POST "/users/api/totp" SteppedUp ENROLS "Begin a second factor";
    RemoveFactor "remove-factor" DELETE "/users/api/totp" SteppedUp CHANGES "Remove the second factor";
    ConfirmFactor "confirm-factor" POST "/users/api/totp/confirm" Person ENROLS "Confirm a second factor with a code";
    NewCodes "new-codes" POST "/users/api/totp/codes" SteppedUp CHANGES "Make new recovery codes";
    PasskeyOptions "passkey-options" POST "/users/api/passkeys/options" Open PASSKEYS "Options to use a passkey with";
    LogOnByPasskey "log-on-by-passkey" POST "/users/api/passkeys/auth" Open PASSKEY "Log on with a passkey";
    ConfirmByPasskey "confirm-by-passkey" POST "/users/api/passkeys/confirm" Person PASSKEY
        "Use a passkey once more, in the place of the password";
    Passkeys "passkeys" GET "/users/api/passkeys" Session LISTS_PASSKEYS "My passkeys";
    BeginPasskey "begin-passkey" POST "/users/api/passkeys/new" SteppedUp ADDS_PASSKEY "Options to make a passkey with";
    AddPasskey "add-passkey" POST "/users/api/passkeys" SteppedUp ADDS_PASSKEY "Add a passkey";
    RemovePasskey "remove-passkey" DELETE "/users/api/passkeys/{id}" SteppedUp REMOVES_PASSKEY "Remove a passkey";
    Forgot "forgot" POST "/users/api/forgot" Open FORGOT "Ask for a link to set a forgotten password";
    Reset "reset" POST "/users/api/reset" Open RESET "Set the password by the link";
    ChangeEmail "change-email" POST "/users/api/email" SteppedUp EMAIL "Ask for links to change the email";
    ConfirmEmail "confirm-email" POST "/users/api/email/confirm" Open RESET "Confirm another email by a link";
    SignInPage "sign-in-page" GET "/users/sign-in" Open PAGE "Page to log on, and to set a password by a link";
    AccountPage "account-page" GET "/users/account" Open PAGE "Page of one's own account";
    ChangePasswordPage "change-password-page" GET "/.well-known/change-password" Open PAGE
        "Where programs that keep passwords lead their owners";
    Jwks "jwks" GET "/.well-known/jwks.json" Open ORIGINAL "Public keys";
    Discovery "discovery" GET "/.well-known/openid-configuration" Open ORIGINAL "OpenID discovery";
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
    let on = || ROUTES.iter().filter(|route| features.has(route.marks.feature));
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
        for route in ROUTES.iter().filter(|route| route.marks.feature.is_some()) {
            assert_eq!(asked_with(route.method, route.path, Features::default()), Asked::Nothing);
            assert!(matches!(asked(route.method, route.path), Asked::For(..)));
        }
    }

    #[test]
    fn one_slash_at_the_end_is_the_same_operation_and_two_are_none() {
        for route in ROUTES {
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
    fn every_route_is_its_own() {
        for (at, route) in ROUTES.iter().enumerate() {
            let is_again = |other: &Route| (other.method, other.path) == (route.method, route.path);
            assert!(!ROUTES[at + 1..].iter().any(is_again), "{route:?}");
        }
    }
}
