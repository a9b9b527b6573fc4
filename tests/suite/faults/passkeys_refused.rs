//! Passkeys that are refused: what was reported of other services, each alone.

use std::time::{Duration, Instant};

use jea_auth::{api::Operation, domain::account::Status, functions::app, local::Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    authenticator::{Authenticator, BE, BS, UP, UV, client_data, text},
    client,
    event::event,
    mails,
    owner::{bearer, ok, send},
    passkeys::{another, ask, assertion, begin, challenge, change, log_on, make, origin, registration, with_passkey},
    program::Operator,
    proxy::Wire,
    service::{EMAIL, PASSWORD, Service, assert_refused, client},
};

const FAILED: &str = r#"{"ok":false,"status":"No matching username and password pair was found!"}"#;

/// Asserts that a passkey's use is refused as every other is.
async fn assert_no_log_on(service: &Service, body: &Value, why: &str) {
    let since = Instant::now();
    let answer = ask(service, "auth", body).await;
    let took = since.elapsed();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{why}");
    assert!(answer.headers().get("set-cookie").is_none(), "{why}");
    assert_eq!(answer.text().await.unwrap(), FAILED, "{why}");
    assert!(took >= Duration::from_millis(25), "{why}: {took:?}");
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_refused_alone_with_one_object_and_not_before_25_ms() {
    let (service, mut authenticator) = with_passkey().await;
    let origin = origin(&service);
    let port = origin.rsplit(':').next().unwrap().to_owned();
    // What the browser says.
    let changes = [
        ("type", json!("webauthn.create"), "a registration's client data"),
        ("challenge", json!("AAAA"), "a challenge of nobody"),
        ("challenge", json!(""), "no challenge"),
        ("origin", json!(format!("http://evil.localhost:{port}")), "an origin that ends in the right one"),
        ("origin", json!(format!("{origin}.evil.example")), "an origin that begins as the right one"),
        ("origin", json!("http://localhost"), "another port"),
        ("origin", json!(format!("https://localhost:{port}")), "another scheme"),
        ("crossOrigin", json!(true), "a frame"),
        ("topOrigin", json!("https://evil.example"), "a page around"),
    ];
    for (member, value, why) in changes {
        let mut data = client_data("webauthn.get", &challenge(&service).await, &origin);
        data[member] = value;
        assert_no_log_on(&service, &authenticator.assert(data.to_string().as_bytes()), why).await;
    }
    // What the authenticator says.
    let flags = authenticator.flags;
    for (flags, why) in [
        (flags & !UP, "nobody was there"),
        (flags & !UV, "nobody was verified"),
        (UP | UV | BS, "backed up, and not eligible"),
    ] {
        authenticator.flags = flags;
        assert_no_log_on(&service, &assertion(&service, &authenticator).await, why).await;
    }
    authenticator.flags = UP | UV | BE | BS;
    for rp_id in ["", "evil.example", "localhost.evil.example", "Localhost"] {
        authenticator.rp_id = rp_id.to_owned();
        assert_no_log_on(&service, &assertion(&service, &authenticator).await, rp_id).await;
    }
    authenticator.rp_id = "localhost".to_owned();
    // What is sent.
    let other = text(&[7; 32]);
    for (member, value, why) in [
        ("userHandle", json!(other), "a handle of nobody"),
        ("userHandle", json!(""), "an empty handle"),
        ("userHandle", Value::Null, "no handle"),
        ("userHandle", json!("AAAA"), "a short handle"),
        ("signature", json!(""), "no signature"),
        ("signature", json!(other), "no form of a signature"),
        ("authenticatorData", json!(other), "too little"),
    ] {
        let mut body = assertion(&service, &authenticator).await;
        body["response"][member] = value;
        assert_no_log_on(&service, &body, why).await;
    }
    for id in [text(&[1; 32]), text(&[])] {
        let mut body = assertion(&service, &authenticator).await;
        (body["id"], body["rawId"]) = (json!(id), json!(id));
        assert_no_log_on(&service, &body, "an id of nobody").await;
    }
    ok(log_on(&service, &authenticator).await).await;
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_opens_no_account_but_its_own() {
    let (mut service, own) = with_passkey().await;
    let (of_another, token) = another(&mut service).await;
    let mut mixed = assertion(&service, &of_another).await;
    mixed["response"]["userHandle"] = json!(text(&own.handle));
    assert_no_log_on(&service, &mixed, "the handle of another account").await;
    let mut mixed = assertion(&service, &of_another).await;
    (mixed["id"], mixed["rawId"]) = (json!(text(&own.id)), json!(text(&own.id)));
    assert_no_log_on(&service, &mixed, "the id of another account's").await;
    let removing = format!("passkeys/{}", text(&own.id));
    let refused = bearer(&service, Method::DELETE, &removing, &token).send().await.unwrap();
    assert_refused(refused, 404).await;
    assert_eq!(ok(log_on(&service, &own).await).await["email"], EMAIL, "another's passkey is not removed");
    assert_eq!(ok(log_on(&service, &of_another).await).await["email"], "ann@example.org");
    // The same authenticator at two accounts: the handle is another one, and so is the challenge of each.
    let (options, _) = begin(&service).await;
    let body = registration(&service, &options, &of_another);
    let refused = bearer(&service, Method::POST, "passkeys", &token).json(&body).send().await.unwrap();
    assert_refused(refused, 400).await;
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_counts_once_by_whichever_passkey_also_at_the_same_moment() {
    let (mut service, own) = with_passkey().await;
    let (of_another, _) = another(&mut service).await;
    let data = client_data("webauthn.get", &challenge(&service).await, &origin(&service)).to_string();
    let url = format!("{}/users/api/passkeys/auth", service.running.url);
    let tasks = (0..12).map(|at| {
        let authenticator = if at % 2 == 0 { &own } else { &of_another };
        let request = client::plain().post(&url).json(&authenticator.assert(data.as_bytes()));
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    });
    let mut statuses = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[401; 11]].concat());
    // A later challenge voids no earlier one, as a browser holds one for its autofill; a wrong try spends its own.
    let (earlier, later) = (assertion(&service, &own).await, assertion(&service, &own).await);
    let mut wrong = assertion(&service, &own).await;
    wrong["response"]["signature"] = json!("AAAA");
    assert_no_log_on(&service, &wrong, "a wrong signature").await;
    for body in [&later, &earlier] {
        ok(ask(&service, "auth", body).await).await;
        assert_no_log_on(&service, body, "a second time").await;
    }
    let late = assertion(&service, &own).await;
    service.advance(Duration::from_mins(5));
    assert_no_log_on(&service, &late, "after five minutes").await;
}

// Check 87.
#[tokio::test]
async fn a_registration_wants_a_fresh_proof_and_its_own_challenge_once() {
    let (mut service, own) = with_passkey().await;
    let (options, next) = begin(&service).await;
    let add = async |body: &Value| send(&service, Method::POST, "passkeys", body).await;
    let reason = async |body: &Value| {
        let answer = add(body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        answer.json::<Value>().await.unwrap()["reason"].clone()
    };
    let of_log_on = json!({"challenge": challenge(&service).await});
    assert_eq!(reason(&registration(&service, &of_log_on, &next)).await, "bad-passkey");
    let (again, _) = begin(&service).await;
    assert_eq!(reason(&registration(&service, &again, &own)).await, "passkey-known");
    let body = registration(&service, &options, &next);
    let added = ok(add(&body).await).await["data"].clone();
    // The answer may have been lost; nothing is added by it once more.
    assert_eq!(ok(add(&body).await).await["data"], added);
    assert_eq!(service.account().await.passkeys.len(), 2);
    let path = format!("/users/api/passkeys/{}", added["id"].as_str().unwrap());
    ok(service.request(Method::DELETE, &path).send().await.unwrap()).await;
    assert_eq!(reason(&body).await, "bad-passkey", "its challenge counts once");
    let mut spoilt = Authenticator::new("localhost", &own.handle);
    for (flags, rp_id) in [(UP | BE | BS, "localhost"), (UV | BE | BS, "localhost"), (UP | UV, ""), (UP | UV, "host")] {
        (spoilt.flags, spoilt.rp_id) = (flags, rp_id.to_owned());
        let (options, _) = begin(&service).await;
        assert_eq!(reason(&registration(&service, &options, &spoilt)).await, "bad-passkey");
    }
    // ML-DSA-44, which was not offered.
    let (options, mut other) = begin(&service).await;
    other.cose = vec![0xa3, 1, 7, 3, 0x38, 0x2f, 0x20, 0x40];
    assert_eq!(reason(&registration(&service, &options, &other)).await, "bad-passkey");
    let (options, late) = begin(&service).await;
    let body = registration(&service, &options, &late);
    service.advance(Duration::from_mins(16));
    for refused in [add(&body).await, service.post("/users/api/passkeys/new").await] {
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(refused.json::<Value>().await.unwrap()["reason"], "step-up-needed");
    }
    service.client = client();
    assert_refused(send(&service, Method::POST, "passkeys", &body).await, 401).await;
}

// Check 87.
#[tokio::test]
async fn bodies_are_the_json_forms_and_one_of_8_kib_registers_the_longest_id() {
    let (service, own) = with_passkey().await;
    let (options, mut long) = begin(&service).await;
    long.id = vec![7; 1023];
    let mut body = registration(&service, &options, &long);
    body["credential"]["response"]["attestationObject"] = json!("A".repeat(2000));
    assert!(body.to_string().len() > 4096);
    ok(send(&service, Method::POST, "passkeys", &body).await).await;
    ok(log_on(&service, &long).await).await;
    body["credential"]["x"] = json!("x".repeat(4096));
    let sentence = assert_refused(send(&service, Method::POST, "passkeys", &body).await, 413).await;
    assert_eq!(sentence, "Send a body of at most 8 KiB.");
    let right = assertion(&service, &own).await;
    for (member, value, expected) in [
        ("id", Value::Null, "id is missing."),
        ("rawId", json!("AAAA"), "id and rawId differ."),
        ("type", json!("password"), "type is not public-key."),
        ("response", json!([]), "It is no AuthenticationResponseJSON of Web Authentication."),
    ] {
        let mut body = right.clone();
        body[member] = value;
        assert_eq!(assert_refused(ask(&service, "auth", &body).await, 400).await, expected);
    }
    let (options, next) = begin(&service).await;
    let right = registration(&service, &options, &next);
    let bad = async |change: &dyn Fn(&mut Value)| {
        let mut body = right.clone();
        change(&mut body);
        assert_refused(send(&service, Method::POST, "passkeys", &body).await, 400).await
    };
    assert_eq!(bad(&|body| body["credential"]["type"] = json!("x")).await, "credential: type is not public-key.");
    assert!(bad(&|body| body["name"] = json!("\u{3164}")).await.starts_with("name: "));
    assert!(bad(&|body| body["more"] = json!(1)).await.starts_with("Send one JSON object with"));
    ok(ask(&service, "auth", &assertion(&service, &own).await).await).await;
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_and_one_whose_password_was_set_by_mail_have_no_passkey() {
    let (service, own) = with_passkey().await;
    change(&service, |account| account.status = Status::Disabled).await;
    assert_no_log_on(&service, &assertion(&service, &own).await, "a disabled account").await;
    change(&service, |account| account.status = Status::Active).await;
    ok(log_on(&service, &own).await).await;
    let disabled = Operator::of(&service).run(&["user", "disable", EMAIL], "");
    assert!(disabled.status.success());
    Operator::of(&service).run(&["user", "enable", EMAIL], "");
    assert_no_log_on(&service, &assertion(&service, &own).await, "enabled again").await;
    service.log_on(EMAIL, PASSWORD).await;
    let next = make(&service).await;
    let forgot = client::plain().post(format!("{}/users/api/forgot", service.running.url));
    ok(forgot.json(&json!({"email": EMAIL})).send().await.unwrap()).await;
    let sent = mails::mails(&service, 3).await;
    let mail = sent.iter().find(|mail| mail.subject.contains("new password")).unwrap();
    let by_link = json!({"token": mail.token(), "new_password": "another long enough password"});
    let reset = client::plain().post(format!("{}/users/api/reset", service.running.url)).json(&by_link);
    ok(reset.send().await.unwrap()).await;
    assert_no_log_on(&service, &assertion(&service, &next).await, "after a reset").await;
}

// Check 87.
#[tokio::test]
async fn a_handle_of_nobody_a_wrong_key_and_a_wrong_signature_ask_the_same_of_the_database() {
    let (service, own) = with_passkey().await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = app::logon(&config, service.clock());
    function.handle(&event("GET", "/.well-known/jwks.json").event()).await;
    let mut seen = Vec::new();
    for (member, value) in
        [("userHandle", json!(text(&[7; 32]))), ("signature", json!("AAAA")), ("authenticatorData", json!("AAAA"))]
    {
        let mut body = assertion(&service, &own).await;
        body["response"][member] = value;
        // A bucket that is full takes one write.
        service.advance(Duration::from_secs(100));
        wire.calls.lock().unwrap().clear();
        let answer = function.handle(&event("POST", Operation::LogOnByPasskey.route().path).json(&body).event()).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::UNAUTHORIZED, FAILED));
        let calls = wire.calls.lock().unwrap().clone().into_iter().map(|(target, _)| target);
        // The keys are read once a minute.
        let mut calls: Vec<String> = calls.filter(|target| !target.ends_with(".Scan")).collect();
        calls.sort_unstable();
        seen.push(calls);
    }
    assert_eq!(seen[0].len(), 4, "the address's attempt, the challenge, the index, and the account: {seen:?}");
    assert!(seen.iter().all(|calls| *calls == seen[0]), "{seen:?}");
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn tries_take_from_the_bucket_of_their_address_and_a_right_one_gives_back() {
    let (service, own) = with_passkey().await;
    let mut refused = 0;
    for _ in 0..160 {
        let mut wrong = assertion(&service, &own).await;
        wrong["response"]["userHandle"] = Value::Null;
        let answer = ask(&service, "auth", &wrong).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_refused(answer, 429).await;
            break;
        }
        refused += 1;
    }
    assert!((99..=101).contains(&refused), "{refused}");
    assert_refused(log_on(&service, &own).await, 429).await;
    service.advance(Duration::from_secs(3));
    for _ in 0..5 {
        ok(log_on(&service, &own).await).await;
    }
}

#[tokio::test]
async fn whoever_holds_an_access_key_s_session_makes_no_passkey() {
    let (service, own) = with_passkey().await;
    let made = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let token = service.new_token_with(made["data"]["key"].as_str().unwrap()).await;
    for (method, path) in [
        (Method::POST, "passkeys/new".to_owned()),
        (Method::POST, "passkeys".to_owned()),
        (Method::DELETE, format!("passkeys/{}", text(&own.id))),
    ] {
        let answer = bearer(&service, method, &path, &token).json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["reason"], "key-session");
    }
}

// Check 87.
#[tokio::test]
async fn a_page_of_another_site_logs_nobody_on() {
    let app = "https://app.example.org";
    let options = Options { passkeys: true, allowed_origins: vec![app.to_owned()], ..Options::in_memory() };
    let service = Service::start_with(options).await;
    service.log_on(EMAIL, PASSWORD).await;
    let own = make(&service).await;
    let url = format!("{}/users/api/passkeys/auth", service.running.url);
    let sent = client::plain().post(&url).header("Origin", "https://evil.example");
    assert_refused(sent.json(&assertion(&service, &own).await).send().await.unwrap(), 403).await;
    // A configured origin may send requests, and has no passkeys all the same.
    let data = client_data("webauthn.get", &challenge(&service).await, app);
    let body = own.assert(data.to_string().as_bytes());
    let answer = client::plain().post(&url).header("Origin", app).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.text().await.unwrap(), FAILED);
}
