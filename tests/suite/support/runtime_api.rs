//! The Lambda Runtime API, as far as one function needs it (AWS Lambda Developer Guide, "Using the Lambda runtime API
//! for custom runtimes").

use std::{
    fs::File,
    io::{Read, Seek},
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::IntoResponse,
    routing::{get, post},
};
use jea_auth::functions::config::Config;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

/// A function that runs as its own process.
pub struct Function {
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<Value>,
    polls: mpsc::UnboundedReceiver<Instant>,
    stdout: File,
    spawned: Instant,
    child: Child,
}

struct Shared {
    polls: mpsc::UnboundedSender<Instant>,
    events: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<Value>,
}

impl Function {
    /// Starts a binary with the environment that Lambda and the template would give it.
    pub async fn start(binary: &str, config: &Config) -> Self {
        let (events, receiver) = mpsc::channel(1);
        let (sender, answers) = mpsc::channel(1);
        let (polled, polls) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { polls: polled, events: Mutex::new(receiver), answers: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(done))
            .fallback(async |uri: Uri| (StatusCode::NOT_FOUND, uri.to_string()))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let stdout = tempfile::tempfile().unwrap();
        let spawned = Instant::now();
        let child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .envs(environment(config))
            .stdout(stdout.try_clone().unwrap())
            .spawn()
            .unwrap();
        Self { events, answers, polls, stdout, spawned, child }
    }

    /// How long it took from the start of the process until it asked for its first event. To be called once.
    pub async fn started_after(&mut self) -> Duration {
        let polled = tokio::time::timeout(Duration::from_mins(1), self.polls.recv()).await;
        polled.expect("the function starts").expect("the Runtime API is there").duration_since(self.spawned)
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stdout, line by line.
    pub fn journal(&mut self) -> Vec<Value> {
        let mut text = String::new();
        self.stdout.rewind().unwrap();
        self.stdout.read_to_string(&mut text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// One invocation.
    pub async fn invoke(&mut self, event: Value) -> Value {
        self.events.send(event).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_mins(1), self.answers.recv()).await;
        answer.expect("the function answers").expect("the function runs")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The environment that Lambda and the template would give to a function.
pub fn environment(config: &Config) -> Vec<(&'static str, String)> {
    let endpoint = |url: &Option<String>| url.clone().unwrap();
    let paces = &config.paces;
    let passkeys = if config.site.features.passkeys { "on" } else { "off" };
    let mail_from = config.sender.as_ref().map_or_else(String::new, |sender| sender.from.clone());
    vec![
        ("AWS_LAMBDA_FUNCTION_NAME", "function-under-test".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_SESSION_TOKEN", "token".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint(&config.aws.dynamodb_endpoint)),
        ("AWS_ENDPOINT_URL_KMS", endpoint(&config.aws.kms_endpoint)),
        ("STACK_NAME", config.stack.clone()),
        ("ISSUER", config.site.issuer.as_str().to_owned()),
        ("MAIL_FROM", mail_from),
        ("PASSKEYS", passkeys.to_owned()),
        ("ACCOUNT_BURST", paces.account.burst.to_string()),
        ("ACCOUNT_SECONDS", paces.account.interval.as_secs().to_string()),
        ("ADDRESS_BURST", paces.address.burst.to_string()),
        ("ADDRESS_SECONDS", paces.address.interval.as_secs().to_string()),
    ]
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let _ = shared.polls.send(Instant::now());
    let event = shared.events.lock().await.recv().await.expect("the test is still there");
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "99999999999999"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:function-under-test"),
    ];
    (headers, event.to_string())
}

async fn done(State(shared): State<Arc<Shared>>, Path((_, kind)): Path<(String, String)>, body: Bytes) -> StatusCode {
    assert_eq!(kind, "response", "{}", String::from_utf8_lossy(&body));
    shared.answers.send(serde_json::from_slice(&body).unwrap()).await.unwrap();
    StatusCode::ACCEPTED
}
