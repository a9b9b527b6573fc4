//! A session lives by its account: one write to the account ends all sessions, and no copy of what an operator changes is kept beside it.

use std::time::Duration;

use jea_auth::{
    domain::account::{Account, Email, Name, Role},
    functions::{app, authorizer::AuthorizerFunction},
    platform::{store::Added, tries::UNPROCESSED},
    service::administration::{Particulars, RoleChange},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    event::{authorization, effect},
    owner::{bearer, ok, send},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, client, cookies_of, token_of},
};

/// An authorizer whose calls are noted.
async fn noted(service: &Service, wire: &Wire) -> AuthorizerFunction {
    let mut config = service.config();
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    app::authorizer(&config, service.clock())
}

/// The calls on sessions and accounts since the last look.
fn reads(wire: &Wire) -> Vec<String> {
    let calls = std::mem::take(&mut *wire.calls.lock().unwrap());
    let names = calls.into_iter().map(|(target, _)| target.rsplit_once('.').unwrap().1.to_owned());
    names.filter(|name| name != "Scan").collect()
}

// Check 81.
#[tokio::test]
async fn session_and_account_are_read_at_once_where_the_email_is_known() {
    let (service, wire) = (Service::start().await, Wire::default());
    let function = noted(&service, &wire).await;
    let (first, second) = (service.new_token().await, service.new_token().await);
    let decide = async |token: &str| function.handle(&authorization().bearer(token).event()).await;
    assert_eq!(effect(&decide(&first).await.unwrap()), "Allow");
    assert_eq!(reads(&wire), ["GetItem", "GetItem"], "a token tells no email");
    assert_eq!(effect(&decide(&first).await.unwrap()), "Allow");
    assert_eq!(reads(&wire), Vec::<String>::new(), "remembered");
    assert_eq!(effect(&decide(&second).await.unwrap()), "Allow");
    assert_eq!(reads(&wire), ["BatchGetItem"]);

    // What is remembered of the email may be wrong by now; what is read says which is right.
    let moved = service.administration().rename(&Email::canonical(EMAIL), "there@jeplus.org").await.unwrap().unwrap();
    service.advance(Duration::from_secs(5));
    assert_eq!(effect(&decide(&second).await.unwrap()), "Deny");
    let credential = json!({"email": moved.email.as_str(), "password": PASSWORD});
    let again =
        client().post(format!("{}/users/api/auth", service.running.url)).json(&credential).send().await.unwrap();
    reads(&wire);
    assert_eq!(effect(&decide(&token_of(&again)).await.unwrap()), "Allow");
    assert_eq!(reads(&wire), ["BatchGetItem", "GetItem"]);
}

// Checks 52, 54.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_a_batch_left_unprocessed_are_asked_for_again_and_an_outage_is_no_refusal() {
    let (service, wire) = (Service::start().await, Wire::default());
    let function = noted(&service, &wire).await;
    let decide = async |token: String| function.handle(&authorization().bearer(&token).event()).await;
    decide(service.new_token().await).await.unwrap();
    wire.fail("BatchGetItem", "", Fault::Unprocessed);
    reads(&wire);
    assert_eq!(effect(&decide(service.new_token().await).await.unwrap()), "Allow");
    assert_eq!(reads(&wire), ["BatchGetItem", "BatchGetItem"]);
    wire.fail("BatchGetItem", "", Fault::NeverProcessed);
    let token = service.new_token().await;
    reads(&wire);
    assert!(decide(token).await.is_err(), "no verdict");
    assert_eq!(reads(&wire).len(), usize::from(UNPROCESSED.tries), "throttled at every try");
    for fault in [Fault::InternalError, Fault::Throttled, Fault::Denied, Fault::Malformed] {
        wire.fail("BatchGetItem", "-accounts", fault);
        let token = service.new_token().await;
        assert!(decide(token).await.is_err(), "{fault:?}: no verdict, which the gateway answers with 503");
    }
}

#[tokio::test]
async fn a_name_and_a_role_are_one_write_that_every_session_sees() {
    let (service, wire) = (Service::start().await, Wire::default());
    let function = noted(&service, &wire).await;
    let token = service.new_token().await;
    let context = async || function.handle(&authorization().bearer(&token).event()).await.unwrap()["context"].clone();
    let before = context().await;
    assert_eq!((&before["name"], &before["role"]), (&json!("Yi"), &json!("none")));
    let role = RoleChange::Set(Role::parse("editor").unwrap());
    let particulars = Particulars { name: Some(Name::parse("Zhang Yi").unwrap()), role, ..Particulars::default() };
    service.administration().set(&Email::canonical(EMAIL), &particulars).await.unwrap().unwrap();
    assert_eq!(context().await["name"], "Yi", "remembered");
    service.advance(Duration::from_secs(5));
    let after = context().await;
    assert_eq!((&after["name"], &after["role"]), (&json!("Zhang Yi"), &json!("editor")));
}

/// Beside each end of all other sessions the same owner asks for something else, here and behind the authorizer.
// Check 81.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_ends_all_other_sessions_is_refused_nothing() {
    let service = Service::start().await;
    let mut token = service.new_token().await;
    // Another instance of the authorizer, which remembers nothing.
    let mut config = service.config();
    config.session_memory = Duration::ZERO;
    let authorizer = app::authorizer(&config, service.clock());
    for round in 0..200 {
        let (ends, asks, allowed) = tokio::join!(
            bearer(&service, Method::DELETE, "sessions", &token).send(),
            bearer(&service, Method::GET, "user", &token).send(),
            async { authorizer.handle(&authorization().bearer(&token).event()).await.unwrap() },
        );
        assert_eq!(ends.unwrap().status(), StatusCode::OK, "round {round}");
        assert_eq!(asks.unwrap().status(), StatusCode::OK, "round {round}");
        assert_eq!(effect(&allowed), "Allow", "round {round}");
        // Neither the bucket of changes nor the step-up is what is tested here.
        service.advance(Duration::from_mins(1));
        if round % 10 == 9 {
            let credential = json!({"email": EMAIL, "password": PASSWORD});
            let request = bearer(&service, Method::POST, "confirm", &token).json(&credential);
            token = ok(request.send().await.unwrap()).await["jwt"].as_str().unwrap().to_owned();
        }
    }
}

// Check 81.
#[tokio::test]
async fn no_generation_comes_twice() {
    let service = Service::start().await;
    let administration = service.administration();
    let (token, account) = (service.new_token().await, service.account().await);
    let email = account.email.clone();
    let add = async |account: &Account| assert_eq!(service.store().add_account(account).await.unwrap(), Added::Added);

    // Deleted, and added again with the same id and password.
    assert!(administration.delete(EMAIL).await.unwrap());
    service.advance(Duration::from_millis(1));
    let again = Account::new(EMAIL, account.name.clone(), account.sub.clone(), service.now()).unwrap();
    add(&Account { password_hash: account.password_hash.clone(), ..again }).await;
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED, "of the account before");

    // Restored from a backup: what was opened after the restored state is refused, also after later ends.
    let restored = service.account().await;
    administration.end_sessions(&email).await.unwrap().unwrap();
    let later = service.new_token().await;
    assert!(administration.delete(EMAIL).await.unwrap());
    add(&restored).await;
    assert_eq!(service.user_with(&later).await, StatusCode::UNAUTHORIZED);
    service.advance(Duration::from_secs(1));
    administration.end_sessions(&email).await.unwrap().unwrap();
    assert_eq!(service.user_with(&later).await, StatusCode::UNAUTHORIZED);

    // The clock is set back, and ends go on to be later than all before.
    let ahead = administration.end_sessions(&email).await.unwrap().unwrap();
    let (own, back) = (service.new_token().await, service.now().minus(Duration::from_hours(1)));
    let operator = jea_auth::service::administration::Administration {
        store: service.store(),
        clock: std::sync::Arc::new(move || back),
    };
    let ended = operator.end_sessions(&email).await.unwrap().unwrap();
    assert_eq!(ended.generation, ahead.generation + 1);
    assert_eq!(service.user_with(&own).await, StatusCode::UNAUTHORIZED);
}

/// An attacker has copied a cookie. Nothing that its owner does makes the copy more than it was, and a new password ends it.
// Check 79.
#[tokio::test]
async fn a_copied_cookie_does_not_rise_with_its_owner_and_does_not_outlive_a_new_password() {
    let service = Service::start().await;
    let copied = token_of(&service.log_on(EMAIL, PASSWORD).await);
    service.advance(Duration::from_mins(16));
    let make =
        async || bearer(&service, Method::POST, "keys", &copied).json(&json!({"name": "x"})).send().await.unwrap();
    assert_eq!(make().await.status(), StatusCode::FORBIDDEN);
    let confirmed = send(&service, Method::POST, "confirm", &json!({"email": EMAIL, "password": PASSWORD})).await;
    assert_ne!(token_of(&confirmed), copied);
    assert_eq!(make().await.status(), StatusCode::FORBIDDEN, "the copy is as good as it was");
    assert_eq!(service.user_with(&copied).await, StatusCode::OK, "and its owner's older token as well");
    ok(send(&service, Method::POST, "keys", &json!({"name": "own"})).await).await;
    // A check-in of the copy gives a token of the same session.
    let renewed = bearer(&service, Method::POST, "checkin", &copied).send().await.unwrap();
    let renewed = renewed.json::<Value>().await.unwrap()["jwt"].as_str().unwrap().to_owned();
    let refused = bearer(&service, Method::DELETE, "sessions", &renewed).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    let body = json!({"password": PASSWORD, "new_password": "another long enough password"});
    let changed = send(&service, Method::POST, "password", &body).await;
    for token in [&copied, &renewed, &token_of(&confirmed)] {
        assert_eq!(service.user_with(token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(service.user_with(&token_of(&changed)).await, StatusCode::OK);
    let listed = ok(service.get("/users/api/sessions").await).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

/// The cookie of a known device is good for one generation of its account.
// Check 15.
#[tokio::test]
async fn a_device_stays_a_known_one_after_an_end_of_sessions_by_its_owner() {
    let service = Service::start().await;
    let known = |cookies: &[String]| cookies.iter().any(|cookie| cookie.starts_with("known_device="));
    let log_on = service.log_on(EMAIL, PASSWORD).await;
    assert!(known(&cookies_of(&log_on)));
    let use_up = async || {
        for _ in 0..12 {
            let wrong = json!({"email": EMAIL, "password": "wrong"});
            client().post(format!("{}/users/api/auth", service.running.url)).json(&wrong).send().await.unwrap();
        }
    };
    for (method, path, body) in [
        (Method::DELETE, "sessions", Value::Null),
        (Method::POST, "password", json!({"password": PASSWORD, "new_password": "another long enough password"})),
    ] {
        let ended = send(&service, method, path, &body).await;
        assert!(known(&cookies_of(&ended)), "{path}");
        let password = if path == "password" { "another long enough password" } else { PASSWORD };
        use_up().await;
        assert_eq!(
            service.log_on(EMAIL, password).await.status(),
            StatusCode::OK,
            "{path}: strangers do not keep it out"
        );
    }
    // Somebody who is no known device becomes none by ending sessions.
    service.advance(Duration::from_mins(10));
    let token = service.new_token_with("another long enough password").await;
    let ended = bearer(&service, Method::DELETE, "sessions", &token).send().await.unwrap();
    assert!(ended.status() == StatusCode::OK && cookies_of(&ended).is_empty());
}

/// A thief of a key changes the name without end; the owner and everybody else go on.
// Check 80.
#[tokio::test(flavor = "multi_thread")]
async fn who_changes_an_account_without_end_keeps_nobody_out() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let of_key = service.new_token_with(key["data"]["key"].as_str().unwrap()).await;
    let changes = async {
        let mut statuses = Vec::new();
        for number in 0..60 {
            let body = json!({"nickname": format!("Name {number}")});
            let answer = bearer(&service, Method::POST, "user", &of_key).json(&body).send().await.unwrap();
            if let Some(wait) = answer.headers().get("retry-after") {
                assert_eq!(wait.to_str().unwrap(), "60");
            }
            statuses.push(answer.status().as_u16());
        }
        statuses
    };
    let owner = async {
        for _ in 0..12 {
            // The bucket of log-ons is not what is tested here.
            let url = format!("{}/users/api", service.running.url);
            let credential = json!({"email": EMAIL, "password": PASSWORD});
            let browser = client();
            let log_on = browser.post(format!("{url}/auth")).json(&credential).send().await.unwrap();
            assert_eq!(log_on.status(), StatusCode::OK);
            let confirm = browser.post(format!("{url}/confirm")).json(&credential).send().await.unwrap();
            assert_eq!(confirm.status(), StatusCode::OK);
            assert_eq!(browser.post(format!("{url}/checkin")).send().await.unwrap().status(), StatusCode::OK);
        }
    };
    let operator = async {
        for number in 0..30 {
            let name = Some(Name::parse(&format!("Name of the operator's {number}")).unwrap());
            let particulars = Particulars { name, ..Particulars::default() };
            service.administration().set(&Email::canonical(EMAIL), &particulars).await.unwrap().unwrap();
        }
    };
    let (statuses, (), ()) = tokio::join!(changes, owner, operator);
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(taken, 29, "thirty less the key that was made: {statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    service.advance(Duration::from_mins(1));
    let again = bearer(&service, Method::POST, "user", &of_key).json(&json!({"nickname": "Yi"})).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK, "one a minute");
}

/// Items that DynamoDB's TTL has not removed are no sessions.
// Check 43.
#[tokio::test]
async fn what_lies_around_of_ended_sessions_is_shown_to_nobody() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    for _ in 0..3 {
        service.new_token().await;
    }
    assert_eq!(ok(send(&service, Method::DELETE, "sessions", &Value::Null).await).await["status"], "3 sessions ended.");
    let table = format!("{}-sessions", service.running.config.stack);
    let scan = service.running.config.aws.dynamodb().scan().table_name(table);
    let items = scan.send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 4, "nothing is deleted");
    assert_eq!(ok(service.get("/users/api/sessions").await).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(service.sessions(EMAIL).await.len(), 1);
    assert_eq!(ok(send(&service, Method::DELETE, "sessions", &Value::Null).await).await["status"], "0 sessions ended.");
}
