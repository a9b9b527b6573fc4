//! What becomes of a mail when something fails on its way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jea_auth::{
    domain::account::{Email, Status},
    functions::{
        app,
        mailer::{GIVEN_UP_AFTER, MailerFunction},
    },
    platform::aws::Limits,
};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;

use crate::support::{
    event::event,
    log::Log,
    mails::{mails, service},
    proxy::{FAULTS, Fault, Wire},
    service::{EMAIL, PASSWORD, Service},
    template::{at, template, text},
};

/// A mailer whose calls can fail, beside the one that runs.
async fn mailer(service: &Service, wire: &Wire) -> MailerFunction {
    let mut config = service.config();
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    config.aws.kms_endpoint = Some(wire.proxy(&service.running.kms_url).await);
    config.aws.ses_endpoint = Some(wire.proxy(&service.running.kms_url).await);
    config.aws.limits = wire.limits();
    app::mailer(&config, service.clock()).unwrap()
}

/// What a SES answers.
type Answer = fn() -> Response;

/// A mailer whose SES always answers so, after so long, and the mails that this SES got.
async fn mailer_of(service: &Service, after: Duration, answer: Answer) -> (MailerFunction, Arc<Mutex<Vec<Value>>>) {
    let got = Arc::<Mutex<Vec<Value>>>::default();
    let noted = Arc::clone(&got);
    let ses = Router::new().fallback(move |body: axum::body::Bytes| async move {
        noted.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        tokio::time::sleep(after).await;
        answer()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = service.config();
    config.aws.ses_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, ses).await });
    (app::mailer(&config, service.clock()).unwrap(), got)
}

fn taken() -> Response {
    axum::Json(json!({"MessageId": "1"})).into_response()
}

/// The subjects of mails, without the service's name.
fn subjects(mails: &Mutex<Vec<Value>>) -> Vec<String> {
    let mails = mails.lock().unwrap();
    let subjects = mails.iter().map(|mail| mail["Content"]["Simple"]["Subject"]["Data"].as_str().unwrap());
    subjects.map(|subject| subject.trim_start_matches("jea-auth: ").to_owned()).collect()
}

fn record(service: &Service, number: usize, kind: &str, email: &str) -> Value {
    let expires_at = (service.now().seconds() + 3600).to_string();
    json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": number.to_string(), "NewImage": {
        "id": {"S": number.to_string()}, "kind": {"S": kind}, "email": {"S": email}, "expires_at": {"N": expires_at},
    }}})
}

async fn handle(mailer: &MailerFunction, records: &[Value]) -> Option<String> {
    let records = serde_json::from_value(json!({"Records": records})).unwrap();
    mailer.handle(&records, "request-1").await.failed().map(str::to_owned)
}

// Checks 52, 77.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_sent_comes_again_and_those_before_it_do_not() {
    let (service, wire) = (service().await, Wire::default());
    let records = [record(&service, 1, "test", EMAIL), record(&service, 2, "reset", EMAIL)];
    let mut sent = 0;
    for (call, holds) in [("GetItem", "-accounts"), ("/v2/email/outbound-emails", "Set a new password")] {
        for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Malformed) {
            wire.fail(call, holds, fault);
            let mailer = mailer(&service, &wire).await;
            assert_eq!(handle(&mailer, &records).await.as_deref(), Some("2"), "{call}: {fault:?}");
            *wire.rule.lock().unwrap() = None;
            sent += 1;
        }
    }
    for (call, holds) in [("GetItem", "service-secret"), ("Decrypt", "service-secret")] {
        let mailer = mailer(&service, &wire).await;
        wire.fail(call, holds, Fault::InternalError);
        assert_eq!(handle(&mailer, &records).await.as_deref(), Some("2"), "{call}");
        *wire.rule.lock().unwrap() = None;
        assert_eq!(handle(&mailer, &records[1..]).await, None, "and all is well afterwards");
        sent += 2;
    }
    mails(&service, sent).await;
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_between_the_item_and_its_mail_counts() {
    let (service, wire) = (service().await, Wire::default());
    let mailer = mailer(&service, &wire).await;
    let administration = service.administration();
    for email in ["deleted@jeplus.org", "disabled@jeplus.org", "renamed@jeplus.org"] {
        service.add_account(email, PASSWORD, Status::Active).await;
    }
    let records: Vec<Value> = ["deleted@jeplus.org", "disabled@jeplus.org", "renamed@jeplus.org", EMAIL]
        .iter()
        .enumerate()
        .map(|(number, email)| record(&service, number, "reset", email))
        .collect();
    assert!(administration.delete("deleted@jeplus.org").await.unwrap());
    administration.disable(&Email::canonical("disabled@jeplus.org")).await.unwrap().unwrap();
    administration.rename(&Email::canonical("renamed@jeplus.org"), "new@jeplus.org").await.unwrap().unwrap();
    assert_eq!(handle(&mailer, &records).await, None);
    // Twice, as streams may; to another instance; removed by TTL; of a later release; of nobody.
    assert_eq!(handle(&mailer, &records[3..]).await, None);
    assert_eq!(handle(&self::mailer(&service, &wire).await, &records[3..]).await, None);
    let removed = json!({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "9"}});
    let others = [removed, record(&service, 8, "pigeon", EMAIL), record(&service, 7, "reset", "-")];
    assert_eq!(handle(&mailer, &others).await, None);
    let sent = mails(&service, 2).await;
    assert!(sent.iter().all(|mail| mail.to == EMAIL));
}

// Checks 77, 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_whose_answer_was_lost_can_be_sent_again() {
    let (service, wire) = (service().await, Wire::default());
    let mut config = service.config();
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let of_thief = service.new_token().await;
    let asks = event("POST", "/users/api/forgot").json(&json!({"email": EMAIL}));
    assert_eq!(app::logon(&config, service.clock()).handle(&asks.event()).await.status.as_u16(), 200);
    let token = mails(&service, 1).await[0].token();
    let reset = async |new_password: &str| {
        let body = json!({"token": token, "new_password": new_password});
        let asks = event("POST", "/users/api/reset").json(&body);
        app::logon(&config, service.clock()).handle(&asks.event()).await.status.as_u16()
    };
    wire.fail("UpdateItem", "-accounts", Fault::Unanswered);
    assert_eq!(reset("another long enough password").await, 503);
    *wire.rule.lock().unwrap() = None;
    assert_eq!(service.user_with(&of_thief).await, 401, "what was written ends all sessions");
    assert_eq!(reset("and yet another long password").await, 403, "of another password it is another request");
    assert_eq!(reset("another long enough password").await, 200);
    assert_eq!(mails(&service, 2).await[1].subject, "jea-auth: Your password was set anew");
    assert_eq!(service.log_on(EMAIL, "another long enough password").await.status().as_u16(), 200);
    // Each comparison took an attempt, as a link that was used is no way around the account's bucket.
    let mut statuses = Vec::new();
    for number in 0..10 {
        statuses.push(reset(&format!("a guess with the number {number}")).await);
    }
    let compared = statuses.iter().take_while(|status| **status == 403).count();
    assert!((1..=8).contains(&compared), "ten less the two that were compared before: {statuses:?}");
    assert!(statuses[compared..].iter().all(|status| *status == 429), "{statuses:?}");
    // It is good for the link's time alone.
    service.advance(Duration::from_mins(30));
    assert_eq!(reset("another long enough password").await, 403);
}

// Check 52.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_be_asked_for_is_503_and_what_an_owner_did_is_done_without_its_mail() {
    let (service, wire) = (service().await, Wire::default());
    let mut config = service.config();
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let token = service.new_token().await;
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Malformed) {
        wire.fail("PutItem", "-outbox", fault);
        config.aws.limits = wire.limits();
        let asks = event("POST", "/users/api/forgot").json(&json!({"email": EMAIL}));
        let answer = app::logon(&config, service.clock()).handle(&asks.event()).await;
        assert_eq!(answer.status.as_u16(), 503, "{fault:?}: {}", answer.body);
        *wire.rule.lock().unwrap() = None;
        service.advance(Duration::from_mins(15));
    }
    wire.fail("PutItem", "-outbox", Fault::InternalError);
    let mut context = crate::support::service::context_of(&token);
    context["confirmed_at"] = service.now().seconds().to_string().into();
    let asks = event("POST", "/users/api/keys").json(&json!({"name": "key"})).by(&context);
    let answer = app::logon(&config, service.clock()).handle(&asks.event()).await;
    *wire.rule.lock().unwrap() = None;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_eq!(service.account().await.access_keys.len(), 1);
}

// Check 89.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_account_keeps_no_other_mail_waiting() {
    let (service, log) = (service().await, Log::default());
    let put = service.running.config.aws.dynamodb().put_item().table_name("jea-auth-accounts");
    let odd = ["email", "status"].into_iter().zip(["odd@jeplus.org", "dormant"]);
    let put = odd.fold(put, |put, (name, value)| put.item(name, AttributeValue::S(value.to_owned())));
    put.send().await.unwrap();
    let (mailer, got) = mailer_of(&service, Duration::ZERO, taken).await;
    let records = [record(&service, 1, "reset", "odd@jeplus.org"), record(&service, 2, "reset", EMAIL)];
    assert_eq!(handle(&mailer, &records).with_subscriber(log.subscriber()).await, None);
    assert_eq!(subjects(&got), ["Set a new password"]);
    let logged = log.text();
    assert!(logged.contains("outcome=\"malformed\"") && logged.contains("`jea-auth doctor`"), "{logged}");
    assert!(!logged.contains("jeplus.org"), "{logged}");
    // Nor does a service secret that is none keep those waiting who need no link.
    let wire = Wire::default();
    let mailer = self::mailer(&service, &wire).await;
    wire.fail("GetItem", "service-secret", Fault::Malformed);
    let records = [record(&service, 3, "reset", EMAIL), record(&service, 4, "key-made", EMAIL)];
    assert_eq!(handle(&mailer, &records).await, None);
    assert_eq!(mails(&service, 1).await[0].subject, "jea-auth: An access key was made");
    // And as it comes from strangers.
    for email in ["odd@jeplus.org", EMAIL] {
        let answer = service.client.post(format!("{}/users/api/forgot", service.running.url));
        answer.json(&json!({"email": email})).send().await.unwrap().error_for_status().unwrap();
    }
    assert_eq!(mails(&service, 2).await[1].subject, "jea-auth: Set a new password");
}

// Check 89.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_does_not_wait_for_what_others_are_told() {
    let service = service().await;
    let (mailer, got) = mailer_of(&service, Duration::ZERO, taken).await;
    service.add_account("new@jeplus.org", PASSWORD, Status::Active).await;
    let kinds = [("key-made", EMAIL), ("reset", EMAIL), ("key-ended", EMAIL), ("invitation", "new@jeplus.org")];
    let records: Vec<Value> =
        kinds.iter().enumerate().map(|(number, (kind, email))| record(&service, number, kind, email)).collect();
    assert_eq!(handle(&mailer, &records).await, None);
    let expected = ["Set a new password", "Your account", "An access key was made", "An access key was ended"];
    assert_eq!(subjects(&got), expected);
}

// Check 89.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_fails_keeps_none_of_its_batch_waiting_and_has_none_of_them_sent_again() {
    let (service, wire) = (service().await, Wire::default());
    let mailer = mailer(&service, &wire).await;
    let records = [
        record(&service, 1, "test", EMAIL),
        record(&service, 2, "key-made", EMAIL),
        record(&service, 3, "key-ended", EMAIL),
        record(&service, 4, "reset", EMAIL),
    ];
    wire.fail("/v2/email/outbound-emails", "An access key was made", Fault::InternalError);
    assert_eq!(handle(&mailer, &records).await.as_deref(), Some("2"));
    assert_eq!(handle(&mailer, &records[1..]).await.as_deref(), Some("2"));
    *wire.rule.lock().unwrap() = None;
    assert_eq!(handle(&mailer, &records[1..]).await, None);
    let sent: Vec<String> = mails(&service, 4).await.into_iter().map(|mail| mail.subject).collect();
    let expected = ["Set a new password", "A test", "An access key was ended", "An access key was made"];
    assert_eq!(sent, expected.map(|subject| format!("jea-auth: {subject}")));
}

// Check 89.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_sent_is_given_up_after_a_quarter_of_an_hour() {
    let (service, log) = (service().await, Log::default());
    let (mailer, got) = mailer_of(&service, Duration::ZERO, taken).await;
    let records = [record(&service, 1, "reset", EMAIL), record(&service, 2, "reset", EMAIL)];
    service.advance(GIVEN_UP_AFTER - Duration::from_secs(1));
    assert_eq!(handle(&mailer, &records[..1]).await, None);
    service.advance(Duration::from_secs(1));
    assert_eq!(handle(&mailer, &records[1..]).with_subscriber(log.subscriber()).await, None);
    assert_eq!(subjects(&got), ["Set a new password"]);
    assert!(log.text().contains("outcome=\"too late\""), "{}", log.text());
}

// Check 89.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_gets_no_mails_is_told_of_and_keeps_no_other_waiting() {
    let (service, log) = (service().await, Log::default());
    let (mailer, got) = mailer_of(&service, Duration::ZERO, taken).await;
    // SES would make two recipients of the second.
    let emails = ["j\u{f6}rg@jeplus.org", "ann@jeplus,org"];
    for email in emails {
        service.add_account(email, PASSWORD, Status::Active).await;
    }
    let records = [
        record(&service, 1, "reset", emails[0]),
        record(&service, 2, "key-made", emails[1]),
        record(&service, 3, "reset", "nobody@jeplus,org"),
        record(&service, 4, "reset", EMAIL),
    ];
    assert_eq!(handle(&mailer, &records).with_subscriber(log.subscriber()).await, None);
    assert_eq!(subjects(&got), ["Set a new password"]);
    let logged = log.text();
    assert_eq!(logged.matches("outcome=\"refused\"").count(), 2, "{logged}");
    assert_eq!(logged.matches("outcome=\"nobody\"").count(), 1, "a stranger raises no alarm by it: {logged}");
    assert!(!logged.contains("jeplus"), "{logged}");
}

// Check 91.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_ses_gets_one_mail() {
    let service = service().await;
    let slow = async |millis| {
        let (mailer, got) = mailer_of(&service, Duration::from_millis(millis), taken).await;
        assert_eq!(handle(&mailer, &[record(&service, 1, "reset", EMAIL)]).await, None, "{millis}");
        assert_eq!(subjects(&got), ["Set a new password"], "{millis}");
    };
    tokio::join!(slow(600), slow(9_000));
}

// Check 91.
#[tokio::test(flavor = "multi_thread")]
async fn what_ses_says_of_a_recipient_is_in_no_log() {
    const CANARY: &str = "canary@example.org";
    fn said(status: StatusCode, kind: &'static str) -> Response {
        let message = format!("Email address is not verified. The following identities failed the check: {CANARY}");
        let headers = [("x-amzn-errortype", kind), ("x-amzn-requestid", "request-of-ses")];
        (status, headers, axum::Json(json!({"message": message}))).into_response()
    }
    let service = service().await;
    service.add_account(CANARY, PASSWORD, Status::Active).await;
    let answers: [(Answer, Option<&str>, &str); 5] = [
        (
            || said(StatusCode::BAD_REQUEST, "MessageRejected"),
            None,
            "HTTP 400, MessageRejected, request request-of-ses",
        ),
        (|| said(StatusCode::BAD_REQUEST, "BadRequestException"), None, "HTTP 400, BadRequestException"),
        (|| said(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"), Some("1"), "TooManyRequestsException"),
        (|| said(StatusCode::FORBIDDEN, "AccessDeniedException"), Some("1"), "AccessDeniedException"),
        (|| (StatusCode::BAD_GATEWAY, CANARY).into_response(), Some("1"), "HTTP 502, no code"),
    ];
    for (answer, failed, expected) in answers {
        let log = Log::default();
        let (mailer, got) = mailer_of(&service, Duration::ZERO, answer).await;
        let records = [record(&service, 1, "reset", CANARY), record(&service, 2, "key-made", CANARY)];
        assert_eq!(handle(&mailer, &records).with_subscriber(log.subscriber()).await.as_deref(), failed, "{expected}");
        assert_eq!(got.lock().unwrap()[0]["Destination"]["ToAddresses"], json!([CANARY]));
        let logged = log.text();
        assert!(logged.contains(expected) && !logged.contains("canary"), "{logged}");
    }
}

// Check 91.
#[test]
fn a_batch_of_mails_fits_into_the_mailer_s_time_and_none_is_tried_for_longer_than_it_is_of_use() {
    let template = template();
    let mapping = at(&template, &["Resources", "MailerMails", "Properties"]);
    let number = |value: &serde_yaml_ng::Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let batch = number(&mapping["BatchSize"]);
    let timeout = number(at(&template, &["Resources", "Mailer", "Properties", "Timeout"]));
    // The account of each, and once the service secret, which is read and opened.
    let longest = batch * (Limits::MAIL.operation + Limits::FUNCTION.operation) + 2 * Limits::FUNCTION.operation;
    assert!(Duration::from_secs(timeout.into()) >= longest, "{longest:?}");
    let given_up = number(&mapping["MaximumRecordAgeInSeconds"]);
    assert_eq!(Duration::from_secs(given_up.into()), GIVEN_UP_AFTER);
    assert_eq!(text(&mapping["FunctionResponseTypes"][0]), "ReportBatchItemFailures");
    assert_eq!(mapping["BisectBatchOnFunctionError"].as_bool(), Some(true));
}
