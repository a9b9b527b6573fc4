//! What an operator does while others log on.

use std::sync::Arc;

use jea_auth::{
    domain::{
        access_key::AccessKey,
        account::{Account, Email, Name},
        ids::AccountId,
        password::{Hasher, Password, PasswordHash},
    },
    platform::{machine, store::Added},
};
use reqwest::StatusCode;
use serde_json::json;
use zeroize::Zeroizing;

use crate::support::{
    client,
    imports::imported_hash,
    service::{PASSWORD, Service, assert_refused, client, token_of},
};

/// How often each race is run. Where DynamoDB's own serialisation decides it, one lucky run proves little.
const TRIES: usize = 200;

async fn add(service: &Service, email: &str) -> Account {
    let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&machine::random()));
    let mut account = Account::new(email, name, sub, service.now()).unwrap();
    account.password_hash = Some(imported_hash());
    let key = key();
    account.access_keys.insert(key.id.clone(), key.to_store(account.name.clone(), service.now(), 90));
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    account
}

/// The access key of every account here.
fn key() -> AccessKey {
    AccessKey::new(&[1; 16], &Zeroizing::new([2; 32]))
}

/// A hash of some other password.
fn other_hash() -> PasswordHash {
    PasswordHash::parse("$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$SUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw")
        .unwrap()
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Passwd,
    Disable,
    Delete,
    Rename,
}

/// Log-ons by password and by access key, a check-in and a confirmation race against the operator, 200 times. Whatever token they
/// were given, once the operator's write was acknowledged none passes that is of the time before.
async fn race(verb: Verb) {
    let service = Arc::new(Service::start().await);
    let administration = service.administration();
    let (mut logged_on, mut logged_on_by_key) = (0, 0);
    for number in 0..TRIES {
        // The operator comes at another moment each time: from well before the log-on reads the account to after its answer.
        let moment = f64::from(i16::try_from(number % 40).unwrap() - 8) / 20.0;
        let email = format!("user-{number}@jeplus.org");
        let account = add(&service, &email).await;
        let credential = json!({"email": email, "password": "an imported password"});
        // The check-in of a session that was there before.
        let browser = client();
        let url = service.running.url.clone();
        let begun = std::time::Instant::now();
        let first = browser.post(format!("{url}/users/api/auth")).json(&credential).send().await.unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let typical = begun.elapsed();
        let check_in = tokio::spawn(browser.post(format!("{url}/users/api/checkin")).send());
        let confirm = tokio::spawn(browser.post(format!("{url}/users/api/confirm")).json(&credential).send());
        let (lead, wait) = (typical.mul_f64((-moment).max(0.0)), typical.mul_f64(moment.max(0.0)));
        let log_on = client().post(format!("{url}/users/api/auth")).json(&credential);
        let log_on = tokio::spawn(async move {
            tokio::time::sleep(lead).await;
            log_on.send().await
        });
        let by_key = json!({"email": email, "password": *key().expose()});
        let by_key = client().post(format!("{url}/users/api/auth")).json(&by_key);
        // A log-on by key computes no hash, so it begins when the operator does.
        let by_key = tokio::spawn(async move {
            tokio::time::sleep(wait.mul_f64(0.9)).await;
            by_key.send().await
        });
        tokio::time::sleep(wait).await;
        let changed = match verb {
            Verb::Passwd => {
                administration.change_password(&account.email, other_hash()).await.map(|changed| changed.is_some())
            }
            Verb::Disable => administration.disable(&account.email).await.map(|changed| changed.is_some()),
            Verb::Rename => {
                let renamed = administration.rename(&account.email, &format!("renamed-{email}")).await;
                Ok(renamed.unwrap().is_some_and(|renamed| renamed.sub == account.sub))
            }
            Verb::Delete => administration.delete(account.email.as_str()).await,
        };
        assert!(changed.unwrap());
        let log_on = log_on.await.unwrap().unwrap();
        let check_in = check_in.await.unwrap().unwrap();
        assert!(matches!(check_in.status().as_u16(), 200 | 401), "{}", check_in.status());
        logged_on += usize::from(log_on.status() == StatusCode::OK);
        assert!(matches!(log_on.status().as_u16(), 200 | 401 | 429), "{}", log_on.status());
        let by_key = by_key.await.unwrap().unwrap();
        logged_on_by_key += usize::from(by_key.status() == StatusCode::OK);
        assert!(matches!(by_key.status().as_u16(), 200 | 401), "{}", by_key.status());
        let confirm = confirm.await.unwrap().unwrap();
        assert!(matches!(confirm.status().as_u16(), 200 | 401 | 403), "{}", confirm.status());
        // A new password ends no access key: what the key opens afterwards is of the time after.
        let of_before =
            [&first, &check_in, &confirm, &log_on].into_iter().chain((verb != Verb::Passwd).then_some(&by_key));
        for answer in of_before.filter(|answer| answer.status() == StatusCode::OK) {
            let passes = service.user_with(&token_of(answer)).await;
            assert_eq!(passes, StatusCode::UNAUTHORIZED, "try {number}: {}", answer.url());
        }
        // The throttle of the address is not what is tested here.
        service.advance(std::time::Duration::from_secs(5));
    }
    if verb != Verb::Passwd {
        assert!((1..TRIES).contains(&logged_on_by_key), "both orders were seen: {logged_on_by_key} of {TRIES} by key");
    }
    assert!((1..TRIES).contains(&logged_on), "both orders were seen: {logged_on} of {TRIES} log-ons came first");
}

// Checks 7, 42.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_leaves_no_session_behind() {
    race(Verb::Passwd).await;
}

// Check 42.
#[tokio::test(flavor = "multi_thread")]
async fn disabling_leaves_no_session_behind() {
    race(Verb::Disable).await;
}

// Check 42.
#[tokio::test(flavor = "multi_thread")]
async fn moving_an_account_to_another_email_leaves_no_session_behind() {
    race(Verb::Rename).await;
}

// Check 42.
#[tokio::test(flavor = "multi_thread")]
async fn deleting_leaves_no_session_behind() {
    race(Verb::Delete).await;
}

/// The password stays good here, so a log-on that reads the account after the operator's write is a new one, and in. What must not
/// be is a session of the time before: a log-on that read the account before it is answered, and its session is dead.
// Check 42.
#[tokio::test(flavor = "multi_thread")]
async fn ending_all_sessions_leaves_none_of_that_moment_behind() {
    let service = Arc::new(Service::start().await);
    let administration = service.administration();
    let (mut ended_first, mut typical) = (0, None::<std::time::Duration>);
    for number in 0..TRIES {
        let moment = f64::from(u8::try_from(number % 40).unwrap()) / 20.0;
        let email = format!("user-{number}@jeplus.org");
        let account = add(&service, &email).await;
        let credential = json!({"email": email, "password": "an imported password"});
        let url = service.running.url.clone();
        let begun = std::time::Instant::now();
        let log_on = tokio::spawn(client().post(format!("{url}/users/api/auth")).json(&credential).send());
        // The first log-on of all tells how long one takes.
        tokio::time::sleep(typical.unwrap_or_default().mul_f64(moment)).await;
        let after = administration.end_sessions(&account.email).await.unwrap().unwrap();
        let log_on = log_on.await.unwrap().unwrap();
        typical.get_or_insert(begun.elapsed());
        assert_eq!(log_on.status(), StatusCode::OK, "try {number}");
        let left = service.sessions(&email).await;
        assert!(left.iter().all(|session| session.generation == after.generation), "try {number}: {left:?}");
        assert_eq!(service.user_with(&token_of(&log_on)).await.is_success(), left.len() == 1, "try {number}");
        ended_first += left.len();
        service.advance(std::time::Duration::from_secs(5));
    }
    assert!((1..TRIES).contains(&ended_first), "both orders were seen: {ended_first} of {TRIES}");
}

// Check 41.
#[tokio::test]
async fn a_log_off_wins_against_every_check_in() {
    let service = Service::start().await;
    for number in 0..TRIES {
        let token = {
            let email = format!("user-{number}@jeplus.org");
            add(&service, &email).await;
            let answer = service.log_on(&email, "an imported password").await;
            assert_eq!(answer.status(), StatusCode::OK);
            token_of(&answer)
        };
        let request =
            |path: &str| client::plain().post(format!("{}{path}", service.running.url)).bearer_auth(&token).send();
        let (check_in, log_off) = tokio::join!(request("/users/api/checkin"), request("/users/api/logout"));
        assert!(matches!(check_in.unwrap().status().as_u16(), 200 | 401));
        assert_eq!(log_off.unwrap().status(), StatusCode::OK);
        assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED, "try {number}");
        service.advance(std::time::Duration::from_secs(5));
    }
}

// Checks 7, 11.
#[tokio::test]
async fn an_imported_hash_is_replaced_at_the_first_log_on_and_by_no_failed_one() {
    let service = Service::start().await;
    let account = add(&service, "imported@jeplus.org").await;
    let stored = async || service.store().account(&account.email).await.unwrap().unwrap().password_hash.unwrap();
    assert_refused(service.log_on("imported@jeplus.org", "wrong").await, 401).await;
    assert!(!stored().await.is_current());
    assert_eq!(service.log_on("imported@jeplus.org", "an imported password").await.status(), StatusCode::OK);
    let replaced = stored().await;
    assert!(replaced.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(service.log_on("imported@jeplus.org", "an imported password").await.status(), StatusCode::OK);
    assert!(stored().await == replaced, "and not again");
}

// Check 7.
#[tokio::test(flavor = "multi_thread")]
async fn many_first_log_ons_at_once_all_succeed() {
    let service = Service::start().await;
    let account = add(&service, "imported@jeplus.org").await;
    let credential = json!({"email": "imported@jeplus.org", "password": "an imported password"});
    let log_ons: Vec<_> = (0..5)
        .map(|_| {
            tokio::spawn(client().post(format!("{}/users/api/auth", service.running.url)).json(&credential).send())
        })
        .collect();
    for log_on in log_ons {
        assert_eq!(log_on.await.unwrap().unwrap().status(), StatusCode::OK, "a failure to replace fails no log-on");
    }
    assert_eq!(service.sessions(account.email.as_str()).await.len(), 5);
}

// Check 8.
#[tokio::test]
async fn a_stored_hash_with_hostile_parameters_is_not_computed() {
    let service = Service::start().await;
    let hostile =
        "$argon2id$v=19$m=4194304,t=1000,p=1$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw";
    let table = format!("{}-accounts", service.running.config.stack);
    let update = service.running.config.aws.dynamodb().update_item().table_name(table);
    let key = aws_sdk_dynamodb::types::AttributeValue::S(crate::support::service::EMAIL.to_owned());
    let hash = aws_sdk_dynamodb::types::AttributeValue::S(hostile.to_owned());
    let update = update.key("email", key).update_expression("SET password_hash = :hash");
    update.expression_attribute_values(":hash", hash).send().await.unwrap();
    assert_refused(service.log_on(crate::support::service::EMAIL, PASSWORD).await, 503).await;
}

#[tokio::test]
async fn a_disabled_account_is_out_and_an_enabled_one_in_again() {
    let service = Service::start().await;
    let administration = service.administration();
    let email = Email::parse(crate::support::service::EMAIL).unwrap();
    let token = service.new_token().await;
    assert!(administration.disable(&email).await.unwrap().is_some());
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    assert_refused(service.log_on(email.as_str(), PASSWORD).await, 401).await;
    assert!(administration.enable(&email).await.unwrap().is_some());
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED, "old sessions stay ended");
    assert_eq!(service.log_on(email.as_str(), PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let service = Service::start().await;
    let email = Email::parse(crate::support::service::EMAIL).unwrap();
    let hash = Hasher::default().hash(&Password::new("another long password"), machine::random()).unwrap();
    let before = service.account().await;
    let changed = service.administration().change_password(&email, hash).await.unwrap().unwrap();
    assert!(changed.account.generation > before.generation && changed.account.links > before.links);
    assert_refused(service.log_on(email.as_str(), PASSWORD).await, 401).await;
    assert_eq!(service.log_on(email.as_str(), "another long password").await.status(), StatusCode::OK);
}
