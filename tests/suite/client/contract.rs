//! What a client sees, operation by operation, through the gateway.

use jea_auth::domain::account::Status;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    client,
    service::{EMAIL, PASSWORD, Service, assert_common_headers, assert_refused, client, cookies_of, token_of},
};

// Checks 1, 33, 38.
#[tokio::test]
async fn a_log_on_gives_the_auth_object_and_one_cookie() {
    let service = Service::start().await;
    let answer = service.log_on(" YI@jePlus.org ", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_common_headers(&answer);
    let cookies = cookies_of(&answer);
    let value = token_of(&answer);
    assert_eq!(cookies[0], format!("session_token={value}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"));
    assert!(cookies[1].starts_with("known_device="), "{}", cookies[1]);
    assert!(cookies[1].ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax"), "{}", cookies[1]);
    assert_eq!(cookies.len(), 2);
    assert!(!value.contains('=') && value.split('.').count() == 3);
    assert_eq!(
        answer.text().await.unwrap(),
        r#"{"ok":true,"status":"Logged in successfully!","jwt":"Session token in cookie","user":"Yi","role":null,"email":"yi@jeplus.org"}"#
    );
}

// Check 4.
#[tokio::test]
async fn long_passwords_work_whole_in_any_script() {
    let service = Service::start().await;
    for (number, password) in
        ["x".repeat(64), "y".repeat(200), "\u{e4}\u{5bc6}".repeat(32), "\u{1f511} ".repeat(100)].iter().enumerate()
    {
        let email = format!("long-{number}@jeplus.org");
        service.add_account(&email, password, Status::Active).await;
        assert_eq!(service.log_on(&email, password).await.status(), StatusCode::OK);
        let mut shorter = password.clone();
        shorter.pop();
        for other in [&shorter, &format!("{password}x")] {
            assert_refused(service.log_on(&email, other).await, 401).await;
        }
    }
}

#[tokio::test]
async fn the_alias_logs_on_as_well() {
    let service = Service::start().await;
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    let answer = service.request(Method::POST, "/users/api/logon").json(&credential).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

// Check 2.
#[tokio::test]
async fn an_unknown_email_a_wrong_password_and_a_disabled_account_look_the_same() {
    let service = Service::start().await;
    service.add_account("disabled@jeplus.org", PASSWORD, Status::Disabled).await;
    let too_long = "x".repeat(1025);
    let mut answers = Vec::new();
    for (email, password) in [
        (EMAIL, "a wrong password"),
        ("nobody@jeplus.org", PASSWORD),
        ("disabled@jeplus.org", PASSWORD),
        ("no email at all", PASSWORD),
        ("", ""),
        (EMAIL, &too_long),
    ] {
        let answer = service.log_on(email, password).await;
        let mut headers = answer.headers().clone();
        headers.remove("date");
        answers.push((answer.status(), headers, answer.text().await.unwrap()));
    }
    let (status, headers, body) = &answers[0];
    assert_eq!(*status, StatusCode::UNAUTHORIZED);
    assert_eq!(body, r#"{"ok":false,"status":"No matching username and password pair was found!"}"#);
    assert!(!headers.contains_key("set-cookie"));
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn a_log_on_ignores_any_token_that_comes_with_it() {
    let service = Service::start().await;
    for old in ["session_token=old; session_token=older", "session_token=", "session_token=a.b.c; Path=/"] {
        let request = Service::credential_request(&client::plain(), &service.running.url).header("Cookie", old);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{old}");
    }
}

// Check 38.
#[tokio::test]
async fn a_check_in_takes_any_body_and_gives_a_new_cookie() {
    let service = Service::start().await;
    let first = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let url = format!("{}/users/api/checkin", service.running.url);
    let json_type = ("Content-Type", "application/json; charset=utf-8");
    for request in [
        service.client.post(&url),
        service.client.post(&url).header(json_type.0, json_type.1).body("\"\""),
        service.client.post(&url).header(json_type.0, json_type.1),
        service.client.post(&url).body("{}"),
        service.client.post(&url).header("Content-Type", "text/plain").body(vec![0xff, 0xfe]),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let cookies = cookies_of(&answer);
        assert_eq!(cookies.len(), 1);
        assert!(cookies[0].ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"), "{}", cookies[0]);
        assert_ne!(token_of(&answer), first);
        assert_eq!(
            answer.text().await.unwrap(),
            r#"{"ok":true,"status":"Session renewed successfully!","jwt":"Session key cookie","user":"Yi","role":null,"email":"yi@jeplus.org"}"#
        );
    }
    assert_eq!(service.user_with(&first).await, StatusCode::OK, "the older token stays valid");
}

// Checks 33, 40.
#[tokio::test]
async fn a_log_off_clears_the_cookie_and_ends_every_token_of_its_session_alone() {
    let service = Service::start().await;
    let first = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let renewed = token_of(&service.post("/users/api/checkin").await);
    let other_session = service.new_token().await;
    let answer = service.post("/users/api/logout").await;
    assert_eq!(cookies_of(&answer), ["session_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]);
    assert_eq!(
        answer.text().await.unwrap(),
        r#"{"ok":true,"status":"Logged out successfully!","jwt":"Session token cleared","user":null,"role":null,"email":null}"#
    );
    for token in [&first, &renewed] {
        assert_eq!(service.user_with(token).await, StatusCode::UNAUTHORIZED);
        let again = client().post(format!("{}/users/api/logout", service.running.url)).bearer_auth(token);
        assert_refused(again.send().await.unwrap(), 401).await;
    }
    assert_eq!(service.user_with(&other_session).await, StatusCode::OK);
}

#[tokio::test]
async fn confirm_takes_the_session_s_own_credential_and_no_other() {
    let service = Service::start().await;
    service.add_account("other@jeplus.org", "another password here", Status::Active).await;
    service.log_on(EMAIL, PASSWORD).await;
    let confirm = async |email: &str, password: &str| {
        let credential = json!({"email": email, "password": password});
        service.request(Method::POST, "/users/api/confirm").json(&credential).send().await.unwrap()
    };
    let good = confirm(EMAIL, PASSWORD).await;
    assert_eq!((good.status(), cookies_of(&good).len()), (StatusCode::OK, 1));
    assert_eq!(
        good.text().await.unwrap(),
        r#"{"ok":true,"status":"User credential confirmed!","jwt":"Session key cookie","user":"Yi","role":null,"email":"yi@jeplus.org"}"#
    );
    for (email, password) in [(EMAIL, "wrong"), ("other@jeplus.org", "another password here"), ("nobody", "x")] {
        let answer = confirm(email, password).await;
        assert!(cookies_of(&answer).is_empty());
        assert_eq!(assert_refused(answer, 403).await, "User does not match the existing session");
    }
}

#[tokio::test]
async fn the_account_object_tells_all_but_secrets() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let answer = service.get("/users/api/user").await;
    assert_common_headers(&answer);
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({
            "ok": true,
            "status": "User's account details included.",
            "data": {"nickname": "Yi", "email": "yi@jeplus.org", "role": null, "country": "GB", "title": "Dr"},
        })
    );
}

// Checks 48, 49.
#[tokio::test]
async fn without_a_token_everything_else_is_401_whether_it_exists_or_not() {
    let service = Service::start().await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in [
            "/",
            "/users/api/checkin",
            "/users/api/logout",
            "/users/api/confirm",
            "/users/api/user",
            "/users/api/nothing",
            "/users/api/auth//",
            "/users//api/auth",
            "/users/api/%61uth",
            "/users/api/../api/x",
            "/USERS/API/INFO",
            "/.well-known/jwks.json//",
            "/orders/17?x=1",
        ] {
            let answer = service.request(method.clone(), path).send().await.unwrap();
            assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{method} {path}");
            assert_refused(answer, 401).await;
        }
    }
    for (method, path) in
        [(Method::GET, "/users/api/auth"), (Method::POST, "/users/api/info"), (Method::PUT, "/.well-known/jwks.json")]
    {
        let answer = service.request(method, path).send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_refused(answer, 401).await;
    }
    let head = service.request(Method::HEAD, "/users/api/info").send().await.unwrap();
    assert_eq!(head.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn with_a_token_what_is_not_there_is_404_and_a_wrong_method_405() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    for path in ["/", "/users/api/nothing", "/users/api/auth//", "/orders/17"] {
        assert_refused(service.get(path).await, 404).await;
    }
    for (method, path, allowed) in [
        (Method::GET, "/users/api/auth", "POST"),
        (Method::GET, "/users/api/auth/", "POST"),
        (Method::DELETE, "/users/api/checkin", "POST"),
        (Method::PATCH, "/users/api/user", "GET, POST"),
        (Method::GET, "/users/api/keys/0123456789abcdef0123456789abcdef", "DELETE"),
        (Method::PUT, "/.well-known/jwks.json", "GET"),
    ] {
        let answer = service.request(method, path).send().await.unwrap();
        assert_eq!(answer.headers()["allow"], allowed);
        assert_refused(answer, 405).await;
    }
}

// Check 49.
#[tokio::test]
async fn one_slash_at_the_end_is_the_same_operation_for_function_and_authorizer() {
    let service = Service::start().await;
    for path in ["/users/api/info/", "/.well-known/jwks.json/", "/.well-known/openid-configuration/"] {
        let answer = service.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_common_headers(&answer);
    }
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    for path in ["/users/api/auth/", "/users/api/logon/"] {
        let answer = service.request(Method::POST, path).json(&credential).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let confirm = service.request(Method::POST, "/users/api/confirm/").json(&credential).send().await.unwrap();
    assert_eq!(confirm.status(), StatusCode::OK);
    assert_eq!(service.post("/users/api/checkin/").await.status(), StatusCode::OK);
    assert_refused(service.get("/orders").await, 404).await;
    // The session ends elsewhere. The authorizer remembers it for some seconds, but not for the service's own operations.
    assert!(service.administration().end_sessions(&service.account().await.email).await.unwrap().is_some());
    assert_refused(service.get("/orders").await, 404).await;
    assert_refused(service.get("/users/api/user/").await, 401).await;
    assert_refused(service.get("/users/api/user").await, 401).await;
}

// Check 48.
#[tokio::test]
async fn version_keys_and_discovery_are_open_to_everybody() {
    let service = Service::start().await;
    let version = service.get("/users/api/info").await;
    assert_common_headers(&version);
    let version: Value = version.json().await.unwrap();
    let names: Vec<&String> = version.as_object().unwrap().keys().collect();
    assert_eq!(names, ["Description", "Major", "Minor", "Notice", "Release", "Revision", "Title", "Update"]);
    let numbers = format!("{}.{}.{}", version["Major"], version["Minor"], version["Revision"]);
    assert_eq!(numbers, env!("CARGO_PKG_VERSION"));

    let keys = service.get("/.well-known/jwks.json").await;
    assert_common_headers(&keys);
    let keys: Value = keys.json().await.unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert!(keys["keys"][0].get("d").is_none(), "no private half");

    let discovery = service.get("/.well-known/openid-configuration").await;
    assert_common_headers(&discovery);
    let discovery: Value = discovery.json().await.unwrap();
    assert_eq!(discovery["issuer"], service.running.config.site.issuer.as_str());
    assert_eq!(discovery["jwks_uri"], format!("{}/.well-known/jwks.json", service.running.config.site.issuer.as_str()));
    assert_eq!(discovery["id_token_signing_alg_values_supported"], json!(["ES256"]));
    for member in ["authorization_endpoint", "response_types_supported", "subject_types_supported"] {
        assert!(discovery.get(member).is_some(), "OpenID Connect Discovery requires {member}");
    }
}

#[tokio::test]
async fn a_token_says_who_and_for_how_long_and_nothing_personal() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let service = Service::start().await;
    let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
    let part = |index| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
    };
    let (header, claims): (Value, Value) = (part(0), part(1));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("JWT")));
    assert!(header["kid"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(header.as_object().unwrap().len(), 3);
    let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["aud", "auth_time", "exp", "iat", "iss", "jti", "sid", "sub"]);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 12 * 3600);
}
