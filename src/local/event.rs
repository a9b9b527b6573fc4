//! The events that a REST API sends (API Gateway Developer Guide, "Input format of a Lambda function for proxy
//! integration" and "Input to a Lambda REQUEST authorizer").

use std::net::SocketAddr;

use axum::{
    body::Bytes,
    http::{HeaderMap, request::Parts},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// The stage that events say they come from.
const STAGE: &str = "local";

/// What the gateway knows of one request.
pub(super) struct Seen<'a> {
    /// Method, path, query and headers.
    pub(super) parts: &'a Parts,
    /// The path of the route that matches.
    pub(super) resource: &'a str,
    /// The peer.
    pub(super) peer: SocketAddr,
    /// The host that it was sent to.
    pub(super) host: &'a str,
    /// The gateway's id of it.
    pub(super) request_id: &'a str,
}

impl Seen<'_> {
    /// The ARN of what is asked for.
    pub(super) fn method_arn(&self) -> String {
        let path = self.parts.uri.path().trim_start_matches('/');
        format!("arn:aws:execute-api:us-east-1:000000000000:local/{STAGE}/{}/{path}", self.parts.method)
    }

    /// The event of a REQUEST authorizer.
    pub(super) fn for_authorizer(&self) -> Value {
        let mut event = self.common();
        event.insert("type".to_owned(), "REQUEST".into());
        event.insert("methodArn".to_owned(), self.method_arn().into());
        event.into()
    }

    /// The event of a proxy integration. Every body comes as base64: the template takes all media types as binary,
    /// so that no byte is changed on the way.
    pub(super) fn for_proxy(&self, authorizer: Option<Value>, body: &Bytes) -> Value {
        let mut event = self.common();
        if let (Some(authorizer), Some(Value::Object(context))) = (authorizer, event.get_mut("requestContext")) {
            context.insert("authorizer".to_owned(), authorizer);
        }
        let body = if body.is_empty() { Value::Null } else { STANDARD.encode(body).into() };
        event.insert("isBase64Encoded".to_owned(), (!body.is_null()).into());
        event.insert("body".to_owned(), body);
        event.into()
    }

    fn path_parameters(&self) -> Value {
        let path = self.parts.uri.path();
        let name = |resource: &str| Some(resource.split_once('{')?.1.trim_end_matches('}').to_owned());
        match name(self.resource).as_deref() {
            None => Value::Null,
            Some("proxy+") => json!({"proxy": path.trim_start_matches('/')}),
            Some(name) => {
                let value = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                json!({name: value})
            }
        }
    }

    fn common(&self) -> Map<String, Value> {
        let (method, path) = (self.parts.method.as_str(), self.parts.uri.path());
        let event = json!({
            "resource": self.resource,
            "path": path,
            "httpMethod": method,
            "headers": last_values(&self.parts.headers),
            "multiValueHeaders": all_values(&self.parts.headers),
            "queryStringParameters": null,
            "multiValueQueryStringParameters": null,
            "pathParameters": self.path_parameters(),
            "stageVariables": null,
            "requestContext": {
                "resourcePath": self.resource,
                "httpMethod": method,
                "path": format!("/{STAGE}{path}"),
                "stage": STAGE,
                "protocol": "HTTP/1.1",
                "domainName": self.host,
                "requestId": self.request_id,
                "identity": {"sourceIp": self.peer.ip().to_string()},
            },
        });
        match event {
            Value::Object(members) => members,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        }
    }
}

fn last_values(headers: &HeaderMap) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())).collect()
}

fn all_values(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name| headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    headers.keys().map(|name| (name.to_string(), values(name).collect())).collect()
}
