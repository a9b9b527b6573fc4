//! A change of email that meets others, or whose answer is lost: one wins, and nothing is half.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    domain::account::{Email, Status},
    functions::{app, logon::LogonFunction},
    service::administration::RenameError,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    event::event,
    mails::{BAD_LINK, mails, service},
    my_email::{CHANGED, CONFIRMED, NEW, account_at, ask, confirm, tokens},
    owner::{bearer, ok},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, assert_refused, client, token_of},
};

// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn both_links_at_the_same_moment_change_the_email_once() {
    let service = service().await;
    let (mut here, mut there) = (EMAIL, NEW);
    for _ in 0..20 {
        service.advance(Duration::from_mins(16));
        service.log_on(here, PASSWORD).await;
        service.running.mails.lock().unwrap().clear();
        ask(&service, there).await;
        let [present, new] = tokens(&service).await;
        let (one, other) = tokio::join!(confirm(&service, &present), confirm(&service, &new));
        let mut told = [ok(one).await["status"].clone(), ok(other).await["status"].clone()];
        told.sort_by_key(Value::to_string);
        assert_eq!(told, [json!(CONFIRMED), json!(CHANGED)]);
        assert!(account_at(&service, here).await.is_none() && account_at(&service, there).await.is_some());
        (here, there) = (there, here);
    }
}

// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_claims_on_one_address_one_wins_and_the_other_leaves_all_as_it_was() {
    let service = service().await;
    let others = ["ann@jeplus.org", "bob@jeplus.org"];
    let mut seconds = Vec::new();
    for email in others {
        service.add_account(email, PASSWORD, Status::Active).await;
        let credential = json!({"email": email, "password": PASSWORD});
        let logged_on = client().post(format!("{}/users/api/auth", service.running.url)).json(&credential);
        let token = token_of(&logged_on.send().await.unwrap());
        service.running.mails.lock().unwrap().clear();
        let asked = bearer(&service, Method::POST, "email", &token).json(&json!({"email": NEW})).send().await.unwrap();
        ok(asked).await;
        let [present, new] = tokens(&service).await;
        assert_eq!(ok(confirm(&service, &present).await).await["status"], CONFIRMED);
        seconds.push(new);
    }
    let (ann, bob) = tokio::join!(confirm(&service, &seconds[0]), confirm(&service, &seconds[1]));
    let statuses = [ann.status().as_u16(), bob.status().as_u16()];
    assert!(statuses == [200, 403] || statuses == [403, 200], "{statuses:?}");
    let loser = usize::from(statuses[0] == 200);
    let left = account_at(&service, others[loser]).await.unwrap();
    assert!(left.status == Status::Active && left.registered_email == others[loser]);
    assert!(account_at(&service, others[1 - loser]).await.is_none());
    assert_eq!(assert_refused(confirm(&service, &seconds[loser]).await, 403).await, BAD_LINK, "still");
    assert_eq!(service.log_on(NEW, PASSWORD).await.status(), StatusCode::OK);
    assert_eq!(service.log_on(others[loser], PASSWORD).await.status(), StatusCode::OK);
}

/// A log-on function behind a proxy, and the two links of a change that was asked for; the first of them was used.
async fn half_confirmed() -> (Service, Wire, Arc<LogonFunction>, String) {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    ask(&service, NEW).await;
    let [present, new] = tokens(&service).await;
    ok(confirm(&service, &present).await).await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = Arc::new(app::logon(&config, service.clock()));
    (service, wire, function, new)
}

async fn use_link(function: &LogonFunction, token: &str) -> (u16, Value) {
    let asks = event("POST", "/users/api/email/confirm").json(&json!({"token": token})).event();
    let answer = function.handle(&asks).await;
    (answer.status.as_u16(), serde_json::from_str(&answer.body).unwrap())
}

/// What an operator does comes before the change, or after it.
// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_comes_in_between_wins() {
    for verb in ["rename", "delete", "disable", "add"] {
        let (service, wire, function, new) = half_confirmed().await;
        wire.fail("TransactWriteItems", "-accounts", Fault::Held);
        let running = tokio::spawn(async move { use_link(&function, &new).await });
        wire.arrived().await;
        let (administration, email) = (service.administration(), Email::canonical(EMAIL));
        match verb {
            "rename" => drop(administration.rename(&email, "there@jeplus.org").await.unwrap().unwrap()),
            "delete" => assert!(administration.delete(EMAIL).await.unwrap()),
            "disable" => drop(administration.disable(&email).await.unwrap().unwrap()),
            _ => service.add_account(NEW, "a password of another's", Status::Active).await,
        }
        wire.release();
        let (status, body) = running.await.unwrap();
        assert_eq!((status, &body["reason"]), (403, &json!("bad-link")), "{verb}");
        let [here, there] = [EMAIL, NEW].map(|email| account_at(&service, email));
        let (here, there) = (here.await.is_some(), there.await.is_some());
        assert_eq!((here, there), (verb == "disable" || verb == "add", verb == "add"), "{verb}");
    }
}

// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_after_a_change_of_email_finds_it_made() {
    let (service, _, function, new) = half_confirmed().await;
    assert_eq!(use_link(&function, &new).await.0, 200);
    let (administration, email) = (service.administration(), Email::canonical(EMAIL));
    assert!(administration.rename(&email, "there@jeplus.org").await.unwrap().is_none());
    service.add_account(EMAIL, "a password of another's", Status::Active).await;
    let taken = administration.rename(&email, NEW).await;
    assert!(matches!(taken, Err(RenameError::Exists)));
    // The address of before is another's by now, and the link is told what it did all the same.
    assert_eq!(use_link(&function, &new).await.1["status"], CHANGED);
    assert!(service.account().await.sub != account_at(&service, NEW).await.unwrap().sub);
}

// Checks 85, 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_broke_off_or_whose_answer_was_lost_can_be_sent_again() {
    for (fault, status) in [(Fault::InternalError, 503), (Fault::Lost, 200), (Fault::Unanswered, 503)] {
        let (service, wire, function, new) = half_confirmed().await;
        let sub = service.account().await.sub;
        wire.fail("TransactWriteItems", "-accounts", fault);
        assert_eq!(use_link(&function, &new).await.0, status, "{fault:?}");
        *wire.rule.lock().unwrap() = None;
        let is_moved = fault != Fault::InternalError;
        assert_eq!(account_at(&service, EMAIL).await.is_none(), is_moved, "{fault:?}");
        assert_eq!(account_at(&service, NEW).await.is_some(), is_moved, "{fault:?}");
        assert_eq!(use_link(&function, &new).await, (200, json!({"ok": true, "status": CHANGED})), "{fault:?}");
        assert!(account_at(&service, NEW).await.unwrap().sub == sub && account_at(&service, EMAIL).await.is_none());
        // One mail for each link, and one to the address of before, whichever answer was lost.
        let sent = mails(&service, 3).await;
        assert_eq!(
            (sent[2].to.as_str(), sent[2].subject.as_str()),
            (EMAIL, "jea-auth: Your email was changed"),
            "{fault:?}"
        );
    }
}

// Checks 85, 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_confirmation_whose_answer_was_lost_is_told_again_as_the_first() {
    for (fault, status) in [(Fault::InternalError, 503), (Fault::Unanswered, 503), (Fault::Lost, 200)] {
        let service = service().await;
        service.log_on(EMAIL, PASSWORD).await;
        ask(&service, NEW).await;
        let [present, _] = tokens(&service).await;
        let (wire, mut config) = (Wire::default(), service.config());
        config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
        let function = app::logon(&config, service.clock());
        wire.fail("UpdateItem", "-accounts", fault);
        assert_eq!(use_link(&function, &present).await.0, status, "{fault:?}");
        *wire.rule.lock().unwrap() = None;
        let is_there = service.account().await.email_change.unwrap().confirmed.is_some();
        assert_eq!(is_there, fault != Fault::InternalError, "{fault:?}");
        assert_eq!(use_link(&function, &present).await.1["status"], CONFIRMED);
        assert!(account_at(&service, NEW).await.is_none());
    }
}

/// Ten requests with the second link: each is told that it is done, and it is done once.
// Check 85.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_used_ten_times_at_once_changes_the_email_once() {
    let (service, _, function, new) = half_confirmed().await;
    let mut together = JoinSet::new();
    for _ in 0..10 {
        let (function, new) = (Arc::clone(&function), new.clone());
        together.spawn(async move { use_link(&function, &new).await });
    }
    for (status, body) in together.join_all().await {
        assert_eq!((status, &body["status"]), (200, &json!(CHANGED)));
    }
    assert!(account_at(&service, EMAIL).await.is_none() && account_at(&service, NEW).await.is_some());
}
