//! Where a second factor is demanded, a password alone opens a session to set one up, for whoever knows the password. Only one
//! of such sessions gets further.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jea_auth::{functions::app, local::Options};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{
    authenticator::Authenticator,
    event::event,
    factor::{code, must_enrol},
    owner::{bearer, ok},
    passkeys::{change, registration},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, assert_refused, client, context_of, token_of},
};

async fn service() -> Service {
    let require_factor = "all".to_owned();
    Service::start_with(Options { require_factor, passkeys: true, ..Options::in_memory() }).await
}

async fn log_on(service: &Service, enrol: bool) -> Response {
    let body = json!({"email": EMAIL, "password": PASSWORD, "enrol": enrol});
    client().post(format!("{}/users/api/auth", service.running.url)).json(&body).send().await.unwrap()
}

/// The token of a session that can do nothing but set up a second factor.
async fn limited(service: &Service) -> String {
    token_of(&log_on(service, true).await)
}

async fn asks(service: &Service, token: &str, path: &str, body: &Value) -> Response {
    bearer(service, Method::POST, path, token).json(body).send().await.unwrap()
}

/// Begins an authenticator app, and gives back the code that confirms it.
async fn begin_app(service: &Service, token: &str) -> Value {
    let begun = ok(asks(service, token, "totp", &Value::Null).await).await;
    json!({"otp": code(service, begun["data"]["secret"].as_str().unwrap())})
}

/// Makes a passkey, and gives back what adds it.
async fn begin_passkey(service: &Service, token: &str) -> Value {
    let options = ok(asks(service, token, "passkeys/new", &Value::Null).await).await["data"].clone();
    let handle = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap()).unwrap();
    registration(service, &options, &Authenticator::new("localhost", &handle))
}

/// Whoever else knows the password has begun one before, or begins one afterwards, and stays out.
// Check 82.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_sessions_that_set_up_a_factor_the_first_one_ends_the_other() {
    for owners in ["totp/confirm", "passkeys"] {
        let service = service().await;
        let (owner, other) = (limited(&service).await, limited(&service).await);
        let others =
            [("passkeys", begin_passkey(&service, &other).await), ("totp/confirm", begin_app(&service, &other).await)];
        let own = match owners {
            "passkeys" => begin_passkey(&service, &owner).await,
            _ => begin_app(&service, &owner).await,
        };
        ok(asks(&service, &owner, owners, &own).await).await;
        let before = service.account().await;
        for (path, body) in others
            .iter()
            .map(|(path, body)| (*path, body))
            .chain([("totp", &Value::Null), ("passkeys/new", &Value::Null)])
        {
            assert_refused(asks(&service, &other, path, body).await, 401).await;
        }
        for path in ["user", "totp", "passkeys"] {
            let read = bearer(&service, Method::GET, path, &other).send().await.unwrap();
            assert_refused(read, 401).await;
        }
        let after = service.account().await;
        assert!(before.factor == after.factor && before.passkeys == after.passkeys, "{owners}");
        ok(bearer(&service, Method::POST, "checkin", &owner).send().await.unwrap()).await;
        ok(asks(&service, &other, "logout", &Value::Null).await).await;
    }
}

/// At the same moment, and by factors of different kinds: what is written by one is nothing that the other changes.
// Check 82.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_first_factors_at_the_same_moment_one_is_set_up() {
    let service = service().await;
    let (owner, other) = (limited(&service).await, limited(&service).await);
    let (passkey, otp) = (begin_passkey(&service, &other).await, begin_app(&service, &owner).await);
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = app::logon(&config, service.clock());
    let mut context = context_of(&other);
    context["limited"] = "true".into();
    let add = event("POST", "/users/api/passkeys").json(&passkey).by(&context).event();
    wire.fail("TransactWriteItems", "-accounts", Fault::Held);
    let running = tokio::spawn(async move { function.handle(&add).await });
    wire.arrived().await;
    ok(asks(&service, &owner, "totp/confirm", &otp).await).await;
    wire.release();
    assert_eq!(running.await.unwrap().status.as_u16(), 401);
    let account = service.account().await;
    assert!(account.factor.is_some() && account.passkeys.is_empty());
    assert_eq!(service.sessions(EMAIL).await.iter().filter(|session| session.limited).count(), 1);
}

/// A service that has moved finds passkeys of its former host, which log nobody on.
// Check 82.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_another_host_is_no_second_factor() {
    let service = service().await;
    let token = limited(&service).await;
    let own = begin_passkey(&service, &token).await;
    ok(asks(&service, &token, "passkeys", &own).await).await;
    assert_eq!(log_on(&service, false).await.status(), 200);
    change(&service, |account| {
        account.passkeys.values_mut().for_each(|passkey| passkey.rp_id = "old.example.org".to_owned());
    })
    .await;
    must_enrol(log_on(&service, false).await, 401).await;
    let token = limited(&service).await;
    let otp = begin_app(&service, &token).await;
    ok(asks(&service, &token, "totp/confirm", &otp).await).await;
    let removed = bearer(&service, Method::DELETE, "totp", &token).send().await.unwrap();
    assert_refused(removed, 403).await;
    assert!(service.account().await.factor.is_some(), "it would be the last one");
}
