//! The examples of the description for programs, as answers of the running service.

use std::collections::BTreeMap;

use jea_auth::api::Route;
use serde_json::{Value, json};

use super::service::Service;

/// The file that has them.
pub const EXAMPLES: &str = "src/cli/openapi/examples.json";
pub const API: &str = "/users/api";

/// Answers by method and path, and by status.
type Examples = BTreeMap<String, BTreeMap<String, Value>>;

/// Asks the service, and keeps each first answer of a status.
pub struct Recorder {
    pub service: Service,
    pub examples: Examples,
}

impl Recorder {
    pub fn new(service: Service) -> Self {
        Self { service, examples: Examples::new() }
    }

    pub fn keep(&mut self, method: &str, path: &str, status: u16, request: Option<&Value>, answer: Value) {
        let mut answer = answer;
        normalize("", &mut answer, &self.service.running.url);
        let mut example = json!({"answer": answer});
        if let Some(request) = request {
            let mut request = request.clone();
            normalize("", &mut request, &self.service.running.url);
            example["request"] = request;
        }
        let statuses = self.examples.entry(format!("{method} {path}")).or_default();
        statuses.entry(status.to_string()).or_insert(example);
    }

    /// Sends JSON to `path`, where a route's parameter is `parameter`, in the session of the service's own client.
    pub async fn ask(&mut self, method: &str, path: &str, parameter: &str, body: Option<&Value>) -> (u16, Value) {
        let at = path.replace("{sid}", parameter).replace("{id}", parameter);
        let request = self.service.request(method.parse().unwrap(), &at);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        // A page is no example.
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let is_large = path.ends_with("openapi.json");
        self.keep(method, path, status, body, if is_large { Value::Null } else { answer.clone() });
        (status, answer)
    }

    /// As [`Self::ask`], where one status alone is right.
    pub async fn expect(
        &mut self,
        status: u16,
        method: &str,
        path: &str,
        parameter: &str,
        body: Option<&Value>,
    ) -> Value {
        let (found, answer) = self.ask(method, path, parameter, body).await;
        assert_eq!(found, status, "{method} {path}: {answer}");
        answer
    }

    /// Sends what is no JSON, or not of the type that it says.
    pub async fn raw(&mut self, route: &Route, kind: &str, body: String) {
        let request = self.service.request(route.method.parse().unwrap(), route.path).header("content-type", kind);
        let answer = request.body(body).send().await.unwrap();
        let (status, answer) = (answer.status().as_u16(), answer.json().await.unwrap());
        self.keep(route.method, route.path, status, None, answer);
    }
}

/// Puts something that is always the same in the place of what is drawn, counted or told by a clock.
fn normalize(name: &str, value: &mut Value, url: &str) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| normalize(name, value, url)),
        Value::Array(items) => items.iter_mut().for_each(|value| normalize(name, value, url)),
        Value::String(text) => {
            let fixed = match name {
                "id" | "rpId" if text == "localhost" => "auth.example.org",
                "id" | "rawId" if text.len() != 32 => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                "authenticatorData" => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8FAAAAAA",
                "last_used" => "2026-11-28T00:00:00Z",
                "sid" | "id" => "0123456789abcdef0123456789abcdef",
                "key" => "jea_0123456789abcdef0123456789abcdef_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                "created" | "expires" => "2026-11-28T12:00:00Z",
                "agent" => "curl/8.5.0",
                "token" => "1795868400.0.c3Vi.eWlAamVwbHVzLm9yZw.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                "secret" => "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
                "uri" => {
                    "otpauth://totp/jea%2Dauth:yi%40jeplus%2Eorg?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=jea%2Dauth&algorithm=SHA1&digits=6&period=30"
                }
                "recovery_codes" => "abcd-efgh-ijkl-mnop-qrst-uvwx",
                "otp" => "123456",
                "kid" => "1795860000000",
                "x" | "y" | "challenge" | "clientDataJSON" | "signature" | "userHandle" => {
                    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
                }
                _ => "",
            };
            if !fixed.is_empty() {
                fixed.clone_into(text);
            }
            for url in [url, &url.replace("127.0.0.1", "localhost")] {
                *text = text.replace(url, "https://auth.example.org");
            }
            if let Some((before, _)) = text.split_once("Try again in ")
                && text.ends_with(" s.")
            {
                *text = format!("{before}Try again in 30 s.");
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What has the form of a passkey's use, and of its making, and is neither.
pub fn passkey_of_nobody(text: &str) -> Value {
    let response = json!({"clientDataJSON": text, "authenticatorData": text, "signature": text, "userHandle": text});
    json!({"id": text, "rawId": text, "type": "public-key", "response": response})
}
