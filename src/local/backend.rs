//! The API behind the authorizer: an HTTP proxy integration, which is not transparent ("Amazon API Gateway important
//! notes" of the Developer Guide, and recordings of what it does).

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri,
        header::{
            CONNECTION, CONTENT_ENCODING, DATE, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SERVER, TE,
            TRAILER, TRANSFER_ENCODING, UPGRADE, VIA, WWW_AUTHENTICATE,
        },
        request::Parts,
    },
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::web::identity;

/// Headers of a request that do not get there: of one connection (RFC 9110, section 7.6.1), or dropped by API Gateway.
const NOT_PASSED_ON: [HeaderName; 12] = [
    CONNECTION,
    CONTENT_ENCODING,
    HeaderName::from_static("content-md5"),
    EXPECT,
    HOST,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    VIA,
];

/// Headers of an answer that do not come back.
const NOT_GIVEN_BACK: [HeaderName; 4] = [PROXY_AUTHENTICATE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Headers of an answer that come back under another name.
const REMAPPED: [(HeaderName, HeaderName); 4] = [
    (CONNECTION, HeaderName::from_static("x-amzn-remapped-connection")),
    (DATE, HeaderName::from_static("x-amzn-remapped-date")),
    (SERVER, HeaderName::from_static("x-amzn-remapped-server")),
    (WWW_AUTHENTICATE, HeaderName::from_static("x-amzn-remapped-www-authenticate")),
];

/// The integration timeout of API Gateway, which hands on no answer that is not whole by then.
const TIMEOUT: Duration = Duration::from_secs(29);

/// The API behind the authorizer.
pub(super) struct Backend {
    base: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
}

impl Backend {
    pub(super) fn new(base: Uri) -> Self {
        Self { base, client: Client::builder(TokioExecutor::new()).build_http(), timeout: TIMEOUT }
    }

    /// Passes a request on. Nothing comes back if it cannot be sent whole, if the backend has not answered in time, or
    /// if it wants to go on in another protocol, which API Gateway speaks with no HTTP backend.
    pub(super) async fn pass_on(
        &self,
        parts: &Parts,
        identity: &Map<String, Value>,
        body: Bytes,
    ) -> Option<Response<Body>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = self.uri(parts)?;
        *request.headers_mut() = headers(&parts.headers, identity)?;
        let answer = async {
            let (parts, body) = self.client.request(request).await.ok()?.into_parts();
            Some((parts, body.collect().await.ok()?.to_bytes()))
        };
        let (mut parts, body) = tokio::time::timeout(self.timeout, answer).await.ok()??;
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return None;
        }
        for name in NOT_GIVEN_BACK {
            parts.headers.remove(name);
        }
        for (name, other) in REMAPPED {
            if let Some(value) = parts.headers.remove(name) {
                parts.headers.insert(other, value);
            }
        }
        Some(Response::from_parts(parts, Body::from(body)))
    }

    fn uri(&self, parts: &Parts) -> Option<Uri> {
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut uri = self.base.clone().into_parts();
        let below = format!("{}/{}{query}", self.base.path().trim_end_matches('/'), proxy(parts.uri.path()));
        uri.path_and_query = Some(below.parse().ok()?);
        Uri::from_parts(uri).ok()
    }
}

/// What stands for `{proxy}` in the backend's URL: the path without slashes before it and one behind it, decoded, and
/// `%` alone encoded again. What cannot stand in the path of a request at all stays encoded; what API Gateway makes of
/// that is documented nowhere.
fn proxy(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let path = path.strip_suffix('/').unwrap_or(path);
    let Ok(decoded) = percent_decode_str(path).decode_utf8() else { return path.to_owned() };
    let mut proxy = String::with_capacity(path.len());
    for character in decoded.chars() {
        if character.is_control() || " #%<>?`".contains(character) {
            proxy.extend(utf8_percent_encode(character.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        } else {
            proxy.push(character);
        }
    }
    proxy
}

/// What gets there of a client's headers, with those of the gateway. None if one of these cannot be set: a backend must
/// never see a request without them.
fn headers(client: &HeaderMap, context: &Map<String, Value>) -> Option<HeaderMap> {
    let mut headers = client.clone();
    for name in NOT_PASSED_ON {
        headers.remove(name);
    }
    for header in identity::HEADERS {
        let text = context.get(header.member).and_then(Value::as_str).filter(|text| !text.is_empty())?;
        headers.insert(HeaderName::from_static(header.name), HeaderValue::from_str(text).ok()?);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_loses_its_slash_and_its_encoding() {
        for (path, got) in [
            ("/orders/17", "orders/17"),
            ("/orders/17/", "orders/17"),
            ("/orders//17//", "orders//17/"),
            ("//orders", "orders"),
            ("/", ""),
            ("/a%2Fb%2e%2e/c", "a/b../c"),
            ("/100%25/%zz/%", "100%25/%25zz/%25"),
            ("/%E5%BC%A0", "\u{5f20}"),
            ("/a%20b%3Fc%23d%00", "a%20b%3Fc%23d%00"),
            ("/%ff/a%2Fb", "%ff/a%2Fb"),
        ] {
            assert_eq!(proxy(path), got, "{path}");
        }
    }

    // Check 50.
    #[test]
    fn a_request_whose_identity_cannot_be_told_whole_is_not_sent() {
        let whole = || -> Map<String, Value> {
            identity::HEADERS.iter().map(|header| (header.member.to_owned(), json!("x"))).collect()
        };
        assert_eq!(headers(&HeaderMap::new(), &whole()).map(|headers| headers.len()), Some(5));
        for header in identity::HEADERS {
            let mut context = whole();
            for odd in [json!(""), json!("a\nb"), json!("\u{0}"), json!(5), Value::Null] {
                context.insert(header.member.to_owned(), odd);
                assert!(headers(&HeaderMap::new(), &context).is_none(), "{}", header.name);
            }
            context.remove(header.member);
            assert!(headers(&HeaderMap::new(), &context).is_none(), "{}", header.name);
        }
    }

    /// What comes of an answer that a backend writes so, after which it neither writes nor closes.
    async fn answered(timeout: Duration, answer: &'static str) -> Option<Response<Body>> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let backend = Backend { timeout, ..Backend::new(base) };
        let stalls = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        };
        let (parts, ()) = Request::get("/orders").body(()).unwrap().into_parts();
        let context = identity::HEADERS.iter().map(|header| (header.member.to_owned(), json!("x"))).collect();
        tokio::select! {
            answer = backend.pass_on(&parts, &context, Bytes::new()) => answer,
            () = stalls => None,
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_not_whole_in_time_is_none() {
        assert_eq!(TIMEOUT, Duration::from_secs(29));
        let short = Duration::from_millis(200);
        for stalled in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
        ] {
            assert!(answered(short, stalled).await.is_none(), "{stalled:?}");
        }
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nxy";
        assert!(answered(TIMEOUT, whole).await.is_some_and(|answer| answer.status() == StatusCode::OK));
    }

    #[tokio::test]
    async fn no_other_protocol_is_switched_to() {
        let switching = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        assert!(answered(TIMEOUT, switching).await.is_none());
        let early = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        assert!(answered(TIMEOUT, early).await.is_some_and(|answer| answer.status() == StatusCode::NO_CONTENT));
    }
}
