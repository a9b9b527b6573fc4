//! The log-on function: HTTP in and out of the operations. It holds what the table of routes says of each.

mod answer;
mod body;
mod objects;

use std::time::Duration;

use lambda_http::http::StatusCode;

use crate::{
    api::{self, Access, Asked, Operation, Route},
    carrier::{self, COOKIE_NAME, Carrier},
    causes::Causes,
    device::{DEVICE_COOKIE, KNOWN_FOR},
    event::Event,
    identity,
    journal::{Entry, Journal, Measure, Metric},
    operations::{Client, Fresh, Identity, Issued, Notes, Operations, Refusal},
    origin::TrustedOrigins,
    time::{Clock, Timestamp},
};
pub use answer::{Answer, SECURITY_HEADERS};
use objects::{AccountObject, AuthObject, Discovery, Failed, JwkSet, Version};

/// How tokens get to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In a cookie.
    Cookie,
    /// In the Auth object's `jwt`.
    Body,
}

/// What an operator chooses of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The service's public URL and its name in tokens, without a slash at its end.
    pub issuer: String,
    /// How a log-on delivers its token.
    pub delivery: TokenDelivery,
    /// The status of a failed log-on: 401, or 200 for clients that read a body only then.
    pub failed_logon_status: StatusCode,
    /// The domain of the cookie; the host alone if there is none.
    pub cookie_domain: Option<String>,
    /// Who may send requests from a browser.
    pub origins: TrustedOrigins,
}

impl Site {
    /// Whether clients come by https. Only then is the cookie `Secure`, and HSTS sent: Python sends a `Secure` cookie
    /// over nothing else, not even to the same machine.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.issuer.starts_with("https://")
    }
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
        let (now, mut notes) = ((self.clock)(), Notes::default());
        let provenance = event.provenance();
        let origin = self.site.origins.configured(&provenance);
        let answer = match origin {
            Some(_) if provenance.is_preflight => Answer::preflight(&event.headers("access-control-request-headers")),
            // Boxed: the SDK's futures are large, and nested deeper than the compiler looks.
            Some(_) | None => Box::pin(self.route(event, now, &mut notes)).await.unwrap_or_else(|answer| answer),
        };
        let answer = answer.without_cookies_of(&self.site, event.host());
        self.note(now, event, &answer, &notes);
        let answer = match origin {
            Some(origin) => answer.readable_by(origin),
            None => answer,
        };
        if self.site.is_secure() { answer.over_https() } else { answer }
    }

    fn note(&self, now: Timestamp, event: &Event, answer: &Answer, notes: &Notes) {
        let operation = match api::asked(event.method(), event.path()) {
            Asked::For(route) => Some(route.operation),
            Asked::ByOtherMethod(_) | Asked::Nothing => None,
        };
        let reason = notes.reason.or(match answer.status.as_u16() {
            400 | 413 | 415 => Some("malformed"),
            403 => Some("cross-site"),
            _ => None,
        });
        let checks_password = operation.is_some_and(Operation::checks_password);
        let count = match answer.status.as_u16() {
            503 => Some(Metric::Unavailable),
            429 => Some(Metric::LogOnsThrottled),
            _ if checks_password && reason.is_some() => Some(Metric::LogOnsRefused),
            200 if operation == Some(Operation::LogOn) => Some(Metric::LogOns),
            _ => None,
        };
        let measures: Vec<Measure> = [
            count.map(Measure::Count),
            notes.hash.map(|time| Measure::Time(Metric::HashTime, time)),
            notes.store.map(|time| Measure::Time(Metric::StoreTime, time)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let entry = Entry {
            event: operation.map_or("other", Operation::name),
            outcome: answer.status.as_str(),
            reason,
            request_id: event.request_id(),
            account: notes.account.as_deref(),
        };
        self.journal.write(now, &entry, &measures);
    }

    async fn route(&self, event: &Event, now: Timestamp, notes: &mut Notes) -> Result<Answer, Answer> {
        let identity = identity(event);
        let route = match (api::asked(event.method(), event.path()), &identity) {
            (Asked::For(route), _) => route,
            (Asked::ByOtherMethod(_) | Asked::Nothing, None) => return Err(Answer::no_session()),
            (Asked::ByOtherMethod(allowed), Some(_)) => return Err(Answer::not_allowed(&allowed)),
            (Asked::Nothing, Some(_)) => return Err(Answer::not_found()),
        };
        match (route.operation, self.admit(route, event, identity)?) {
            (Operation::Info, _) => Ok(Answer::ok(&Version::current())),
            (Operation::Jwks, _) => self.jwks(now).await,
            (Operation::Discovery, _) => self.discovery(now).await,
            (Operation::LogOn, _) => self.log_on(event, now, notes).await,
            (Operation::CheckIn, Some(session)) => self.check_in(&session, now).await,
            (Operation::LogOff, Some(session)) => self.log_off(&session).await,
            (Operation::Confirm, Some(session)) => self.confirm(event, &session, now, notes).await,
            (Operation::User, Some(session)) => self.user(&session).await,
            (Operation::CheckIn | Operation::LogOff | Operation::Confirm | Operation::User, None) => {
                Err(Answer::no_session())
            }
        }
    }

    /// Holds what the table of routes says: who may ask, and that no page of another site may change anything. Behind the
    /// authorizer the latter has been asked already, of every request that carries the cookie.
    fn admit(&self, route: &Route, event: &Event, identity: Option<Identity>) -> Result<Option<Identity>, Answer> {
        match route.access {
            Access::Session => identity.map(Some).ok_or_else(Answer::no_session),
            Access::Open if route.method == "GET" => Ok(None),
            Access::Open if self.site.origins.is_cross_site(&event.provenance(), event.host()) => {
                Err(Answer::failed(StatusCode::FORBIDDEN, self.cross_site()))
            }
            Access::Open => Ok(None),
        }
    }

    async fn log_on(&self, event: &Event, now: Timestamp, notes: &mut Notes) -> Result<Answer, Answer> {
        let credential = body::credential(event)?;
        let carrier = match self.site.delivery {
            TokenDelivery::Cookie => Carrier::Cookie,
            TokenDelivery::Body => Carrier::Bearer,
        };
        let client = Client { address: event.source_ip(), devices: &devices(event) };
        match self.operations.log_on(credential, client, now, &(self.fresh)(), notes).await {
            Ok(issued) => Ok(self.issued(&issued, carrier, "Logged in successfully!", "Session token in cookie")),
            Err(Refusal::Mismatch) => {
                Err(Answer::failed(self.site.failed_logon_status, "No matching username and password pair was found!"))
            }
            Err(other) => Err(refused(&other)),
        }
    }

    /// What a developer needs to hear whose page is refused.
    fn cross_site(&self) -> &'static str {
        if self.site.is_secure() {
            "Pages of this origin may not log on. The parameter AllowedOrigins of the stack says which may."
        } else {
            "Pages of this origin may not log on. The option --allow-origin of jea-auth serve says which may."
        }
    }

    async fn check_in(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Answer> {
        let issued = self.operations.check_in(identity, now, &(self.fresh)()).await.map_err(|error| refused(&error))?;
        Ok(self.issued(&issued, identity.carrier, "Session renewed successfully!", "Session key cookie"))
    }

    async fn log_off(&self, identity: &Identity) -> Result<Answer, Answer> {
        self.operations.log_off(identity).await.map_err(|error| refused(&error))?;
        let answer = Answer::ok(&AuthObject::void("Logged out successfully!", "Session token cleared"));
        Ok(match identity.carrier {
            Carrier::Cookie => answer.with_cookie(&self.site, COOKIE_NAME, "", Duration::ZERO),
            Carrier::Bearer => answer,
        })
    }

    async fn confirm(
        &self,
        event: &Event,
        identity: &Identity,
        now: Timestamp,
        notes: &mut Notes,
    ) -> Result<Answer, Answer> {
        let credential = body::credential(event)?;
        let client = Client { address: event.source_ip(), devices: &devices(event) };
        match self.operations.confirm(credential, identity, client, now, &(self.fresh)(), notes).await {
            Ok(issued) => {
                Ok(self.issued(&issued, identity.carrier, "User credential confirmed!", "Session key cookie"))
            }
            Err(Refusal::Mismatch) => {
                Err(Answer::failed(StatusCode::FORBIDDEN, "User does not match the existing session"))
            }
            Err(other) => Err(refused(&other)),
        }
    }

    async fn user(&self, identity: &Identity) -> Result<Answer, Answer> {
        let account = self.operations.account(identity).await.map_err(|error| refused(&error))?;
        Ok(Answer::ok(&AccountObject::of(&account)))
    }

    async fn jwks(&self, now: Timestamp) -> Result<Answer, Answer> {
        let keys = self.operations.public_keys(now).await.map_err(|error| refused(&error))?;
        Ok(Answer::public(&JwkSet { keys }))
    }

    async fn discovery(&self, now: Timestamp) -> Result<Answer, Answer> {
        let keys = self.operations.public_keys(now).await.map_err(|error| refused(&error))?;
        Ok(Answer::public(&Discovery::of(&self.site.issuer, &keys)))
    }

    /// The answer that hands over a token, by the carrier that it is to travel by.
    fn issued(&self, issued: &Issued, carrier: Carrier, status: &str, placeholder: &str) -> Answer {
        match carrier {
            Carrier::Cookie => {
                let answer = Answer::ok(&AuthObject::of(&issued.session, status, placeholder));
                // First, because one known client reads no other.
                let answer = answer.with_cookie(&self.site, COOKIE_NAME, issued.token.expose(), issued.life);
                match &issued.device {
                    Some(device) => answer.with_cookie(&self.site, DEVICE_COOKIE, device, KNOWN_FOR),
                    None => answer,
                }
            }
            Carrier::Bearer => Answer::ok(&AuthObject::of(&issued.session, status, issued.token.expose())),
        }
    }
}

/// The one place where refusals become statuses.
fn refused(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::Mismatch | Refusal::SessionEnded => Answer::no_session(),
        Refusal::Throttled(wait) => Answer::too_many(*wait),
        Refusal::Unavailable(cause) => {
            tracing::error!(error = %Causes(cause), "dependency failed");
            Answer::unavailable()
        }
    }
}

fn devices(event: &Event) -> Vec<&str> {
    carrier::named(event.headers("cookie").into_iter(), DEVICE_COOKIE).collect()
}

/// Who the authorizer says it is. Without that, nobody.
fn identity(event: &Event) -> Option<Identity> {
    Some(Identity {
        sub: event.authorizer(identity::SUB)?.to_owned(),
        sid: event.authorizer(identity::SID)?.to_owned(),
        email: event.authorizer(identity::EMAIL)?.to_owned(),
        auth_time: Timestamp::from_seconds(event.authorizer(identity::AUTH_TIME)?.parse().ok()?),
        generation: event.authorizer(identity::GENERATION)?.parse().ok()?,
        carrier: Carrier::named(event.authorizer(identity::CARRIER)?)?,
    })
}
