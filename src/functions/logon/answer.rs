//! Answers: a status, headers and a body, which is JSON but for the pages, in the forms that API Gateway takes.

use std::{marker::PhantomData, time::Duration};

use lambda_http::{
    aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL,
            CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, STRICT_TRANSPORT_SECURITY, VARY,
        },
    },
};
use serde::Serialize;

use super::{
    Reason, Refused, Site, TokenDelivery,
    objects::{Failed, Lacks},
};
use crate::{
    domain::device::{DEVICE_COOKIE, KNOWN_FOR},
    service::operations::{Outcome, Told},
    web::{event::Event, pages::Page},
};

/// Headers of every answer, the gateway's own refusals included (OWASP REST Security Cheat Sheet).
pub const SECURITY_HEADERS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("content-type", "application/json; charset=utf-8"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// Headers of a page, beside those of every answer: it asks for nothing of the machine but passkeys, and no other
/// window reaches into it (OWASP HTTP Security Response Headers Cheat Sheet).
const PAGE_HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/html; charset=utf-8"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-create=(self), \
         publickey-credentials-get=(self), usb=()",
    ),
];

/// Two years (RFC 6797), for this host alone: below an apex domain there may be hosts that have no https.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");
/// Key sets change a day ahead of their use, so a cache may keep one for minutes.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// One answer. It can hold a token, so it cannot be printed.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: JSON, but for the pages.
    pub body: String,
}

/// A cookie to set.
#[derive(Clone, Copy)]
pub(super) struct Cookie<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) life: Duration,
}

impl<'a> Cookie<'a> {
    /// What makes a client forget the cookie of that name.
    pub(super) fn cleared(name: &'a str) -> Self {
        Self { name, value: "", life: Duration::ZERO }
    }
}

/// What a handler answers if it does what was asked: its type says which object. It is written down at once, as an
/// object can hold a token.
pub(crate) struct Reply<T> {
    pub(super) answer: Answer,
    /// What the journal tells.
    pub(super) told: Told,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize> Reply<T> {
    pub(super) fn ok(object: &T) -> Self {
        Self::of(Answer::json(StatusCode::OK, object))
    }

    /// One that caches may keep.
    pub(super) fn public(object: &T) -> Self {
        let mut reply = Self::ok(object);
        reply.answer.headers.insert(CACHE_CONTROL, PUBLIC);
        reply
    }
}

impl<T> Reply<T> {
    pub(super) fn of(answer: Answer) -> Self {
        Self { answer, told: Told::default(), of: PhantomData }
    }

    pub(super) fn with_cookie(self, site: &Site, cookie: Cookie<'_>) -> Self {
        Self { answer: self.answer.with_cookie(site, cookie), ..self }
    }

    /// Makes the device a known one, where cookies are set at all.
    pub(super) fn with_device(self, site: &Site, device: Option<&str>) -> Self {
        match device.filter(|_| site.delivery == TokenDelivery::Cookie) {
            Some(value) => self.with_cookie(site, Cookie { name: DEVICE_COOKIE, value, life: KNOWN_FOR }),
            None => self,
        }
    }

    /// The reply to what came of an operation that checks a password, with what the journal tells of it.
    pub(super) fn to<O>(outcome: Outcome<O>, reply: impl FnOnce(O) -> Self) -> Result<Self, Refused> {
        let Outcome { result, told } = outcome;
        match result {
            Ok(done) => Ok(Self { told, ..reply(done) }),
            Err(refusal) => Err(Refused::ByOperation(refusal, told)),
        }
    }
}

/// An answer in a form that API Gateway takes.
#[derive(Serialize)]
#[serde(untagged)]
pub enum GatewayResponse {
    /// Of a REST API.
    RestApi(ApiGatewayProxyResponse),
    /// Of an HTTP API, payload format 2.0.
    HttpApi(ApiGatewayV2httpResponse),
}

impl Answer {
    /// A failure: `{"ok": false, "status": "<sentence>"}`.
    #[must_use]
    pub fn failed(status: StatusCode, sentence: &str) -> Self {
        Self::refused(status, sentence, None)
    }

    /// A failure that says what is wrong for programs, too, if there is a reason to be told.
    pub(super) fn refused(status: StatusCode, sentence: &str, reason: Option<Reason>) -> Self {
        Self::json(status, &Failed { ok: false, status: sentence, lacks: Lacks::NOTHING, reason })
    }

    /// The failure of a request whose password is right, and that lacks something beside it.
    pub(super) fn lacks(status: StatusCode, sentence: &str, lacks: Lacks) -> Self {
        Self::json(status, &Failed { ok: false, status: sentence, lacks, reason: None })
    }

    /// A page. Its policy lets it do what an answer in JSON need not; the rest is that of every answer, and more.
    pub(super) fn page(page: &Page, site: &Site, rp_id: Option<&str>) -> Self {
        let body = page.html(&site.origins.configured, &site.service, rp_id);
        let mut answer = Self { body, ..Self::json(StatusCode::OK, &()) };
        for (name, value) in PAGE_HEADERS {
            answer.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::from_str(page.policy()) {
            answer.headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        answer
    }

    /// Leads to another place, by a reference that is relative to what was asked.
    pub(super) fn found(location: &str) -> Self {
        let mut answer = Self::json(StatusCode::FOUND, &());
        answer.body.clear();
        answer.headers.remove(CONTENT_TYPE);
        if let Ok(location) = HeaderValue::from_str(location) {
            answer.headers.insert(LOCATION, location);
        }
        answer
    }

    fn with_cookie(self, site: &Site, cookie: Cookie<'_>) -> Self {
        self.with_cookie_of(site, site.cookie_domain.as_deref(), cookie)
    }

    /// Clears, beside each cookie of a domain, the one of that name that `host` alone has since a time without
    /// `CookieDomain`. A browser would send both (RFC 6265, section 5.4), and two tokens that differ are none. Where
    /// the domain is the host itself, both are one cookie (section 5.3, step 11).
    pub(super) fn without_cookies_of(self, site: &Site, host: &str) -> Self {
        let host = host.split(':').next().unwrap_or_default();
        if site.cookie_domain.as_deref().is_none_or(|domain| domain.trim_start_matches('.').eq_ignore_ascii_case(host))
        {
            return self;
        }
        let lines = self.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let names: Vec<String> = lines.filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
        // After all others: one known client reads the first alone.
        names.iter().fold(self, |answer, name| answer.with_cookie_of(site, None, Cookie::cleared(name)))
    }

    fn with_cookie_of(mut self, site: &Site, domain: Option<&str>, cookie: Cookie<'_>) -> Self {
        let Cookie { name, value, life } = cookie;
        let mut cookie = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly", life.as_secs());
        if site.issuer.is_secure() {
            cookie.push_str("; Secure");
        }
        cookie.push_str("; SameSite=Lax");
        if let Some(domain) = domain {
            cookie.push_str("; Domain=");
            cookie.push_str(domain);
        }
        match HeaderValue::from_str(&cookie) {
            Ok(cookie) => {
                self.headers.append(SET_COOKIE, cookie);
                self
            }
            Err(_) => Refused::Unavailable.answer(None, site),
        }
    }

    /// Answers a preflight: tells a browser which methods and headers a page of a configured origin may send. The
    /// request that follows is still refused if it has no session.
    pub(super) fn preflight(headers: &[&str]) -> Self {
        let mut answer = Self::json(StatusCode::NO_CONTENT, &());
        answer.body.clear();
        answer.headers.remove(CONTENT_TYPE);
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
        answer.headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        answer.headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Ok(headers) = HeaderValue::from_str(&headers.join(", ")) {
            answer.headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
        }
        answer
    }

    /// Lets pages of one origin read the answer, cookies and all, and how long to wait (Fetch Standard, section 3.3.3).
    #[must_use]
    pub fn readable_by(mut self, origin: &str) -> Self {
        if let Ok(origin) = HeaderValue::from_str(origin) {
            self.headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            self.headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            self.headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
            self.headers.insert(VARY, HeaderValue::from_static("origin"));
        }
        self
    }

    pub(super) fn over_https(mut self) -> Self {
        self.headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
        self
    }

    /// The answer in the form that belongs to `event`.
    #[must_use]
    pub fn for_gateway(self, event: &Event) -> GatewayResponse {
        let Self { status, mut headers, body } = self;
        if event.is_http_api() {
            let mut response = ApiGatewayV2httpResponse::default();
            let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
            response.cookies = cookies.map(str::to_owned).collect();
            headers.remove(SET_COOKIE);
            response.status_code = i64::from(status.as_u16());
            response.headers = headers;
            response.body = Some(body.into());
            GatewayResponse::HttpApi(response)
        } else {
            let mut response = ApiGatewayProxyResponse::default();
            response.status_code = i64::from(status.as_u16());
            response.multi_value_headers = headers;
            response.body = Some(body.into());
            GatewayResponse::RestApi(response)
        }
    }

    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    fn json(status: StatusCode, object: &impl Serialize) -> Self {
        let headers = SECURITY_HEADERS
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        match serde_json::to_string(object) {
            Ok(body) => Self { status, headers, body },
            Err(_) => Self { status: StatusCode::INTERNAL_SERVER_ERROR, headers, body: String::new() },
        }
    }
}
