//! Calls to DynamoDB that are done and whose answer is lost, that are late, or that meet others in an unlucky order.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    domain::account::{Account, Email},
    functions::{
        app,
        logon::{Answer, LogonFunction},
    },
    platform::{
        aws::Limits,
        store::{Added, Store},
    },
    service::administration::Administration,
    web::event::Event,
};
use reqwest::StatusCode;

use crate::support::{
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
        let store = Store::new(config.aws.dynamodb(), &config.stack);
        let operator = Administration { store, clock: service.clock() };
        config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
        let logon = Arc::new(app::logon(&config, service.clock()));
        Self { service, logon, wire, operator, operator_wire }
    }

    async fn log_on(&self, password: &str) -> Answer {
        self.logon.handle(&log_on_event(EMAIL, password).event()).await
    }

    async fn sids(&self) -> Vec<String> {
        self.service.sessions(EMAIL).await.into_iter().map(|session| session.sid.into()).collect()
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

/// Whatever part of a log-on takes long, the operator comes in between: the log-on is answered as one that came just before, and
/// its session is dead when it is written.
// Checks 66, 81.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_that_an_account_s_end_overtakes_opens_nothing() {
    for (call, holds, status) in [("UpdateItem", "\"account:", 401), ("PutItem", "-sessions", 200)] {
        let unlucky = Unlucky::start().await;
        unlucky.log_on("the keys are read").await;
        unlucky.wire.fail(call, holds, Fault::Held);
        let function = Arc::clone(&unlucky.logon);
        let log_on = tokio::spawn(async move { function.handle(&log_on_event(EMAIL, PASSWORD).event()).await });
        unlucky.wire.arrived().await;
        unlucky.operator.disable(&Email::canonical(EMAIL)).await.unwrap().unwrap();
        unlucky.wire.release();
        let answer = log_on.await.unwrap();
        // The account is read beside the attempt: before the operator's write, or after it.
        assert!(answer.status.as_u16() == status || call == "UpdateItem", "{call}: {}", answer.body);
        if answer.status.as_u16() == 200 {
            assert_eq!(unlucky.service.user_with(&token_in(&answer)).await, StatusCode::UNAUTHORIZED, "{call}");
        }
        assert_eq!(unlucky.sids().await, Vec::<String>::new(), "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_arrives_late_changes_nothing() {
    let unlucky = Unlucky::with(Limits::FUNCTION).await;
    let email = Email::canonical(EMAIL);
    let disabled = unlucky.operator.disable(&email).await.unwrap().unwrap().account;
    // The answer is lost, and the SDK sends it again: it is one change.
    unlucky.operator_wire.fail("UpdateItem", "-accounts", Fault::Lost);
    let ended = unlucky.operator.end_sessions(&email).await.unwrap().unwrap();
    assert_eq!(ended.generation, disabled.generation + 1, "once, and the clock stands still");
    unlucky.operator_wire.fail("UpdateItem", "-accounts", Fault::Late);
    unlucky.operator.enable(&email).await.unwrap().unwrap();
    unlucky.operator.disable(&email).await.unwrap().unwrap();
    assert_eq!(unlucky.operator_wire.deliver().await, 1);
    assert_eq!(unlucky.service.account().await.status, jea_auth::domain::account::Status::Disabled, "it stays so");
}

// Check 67.
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_arrives_late_removes_no_account_that_was_added_since() {
    let unlucky = Unlucky::start().await;
    let account = unlucky.service.account().await;
    unlucky.operator_wire.fail("DeleteItem", "-accounts", Fault::Late);
    assert!(unlucky.operator.delete(EMAIL).await.unwrap(), "the SDK's second try");
    unlucky.service.advance(Duration::from_secs(1));
    let again = Account::new(EMAIL, account.name, account.sub, unlucky.service.now()).unwrap();
    assert_eq!(unlucky.service.store().add_account(&again).await.unwrap(), Added::Added);
    assert_eq!(unlucky.operator_wire.deliver().await, 1);
    assert_eq!(unlucky.service.account().await.generation, again.generation);
}

/// One write ends them all, so it takes as long as the end of two, and there is no moment between.
// Checks 66, 81.
#[tokio::test(flavor = "multi_thread")]
async fn one_write_ends_twenty_thousand_sessions() {
    use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
    const SESSIONS: usize = 20_000;
    let unlucky = Unlucky::start().await;
    let service = &unlucky.service;
    let token = service.new_token().await;
    let account = service.account().await;
    let (client, table) = (service.running.config.aws.dynamodb(), format!("{}-sessions", service.running.config.stack));
    let expires_at = service.now().plus(Duration::from_hours(1)).seconds().to_string();
    for batch in (0..SESSIONS).collect::<Vec<_>>().chunks(25) {
        let puts = batch.iter().map(|number| {
            let texts =
                [("sub", account.sub.as_str()), ("email", EMAIL), ("by", "password"), ("agent", ""), ("address", "")];
            let numbers = [
                ("auth_time", expires_at.clone()),
                ("expires_at", expires_at.clone()),
                ("generation", account.generation.to_string()),
            ];
            let mut put = PutRequest::builder().item("sid", AttributeValue::S(format!("{number:032x}")));
            for (name, value) in texts {
                put = put.item(name, AttributeValue::S(value.to_owned()));
            }
            for (name, value) in numbers {
                put = put.item(name, AttributeValue::N(value));
            }
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        });
        client.batch_write_item().request_items(&table, puts.collect()).send().await.unwrap();
    }
    assert_eq!(unlucky.logon.handle(&operation("/users/api/checkin", &token)).await.status.as_u16(), 200);
    unlucky.operator.disable(&account.email).await.unwrap().unwrap();
    let calls: Vec<String> = unlucky.operator_wire.calls.lock().unwrap().iter().map(|(call, _)| call.clone()).collect();
    let (reads, writes): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.ends_with(".GetItem"));
    assert_eq!((reads.len(), writes.len()), (1, 1), "one read and one write of the account: {calls:?}");
    assert_eq!(unlucky.logon.handle(&operation("/users/api/checkin", &token)).await.status.as_u16(), 401);
    assert_eq!(unlucky.sids().await, Vec::<String>::new());
}
