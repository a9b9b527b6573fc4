//! The ports of the local stack: who is let in, and for how long.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use jea_auth::local::{GRACE, Options, PATIENCE};
use reqwest::{Method, StatusCode};

use crate::support::{
    client,
    service::{Service, assert_refused},
};

/// A request that DynamoDB and KMS would answer with what they hold.
fn call(url: &str, method: Method) -> reqwest::RequestBuilder {
    let target = "DynamoDB_20120810.Scan";
    let request = client::plain().request(method, url).header("X-Amz-Target", target);
    request.header("Content-Type", "application/x-amz-json-1.0").body(r#"{"TableName": "jea-auth-accounts"}"#)
}

// Check 69.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_the_database_or_has_kms_decrypt() {
    let service = Service::start().await;
    for url in [&service.running.dynamodb_url, &service.running.kms_url] {
        for origin in ["https://evil.example", "null", "", url, &service.running.url] {
            for method in [Method::POST, Method::GET, Method::OPTIONS, Method::DELETE] {
                let request = call(url, method.clone()).header("Origin", origin);
                let request = request.header("Access-Control-Request-Method", "POST");
                let answer = request.header("Access-Control-Request-Headers", "x-amz-target").send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {url} {origin:?}");
                let cors = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(cors, None, "{method} {url} {origin:?}");
                assert!(!answer.text().await.unwrap().contains("argon2"));
            }
        }
    }
    for url in [&service.running.dynamodb_url, &service.running.kms_url] {
        let image = client::plain().get(url).header("Sec-Fetch-Site", "cross-site").send().await.unwrap();
        assert_refused(image, 403).await;
    }
    let read = call(&service.running.dynamodb_url, Method::POST).send().await.unwrap();
    assert!(read.text().await.unwrap().contains("$argon2id$"), "a program without an origin reads it");
}

// Check 69.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_another_s_that_leads_to_this_machine_is_refused_at_every_port() {
    let service = Service::start().await;
    for url in [&service.running.dynamodb_url, &service.running.kms_url, &service.running.url] {
        let port = url.rsplit(':').next().unwrap();
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.2", "evil@127.0.0.1"]
        {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let path = if *url == service.running.url { "/users/api/info" } else { "/" };
                let request = call(&format!("{url}{path}"), method).header("Host", format!("{host}:{port}"));
                let answer = request.send().await.unwrap();
                assert!(!answer.headers().keys().any(|name| name.as_str().starts_with("access-control-")));
                assert!(assert_refused(answer, 403).await.contains("localhost"), "{host}");
            }
        }
        for host in ["localhost", "127.0.0.1", "LOCALHOST", "[::1]"] {
            let path = if *url == service.running.url { "/users/api/info" } else { "/" };
            let request = call(&format!("{url}{path}"), Method::GET).header("Host", format!("{host}:{port}"));
            assert_ne!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{host}");
        }
        let address = url.trim_start_matches("http://");
        for head in [
            format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\n\r\n"),
            format!("GET http://evil.example/ HTTP/1.1\r\nHost: {address}\r\n\r\n"),
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
        ] {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 403", "{head:?}");
        }
    }
}

/// After so long a connection is not cut at all, however busy this machine is.
const NEVER: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_finish_its_request_is_cut_at_every_port() {
    let patience = Duration::from_millis(400);
    let service = Service::start_with(Options { patience, ..Options::in_memory() }).await;
    let url = |url: &str| url.trim_start_matches("http://").to_owned();
    for address in [&service.running.url, &service.running.dynamodb_url, &service.running.kms_url].map(|it| url(it)) {
        let head = format!("POST /users/api/auth HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000\r\n");
        // The first never ends its head, the second its body, the third says nothing after its first request.
        for (sent, drips, answer) in [
            (head.clone(), true, ""),
            (format!("{head}\r\n"), true, "HTTP/1.1 408"),
            (format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n"), false, "HTTP/1.1 "),
        ] {
            let mut stream = TcpStream::connect(&address).unwrap();
            let mut reader = stream.try_clone().unwrap();
            let begun = Instant::now();
            stream.write_all(sent.as_bytes()).unwrap();
            let dripping = std::thread::spawn(move || {
                while drips && begun.elapsed() < NEVER && stream.write_all(b"x").is_ok() {
                    std::thread::sleep(patience / 20);
                }
            });
            let mut answered = Vec::new();
            // A connection that is reset has been cut as well.
            let _ = reader.read_to_end(&mut answered);
            let taken = begun.elapsed();
            assert!(patience <= taken && taken < NEVER, "{sent:?} at {address}: cut after {taken:?}");
            let answered = String::from_utf8_lossy(&answered);
            assert!(answered.starts_with(answer), "{sent:?} at {address}: {answered}");
            dripping.join().unwrap();
        }
    }
    assert_eq!(service.get("/users/api/info").await.status(), StatusCode::OK, "and it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    // More than the buffers of both ends of a connection take.
    const ANSWER_BYTES: usize = 64 * 1024 * 1024;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(async || vec![b'x'; ANSWER_BYTES]);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let service = async |patience| {
        let backend = Some(backend.parse().unwrap());
        Service::start_with(Options { patience, backend, ..Options::in_memory() }).await
    };
    let ask = async |service: &Service| {
        let (address, token) = (service.running.url.trim_start_matches("http://"), service.new_token().await);
        let mut stream = TcpStream::connect(address).unwrap();
        let head =
            format!("GET /orders HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close");
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    let mut answer = Vec::new();
    let patient = service(PATIENCE).await;
    ask(&patient).await.read_to_end(&mut answer).unwrap();
    assert!(answer.len() > ANSWER_BYTES, "who reads gets all of it");
    let patience = Duration::from_millis(400);
    let impatient = service(patience).await;
    let (mut stream, begun) = (ask(&impatient).await, Instant::now());
    // A connection that was cut refuses what is sent.
    while stream.write_all(b"x").is_ok() {
        assert!(begun.elapsed() < NEVER, "it is not cut");
        tokio::time::sleep(patience / 20).await;
    }
    assert!(begun.elapsed() >= patience);
}

#[test]
fn how_long_a_client_may_take_is_said_where_it_is_looked_for() {
    let help =
        std::process::Command::new(crate::support::program::PROGRAM).args(["serve", "--help"]).output().unwrap().stdout;
    let page = std::fs::read_to_string(crate::support::repository::root().join("docs/local-gateway.md")).unwrap();
    for text in [String::from_utf8(help).unwrap(), page] {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("has {} seconds for the head of a request", PATIENCE.as_secs())), "{words}");
        assert!(words.contains(&format!("have {} seconds", GRACE.as_secs())), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_call_of_the_database_gets_dynamodb_s_exception_without_the_engine_s_marks() {
    let service = Service::start().await;
    let table = r#""TableName": "jea-auth-accounts""#;
    for (operation, body, exception) in [
        ("DeleteTable", "{}".to_owned(), "ValidationException"),
        ("GetItem", format!(r#"{{{table}, "ReturnConsumedCapacity": "ALL", "Key": {{}}}}"#), "ValidationException"),
        ("PutItem", format!(r#"{{{table}, "Item": {{"email": {{"NULL": false}}}}}}"#), "ValidationException"),
        ("PutItem", format!(r#"{{{table}, "Item": 1}}"#), "SerializationException"),
        ("Scan", "{".to_owned(), "SerializationException"),
    ] {
        let request = client::plain().post(&service.running.dynamodb_url).body(body);
        let answer = request.header("X-Amz-Target", format!("DynamoDB_20120810.{operation}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let error = answer.text().await.unwrap();
        assert!(error.contains(&format!("#{exception}")), "{operation}: {error}");
        let marks = ["VALIDATION", "SERIALIZATION", " at line "];
        assert!(!marks.iter().any(|mark| error.contains(mark)), "{operation}: {error}");
    }
}

/// A browser tries either address of `localhost` first.
#[tokio::test]
async fn the_service_answers_at_both_addresses_of_its_name_and_each_is_its_own_origin() {
    let service = Service::start().await;
    let (_, port) = service.running.url.rsplit_once(':').unwrap();
    assert_eq!(service.running.config.site.issuer.as_str(), format!("http://localhost:{port}"));
    let mut names = vec!["localhost", "127.0.0.1"];
    if tokio::net::TcpListener::bind("[::1]:0").await.is_ok() {
        names.push("[::1]");
    }
    for name in names {
        let url = format!("http://{name}:{port}");
        let log_on = Service::credential_request(&client::plain(), &url).header("Origin", &url).send().await;
        assert_eq!(log_on.unwrap().status(), StatusCode::OK, "{name}");
    }
}
