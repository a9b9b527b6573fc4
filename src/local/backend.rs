//! The API behind the authorizer: an HTTP proxy integration.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, Request, Response, Uri,
        header::{CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
        request::Parts,
        uri::PathAndQuery,
    },
};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Map, Value};

use crate::identity;

/// Headers of one connection, not of a message (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] =
    [CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// The integration timeout of API Gateway.
const TIMEOUT: Duration = Duration::from_secs(29);

/// The API behind the authorizer.
pub(super) struct Backend {
    base: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Backend {
    pub(super) fn new(base: Uri) -> Self {
        Self { base, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Passes a request on. Nothing comes back if the backend does not answer.
    pub(super) async fn pass_on(
        &self,
        parts: &Parts,
        identity: &Map<String, Value>,
        body: Bytes,
    ) -> Option<Response<Body>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = self.uri(parts)?;
        *request.headers_mut() = headers(&parts.headers, identity);
        let answer = tokio::time::timeout(TIMEOUT, self.client.request(request)).await;
        let (mut parts, body) = match answer {
            Ok(Ok(response)) => response.into_parts(),
            Ok(Err(_)) | Err(_) => return None,
        };
        for name in HOP_BY_HOP {
            parts.headers.remove(name);
        }
        Some(Response::from_parts(parts, Body::new(body)))
    }

    fn uri(&self, parts: &Parts) -> Option<Uri> {
        let asked = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut uri = self.base.clone().into_parts();
        let below = format!("{}{asked}", self.base.path().trim_end_matches('/'));
        uri.path_and_query = Some(below.parse().ok()?);
        Uri::from_parts(uri).ok()
    }
}

fn headers(client: &HeaderMap, context: &Map<String, Value>) -> HeaderMap {
    let mut headers = client.clone();
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    for (name, member) in identity::HEADERS {
        let name = HeaderName::from_static(name);
        headers.remove(&name);
        let text = context.get(member).and_then(Value::as_str).unwrap_or_default();
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            headers.insert(name, value);
        }
    }
    headers
}
