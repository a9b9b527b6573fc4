//! The log-on function, which has all operations: events in, answers out.

mod answer;
mod email;
mod factor;
mod keys;
mod log_on;
mod objects;
mod passkeys;
mod password;
mod public;
mod reason;
mod refusal;
mod request;
mod sessions;
mod user;

use lambda_http::http::StatusCode;

use crate::{
    api::{Features, Operation},
    domain::{
        throttle::BucketKey,
        time::{Clock, Timestamp},
        token::Issuer,
    },
    platform::journal::{Entry, Journal, Measure, Metric},
    service::operations::{Operations, Told},
    web::{event::Event, origin::TrustedOrigins},
};
use answer::Reply;
pub use answer::{Answer, SECURITY_HEADERS};
pub use reason::Reason;
pub use refusal::{NotJson, Refused};
use request::{Body, Request};

/// How tokens get to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In a cookie.
    Cookie,
    /// In the Auth object's `jwt`.
    Body,
}

impl TokenDelivery {
    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }

    /// The delivery of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Cookie, Self::Body].into_iter().find(|delivery| delivery.name() == name)
    }
}

/// What an operator chooses of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The service's public URL and its name in tokens. Clients that come to it by https alone get a `Secure` cookie
    /// and HSTS: Python sends a `Secure` cookie over nothing else, not even to the same machine.
    pub issuer: Issuer,
    /// How a log-on delivers its token.
    pub delivery: TokenDelivery,
    /// The status of a failed log-on: 401, or 200 for clients that read a body only then.
    pub failed_logon_status: StatusCode,
    /// The domain of the cookie; the host alone if there is none.
    pub cookie_domain: Option<String>,
    /// Who may send requests from a browser.
    pub origins: TrustedOrigins,
    /// What the service is called in authenticator apps.
    pub service: String,
    /// What is switched on.
    pub features: Features,
}

/// The log-on function.
pub struct LogonFunction {
    /// What it does.
    pub operations: Operations,
    /// How it answers.
    pub site: Site,
    /// Tells the time.
    pub clock: Clock,
    /// Remembers what came of each event.
    pub journal: Journal,
}

/// Declares which handler does each operation. A handler is a function of the request and of the body that the
/// operation takes; its type tells, too, which object it answers, so that the description has both from here.
macro_rules! handlers {
    ($($operation:ident => $handler:path,)+) => {
        async fn handled(request: Request<'_>) -> Result<(Answer, Told), Refused> {
            match request.operation {
                $(Operation::$operation => handled_by($handler, request).await,)+
            }
        }

        /// What the description says of the body that an operation takes, if it takes one, and of its answer.
        #[cfg(feature = "terminal")]
        pub(crate) fn schemas(
            operation: Operation,
            generator: &mut schemars::SchemaGenerator,
        ) -> (Option<schemars::Schema>, schemars::Schema) {
            match operation {
                $(Operation::$operation => schemas_of($handler, generator),)+
            }
        }

        /// The family of an operation: the module of its handler.
        #[cfg(feature = "terminal")]
        pub(crate) fn family(operation: Operation) -> &'static str {
            let handler = match operation {
                $(Operation::$operation => stringify!($handler),)+
            };
            handler.split("::").next().unwrap_or_default()
        }
    };
}

handlers! {
    Info => public::info,
    Description => public::description,
    LogOn => log_on::log_on,
    CheckIn => log_on::check_in,
    LogOff => log_on::log_off,
    Confirm => log_on::confirm,
    User => user::user,
    UpdateUser => user::update,
    Password => password::change,
    Sessions => sessions::list,
    EndOtherSessions => sessions::end_others,
    EndSession => sessions::end,
    Keys => keys::list,
    MakeKey => keys::make,
    EndKey => keys::end,
    Factor => factor::factor,
    BeginFactor => factor::begin,
    RemoveFactor => factor::remove,
    ConfirmFactor => factor::confirm,
    NewCodes => factor::new_codes,
    PasskeyOptions => passkeys::options,
    LogOnByPasskey => passkeys::log_on,
    ConfirmByPasskey => passkeys::confirm,
    Passkeys => passkeys::list,
    BeginPasskey => passkeys::begin,
    AddPasskey => passkeys::add,
    RemovePasskey => passkeys::remove,
    Forgot => password::forgot,
    Reset => password::reset,
    ChangeEmail => email::change,
    ConfirmEmail => email::confirm,
    SignInPage => public::sign_in_page,
    AccountPage => public::account_page,
    ChangePasswordPage => public::change_password_page,
    Jwks => public::jwks,
    Discovery => public::discovery,
}

async fn handled_by<'a, B: Body, T, F: Future<Output = Result<Reply<T>, Refused>>>(
    handler: impl FnOnce(Request<'a>, B) -> F,
    request: Request<'a>,
) -> Result<(Answer, Told), Refused> {
    let body = B::read(request.event)?;
    handler(request, body).await.map(|reply| (reply.answer, reply.told))
}

#[cfg(feature = "terminal")]
fn schemas_of<B, T, F>(
    _: impl FnOnce(Request<'static>, B) -> F,
    generator: &mut schemars::SchemaGenerator,
) -> (Option<schemars::Schema>, schemars::Schema)
where
    B: schemars::JsonSchema + 'static,
    T: schemars::JsonSchema,
    F: Future<Output = Result<Reply<T>, Refused>>,
{
    let takes_a_body = std::any::TypeId::of::<B>() != std::any::TypeId::of::<()>();
    // What can be left out of a body is known to a generator of what is read alone. A body's schema stands inline, so
    // that generator need not be the one that collects the others.
    let of_bodies = schemars::generate::SchemaSettings::draft2020_12().for_deserialize();
    let body = takes_a_body.then(|| of_bodies.into_generator().subschema_for::<B>());
    (body, generator.subschema_for::<T>())
}

/// What the description says of every refusal.
#[cfg(feature = "terminal")]
pub(crate) fn schema_of_refusals(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<objects::Failed<'_>>()
}

impl LogonFunction {
    /// Answers one event. Every event has an answer.
    pub async fn handle(&self, event: &Event) -> Answer {
        let now = (self.clock)();
        let provenance = event.provenance();
        let origin = self.site.origins.configured(&provenance);
        let (operation, result) = match origin {
            Some(_) if provenance.is_preflight => {
                let answer = Answer::preflight(&event.headers("access-control-request-headers"));
                (None, Ok((answer, Told::default())))
            }
            Some(_) | None => match Request::of(self, event, now) {
                // Boxed: the SDK's futures are large, and nested deeper than the compiler looks.
                Ok(request) => (Some(request.operation), Box::pin(handled(request)).await),
                Err((operation, refused)) => (operation, Err(refused)),
            },
        };
        let (answer, told, refused) = match result {
            Ok((answer, told)) => (answer, told, None),
            Err(refused) => (refused.answer(operation, &self.site), refused.told(), Some(refused)),
        };
        let answer = answer.without_cookies_of(&self.site, event.host());
        self.journal(now, event, &Done { operation, status: answer.status, refused, told });
        let answer = match origin {
            Some(origin) => answer.readable_by(origin),
            None => answer,
        };
        if self.site.issuer.is_secure() { answer.over_https() } else { answer }
    }

    fn journal(&self, now: Timestamp, event: &Event, done: &Done) {
        let Told { account, times } = &done.told;
        let measures: Vec<Measure> = [
            done.metric().map(Measure::Count),
            times.hash.map(|time| Measure::Time(Metric::HashTime, time)),
            times.store.map(|time| Measure::Time(Metric::StoreTime, time)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let entry = Entry {
            event: done.operation.map_or("other", |operation| operation.route().name),
            outcome: done.status.as_str(),
            reason: done.refused.as_ref().and_then(Refused::reason),
            request_id: event.request_id(),
            account: account.as_ref().map(BucketKey::as_str),
        };
        self.journal.write(now, &entry, &measures);
    }
}

/// What came of an event, for the journal.
struct Done {
    operation: Option<Operation>,
    status: StatusCode,
    refused: Option<Refused>,
    told: Told,
}

impl Done {
    /// What it is counted as.
    fn metric(&self) -> Option<Metric> {
        let marks = self.operation.map(|operation| operation.route().marks);
        let checks_password = marks.is_some_and(|marks| marks.checks_password);
        let changes_account = marks.is_some_and(|marks| marks.changes_account);
        let refused = self.refused.as_ref();
        let has_reason = refused.and_then(Refused::reason).is_some();
        match self.status.as_u16() {
            503 => Some(Metric::Unavailable),
            429 if checks_password => Some(Metric::LogOnsThrottled),
            // Of the others that count attempts, a forgotten password that is asked for too often changes nothing.
            429 => changes_account.then_some(Metric::AccountChangesRefused),
            // Whoever sets a factor up is no guesser.
            _ if self.operation != Some(Operation::ConfirmFactor) && refused.is_some_and(Refused::is_wrong_code) => {
                Some(Metric::FactorRefused)
            }
            _ if refused.is_some_and(Refused::is_asked) => Some(Metric::CodesAsked),
            _ if checks_password && has_reason => Some(Metric::LogOnsRefused),
            200 if matches!(self.operation, Some(Operation::LogOn | Operation::LogOnByPasskey)) => Some(Metric::LogOns),
            200 if changes_account => Some(Metric::AccountChanges),
            _ if changes_account && has_reason => Some(Metric::AccountChangesRefused),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::service::operations::Refusal;

    #[test]
    fn a_log_on_that_must_wait_is_counted_as_one_and_nothing_else_is() {
        for (operation, expected) in [
            (Operation::LogOn, Some(Metric::LogOnsThrottled)),
            (Operation::Confirm, Some(Metric::LogOnsThrottled)),
            (Operation::LogOnByPasskey, Some(Metric::LogOnsThrottled)),
            (Operation::AddPasskey, Some(Metric::AccountChangesRefused)),
            (Operation::Password, Some(Metric::LogOnsThrottled)),
            (Operation::Forgot, None),
            (Operation::Reset, Some(Metric::AccountChangesRefused)),
            (Operation::ConfirmFactor, Some(Metric::AccountChangesRefused)),
            (Operation::MakeKey, Some(Metric::AccountChangesRefused)),
        ] {
            let refused = Refused::from(Refusal::Throttled(Duration::from_secs(1)));
            let (operation, status, told) = (Some(operation), StatusCode::TOO_MANY_REQUESTS, Told::default());
            let done = Done { operation, status, refused: Some(refused), told };
            assert_eq!(done.metric(), expected, "{operation:?}");
        }
    }
}
