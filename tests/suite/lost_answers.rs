//! Calls to DynamoDB that are done and whose answer is lost, that are late, or that meet others in an unlucky order.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    account::Email,
    administration::Administration,
    app,
    aws::Limits,
    event::Event,
    logon::{Answer, LogonFunction},
    store::Store,
};
use reqwest::StatusCode;

use crate::{
    event::{event, log_on_event},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, claims_of, context_of},
};

/// A log-on function and an operator, each behind a proxy of its own.
struct Unlucky {
    service: Service,
    logon: Arc<LogonFunction>,
    wire: Wire,
    operator: Administration,
    operator_wire: Wire,
}

impl Unlucky {
    async fn start() -> Self {
        Self::with(Limits::PERSON).await
    }

    /// A call that is late is given up after the product's own limits, which are over before a busy machine answers others.
    async fn with(limits: Limits) -> Self {
        let service = Service::start().await;
        let (wire, operator_wire) = (Wire::default(), Wire::default());
        let mut config = service.config();
        config.aws.limits = limits;
        config.aws.dynamodb_endpoint = Some(operator_wire.proxy(&service.running.dynamodb_url).await);
        let operator = Administration { store: Store::new(config.aws.dynamodb(), &config.stack) };
        config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
        let logon = Arc::new(app::logon(&config, service.clock()));
        Self { service, logon, wire, operator, operator_wire }
    }

    async fn log_on(&self, password: &str) -> Answer {
        self.logon.handle(&log_on_event(EMAIL, password).event()).await
    }

    async fn sids(&self) -> Vec<String> {
        let sessions = self.service.store().sessions(&self.service.account().await.sub).await.unwrap();
        sessions.into_iter().map(|session| session.sid.into()).collect()
    }
}

fn token_in(answer: &Answer) -> String {
    let cookie = answer.headers.get("set-cookie").unwrap().to_str().unwrap();
    cookie.trim_start_matches("session_token=").split(';').next().unwrap().to_owned()
}

fn operation(path: &str, token: &str) -> Event {
    event("POST", path).by(&context_of(token)).event()
}

// Checks 40, 71.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_off_whose_answer_was_lost_is_done() {
    let unlucky = Unlucky::start().await;
    let token = token_in(&unlucky.log_on(PASSWORD).await);
    unlucky.wire.fail("DeleteItem", "-sessions", Fault::Lost);
    let answer = unlucky.logon.handle(&operation("/users/api/logout", &token)).await;
    assert_eq!(unlucky.wire.count("DeleteItem", "-sessions"), 2, "the SDK has sent it again");
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with("session_token=; "));
    assert_eq!(unlucky.sids().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_whose_answer_was_lost_counts_at_most_once_more() {
    let unlucky = Unlucky::start().await;
    unlucky.wire.fail("UpdateItem", "\"account:", Fault::Lost);
    let mut compared = 0;
    while unlucky.log_on("wrong").await.status.as_u16() == 401 {
        compared += 1;
    }
    assert_eq!(compared, 9, "ten less the one that counted twice");
    // Nor is more given back than was taken.
    unlucky.service.advance(Duration::from_mins(10));
    for _ in 0..5 {
        assert_eq!(unlucky.log_on("wrong").await.status.as_u16(), 401);
    }
    unlucky.wire.fail("UpdateItem", "tat - :by", Fault::Lost);
    assert_eq!(unlucky.log_on(PASSWORD).await.status.as_u16(), 200);
    let mut compared = 0;
    while unlucky.log_on("wrong").await.status.as_u16() == 401 {
        compared += 1;
    }
    assert_eq!(compared, 4, "five were left, less the second that the right password cost");
}

// Check 67.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_write_arrives_late_or_twice_opens_nothing() {
    for fault in [Fault::Late, Fault::Lost] {
        let unlucky = Unlucky::with(Limits::FUNCTION).await;
        unlucky.wire.fail("PutItem", "-sessions", fault);
        let answer = unlucky.log_on(PASSWORD).await;
        assert_eq!(answer.status.as_u16(), 200, "{fault:?}: {}", answer.body);
        assert_eq!(unlucky.wire.count("PutItem", "-sessions"), 2, "{fault:?}: one more try, with another id");
        let token = token_in(&answer);
        assert_eq!(unlucky.service.user_with(&token).await, StatusCode::OK);
        let log_off = unlucky.logon.handle(&operation("/users/api/logout", &token)).await;
        assert_eq!(log_off.status.as_u16(), 200);
        assert_eq!(unlucky.wire.deliver().await, usize::from(fault == Fault::Late));
        assert_eq!(unlucky.service.user_with(&token).await, StatusCode::UNAUTHORIZED, "{fault:?}");
        let signed = claims_of(&token)["sid"].as_str().unwrap().to_owned();
        let left = unlucky.sids().await;
        assert!(left.len() == 1 && left[0] != signed, "a session that nobody has a token of: {left:?}");
    }
}

// Check 67.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_arrives_late_brings_no_session_back() {
    let unlucky = Unlucky::with(Limits::FUNCTION).await;
    let token = token_in(&unlucky.log_on(PASSWORD).await);
    unlucky.wire.fail("UpdateItem", "-sessions", Fault::Late);
    let check_in = unlucky.logon.handle(&operation("/users/api/checkin", &token)).await;
    assert_eq!(check_in.status.as_u16(), 200, "the SDK's second try");
    assert_eq!(unlucky.logon.handle(&operation("/users/api/logout", &token)).await.status.as_u16(), 200);
    assert_eq!(unlucky.wire.deliver().await, 1);
    assert_eq!(unlucky.sids().await, Vec::<String>::new());
}

/// Whatever part of a log-on takes long, the operator comes in between.
// Check 66.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_that_an_account_s_end_overtakes_leaves_no_session() {
    for (call, holds) in [("UpdateItem", "\"account:"), ("PutItem", "-sessions")] {
        let unlucky = Unlucky::start().await;
        unlucky.log_on("the keys are read").await;
        unlucky.wire.fail(call, holds, Fault::Held);
        let function = Arc::clone(&unlucky.logon);
        let log_on = tokio::spawn(async move { function.handle(&log_on_event(EMAIL, PASSWORD).event()).await });
        unlucky.wire.arrived().await;
        let disabled = unlucky.operator.disable(&Email::canonical(EMAIL)).await.unwrap().unwrap();
        assert_eq!(disabled.ended, 0, "{call}: nothing was written yet");
        unlucky.wire.release();
        assert_eq!(log_on.await.unwrap().status.as_u16(), 401, "{call}");
        assert_eq!(unlucky.sids().await, Vec::<String>::new(), "{call}");
    }
    // The operator has read the sessions, and takes long to delete them.
    let unlucky = Unlucky::start().await;
    let token = token_in(&unlucky.log_on(PASSWORD).await);
    unlucky.operator_wire.fail("BatchWriteItem", "-sessions", Fault::Held);
    let operator = Administration { store: unlucky.operator.store.clone() };
    let disable = tokio::spawn(async move { operator.disable(&Email::canonical(EMAIL)).await });
    unlucky.operator_wire.arrived().await;
    assert_eq!(unlucky.log_on(PASSWORD).await.status.as_u16(), 401);
    assert_eq!(unlucky.logon.handle(&operation("/users/api/checkin", &token)).await.status.as_u16(), 401);
    let logout = unlucky.logon.handle(&operation("/users/api/logout", &token)).await;
    assert_eq!(logout.status.as_u16(), 200, "an end is not refused");
    unlucky.operator_wire.release();
    disable.await.unwrap().unwrap().unwrap();
    assert_eq!(unlucky.sids().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_a_table_has_no_capacity_to_delete_are_deleted_when_it_has() {
    for fault in [Fault::Undone, Fault::Throttled] {
        let unlucky = Unlucky::start().await;
        for _ in 0..3 {
            unlucky.log_on(PASSWORD).await;
        }
        unlucky.operator_wire.fail("BatchWriteItem", "-sessions", fault);
        let operator = Administration { store: unlucky.operator.store.clone() };
        let disable = tokio::spawn(async move { operator.disable(&Email::canonical(EMAIL)).await });
        // More than the SDK's own tries, if it fails more than once.
        while unlucky.operator_wire.failed() < if fault == Fault::Undone { 1 } else { 4 } {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        *unlucky.operator_wire.rule.lock().unwrap() = None;
        assert_eq!(disable.await.unwrap().unwrap().unwrap().ended, 3, "{fault:?}");
        assert_eq!(unlucky.sids().await, Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_arrives_late_changes_nothing() {
    let unlucky = Unlucky::with(Limits::FUNCTION).await;
    let email = Email::canonical(EMAIL);
    unlucky.operator.disable(&email).await.unwrap().unwrap();
    // The answer is lost, and the SDK sends it again: it is one change.
    unlucky.operator_wire.fail("UpdateItem", "-accounts", Fault::Lost);
    assert_eq!(unlucky.operator.end_sessions(&email).await.unwrap().unwrap().account.generation, 2);
    unlucky.operator_wire.fail("UpdateItem", "-accounts", Fault::Late);
    unlucky.operator.enable(&email).await.unwrap().unwrap();
    unlucky.operator.disable(&email).await.unwrap().unwrap();
    assert_eq!(unlucky.operator_wire.deliver().await, 1);
    assert_eq!(unlucky.service.account().await.status, jea_auth::account::Status::Disabled, "it stays so");
}

/// From the account's write on no check-in succeeds, however many sessions there are to delete.
// Check 66.
#[tokio::test(flavor = "multi_thread")]
async fn disabling_an_account_of_twenty_thousand_sessions_ends_each_at_once() {
    use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
    const SESSIONS: usize = 20_000;
    let service = Arc::new(Service::start().await);
    let token = service.new_token().await;
    let account = service.account().await;
    let (client, table) = (service.running.config.aws.dynamodb(), format!("{}-sessions", service.running.config.stack));
    let expires_at = service.now().plus(Duration::from_hours(1)).seconds().to_string();
    for batch in (0..SESSIONS).collect::<Vec<_>>().chunks(25) {
        let puts = batch.iter().map(|number| {
            let put = PutRequest::builder()
                .item("sub", AttributeValue::S(account.sub.as_str().to_owned()))
                .item("sid", AttributeValue::S(format!("{number:032x}")))
                .item("expires_at", AttributeValue::N(expires_at.clone()));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        });
        client.batch_write_item().request_items(&table, puts.collect()).send().await.unwrap();
    }
    let operator = Administration { store: service.store() };
    let disable = tokio::spawn(async move { operator.disable(&Email::canonical(EMAIL)).await });
    let logon = app::logon(&service.running.config, service.clock());
    let (mut before, mut after) = (0, 0);
    while !disable.is_finished() {
        let is_disabled = service.account().await.generation == 1;
        let status = logon.handle(&operation("/users/api/checkin", &token)).await.status.as_u16();
        assert!(status == 401 || !is_disabled, "{status} after {before} and {after} check-ins");
        before += usize::from(status == 200);
        after += usize::from(status == 401);
    }
    assert_eq!(disable.await.unwrap().unwrap().unwrap().ended, SESSIONS + 1, "malformed ones too");
    assert!(service.store().sessions(&account.sub).await.unwrap().is_empty());
    println!("{before} check-ins before the account was written, {after} refused while its sessions were deleted");
    assert!(after > 0);
}
