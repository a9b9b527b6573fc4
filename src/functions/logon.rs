//! The log-on function, which has all operations: events in, answers out.

mod answer;
pub(crate) mod objects;
mod perform;
mod reason;
mod refusal;
mod request;

use lambda_http::http::StatusCode;

use crate::{
    api::{Features, Operation},
    domain::{
        throttle::BucketKey,
        time::{Clock, Timestamp},
        token::Issuer,
    },
    platform::journal::{Entry, Journal, Measure, Metric, Times},
    service::operations::{Fresh, Operations},
    web::{event::Event, origin::TrustedOrigins},
};
pub use answer::{Answer, SECURITY_HEADERS};
pub use reason::Reason;
pub use refusal::{NotJson, Refused};
use request::Request;

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
    /// Draws random bytes.
    pub fresh: fn() -> Fresh,
    /// Remembers what came of each event.
    pub journal: Journal,
}

impl LogonFunction {
    /// Answers one event. Every event has an answer.
    pub async fn handle(&self, event: &Event) -> Answer {
        let now = (self.clock)();
        let provenance = event.provenance();
        let origin = self.site.origins.configured(&provenance);
        let done = match origin {
            Some(_) if provenance.is_preflight => {
                Done::of(Ok(Answer::preflight(&event.headers("access-control-request-headers"))))
            }
            // Boxed: the SDK's futures are large, and nested deeper than the compiler looks.
            Some(_) | None => Box::pin(self.answer(event, now)).await,
        };
        let (answer, refused) = match done.result {
            Ok(answer) => (answer, None),
            Err(refused) => (refused.answer(done.operation, &self.site), Some(refused)),
        };
        let answer = answer.without_cookies_of(&self.site, event.host());
        let told = (done.account.as_ref(), done.times);
        self.journal(now, event, done.operation, answer.status, refused.as_ref(), told);
        let answer = match origin {
            Some(origin) => answer.readable_by(origin),
            None => answer,
        };
        if self.site.issuer.is_secure() { answer.over_https() } else { answer }
    }

    async fn answer(&self, event: &Event, now: Timestamp) -> Done {
        let (operation, request) = Request::of(event, &self.site, now);
        let done = match request {
            Ok(request) => self.perform(request, event, now).await,
            Err(refused) => Done::of(Err(refused)),
        };
        Done { operation, ..done }
    }

    fn journal(
        &self,
        now: Timestamp,
        event: &Event,
        operation: Option<Operation>,
        status: StatusCode,
        refused: Option<&Refused>,
        (account, times): (Option<&BucketKey>, Times),
    ) {
        let reason = refused.and_then(Refused::reason);
        let count = metric(operation, status, refused);
        let measures: Vec<Measure> = [
            count.map(Measure::Count),
            times.hash.map(|time| Measure::Time(Metric::HashTime, time)),
            times.store.map(|time| Measure::Time(Metric::StoreTime, time)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let entry = Entry {
            event: operation.map_or("other", Operation::name),
            outcome: status.as_str(),
            reason,
            request_id: event.request_id(),
            account: account.map(BucketKey::as_str),
        };
        self.journal.write(now, &entry, &measures);
    }
}

/// What an answer is counted as.
fn metric(operation: Option<Operation>, status: StatusCode, refused: Option<&Refused>) -> Option<Metric> {
    let checks_password = operation.is_some_and(Operation::checks_password);
    let changes_account = operation.is_some_and(Operation::changes_account);
    let has_reason = refused.and_then(Refused::reason).is_some();
    match status.as_u16() {
        503 => Some(Metric::Unavailable),
        429 if checks_password => Some(Metric::LogOnsThrottled),
        // Of the others that count attempts, a forgotten password that is asked for too often changes nothing.
        429 => changes_account.then_some(Metric::AccountChangesRefused),
        _ if refused.is_some_and(Refused::is_wrong_code) => Some(Metric::FactorRefused),
        _ if refused.is_some_and(Refused::is_no_code) => Some(Metric::CodesAsked),
        _ if checks_password && has_reason => Some(Metric::LogOnsRefused),
        200 if operation == Some(Operation::LogOn) => Some(Metric::LogOns),
        200 if changes_account => Some(Metric::AccountChanges),
        _ if changes_account && has_reason => Some(Metric::AccountChangesRefused),
        _ => None,
    }
}

/// What came of an event, with what the journal tells of it.
struct Done {
    operation: Option<Operation>,
    result: Result<Answer, Refused>,
    account: Option<BucketKey>,
    times: Times,
}

impl Done {
    fn of(result: Result<Answer, Refused>) -> Self {
        Self { operation: None, result, account: None, times: Times::default() }
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
            (Operation::Password, Some(Metric::LogOnsThrottled)),
            (Operation::Forgot, None),
            (Operation::Reset, Some(Metric::AccountChangesRefused)),
            (Operation::ConfirmFactor, Some(Metric::AccountChangesRefused)),
            (Operation::MakeKey, Some(Metric::AccountChangesRefused)),
        ] {
            let refused = Refused::ByOperation(operation, Refusal::Throttled(Duration::from_secs(1)));
            let counted = metric(Some(operation), StatusCode::TOO_MANY_REQUESTS, Some(&refused));
            assert_eq!(counted, expected, "{operation:?}");
        }
    }
}
