//! The description of the service for programs: its examples are answers of the running service.
//!
//! After a change of an answer both files are written anew, as CONTRIBUTING.md says.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use jea_auth::{
    api::{Access, Feature, Operation, ROUTES, Route},
    domain::account::Status,
    functions::app,
    local::Options,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client,
    event::event,
    examples::{API, EXAMPLES, Recorder, passkey_of_nobody},
    factor, mails, my_email, passkeys,
    program::{PROGRAM, text},
    repository::root,
    service::{EMAIL, NEW_PASSWORD, PASSWORD, Service, claims_of, client, context_of},
};

const ANOTHER_EMAIL: &str = "another@example.org";

/// A body that an operation takes, if it takes one.
fn body_of(operation: Operation) -> Option<Value> {
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    let bodies = [
        (Operation::LogOn, credential.clone()),
        (Operation::Confirm, credential),
        (Operation::UpdateUser, json!({"nickname": "Yi", "company": "jEPlus"})),
        (Operation::Password, json!({"password": PASSWORD, "new_password": NEW_PASSWORD})),
        (Operation::MakeKey, json!({"name": "cluster", "days": 30})),
        (Operation::ConfirmFactor, json!({"otp": "123456"})),
        (Operation::NewCodes, json!({"otp": "123456"})),
        (Operation::LogOnByPasskey, passkey_of_nobody("AAAA")),
        (Operation::ConfirmByPasskey, passkey_of_nobody("AAAA")),
        (Operation::AddPasskey, json!({"name": "Phone", "credential": passkey_of_nobody("AAAA")})),
        (Operation::Forgot, json!({"email": EMAIL})),
        (Operation::Reset, json!({"token": "1.2.3.4.5", "new_password": NEW_PASSWORD})),
        (Operation::ChangeEmail, json!({"email": ANOTHER_EMAIL})),
        (Operation::ConfirmEmail, json!({"token": "1.new.3.4.5.6"})),
    ];
    bodies.into_iter().find(|(of, _)| *of == operation).map(|(_, body)| body)
}

/// What every operation answers that lacks something: a token, a body, a database.
async fn record_what_all_have_in_common(recorder: &mut Recorder) {
    let token = recorder.service.new_token().await;
    let mut config = recorder.service.config();
    config.aws.dynamodb_endpoint = Some("http://127.0.0.1:1".to_owned());
    let broken = app::logon(&config, recorder.service.clock());
    for route in ROUTES {
        let Route { method, path, operation, access, marks, .. } = *route;
        let at = path.replace("{sid}", "x").replace("{id}", &"0".repeat(32));
        if access != Access::Open {
            let answer =
                client::plain().request(method.parse().unwrap(), format!("{}{at}", recorder.service.running.url));
            let answer = answer.send().await.unwrap();
            let status = answer.status().as_u16();
            recorder.keep(method, path, status, None, answer.json().await.unwrap());
        }
        if body_of(operation).is_some() {
            recorder.raw(route, "application/json", "[]".to_owned()).await;
            recorder.raw(route, "application/json", format!("{{\"x\": \"{}\"}}", "x".repeat(8192))).await;
            recorder.raw(route, "text/plain", "{}".to_owned()).await;
        }
        if access == Access::Open && method == "POST" {
            let cross =
                recorder.service.request(Method::POST, path).header("origin", "https://evil.example").json(&json!({}));
            let answer = cross.send().await.unwrap();
            let status = answer.status().as_u16();
            recorder.keep(method, path, status, None, answer.json().await.unwrap());
        }
        if marks.feature == Some(Feature::Pages) || matches!(operation, Operation::Info | Operation::Description) {
            continue;
        }
        let mut context = context_of(&token);
        context["confirmed_at"] = recorder.service.now().seconds().to_string().into();
        let asks = event(method, &at).by(&context);
        let asks = match body_of(operation) {
            Some(body) => asks.json(&body),
            None => asks,
        };
        let answer = broken.handle(&asks.event()).await;
        assert_eq!(answer.status.as_u16(), 503, "{method} {path}: {}", answer.body);
        recorder.keep(method, path, 503, None, serde_json::from_str(&answer.body).unwrap());
    }
}

/// The life of an account: what each operation answers that goes well, and what it refuses.
async fn record_a_life(recorder: &mut Recorder) {
    let path = |name: &str| format!("{API}/{name}");
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    let wrong = json!({"email": EMAIL, "password": "wrong"});
    for open in [
        "/users/api/info",
        "/users/api/openapi.json",
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/users/sign-in",
        "/users/account",
    ] {
        recorder.expect(200, "GET", open, "", None).await;
    }
    let leads = "/.well-known/change-password";
    let client = client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let led = client.get(format!("{}{leads}", recorder.service.running.url)).send().await.unwrap();
    recorder.keep("GET", leads, led.status().as_u16(), None, Value::Null);
    for log_on in ["auth", "logon"] {
        recorder.expect(401, "POST", &path(log_on), "", Some(&wrong)).await;
        recorder.expect(200, "POST", &path(log_on), "", Some(&credential)).await;
    }
    recorder.expect(200, "POST", &path("checkin"), "", None).await;
    recorder.expect(200, "POST", &path("confirm"), "", Some(&credential)).await;
    recorder.expect(403, "POST", &path("confirm"), "", Some(&wrong)).await;
    recorder.expect(200, "GET", &path("user"), "", None).await;
    recorder.expect(200, "POST", &path("user"), "", body_of(Operation::UpdateUser).as_ref()).await;
    let (status, _) = recorder.ask("POST", &path("user"), "", Some(&json!({"email": "another@example.org"}))).await;
    assert_eq!(status, 400);
    // Sessions of one second have no order.
    recorder.expect(200, "DELETE", &path("sessions"), "", None).await;
    recorder.expect(200, "GET", &path("sessions"), "", None).await;
    recorder.expect(404, "DELETE", &path("sessions/{sid}"), "x", None).await;
    recorder.expect(404, "DELETE", &path("keys/{id}"), &"0".repeat(32), None).await;
    let made = recorder.expect(200, "POST", &path("keys"), "", body_of(Operation::MakeKey).as_ref()).await;
    recorder.expect(200, "GET", &path("keys"), "", None).await;
    recorder.expect(200, "DELETE", &path("keys/{id}"), made["data"]["id"].as_str().unwrap(), None).await;
    let other = claims_of(&recorder.service.new_token().await)["sid"].clone();
    recorder.expect(200, "DELETE", &path("sessions/{sid}"), other.as_str().unwrap(), None).await;
    recorder.expect(404, "DELETE", &path("totp"), "", None).await;
    recorder.expect(404, "POST", &path("totp/confirm"), "", body_of(Operation::ConfirmFactor).as_ref()).await;
    recorder.expect(404, "POST", &path("totp/codes"), "", body_of(Operation::NewCodes).as_ref()).await;
    let begun = recorder.expect(200, "POST", &path("totp"), "", None).await;
    let code = factor::code(&recorder.service, begun["data"]["secret"].as_str().unwrap());
    let confirmed = recorder.expect(200, "POST", &path("totp/confirm"), "", Some(&json!({"otp": code}))).await;
    recorder.expect(200, "GET", &path("totp"), "", None).await;
    recorder.expect(400, "POST", &path("totp/codes"), "", body_of(Operation::NewCodes).as_ref()).await;
    let code = json!({"otp": confirmed["data"]["recovery_codes"][0]});
    recorder.expect(200, "POST", &path("totp/codes"), "", Some(&code)).await;
    recorder.expect(200, "DELETE", &path("totp"), "", None).await;
    record_passkeys(recorder).await;
    recorder
        .expect(403, "POST", &path("password"), "", Some(&json!({"password": "wrong", "new_password": NEW_PASSWORD})))
        .await;
    recorder.expect(200, "POST", &path("password"), "", body_of(Operation::Password).as_ref()).await;
    // Sent before the clock goes on: a mail is given up after a quarter of an hour.
    mails::mails(&recorder.service, 7).await;
    recorder.service.advance(Duration::from_mins(16));
    for (method, name) in [
        ("DELETE", "sessions"),
        ("DELETE", "sessions/{sid}"),
        ("POST", "keys"),
        ("DELETE", "keys/{id}"),
        ("POST", "totp"),
        ("POST", "totp/codes"),
        ("DELETE", "totp"),
        ("POST", "passkeys/new"),
        ("POST", "passkeys"),
        ("DELETE", "passkeys/{id}"),
        ("POST", "email"),
    ] {
        let body = match (method, name) {
            ("POST", "keys") => Some(json!({"name": "cluster"})),
            (_, "email") => body_of(Operation::ChangeEmail),
            _ => None,
        };
        recorder.expect(403, method, &path(name), "x", body.as_ref()).await;
    }
    recorder.expect(200, "POST", &path("forgot"), "", body_of(Operation::Forgot).as_ref()).await;
    recorder.expect(403, "POST", &path("reset"), "", body_of(Operation::Reset).as_ref()).await;
    // Notices: of a key, a factor and a passkey that came and went, and of the new password.
    let token = mails::mails(&recorder.service, 8).await[7].token();
    recorder.expect(200, "POST", &path("reset"), "", Some(&json!({"token": token, "new_password": PASSWORD}))).await;
    recorder.expect(200, "POST", &path("auth"), "", Some(&credential)).await;
    let email = body_of(Operation::ChangeEmail);
    recorder.expect(200, "POST", &path("email"), "", email.as_ref()).await;
    recorder.expect(403, "POST", &path("email/confirm"), "", body_of(Operation::ConfirmEmail).as_ref()).await;
    let [present, _] = my_email::tokens(&recorder.service).await;
    recorder.expect(200, "POST", &path("email/confirm"), "", Some(&json!({"token": present}))).await;
    for _ in 0..2 {
        recorder.expect(200, "POST", &path("email"), "", email.as_ref()).await;
    }
    recorder.expect(429, "POST", &path("email"), "", email.as_ref()).await;
    recorder.expect(200, "POST", &path("logout"), "", None).await;
}

/// A passkey, from its making to its end.
async fn record_passkeys(recorder: &mut Recorder) {
    let path = |name: &str| format!("{API}/passkeys{name}");
    let nobody = passkey_of_nobody("AAAA");
    recorder.expect(200, "POST", &path("/options"), "", None).await;
    let options = recorder.expect(200, "POST", &path("/new"), "", None).await["data"].clone();
    let (_, authenticator) = passkeys::begin(&recorder.service).await;
    let body = passkeys::registration(&recorder.service, &options, &authenticator);
    recorder.expect(200, "POST", &path(""), "", Some(&body)).await;
    for operation in ["/auth", "/confirm"] {
        let right = passkeys::assertion(&recorder.service, &authenticator).await;
        recorder.expect(200, "POST", &path(operation), "", Some(&right)).await;
    }
    recorder.expect(401, "POST", &path("/auth"), "", Some(&nobody)).await;
    recorder.expect(403, "POST", &path("/confirm"), "", Some(&nobody)).await;
    recorder.expect(200, "GET", &path(""), "", None).await;
    let id = crate::support::authenticator::text(&authenticator.id);
    recorder.expect(200, "DELETE", &path("/{id}"), &id, None).await;
    recorder.expect(404, "DELETE", &path("/{id}"), &id, None).await;
}

/// What has to wait, with an account for each that nobody else uses.
async fn record_what_is_throttled(recorder: &mut Recorder) {
    recorder.service.add_account("slow@jeplus.org", PASSWORD, Status::Active).await;
    recorder.service.client = client();
    let credential = json!({"email": "slow@jeplus.org", "password": PASSWORD});
    recorder.expect(200, "POST", "/users/api/auth", "", Some(&credential)).await;
    recorder.expect(200, "POST", "/users/api/totp", "", None).await;
    let wrong = json!({"email": "slow@jeplus.org", "password": "wrong"});
    let passwords = json!({"password": "wrong", "new_password": NEW_PASSWORD});
    for (name, body) in [
        ("totp/confirm", json!({"otp": "no code"})),
        ("forgot", json!({"email": "slow@jeplus.org"})),
        ("confirm", wrong.clone()),
        ("password", passwords),
        ("auth", wrong.clone()),
        ("logon", wrong),
        ("reset", json!({"token": "1.2.3.4.5", "new_password": NEW_PASSWORD})),
        ("passkeys/auth", passkey_of_nobody("AAAA")),
        ("passkeys/confirm", passkey_of_nobody("AAAA")),
        ("email/confirm", json!({"token": "1.new.3.4.5.6"})),
    ] {
        let mut statuses = BTreeSet::new();
        // The address's bucket has a hundred.
        for _ in 0..120 {
            let (status, _) = recorder.ask("POST", &format!("{API}/{name}"), "", Some(&body)).await;
            statuses.insert(status);
            if status == 429 {
                break;
            }
        }
        assert!(statuses.contains(&429), "{name}: {statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_description_are_answers_of_the_service() {
    let service =
        Service::start_with(Options { mail: true, pages: true, passkeys: true, ..Options::in_memory() }).await;
    let mut recorder = Recorder::new(service);
    // Bodies are looked at only after the session.
    recorder.service.log_on(EMAIL, PASSWORD).await;
    record_what_all_have_in_common(&mut recorder).await;
    record_a_life(&mut recorder).await;
    record_what_is_throttled(&mut recorder).await;
    let examples = serde_json::to_value(&recorder.examples).unwrap();
    let file = root().join(EXAMPLES);
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        fs::write(&file, format!("{examples:#}\n")).unwrap();
    }
    let told: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for route in ROUTES {
        let name = format!("{} {}", route.method, route.path);
        assert_eq!(told[&name], examples[&name], "{name}");
    }
    assert_eq!(told, examples);
}

#[tokio::test]
async fn the_service_serves_what_the_program_prints_but_for_what_is_off() {
    let print = |arguments: &[&str]| Command::new(PROGRAM).arg("openapi").args(arguments).output().unwrap().stdout;
    let told = fs::read_to_string(root().join("src/functions/logon/openapi.json")).unwrap();
    assert!(text(&print(&[])) == told, "write it anew, as CONTRIBUTING.md says");
    assert!(!told.contains("\"servers\""), "a relative URL would be one of the folder that the file is in");
    let service =
        Service::start_with(Options { mail: true, pages: true, passkeys: true, ..Options::in_memory() }).await;
    let url = service.running.config.site.issuer.as_str();
    let served: Value = service.get("/users/api/openapi.json").await.json().await.unwrap();
    let printed: Value = serde_json::from_slice(&print(&["--url", &format!("{url}/")])).unwrap();
    assert_eq!(served["servers"], json!([{"url": url}]));
    assert!(served == printed, "the file is another one than what the program prints");
    let service = Service::start().await;
    let served: Value = service.get("/users/api/openapi.json").await.json().await.unwrap();
    for route in ROUTES {
        let is_there = served["paths"].get(route.path).is_some();
        assert_eq!(is_there, route.marks.feature.is_none(), "{}", route.path);
    }
}
