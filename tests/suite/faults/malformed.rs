//! No request, however malformed, makes a 5xx.

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    client,
    event::event,
    service::{EMAIL, PASSWORD, Service, assert_refused},
};

// Check 47.
#[tokio::test]
async fn a_body_that_is_no_credential_is_400() {
    let service = Service::start().await;
    let deep = "[".repeat(2000);
    let deep_object = r#"{"email":"#.repeat(400);
    let bodies: Vec<&[u8]> = vec![
        b"",
        b" ",
        b"null",
        b"true",
        b"17",
        b"\"\"",
        b"[]",
        b"{}",
        br#"["yi@jeplus.org", "a long enough password"]"#,
        br#"[{"email": "yi@jeplus.org", "password": "x"}]"#,
        br#"{"email": "yi@jeplus.org"}"#,
        br#"{"password": "x"}"#,
        br#"{"email": null, "password": "x"}"#,
        br#"{"email": "yi@jeplus.org", "password": null}"#,
        br#"{"email": 1, "password": "x"}"#,
        br#"{"email": ["yi@jeplus.org"], "password": "x"}"#,
        br#"{"email": {"S": "yi@jeplus.org"}, "password": "x"}"#,
        br#"{"email": "a", "email": "b", "password": "x"}"#,
        br#"{"email": "a", "password": "x", "password": "y"}"#,
        br#"{"email": "a", "password": "x", "role": "admin"}"#,
        br#"{"Email": "a", "password": "x"}"#,
        br#"{"email": "a", "password": "x",}"#,
        br#"{"email": "a", "password": "x"} {}"#,
        br#"{"email": "a", "password": "x"}x"#,
        br#"{"email": "a" "password": "x"}"#,
        br"{'email': 'a', 'password': 'x'}",
        br#"{email: "a", password: "x"}"#,
        br#"{"email": "a", "password": "x"#,
        br#"{"email": "a", "password": "\ud800"}"#,
        br#"{"email": "a", "password": "\x"}"#,
        b"{\"email\": \"a\", \"password\": \"\xff\"}",
        b"{\"email\": \"a\", \"password\": \"\xed\xa0\x80\"}",
        b"{\"email\": \"a\", \"password\": \"a\nb\"}",
        b"\xef\xbb\xbf{\"email\": \"a\", \"password\": \"x\"}",
        b"\xff\xfe{\0}\0",
        b"email=a&password=x",
        b"<credential/>",
        b"\0",
        deep.as_bytes(),
        deep_object.as_bytes(),
    ];
    for body in bodies {
        let request = service.request(Method::POST, "/users/api/auth").header("Content-Type", "application/json");
        let answer = request.body(body.to_vec()).send().await.unwrap();
        assert!(!answer.headers().contains_key("set-cookie"));
        let sentence = assert_refused(answer, 400).await;
        assert!(sentence.contains("\"email\" and \"password\""), "it says what to send: {sentence}");
    }
}

// Check 6.
#[tokio::test]
async fn a_body_is_at_most_four_kib() {
    let service = Service::start().await;
    let padded = |length: usize| {
        let credential = format!(r#"{{"email": "{EMAIL}", "password": "{PASSWORD}"}}"#);
        format!("{credential}{}", " ".repeat(length - credential.len()))
    };
    for (length, status) in [(4096, 200), (4097, 413), (1024 * 1024, 413), (10 * 1024 * 1024 + 1, 413)] {
        let request = service.request(Method::POST, "/users/api/auth").header("Content-Type", "application/json");
        let answer = request.body(padded(length)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{length} bytes");
        if length == 4097 {
            assert_eq!(assert_refused(answer, 413).await, "Send a credential of at most 4 KiB.");
        }
    }
}

// Check 35.
#[tokio::test]
async fn a_credential_is_plain_json_or_415() {
    let service = Service::start().await;
    let credential = format!(r#"{{"email": "{EMAIL}", "password": "{PASSWORD}"}}"#);
    for (content_type, status) in [
        (Some("application/json"), 200),
        (Some("Application/JSON; Charset=\"UTF-8\""), 200),
        (Some("application/json; charset=utf8"), 200),
        (Some("application/json;charset=UTF8"), 200),
        (Some("application/json; charset=utf-8x"), 415),
        (Some("application/json; charset=utf-16"), 415),
        (Some("application/json, text/plain"), 415),
        (Some("application/jsonp"), 415),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data; boundary=x"), 415),
        (None, 415),
    ] {
        let mut request = service.request(Method::POST, "/users/api/auth").body(credential.clone());
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{content_type:?}");
        if status == 415 {
            let sentence = assert_refused(answer, 415).await;
            assert!(sentence.starts_with("Content-Type: "), "{content_type:?}: {sentence}");
        }
    }
    // The client has a session since the first of them.
    let confirm = service.request(Method::POST, "/users/api/confirm").header("Content-Type", "text/plain");
    assert_refused(confirm.body(credential.clone()).send().await.unwrap(), 415).await;
    let encoded = service.request(Method::POST, "/users/api/auth").header("Content-Type", "application/json");
    let encoded = encoded.header("Content-Encoding", "gzip").body(credential).send().await.unwrap();
    assert!(assert_refused(encoded, 415).await.starts_with("Content-Encoding: "));
}

// Check 51.
#[tokio::test]
async fn odd_tokens_and_headers_are_401() {
    let service = Service::start().await;
    let url = format!("{}/users/api/user", service.running.url);
    let long = "a".repeat(5000);
    for token in ["", ".", "..", "...", "a.b.c", "\u{e9}.\u{e9}.\u{e9}", "null", "eyJhbGciOiJub25lIn0.e30.", &long] {
        let by_cookie = client::plain().get(&url).header("Cookie", format!("session_token={token}"));
        assert_refused(by_cookie.send().await.unwrap(), 401).await;
        let by_bearer = client::plain().get(&url).header("Authorization", format!("Bearer {token}"));
        assert_refused(by_bearer.send().await.unwrap(), 401).await;
    }
    for value in [&b"\xff\xfe"[..], b"=;=;;=", b"session_token", b";;;;", b"session_token=\xc3\x28"] {
        assert_refused(client::plain().get(&url).header("Cookie", value).send().await.unwrap(), 401).await;
    }
}

/// Whatever path a gateway may hand on, without a session from the authorizer the function does nothing.
// Check 49.
#[tokio::test]
async fn no_spelling_of_a_path_gets_past_the_function_without_a_session() {
    let service = Service::start().await;
    let function = jea_auth::functions::app::logon(&service.running.config, service.clock());
    let long = format!("/{}", "a".repeat(70_000));
    for path in [
        "",
        "/",
        "//",
        "/.",
        "/..",
        "/users",
        "/users/api",
        "/users/api/",
        "/users/api/user",
        "/users/api/user/",
        "/users/api/User",
        "//users/api/user",
        "/users//api/user",
        "/users/./api/user",
        "/users/api/x/../user",
        "/users/api/user%00",
        "/users/api/%75ser",
        "/users/api/user;x",
        "/users/api/user?x",
        "/users/api/user#x",
        "/users/api/user ",
        " /users/api/user",
        "\\users\\api\\user",
        "/prod/users/api/user",
        "users/api/user",
        "/users/api/checkin",
        "/users/api/logout",
        "/users/api/confirm",
        "http://evil.example/users/api/user",
        "/\u{e9}\u{0}\u{202e}",
        &long,
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "get", "", "G E T", "\u{0}"] {
            let asks = event(method, path).body(&format!(r#"{{"email": "{EMAIL}", "password": "{PASSWORD}"}}"#));
            let answer = function.handle(&asks.event()).await;
            assert_eq!(answer.status.as_u16(), 401, "{method} {path}");
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
}

/// What no HTTP client would send.
// Check 47.
#[tokio::test]
async fn odd_bytes_on_the_wire_are_4xx() {
    let service = Service::start().await;
    for request in [
        "GET /users/api/user HTTP/1.1\r\nHost: localhost\r\nCookie: session_token=a\r\nCookie: session_token=b\r\n\r\n",
        "GET //users/api/user HTTP/1.1\r\nHost: \r\n\r\n",
        "GET http://evil.example/users/api/user HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%00%ff%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /a|b^c`d HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "M-SEARCH / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /users/api/auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /users/api/auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ] {
        let status = status_of(&service, request).await;
        assert!((400..500).contains(&status), "{status} for {request:?}");
    }
    assert_eq!(service.get("/users/api/info").await.status(), 200, "and it goes on");
}

async fn status_of(service: &Service, request: &str) -> u16 {
    let mut stream = TcpStream::connect(service.running.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()[9..].parse().unwrap()
}
