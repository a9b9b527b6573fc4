//! How the doctor, and every other command, gets to a service and to AWS.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use axum::{Json, Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::support::{program::Operator, service::Service};

/// State, finding and advice of what the doctor says of one check.
fn of<'a>(findings: &'a Value, check: &str) -> Option<[&'a str; 3]> {
    let finding = findings.as_array().unwrap().iter().find(|finding| finding["check"] == check)?;
    Some(["state", "found", "todo"].map(|name| finding[name].as_str().unwrap_or_default()))
}

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_its_url_should_be_and_whether_it_is_of_the_same_release() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let asked = |url: &str| -> Value {
        serde_json::from_slice(&operator.run(&["doctor", "--json", "--url", url], "").stdout).unwrap()
    };
    let own = asked(&format!("{}/", service.running.url));
    assert_eq!(of(&own, "release").unwrap()[..2], ["ok", &format!("{}, as this program", env!("CARGO_PKG_VERSION"))]);
    let refusing = served(Router::new()).await;
    let [state, found, todo] = of(&asked(&refusing), "public keys").map(|texts| texts.map(str::to_owned)).unwrap();
    assert_eq!(state, "error");
    assert_eq!(found, format!("{refusing}/.well-known/jwks.json answers 404 Not Found"));
    assert!(todo.contains("the stack's output Url") && todo.contains("/prod"), "{todo}");
    let keys = "/.well-known/jwks.json";
    let page = served(Router::new().route(keys, get(async || "<html>"))).await;
    let findings = asked(&page);
    let [state, found, _] = of(&findings, "public keys").unwrap();
    assert_eq!((state, found), ("error", format!("{page} publishes no key set").as_str()));
    assert_eq!(of(&findings, "release"), None, "another service is not asked for more");
    let older = Router::new()
        .route(keys, get(async || Json(json!({"keys": []}))))
        .route("/users/api/info", get(async || Json(json!({"Release": "0.0.9"}))));
    let findings = asked(&served(older).await);
    let [state, found, _] = of(&findings, "release").unwrap();
    assert_eq!(state, "warning");
    assert!(found.starts_with("the service is 0.0.9, this program "), "{found}");
    let silent = Router::new()
        .route(keys, get(async || Json(json!({"keys": []}))))
        .route("/users/api/info", get(async || StatusCode::FORBIDDEN));
    assert_eq!(of(&asked(&served(silent).await), "release").unwrap()[0], "error");
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_not_asked_through_a_proxy() {
    let service = Service::start().await;
    let mut operator = Operator::of(&service);
    operator
        .environment
        .extend(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1".to_owned())));
    let findings = operator.json(&["doctor", "--url", &service.running.url]);
    assert_eq!(of(&findings, "public keys").unwrap()[0], "ok");
}

/// A proxy that lets nothing through, and the first line of each request to it.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut head) = (stream.unwrap(), [0; 1024]);
            let read = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            noted.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (url, asked)
}

fn on_aws(variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jea-auth"))
        .args(["user", "list"])
        .env_clear()
        .envs([("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn aws_is_asked_through_the_proxy_that_the_environment_names() {
    let (url, asked) = proxy();
    let refused = on_aws(&[("HTTPS_PROXY", &url)]);
    assert!(!refused.status.success());
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE are taken"), "{told}");
    let asked_of = std::mem::take(&mut *asked.lock().unwrap());
    let connect = "CONNECT dynamodb.eu-west-1.amazonaws.com:443 HTTP/1.1";
    assert!(!asked_of.is_empty() && asked_of.iter().all(|line| line == connect), "{asked_of:?}");
    // Nothing listens at the endpoint, so that it fails at once without the proxy.
    let endpoint = ("AWS_ENDPOINT_URL_DYNAMODB", "https://127.0.0.1:1");
    on_aws(&[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1"), endpoint]);
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn a_bundle_of_certificates_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let name = path.to_str().unwrap();
    let told = |output: Output| {
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = told(on_aws(&[("AWS_CA_BUNDLE", name)]));
    assert!(missing.contains(&format!("AWS_CA_BUNDLE names {name}: ")), "{missing}");
    std::fs::write(&path, "no certificate").unwrap();
    let empty = told(on_aws(&[("AWS_CA_BUNDLE", name)]));
    assert!(empty.contains("which holds no certificates\nhint: name a file of root certificates in PEM"), "{empty}");
}
