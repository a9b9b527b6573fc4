//! What every port asks of a request before anything else. Loopback addresses keep other machines out, but not the
//! pages of other sites, which reach this machine through its browser.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, StatusCode, Uri,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::{self, Next},
    response::Response,
};

use super::{database, gateway};
use crate::functions::logon::Answer;

/// The largest body that API Gateway takes.
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The door of one port.
#[derive(Clone, Copy)]
pub(super) struct Door {
    lets_pages_in: bool,
    body_max_bytes: usize,
    /// How long a client may take for each step.
    pub(super) patience: Duration,
}

impl Door {
    /// That of DynamoDB or KMS, which are for programs.
    pub(super) fn of_a_service(patience: Duration) -> Self {
        Self { lets_pages_in: false, body_max_bytes: database::BODY_MAX_BYTES, patience }
    }

    /// That of the gateway. Which pages may do what is for the functions to say.
    pub(super) fn of_the_gateway(patience: Duration) -> Self {
        Self { lets_pages_in: true, body_max_bytes: BODY_MAX_BYTES, patience }
    }

    /// `router` behind this door.
    pub(super) fn before(self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self, pass))
    }

    async fn admit(&self, request: Request) -> Result<Request, Answer> {
        // DNS rebinding: a page of another site can point its own host name at 127.0.0.1. For the browser its requests
        // are then of the same origin, and only the Host header tells.
        if !names_this_machine(request.uri(), request.headers()) {
            return Err(Answer::failed(StatusCode::FORBIDDEN, "Call this machine localhost, 127.0.0.1 or [::1]."));
        }
        // A browser names the origin in every request that is more than a look, a preflight included (Fetch, section
        // 3.2), and says of every request where it comes from (Fetch Metadata Request Headers, section 2).
        let is_of_a_browser = [ORIGIN, SEC_FETCH_SITE].iter().any(|name| request.headers().contains_key(name));
        if !self.lets_pages_in && is_of_a_browser {
            return Err(Answer::failed(StatusCode::FORBIDDEN, "No page of a browser may send requests here."));
        }
        let (parts, body) = request.into_parts();
        match tokio::time::timeout(self.patience, to_bytes(body, self.body_max_bytes)).await {
            Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body))),
            Ok(Err(_)) => {
                let sentence = format!("Send a whole body of at most {} MiB.", self.body_max_bytes / 1024 / 1024);
                Err(Answer::failed(StatusCode::PAYLOAD_TOO_LARGE, &sentence))
            }
            Err(_) => {
                let sentence = format!("Send the whole body within {:?}.", self.patience);
                Err(Answer::failed(StatusCode::REQUEST_TIMEOUT, &sentence))
            }
        }
    }
}

async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    match door.admit(request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => gateway::response_of(refused),
    }
}

/// Whether every host that a request names is this machine, and one is named.
fn names_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(HOST).iter().peekable();
    named.peek().is_some()
        && named.all(|host| host.to_str().is_ok_and(is_this_machine))
        && uri.authority().is_none_or(|authority| is_this_machine(authority.as_str()))
}

fn is_this_machine(named: &str) -> bool {
    let Ok(authority) = named.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    !named.contains('@') && (host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 69.
    #[test]
    fn this_machine_has_the_names_of_its_loopback_addresses_and_no_other() {
        for named in ["localhost", "LocalHost:3000", "127.0.0.1:8000", "127.0.0.2", "[::1]:3000", "[::1]"] {
            assert!(is_this_machine(named), "{named}");
        }
        for named in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil@127.0.0.1",
            "0.0.0.0",
            "192.168.1.2",
            "[::]",
            "127.1",
            ":3000",
        ] {
            assert!(!is_this_machine(named), "{named}");
        }
    }
}
