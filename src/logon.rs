//! The log-on function, which has all operations: events in, answers out.

mod answer;
mod objects;
mod refusal;
mod request;

use lambda_http::http::StatusCode;

use crate::{
    api::Operation,
    carrier::{self, COOKIE_NAME, Carrier},
    credential::Credential,
    device::{DEVICE_COOKIE, KNOWN_FOR},
    event::Event,
    identity::Identity,
    journal::{Entry, Journal, Measure, Metric, Times},
    operations::{Client, Fresh, Issued, Operations, Outcome},
    origin::TrustedOrigins,
    throttle::BucketKey,
    time::{Clock, Timestamp},
    token::Issuer,
};
use answer::Cookie;
pub use answer::{Answer, SECURITY_HEADERS};
use objects::{AccountObject, AuthObject, Discovery, JwkSet, Occasion, Version};
pub use refusal::Refused;
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
    /// The service's public URL and its name in tokens. Clients that come to it by https alone get a `Secure` cookie and
    /// HSTS: Python sends a `Secure` cookie over nothing else, not even to the same machine.
    pub issuer: Issuer,
    /// How a log-on delivers its token.
    pub delivery: TokenDelivery,
    /// The status of a failed log-on: 401, or 200 for clients that read a body only then.
    pub failed_logon_status: StatusCode,
    /// The domain of the cookie; the host alone if there is none.
    pub cookie_domain: Option<String>,
    /// Who may send requests from a browser.
    pub origins: TrustedOrigins,
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
        let reason = done.result.as_ref().err().and_then(Refused::reason);
        let answer = done.result.unwrap_or_else(|refused| refused.answer(&self.site));
        let answer = answer.without_cookies_of(&self.site, event.host());
        self.journal(now, event, done.operation, answer.status, reason, (done.account.as_ref(), done.times));
        let answer = match origin {
            Some(origin) => answer.readable_by(origin),
            None => answer,
        };
        if self.site.issuer.is_secure() { answer.over_https() } else { answer }
    }

    async fn answer(&self, event: &Event, now: Timestamp) -> Done {
        let (operation, request) = Request::of(event, &self.site);
        let done = match request {
            Ok(request) => self.perform(request, event, now).await,
            Err(refused) => Done::of(Err(refused)),
        };
        Done { operation, ..done }
    }

    async fn perform(&self, request: Request, event: &Event, now: Timestamp) -> Done {
        match request {
            Request::Info => Done::of(Ok(Answer::ok(&Version::current()))),
            Request::Jwks => Done::of(self.jwks(now).await),
            Request::Discovery => Done::of(self.discovery(now).await),
            Request::LogOn(credential) => self.log_on(credential, event, now).await,
            Request::CheckIn(identity) => Done::of(self.check_in(&identity, now).await),
            Request::LogOff(identity) => Done::of(self.log_off(&identity).await),
            Request::Confirm(identity, credential) => self.confirm(&identity, credential, event, now).await,
            Request::User(identity) => Done::of(self.user(&identity).await),
        }
    }

    async fn log_on(&self, credential: Credential, event: &Event, now: Timestamp) -> Done {
        let devices = devices(event);
        let client = Client { address: event.source_ip(), devices: &devices };
        let carrier = match self.site.delivery {
            TokenDelivery::Cookie => Carrier::Cookie,
            TokenDelivery::Body => Carrier::Bearer,
        };
        let outcome = self.operations.log_on(credential, client, now, &(self.fresh)()).await;
        self.handed_over(Operation::LogOn, Occasion::LOG_ON, carrier, outcome)
    }

    async fn confirm(&self, identity: &Identity, credential: Credential, event: &Event, now: Timestamp) -> Done {
        let devices = devices(event);
        let client = Client { address: event.source_ip(), devices: &devices };
        let outcome = self.operations.confirm(credential, identity, client, now, &(self.fresh)()).await;
        self.handed_over(Operation::Confirm, Occasion::CONFIRM, identity.carrier, outcome)
    }

    async fn check_in(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let issued = self.operations.check_in(identity, now, &(self.fresh)()).await;
        let issued = issued.map_err(|refusal| Refused::ByOperation(Operation::CheckIn, refusal))?;
        Ok(self.issued(Occasion::CHECK_IN, &issued, identity.carrier))
    }

    async fn log_off(&self, identity: &Identity) -> Result<Answer, Refused> {
        let done = self.operations.log_off(identity).await;
        done.map_err(|refusal| Refused::ByOperation(Operation::LogOff, refusal))?;
        let answer = Answer::ok(&AuthObject::void());
        Ok(match identity.carrier {
            Carrier::Cookie => answer.with_cookie(&self.site, Cookie::cleared(COOKIE_NAME)),
            Carrier::Bearer => answer,
        })
    }

    async fn user(&self, identity: &Identity) -> Result<Answer, Refused> {
        let account = self.operations.account(identity).await;
        let account = account.map_err(|refusal| Refused::ByOperation(Operation::User, refusal))?;
        Ok(Answer::ok(&AccountObject::of(&account)))
    }

    async fn jwks(&self, now: Timestamp) -> Result<Answer, Refused> {
        let keys = self.operations.public_keys(now).await;
        let keys = keys.map_err(|refusal| Refused::ByOperation(Operation::Jwks, refusal))?;
        Ok(Answer::public(&JwkSet { keys }))
    }

    async fn discovery(&self, now: Timestamp) -> Result<Answer, Refused> {
        let keys = self.operations.public_keys(now).await;
        let keys = keys.map_err(|refusal| Refused::ByOperation(Operation::Discovery, refusal))?;
        Ok(Answer::public(&Discovery::of(self.site.issuer.as_str(), &keys)))
    }

    fn handed_over(
        &self,
        operation: Operation,
        occasion: Occasion,
        carrier: Carrier,
        outcome: Outcome<Issued>,
    ) -> Done {
        let Outcome { result, account, times } = outcome;
        let result = match result {
            Ok(issued) => Ok(self.issued(occasion, &issued, carrier)),
            Err(refusal) => Err(Refused::ByOperation(operation, refusal)),
        };
        Done { operation: Some(operation), result, account, times }
    }

    /// The answer that hands over a token, by the carrier that it is to travel by.
    fn issued(&self, occasion: Occasion, issued: &Issued, carrier: Carrier) -> Answer {
        match carrier {
            Carrier::Cookie => {
                let answer = Answer::ok(&AuthObject::in_cookie(occasion, &issued.session));
                // First, because one known client reads no other.
                let token = Cookie { name: COOKIE_NAME, value: issued.token.expose(), life: issued.life };
                let answer = answer.with_cookie(&self.site, token);
                match &issued.device {
                    Some(value) => {
                        answer.with_cookie(&self.site, Cookie { name: DEVICE_COOKIE, value, life: KNOWN_FOR })
                    }
                    None => answer,
                }
            }
            Carrier::Bearer => Answer::ok(&AuthObject::in_body(occasion, &issued.session, &issued.token)),
        }
    }

    fn journal(
        &self,
        now: Timestamp,
        event: &Event,
        operation: Option<Operation>,
        status: StatusCode,
        reason: Option<&str>,
        (account, times): (Option<&BucketKey>, Times),
    ) {
        let checks_password = operation.is_some_and(Operation::checks_password);
        let count = match status.as_u16() {
            503 => Some(Metric::Unavailable),
            429 => Some(Metric::LogOnsThrottled),
            _ if checks_password && reason.is_some() => Some(Metric::LogOnsRefused),
            200 if operation == Some(Operation::LogOn) => Some(Metric::LogOns),
            _ => None,
        };
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

fn devices(event: &Event) -> Vec<&str> {
    carrier::named(event.headers("cookie").into_iter(), DEVICE_COOKIE).collect()
}
