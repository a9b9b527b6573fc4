//! A proxy between the SDK and the embedded services. It notes every call, and can make one kind of call fail.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use http_body_util::{Full, Limited};
use jea_auth::platform::aws::Limits;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Timeout,
    Cut,
    InternalError,
    Throttled,
    Denied,
    Malformed,
    /// Once: other writes of the same item, or in a transaction, this of each item.
    Cancelled(&'static str),
    /// Once: it is done, and the answer never arrives.
    Lost,
    /// It is done, and no answer ever arrives, however often it is sent.
    Unanswered,
    /// Once: it is on its way for longer than anybody waits, until [`Wire::deliver`].
    Late,
    /// Once: the keys of a batch come back unprocessed.
    Unprocessed,
    /// The keys of a batch come back unprocessed, however often it is sent.
    NeverProcessed,
    /// If a condition fails, the item does not come with the answer.
    WithoutItem,
    /// Once: it waits at the proxy until [`Wire::release`].
    Held,
}

pub const FAULTS: [Fault; 6] =
    [Fault::Timeout, Fault::Cut, Fault::InternalError, Fault::Throttled, Fault::Denied, Fault::Malformed];

/// A call that fails: the API's name of it, and a text that its body holds.
pub type Rule = (&'static str, &'static str, Fault);

/// What all proxies of a test share.
#[derive(Clone, Default)]
pub struct Wire {
    /// What fails now.
    pub rule: Arc<Mutex<Option<Rule>>>,
    /// The calls so far: the API's name, and what was asked.
    pub calls: Arc<Mutex<Vec<(String, Value)>>>,
    /// Calls that are on their way.
    late: Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>,
    released: Arc<Notify>,
    /// The calls that have failed since [`Wire::fail`]: the id that all tries of one operation of the SDK share.
    failed: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    /// Listens for calls to `upstream`.
    pub async fn proxy(&self, upstream: &str) -> String {
        self.proxy_at(SocketAddr::from(([127, 0, 0, 1], 0)), upstream).await
    }

    /// Listens for calls to `upstream` at an address.
    pub async fn proxy_at(&self, address: SocketAddr, upstream: &str) -> String {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass_on).with_state((self.clone(), upstream.to_owned()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// Makes the next call of this name fail, whose body holds a text.
    pub fn fail(&self, call: &'static str, holds: &'static str, fault: Fault) {
        self.failed.lock().unwrap().clear();
        *self.rule.lock().unwrap() = Some((call, holds, fault));
    }

    /// How long a function tries while this fails: as long as it does on AWS if nobody answers, and otherwise as long as a busy
    /// machine needs.
    pub fn limits(&self) -> Limits {
        let fault = self.rule.lock().unwrap().map(|(_, _, fault)| fault);
        if matches!(fault, Some(Fault::Timeout | Fault::Late)) { Limits::FUNCTION } else { Limits::PERSON }
    }

    /// Waits until the call is here that fails once.
    pub async fn arrived(&self) {
        while self.rule.lock().unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many operations of the SDK these calls were.
    pub fn operations(&self) -> usize {
        self.failed.lock().unwrap().iter().collect::<BTreeSet<_>>().len()
    }

    /// Lets the call go on that is held.
    pub fn release(&self) {
        self.released.notify_one();
    }

    /// Lets the calls arrive that were late, and tells how many there were.
    pub async fn deliver(&self) -> usize {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for (upstream, headers, body) in &late {
            send(upstream, headers.clone(), body.clone()).await;
        }
        late.len()
    }

    /// How often an operation was called on the table whose name ends so.
    pub fn count(&self, operation: &str, table: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        let is_meant = |(target, call): &&(String, Value)| {
            target.ends_with(&format!(".{operation}"))
                && call["TableName"].as_str().is_some_and(|name| name.ends_with(table))
        };
        calls.iter().filter(is_meant).count()
    }
}

async fn send(upstream: &str, mut headers: HeaderMap, body: Bytes) -> (StatusCode, Value) {
    headers.remove("host");
    headers.remove("content-length");
    let answer = super::client::plain().post(upstream).headers(headers).body(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn pass_on(
    State((wire, upstream)): State<(Wire, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // A call of SES is named by its path.
    let target = headers.get("x-amz-target").map_or(uri.path(), |target| target.to_str().unwrap()).to_owned();
    let upstream = format!("{upstream}{}", uri.path());
    let text = String::from_utf8_lossy(&body).into_owned();
    wire.calls.lock().unwrap().push((target.clone(), serde_json::from_str(&text).unwrap()));
    let rule = *wire.rule.lock().unwrap();
    let is_meant = |call: &str| target == call || target.ends_with(&format!(".{call}"));
    let fault = rule.filter(|(call, holds, _)| is_meant(call) && text.contains(holds));
    if fault.is_some() {
        wire.failed.lock().unwrap().push(headers["amz-sdk-invocation-id"].to_str().unwrap().to_owned());
    }
    let error =
        |status, kind: &str| (status, json!({"__type": kind, "message": "injected"}).to_string()).into_response();
    match fault.map(|(_, _, fault)| fault) {
        // Until the client gives up and closes the connection.
        Some(Fault::Timeout) => return std::future::pending().await,
        // A body that fails at its first byte makes the server close the connection.
        Some(Fault::Cut) => return Response::new(Body::new(Limited::new(Full::from("{}"), 1))),
        Some(Fault::InternalError) => return error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Some(Fault::Throttled) => return error(StatusCode::BAD_REQUEST, "ThrottlingException"),
        Some(Fault::Denied) => return error(StatusCode::BAD_REQUEST, "AccessDeniedException"),
        Some(Fault::Cancelled(code)) => {
            *wire.rule.lock().unwrap() = None;
            if !target.ends_with(".TransactWriteItems") {
                return error(StatusCode::BAD_REQUEST, "TransactionConflictException");
            }
            let reasons = [json!({"Code": code}), json!({"Code": "None"})];
            let cancelled = json!({"__type": "TransactionCanceledException", "CancellationReasons": reasons});
            return (StatusCode::BAD_REQUEST, cancelled.to_string()).into_response();
        }
        Some(Fault::Lost) => {
            *wire.rule.lock().unwrap() = None;
            send(&upstream, headers, body).await;
            return Response::new(Body::new(Limited::new(Full::from("{}"), 1)));
        }
        Some(Fault::Unanswered) => {
            send(&upstream, headers, body).await;
            return Response::new(Body::new(Limited::new(Full::from("{}"), 1)));
        }
        Some(Fault::Late) => {
            *wire.rule.lock().unwrap() = None;
            wire.late.lock().unwrap().push((upstream, headers, body));
            return std::future::pending().await;
        }
        Some(fault @ (Fault::Unprocessed | Fault::NeverProcessed)) => {
            if fault == Fault::Unprocessed {
                *wire.rule.lock().unwrap() = None;
            }
            let batch: Value = serde_json::from_str(&text).unwrap();
            return axum::Json(json!({"UnprocessedKeys": batch["RequestItems"]})).into_response();
        }
        Some(Fault::Held) => {
            *wire.rule.lock().unwrap() = None;
            wire.released.notified().await;
        }
        Some(Fault::Malformed | Fault::WithoutItem) | None => {}
    }
    let (status, mut answer) = send(&upstream, headers, body).await;
    if fault.is_some_and(|(_, _, fault)| fault == Fault::Malformed) {
        garble(&mut answer);
    }
    if fault.is_some_and(|(_, _, fault)| fault == Fault::WithoutItem) && !status.is_success() {
        answer.as_object_mut().unwrap().remove("Item");
    }
    (status, answer.to_string()).into_response()
}

/// Makes every attribute of an item a truth value, and a plaintext something else than a key.
fn garble(answer: &mut Value) {
    let Value::Object(members) = answer else { return };
    for (name, value) in members {
        match (name.as_str(), value) {
            ("Item" | "Attributes", Value::Object(item)) => {
                item.values_mut().for_each(|attribute| *attribute = json!({"BOOL": true}));
            }
            ("Items", Value::Array(items)) => {
                for item in items.iter_mut().filter_map(Value::as_object_mut) {
                    item.values_mut().for_each(|attribute| *attribute = json!({"BOOL": true}));
                }
            }
            ("Responses", Value::Object(tables)) => {
                for item in
                    tables.values_mut().filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut)
                {
                    item.values_mut().for_each(|attribute| *attribute = json!({"BOOL": true}));
                }
            }
            ("Plaintext", plaintext) => *plaintext = json!("AAAA"),
            _ => {}
        }
    }
}
