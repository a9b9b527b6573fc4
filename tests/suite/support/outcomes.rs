//! The events in `events/` and what differs from one of them in a few members, each with what it must give.

use std::fs;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jea_auth::{
    local::{DEMO_EMAIL, DEMO_PASSWORD},
    web::event::Event,
};
use serde_json::{Value, json};

use super::service::{Service, token_of};

/// An event, and what it must give: a status, or the effect of a policy.
pub struct Outcome<T> {
    /// What it is about; the file's name, if nothing is changed.
    pub name: &'static str,
    /// The file that it is made of.
    pub from: &'static str,
    change: fn(Changed) -> Changed,
    pub gives: T,
}

/// An event that differs from the one of a file.
#[derive(Clone)]
pub struct Changed(Value);

impl Changed {
    fn at(mut self, method: &str, path: &str) -> Self {
        self.0["httpMethod"] = method.into();
        self.0["path"] = path.into();
        if let Some(arn) = self.0["methodArn"].as_str() {
            let stage = arn.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
            self.0["methodArn"] = format!("{stage}/{method}{path}").into();
        }
        self
    }

    fn post(self, path: &str, body: &Value) -> Self {
        self.at("POST", path).header("Content-Type", "application/json").bytes(body.to_string().as_bytes())
    }

    /// The body, as a REST API with binary media types sends it.
    fn bytes(mut self, body: &[u8]) -> Self {
        self.0["body"] = STANDARD.encode(body).into();
        self.0["isBase64Encoded"] = true.into();
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self.0["multiValueHeaders"][name] = json!([value]);
        self
    }

    fn without(mut self, header: &str) -> Self {
        for headers in ["headers", "multiValueHeaders"] {
            self.0[headers].as_object_mut().unwrap().remove(header);
        }
        self
    }

    /// With what the authorizer handed on, but for one member.
    fn context(mut self, member: &str, value: &str) -> Self {
        self.0["requestContext"]["authorizer"][member] = value.into();
        self
    }

    fn of_nobody(mut self) -> Self {
        self.0["requestContext"].as_object_mut().unwrap().remove("authorizer");
        self
    }
}

/// What a file gives as it is.
const fn file<T>(name: &'static str, gives: T) -> Outcome<T> {
    Outcome { name, from: name, change: |event| event, gives }
}

/// What a log-on gives that is sent otherwise.
const fn log_on(name: &'static str, gives: u16, change: fn(Changed) -> Changed) -> Outcome<u16> {
    Outcome { name, from: "log-on", change, gives }
}

/// What a request of somebody's session gives.
const fn owner(name: &'static str, gives: u16, change: fn(Changed) -> Changed) -> Outcome<u16> {
    Outcome { name, from: "user", change, gives }
}

/// What the authorizer says of a request.
const fn judged(name: &'static str, gives: &'static str, change: fn(Changed) -> Changed) -> Outcome<&'static str> {
    Outcome { name, from: "authorizer-allow-cookie", change, gives }
}

fn credential(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

const UNKNOWN_ID: &str = "0123456789abcdef0123456789abcdef";
const NEW_PASSWORD: &str = "a long enough password";

/// What the log-on function gives, in this order, on one session.
#[rustfmt::skip]
pub const STATUSES: &[Outcome<u16>] = &[
    file("log-on", 200),
    log_on("log-on-alias", 200, |e| e.at("POST", "/users/api/logon").header("Cookie", "session_token=old.token.value")),
    log_on("log-on-plain-text-body", 200, |mut e| {
        e.0["body"] = credential(DEMO_EMAIL, DEMO_PASSWORD).to_string().into();
        e.0["isBase64Encoded"] = false.into();
        e
    }),
    file("log-on-http-api", 200),
    file("log-on-wrong-password", 401),
    log_on("log-on-unknown-email", 401, |e| e.post("/users/api/auth", &credential("nobody@example.org", DEMO_PASSWORD))),
    log_on("log-on-invented-key", 401, |e| {
        let key = format!("jea_{UNKNOWN_ID}_{}", "A".repeat(43));
        e.post("/users/api/auth", &credential(DEMO_EMAIL, &key))
    }),
    file("log-on-malformed-body", 400),
    log_on("log-on-invalid-utf-8", 400, |e| e.bytes(b"{\"email\": \"demo@example.org\", \"password\": \"\xff\"}")),
    log_on("log-on-bad-base64", 400, |mut e| {
        e.0["body"] = "not base64 %%%".into();
        e
    }),
    log_on("log-on-too-large", 413, |e| e.post("/users/api/auth", &credential(DEMO_EMAIL, &"x".repeat(4096)))),
    log_on("log-on-wrong-content-type", 415, |e| e.header("Content-Type", "text/plain")),
    log_on("log-on-content-encoding", 415, |e| e.header("Content-Encoding", "gzip")),
    log_on("log-on-cross-site", 403, |e| e.header("Origin", "https://evil.example")),
    file("check-in", 200),
    owner("check-in-quoted-cookie", 200, |e| {
        e.at("POST", "/users/api/checkin").header("Cookie", "$Version=\"1\"; session_token=\"SESSION_TOKEN\";$Path=\"/\"")
    }),
    owner("check-in-ended-session", 401, |e| e.at("POST", "/users/api/checkin").context("sid", "ended")),
    owner("check-in-no-authorizer", 401, |e| {
        e.at("POST", "/users/api/checkin").header("Cookie", "session_token=SESSION_TOKEN").of_nobody()
    }),
    owner("confirm", 200, |e| e.post("/users/api/confirm", &credential(DEMO_EMAIL, DEMO_PASSWORD))),
    owner("confirm-mismatch", 403, |e| e.post("/users/api/confirm", &credential(DEMO_EMAIL, "wrong"))),
    owner("confirm-key-session", 403, |e| {
        e.post("/users/api/confirm", &credential(DEMO_EMAIL, DEMO_PASSWORD)).context("by", UNKNOWN_ID).context("confirmed_at", "never")
    }),
    file("user", 200),
    owner("user-trailing-slash", 200, |e| e.at("GET", "/users/api/user/")),
    file("update-user", 200),
    owner("update-user-not-yours", 400, |e| e.post("/users/api/user", &json!({"role": "admin"}))),
    owner("sessions", 200, |e| e.at("GET", "/users/api/sessions")),
    owner("end-session-unknown", 404, |e| e.at("DELETE", &format!("/users/api/sessions/{UNKNOWN_ID}"))),
    owner("keys", 200, |e| e.at("GET", "/users/api/keys")),
    owner("make-key", 200, |e| e.post("/users/api/keys", &json!({"name": "example", "days": 1}))),
    owner("make-key-not-confirmed", 403, |e| e.post("/users/api/keys", &json!({"name": "example"})).context("confirmed_at", "never")),
    owner("make-key-too-long", 400, |e| e.post("/users/api/keys", &json!({"name": "example", "days": 366}))),
    owner("end-key-unknown", 404, |e| e.at("DELETE", &format!("/users/api/keys/{UNKNOWN_ID}"))),
    owner("begin-factor", 200, |e| e.at("POST", "/users/api/totp")),
    owner("begin-factor-not-confirmed", 403, |e| e.at("POST", "/users/api/totp").context("confirmed_at", "never")),
    owner("confirm-factor-wrong-code", 400, |e| e.post("/users/api/totp/confirm", &json!({"otp": "no code"}))),
    owner("remove-factor", 200, |e| e.at("DELETE", "/users/api/totp")),
    owner("remove-factor-none", 404, |e| e.at("DELETE", "/users/api/totp")),
    owner("password-wrong", 403, |e| e.post("/users/api/password", &json!({"password": "wrong", "new_password": NEW_PASSWORD}))),
    owner("password-too-short", 400, |e| {
        e.post("/users/api/password", &json!({"password": DEMO_PASSWORD, "new_password": "short"}))
    }),
    owner("end-other-sessions-not-confirmed", 403, |e| e.at("DELETE", "/users/api/sessions").context("confirmed_at", "never")),
    owner("end-other-sessions", 200, |e| e.at("DELETE", "/users/api/sessions")),
    // It ends the session that asks.
    owner("password", 200, |e| e.post("/users/api/password", &json!({"password": DEMO_PASSWORD, "new_password": NEW_PASSWORD}))),
    log_on("forgot", 200, |e| e.post("/users/api/forgot", &json!({"email": DEMO_EMAIL}))),
    log_on("forgot-unknown-email", 200, |e| e.post("/users/api/forgot", &json!({"email": "nobody@example.org"}))),
    log_on("reset-bad-link", 403, |e| e.post("/users/api/reset", &json!({"token": "1.2.3.4.5", "new_password": NEW_PASSWORD}))),
    file("info", 200),
    log_on("info-trailing-slash", 200, |e| e.at("GET", "/users/api/info/")),
    file("jwks", 200),
    log_on("discovery", 200, |e| e.at("GET", "/.well-known/openid-configuration")),
    owner("unknown-path", 404, |e| e.at("GET", "/nothing/here")),
    owner("unknown-path-no-authorizer", 401, |e| e.at("GET", "/nothing/here").of_nobody()),
    owner("wrong-method", 405, |e| e.at("GET", "/users/api/auth")),
    file("log-off", 200),
];

/// What the authorizer says.
#[rustfmt::skip]
pub const EFFECTS: &[Outcome<&str>] = &[
    file("authorizer-allow-cookie", "Allow"),
    file("authorizer-allow-bearer", "Allow"),
    judged("allow-set-cookie-line", "Allow", |e| {
        let line = "session_token=SESSION_TOKEN; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax";
        e.at("POST", "/users/api/checkin").header("Cookie", line)
    }),
    judged("allow-quoted-cookie", "Allow", |e| e.header("Cookie", "$Version=\"1\"; session_token=\"SESSION_TOKEN\";$Path=\"/\"")),
    judged("allow-trailing-slash", "Allow", |e| e.at("GET", "/users/api/user/")),
    file("authorizer-deny-no-token", "Deny"),
    judged("deny-garbage", "Deny", |e| e.header("Cookie", "session_token=a.b.c")),
    judged("deny-unsigned", "Deny", |e| {
        e.header("Cookie", "session_token=eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIiwia2lkIjoiMSJ9.eyJzdWIiOiJ4In0.")
    }),
    judged("deny-two-tokens", "Deny", |mut e| {
        e.0["multiValueHeaders"]["Cookie"] = json!(["session_token=SESSION_TOKEN", "session_token=other"]);
        e
    }),
    judged("deny-cross-site", "Deny", |e| e.at("POST", "/orders").header("Origin", "https://evil.example")),
    judged("deny-odd-headers", "Deny", |e| {
        let odd = ["\u{e9}\0", ""].map(str::to_owned).into_iter();
        let cookies: Vec<String> = odd.chain((0..100).map(|number| format!("c{number}={number}"))).collect();
        let mut e = e.header("Authorization", "").header("X-\u{fc}", "\u{1f600}");
        e.0["multiValueHeaders"]["Cookie"] = cookies.into();
        e
    }),
    judged("deny-identity-header", "Deny", |e| e.header("x-user-id", "somebody-else")),
    judged("deny-preflight-override", "Deny", |e| {
        let e = e.at("DELETE", "/users/api/user").without("Cookie").header("Origin", "https://app.example.org");
        let mut e = e.header("X-HTTP-Method-Override", "DELETE").header("Access-Control-Request-Method", "DELETE");
        e.0["httpMethod"] = "OPTIONS".into();
        e
    }),
];

/// A session of the demo account, to put where the events leave a place for one.
pub struct Session {
    token: String,
    pub claims: Value,
}

impl Session {
    pub async fn new(service: &Service) -> Self {
        let answer = service.log_on(DEMO_EMAIL, DEMO_PASSWORD).await;
        let token = token_of(&answer);
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        Self { claims: serde_json::from_slice(&claims).unwrap(), token }
    }

    pub fn event<T>(&self, outcome: &Outcome<T>) -> Event {
        serde_json::from_str(&self.text(outcome)).unwrap()
    }

    /// The event's text, with this session.
    pub fn text<T>(&self, outcome: &Outcome<T>) -> String {
        let file = format!("{}/events/{}.json", env!("CARGO_MANIFEST_DIR"), outcome.from);
        let event = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let text = (outcome.change)(Changed(event)).0.to_string();
        text.replace("SESSION_TOKEN", &self.token)
            .replace("SESSION_SUB", self.claims["sub"].as_str().unwrap())
            .replace("SESSION_SID", self.claims["sid"].as_str().unwrap())
            .replace("SESSION_AUTH_TIME", &self.claims["auth_time"].to_string())
    }
}
