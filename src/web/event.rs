//! Events of API Gateway, read leniently.
//!
//! The typed events of `aws_lambda_events` fail as a whole if one header has an odd value, and `lambda_http` panics at
//! bad base64; both would answer a malformed request with a 5xx. So the few fields that are needed are taken one by
//! one, and what is missing or odd is absent.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::web::origin::Provenance;

const METHOD_OVERRIDE: &str = "x-http-method-override";

/// An event of a REST API (proxy or REQUEST authorizer) or an HTTP API (payload format 2.0).
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Event(Map<String, Value>);

/// The body is marked as base64 and is not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not base64")]
pub struct NotBase64;

impl Event {
    /// Whether it is of an HTTP API.
    #[must_use]
    pub fn is_http_api(&self) -> bool {
        self.0.get("version").and_then(Value::as_str) == Some("2.0")
    }

    /// The method of the request. An HTTP API says it in the context alone; `cargo lambda watch` sends a `httpMethod`
    /// beside it that is always GET.
    #[must_use]
    pub fn method(&self) -> &str {
        let path: &[&str] = if self.is_http_api() { &["requestContext", "http", "method"] } else { &["httpMethod"] };
        self.text(path).unwrap_or_default()
    }

    /// The path of the request, without the stage.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text(&[if self.is_http_api() { "rawPath" } else { "path" }]).unwrap_or_default()
    }

    /// The host that the request was sent to, as the gateway knows it, not as the client says.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text(&["requestContext", "domainName"]).unwrap_or_default()
    }

    /// The client's address, as the gateway saw it.
    #[must_use]
    pub fn source_ip(&self) -> &str {
        let rest = self.text(&["requestContext", "identity", "sourceIp"]);
        rest.or_else(|| self.text(&["requestContext", "http", "sourceIp"])).unwrap_or_default()
    }

    /// The gateway's id of the request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.text(&["requestContext", "requestId"]).unwrap_or_default()
    }

    /// All that the request's API and stage have, as an ARN with a wildcard; in authorizer events. What the request
    /// asks for is `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    #[must_use]
    pub fn stage_arn(&self) -> Option<String> {
        let mut parts = self.text(&["methodArn"])?.splitn(3, '/');
        let (api, stage, _) = (parts.next()?, parts.next()?, parts.next()?);
        Some(format!("{api}/{stage}/*"))
    }

    /// The names of all headers, as the client wrote them.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        let headers = ["headers", "multiValueHeaders"].into_iter().filter_map(|member| self.0.get(member)?.as_object());
        headers.flat_map(Map::keys).map(String::as_str)
    }

    /// A text that the authorizer handed on.
    #[must_use]
    pub fn authorizer(&self, name: &str) -> Option<&str> {
        let rest = self.text(&["requestContext", "authorizer", name]);
        rest.or_else(|| self.text(&["requestContext", "authorizer", "lambda", name]))
    }

    /// All values of a header, whose `name` is in lower case.
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let all = self.named("multiValueHeaders", name);
        let mut values = if all.is_empty() { self.named("headers", name) } else { all };
        if name == "cookie" {
            // An HTTP API takes cookies out of the headers.
            values.extend(self.0.get("cookies").into_iter().flat_map(texts));
        }
        values
    }

    /// The methods by which API Gateway may route the request, so that whoever decides on it decides on each: the
    /// request's own, the one in `methodArn` of an authorizer's event, and the one that its header
    /// `X-HTTP-Method-Override` names.
    #[must_use]
    pub fn methods(&self) -> Vec<&str> {
        let routed = self.text(&["methodArn"]).map(|arn| arn.split('/').nth(2).unwrap_or_default());
        let overriding = self.headers(METHOD_OVERRIDE);
        [self.method()].into_iter().chain(routed).chain(overriding).collect()
    }

    /// What the request says of where it comes from.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        // A browser sends no header of its own with a preflight (Fetch Standard, section 4.8), so no override either.
        let is_plain = self.headers(METHOD_OVERRIDE).is_empty();
        let is_options = self.methods().iter().all(|method| *method == "OPTIONS");
        Provenance {
            origins: self.headers("origin").into_iter().map(str::to_owned).collect(),
            fetch_site: self.headers("sec-fetch-site").first().map(|value| (*value).to_owned()),
            is_preflight: is_plain && is_options && !self.headers("access-control-request-method").is_empty(),
        }
    }

    /// The body's bytes.
    ///
    /// # Errors
    /// [`NotBase64`] if it is marked as base64 and is not.
    pub fn body(&self) -> Result<Vec<u8>, NotBase64> {
        let body = self.text(&["body"]).unwrap_or_default();
        if self.0.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
            STANDARD.decode(body).map_err(|_| NotBase64)
        } else {
            Ok(body.as_bytes().to_vec())
        }
    }

    fn named(&self, member: &str, name: &str) -> Vec<&str> {
        let headers = self.0.get(member).and_then(Value::as_object);
        let named = headers.into_iter().flatten().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.flat_map(|(_, value)| texts(value)).collect()
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        let mut value = self.0.get(*first)?;
        for name in rest {
            value = value.get(name)?;
        }
        value.as_str()
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: Value) -> Event {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_value_of_a_header_is_found_once() {
        let rest = event(json!({
            "headers": {"Cookie": "b=2"},
            "multiValueHeaders": {"Cookie": ["a=1", "b=2"], "cookie": ["c=3"]},
        }));
        assert_eq!(rest.headers("cookie"), ["a=1", "b=2", "c=3"]);
        let http = event(json!({"version": "2.0", "headers": {"authorization": "x"}, "cookies": ["a=1", "b=2"]}));
        assert_eq!(http.headers("cookie"), ["a=1", "b=2"]);
        assert_eq!(http.headers("authorization"), ["x"]);
    }

    #[test]
    fn odd_fields_are_absent() {
        let odd = event(json!({
            "headers": {"cookie": 5, "\u{e9}": "x"},
            "multiValueHeaders": null,
            "requestContext": [],
            "body": null,
            "isBase64Encoded": "yes",
        }));
        assert_eq!(odd.headers("cookie"), Vec::<&str>::new());
        assert_eq!((odd.method(), odd.path(), odd.source_ip(), odd.stage_arn()), ("", "", "", None));
        assert_eq!(odd.body(), Ok(Vec::new()));
    }

    // Check 65.
    #[test]
    fn the_arn_of_a_stage_is_short_whatever_is_asked_for() {
        let asking = |arn: &str| event(json!({"methodArn": arn})).stage_arn();
        let api = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5";
        let long = format!("{api}/prod/GET/{}", "x".repeat(600));
        assert_eq!(asking(&long), Some(format!("{api}/prod/*")));
        assert_eq!(asking(&format!("{api}/prod/GET/")), Some(format!("{api}/prod/*")));
        for arn in ["", "arn:a", "arn:a/prod"] {
            assert_eq!(asking(arn), None, "{arn}");
        }
    }

    #[test]
    fn method_and_path_are_those_of_the_event_s_own_format() {
        let request = json!({"method": "POST"});
        let http = event(json!({
            "version": "2.0", "rawPath": "/a", "path": "/b", "httpMethod": "GET", "requestContext": {"http": request},
        }));
        assert_eq!((http.method(), http.path()), ("POST", "/a"));
        let rest = event(json!({
            "rawPath": "/a", "path": "/b", "httpMethod": "GET", "requestContext": {"http": request},
        }));
        assert_eq!((rest.method(), rest.path()), ("GET", "/b"));
    }

    #[test]
    fn a_preflight_is_options_wherever_it_ends() {
        let arn = |method: &str| format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/{method}/orders");
        let asks = |method: &str, routed: Option<String>, other: Option<(&str, &str)>| {
            let mut headers = json!({"Access-Control-Request-Method": "POST"});
            if let Some((name, value)) = other {
                headers[name] = value.into();
            }
            event(json!({"httpMethod": method, "methodArn": routed, "headers": headers})).provenance().is_preflight
        };
        assert!(asks("OPTIONS", None, None));
        assert!(asks("OPTIONS", Some(arn("OPTIONS")), Some(("Origin", "https://app.example.org"))));
        assert!(!asks("OPTIONS", Some(arn("GET")), None));
        assert!(!asks("GET", Some(arn("OPTIONS")), None));
        assert!(!asks("OPTIONS", Some("arn".to_owned()), None));
        for (name, value) in [("X-HTTP-Method-Override", "DELETE"), ("x-http-method-override", "OPTIONS")] {
            assert!(!asks("OPTIONS", Some(arn("OPTIONS")), Some((name, value))), "{name}: {value}");
        }
    }

    #[test]
    fn a_body_is_decoded_if_it_says_so() {
        assert_eq!(event(json!({"body": "e30=", "isBase64Encoded": true})).body(), Ok(b"{}".to_vec()));
        assert_eq!(event(json!({"body": "e30=", "isBase64Encoded": false})).body(), Ok(b"e30=".to_vec()));
        assert_eq!(event(json!({"body": "{}", "isBase64Encoded": true})).body(), Err(NotBase64));
    }
}
