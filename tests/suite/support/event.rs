//! Events of API Gateway, as its REST APIs send them.

use jea_auth::web::event::Event;
use serde_json::{Value, json};

/// What a request asks for, as an authorizer's event says it.
pub const METHOD_ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders";

/// A request on its way to a function.
#[derive(Clone)]
pub struct Asks(Value);

/// A request of this method for this path, from an address of its own.
pub fn event(method: &str, path: &str) -> Asks {
    Asks(json!({
        "httpMethod": method,
        "path": path,
        "headers": {},
        "requestContext": {"requestId": "request-1", "identity": {"sourceIp": "192.0.2.1"}},
    }))
}

/// A log-on.
pub fn log_on_event(email: &str, password: &str) -> Asks {
    event("POST", "/users/api/auth").json(&json!({"email": email, "password": password}))
}

/// The authorizer's event for `GET /orders`.
pub fn authorization() -> Asks {
    event("GET", "/orders").for_authorizer(METHOD_ARN)
}

impl Asks {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn body(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self.header("content-type", "application/json")
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(&body.to_string())
    }

    /// From this address.
    pub fn from(mut self, address: &str) -> Self {
        self.0["requestContext"]["identity"]["sourceIp"] = address.into();
        self
    }

    /// To this host.
    pub fn to(mut self, host: &str) -> Self {
        self.0["requestContext"]["domainName"] = host.into();
        self
    }

    /// With what the authorizer handed on.
    pub fn by(mut self, context: &Value) -> Self {
        self.0["requestContext"]["authorizer"] = context.clone();
        self
    }

    /// The authorizer's own event.
    pub fn for_authorizer(mut self, arn: &str) -> Self {
        self.0["type"] = "REQUEST".into();
        self.0["methodArn"] = arn.into();
        self
    }

    /// As a function's code gets it.
    pub fn event(&self) -> Event {
        serde_json::from_value(self.0.clone()).unwrap()
    }

    /// As Lambda sends it.
    pub fn value(&self) -> Value {
        self.0.clone()
    }
}

/// What an authorizer's policy says.
pub fn effect(policy: &Value) -> &str {
    policy["policyDocument"]["Statement"][0]["Effect"].as_str().unwrap()
}
