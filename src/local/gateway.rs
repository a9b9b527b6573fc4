//! The gateway, with the routes, events and refusals of the template's REST API.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{
        HeaderName, HeaderValue, Method, Response,
        header::{HOST, WWW_AUTHENTICATE},
        request::Parts,
    },
};
use serde_json::{Map, Value};

use super::{backend::Backend, event::Seen, policy::Verdict};
use crate::{
    api::{self, Access, Asked},
    domain::ids::hexadecimal,
    functions::{
        authorizer::AuthorizerFunction,
        logon::{Answer, LogonFunction, Refused},
    },
    platform::machine,
    web::event::Event,
};

/// Everything that a request meets.
pub(super) struct Gateway {
    pub(super) logon: LogonFunction,
    pub(super) authorizer: AuthorizerFunction,
    pub(super) backend: Option<Backend>,
    /// The one origin whose pages can read what the gateway itself answers: its answers are fixed, so there is none if
    /// several are configured.
    pub(super) readable_by: Option<String>,
}

/// All paths lead here.
pub(super) fn router(gateway: Gateway) -> Router {
    Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(Arc::new(gateway))
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    parts: Parts,
    body: Bytes,
) -> Response<Body> {
    gateway.answer(&parts, peer, body).await
}

impl Gateway {
    async fn answer(&self, parts: &Parts, peer: SocketAddr, body: Bytes) -> Response<Body> {
        let route = match api::asked(parts.method.as_str(), parts.uri.path(), self.logon.site.features) {
            Asked::For(route, _) => Some(route),
            Asked::ByOtherMethod(_) | Asked::Nothing => None,
        };
        let request_id = hexadecimal(&machine::random());
        let seen = Seen {
            parts,
            resource: route.map_or("/{proxy+}", |route| route.path),
            peer,
            host: parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
            request_id: &request_id,
        };
        if route.is_some_and(|route| route.access == Access::Open) {
            return self.log_on_function(seen.for_proxy(None, &body)).await;
        }
        let identity = match self.authorize(&seen).await {
            Ok(identity) => identity,
            Err(refused) => return refused,
        };
        match (&self.backend, route) {
            // A preflight has no session, and the backend sees nothing without one.
            (Some(backend), None) if parts.method != Method::OPTIONS => {
                match backend.pass_on(parts, &identity, body).await {
                    Some(answer) => answer,
                    None => self.refusal(&Refused::Unavailable),
                }
            }
            (None | Some(_), _) => self.log_on_function(seen.for_proxy(Some(identity.into()), &body)).await,
        }
    }

    async fn authorize(&self, seen: &Seen<'_>) -> Result<Map<String, Value>, Response<Body>> {
        let event = event(seen.for_authorizer()).ok_or_else(|| self.refusal(&Refused::Unavailable))?;
        let Ok(answer) = self.authorizer.handle(&event).await else {
            return Err(self.refusal(&Refused::Unavailable));
        };
        let verdict = Verdict::new(answer);
        if verdict.allows(&seen.method_arn()) {
            return Ok(verdict.context());
        }
        let mut refused = self.refusal(&Refused::NoSession);
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Err(refused)
    }

    async fn log_on_function(&self, event_json: Value) -> Response<Body> {
        let Some(event) = event(event_json) else { return self.refusal(&Refused::Unavailable) };
        let response = self.logon.handle(&event).await.for_gateway(&event);
        let response = serde_json::to_value(response).ok();
        response.and_then(|value| from_function(&value)).unwrap_or_else(|| self.refusal(&Refused::Unavailable))
    }

    /// An answer of the gateway's own.
    fn refusal(&self, refused: &Refused) -> Response<Body> {
        let answer = refused.answer(None, &self.logon.site);
        let answer = match &self.readable_by {
            Some(origin) => answer.readable_by(origin),
            None => answer,
        };
        response_of(answer)
    }
}

/// An answer, as a response.
pub(super) fn response_of(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn event(json: Value) -> Option<Event> {
    serde_json::from_value(json).ok()
}

/// A function's answer, read as the gateway reads it; nothing if it is not in the form of a proxy integration.
fn from_function(answer: &Value) -> Option<Response<Body>> {
    let status = u16::try_from(answer.get("statusCode")?.as_u64()?).ok()?;
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut response = Response::builder().status(status).body(Body::from(body)).ok()?;
    for (name, values) in answer.get("multiValueHeaders")?.as_object()? {
        for value in values.as_array()? {
            let name: HeaderName = name.parse().ok()?;
            response.headers_mut().append(name, value.as_str()?.parse().ok()?);
        }
    }
    Some(response)
}
