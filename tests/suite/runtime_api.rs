//! The Lambda Runtime API, as far as one function needs it (AWS Lambda Developer Guide, "Using the Lambda runtime API
//! for custom runtimes").

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::IntoResponse,
    routing::{get, post},
};
use jea_auth::config::Config;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

/// A function that runs as its own process.
pub struct Function {
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<Value>,
    child: Child,
}

struct Shared {
    events: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<Value>,
}

impl Function {
    /// Starts a binary with the environment that Lambda and the template would give it.
    pub async fn start(binary: &str, config: &Config) -> Self {
        let (events, receiver) = mpsc::channel(1);
        let (sender, answers) = mpsc::channel(1);
        let shared = Arc::new(Shared { events: Mutex::new(receiver), answers: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(done))
            .fallback(async |uri: Uri| (StatusCode::NOT_FOUND, uri.to_string()))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoint = |url: &Option<String>| url.clone().unwrap();
        let child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function-under-test")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_SESSION_TOKEN", "token")
            .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint(&config.aws.dynamodb_endpoint))
            .env("AWS_ENDPOINT_URL_KMS", endpoint(&config.aws.kms_endpoint))
            .env("STACK_NAME", &config.stack)
            .env("ISSUER", &config.site.issuer)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { events, answers, child }
    }

    /// One invocation.
    pub async fn invoke(&mut self, event: Value) -> Value {
        self.events.send(event).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(20), self.answers.recv()).await;
        answer.expect("the function answers").expect("the function runs")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
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
