//! The authorizer function: a REQUEST authorizer of a REST API. It takes out of the event what
//! [`access`](crate::service::access) decides by, and makes a policy of the decision.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    causes::Causes,
    domain::time::{Clock, Timestamp},
    platform::journal::{Entry, Journal, Measure, Metric, Stopwatch},
    service::access::{Admitted, Denial, Gatekeeper, Living, Presented},
    web::{event::Event, identity},
};

/// The authorizer function.
pub struct AuthorizerFunction {
    /// Decides.
    pub gatekeeper: Gatekeeper,
    /// Tells the time.
    pub clock: Clock,
    /// Remembers each verdict.
    pub journal: Journal,
}

/// No verdict: something that it depends on failed. The gateway answers 503.
#[derive(Debug, thiserror::Error)]
#[error("the authorizer could not decide")]
pub struct Undecided;

impl AuthorizerFunction {
    /// A policy for one event. A bad token is a Deny, never an error: errors count as failures of the function.
    ///
    /// # Errors
    /// [`Undecided`] if the store failed.
    pub async fn handle(&self, event: &Event) -> Result<Value, Undecided> {
        let presented = Presented {
            cookies: event.headers("cookie"),
            authorizations: event.headers("authorization"),
            methods: event.methods(),
            path: event.path(),
            provenance: event.provenance(),
            host: event.host(),
            claims_identity: event.header_names().any(identity::is_header),
        };
        let (now, watch) = ((self.clock)(), Stopwatch::start());
        // A browser asks without the cookie whether it may send it. That is for the log-on function to answer.
        if let (true, Some(arn)) = (self.gatekeeper.is_preflight(&presented), event.stage_arn()) {
            let (request_id, outcome) = (event.request_id(), "preflight");
            let entry = Entry { event: "authorization", outcome, reason: None, request_id, account: None };
            self.journal.write(now, &entry, &[Measure::Count(Metric::Allowed)]);
            return Ok(json!({"principalId": ANONYMOUS, "policyDocument": policy("Allow", &arn)}));
        }
        let decided = self.gatekeeper.decide(&presented, now).await;
        self.note(now, event, &decided, watch.elapsed());
        match (decided, event.stage_arn()) {
            (Ok(admitted), Some(arn)) => Ok(allow(&admitted, &arn)),
            (Err(cause @ Denial::Undecided(_)), _) => {
                tracing::error!(error = %Causes(&cause), "no verdict");
                Err(Undecided)
            }
            (Ok(_), None) | (Err(_), _) => Ok(deny()),
        }
    }

    fn note(&self, now: Timestamp, event: &Event, decided: &Result<Admitted, Denial>, time: Duration) {
        let (outcome, count) = match decided {
            Ok(_) => ("allowed", Metric::Allowed),
            Err(Denial::Undecided(_)) => ("undecided", Metric::Undecided),
            Err(_) => ("denied", Metric::Denied),
        };
        let reason = decided.as_ref().err().filter(|_| outcome == "denied").map(ToString::to_string);
        let entry = Entry {
            event: "authorization",
            outcome,
            reason: reason.as_deref(),
            request_id: event.request_id(),
            account: None,
        };
        self.journal.write(now, &entry, &[Measure::Count(count), Measure::Time(Metric::AuthorizerTime, time)]);
    }
}

/// A policy that lets API Gateway pass the request, with the identity that it comes from. Its resource is the whole
/// stage, because a resource has at most 512 characters ("Amazon API Gateway quotas") and a path can have more. API
/// Gateway asks the authorizer for each request anew, so the policy lets no other one pass.
fn allow(admitted: &Admitted, arn: &str) -> Value {
    let Living { session, account } = admitted.living.as_ref();
    let context = identity::context(session, &account.name, account.role.as_ref(), admitted.carrier);
    json!({"principalId": session.sub.as_str(), "policyDocument": policy("Allow", arn), "context": context})
}

/// The principal of a request without a session.
const ANONYMOUS: &str = "nobody";

fn deny() -> Value {
    json!({"principalId": ANONYMOUS, "policyDocument": policy("Deny", "*")})
}

fn policy(effect: &str, resource: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
    })
}
