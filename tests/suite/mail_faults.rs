//! What becomes of a mail when something fails on its way.

use std::time::Duration;

use jea_auth::{
    account::{Email, Status},
    administration::Administration,
    app,
    mailer::MailerFunction,
};
use serde_json::{Value, json};

use crate::{
    event::event,
    mails::{mails, service},
    proxy::{FAULTS, Fault, Wire},
    service::{EMAIL, PASSWORD, Service},
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
        for fault in FAULTS {
            if fault == Fault::Malformed && call != "GetItem" {
                continue;
            }
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
    let administration = Administration { store: service.store() };
    for email in ["deleted@jeplus.org", "disabled@jeplus.org", "renamed@jeplus.org"] {
        service.add_account(email, PASSWORD, Status::Active).await;
    }
    let records: Vec<Value> = ["deleted@jeplus.org", "disabled@jeplus.org", "renamed@jeplus.org", EMAIL]
        .iter()
        .enumerate()
        .map(|(number, email)| record(&service, number, "reset", email))
        .collect();
    administration.delete("deleted@jeplus.org").await.unwrap().unwrap();
    administration.disable(&Email::canonical("disabled@jeplus.org")).await.unwrap().unwrap();
    administration.rename(&Email::canonical("renamed@jeplus.org"), "new@jeplus.org").await.unwrap().unwrap();
    assert_eq!(handle(&mailer, &records).await, None);
    // Twice, as streams may; late; removed by TTL; of a later release; of nobody.
    assert_eq!(handle(&mailer, &records[3..]).await, None);
    let removed = json!({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "9"}});
    let others = [removed, record(&service, 8, "pigeon", EMAIL), record(&service, 7, "reset", "-")];
    assert_eq!(handle(&mailer, &others).await, None);
    service.advance(Duration::from_hours(1));
    assert_eq!(handle(&mailer, &records[3..]).await, None, "too late to be of use");
    let sent = mails(&service, 2).await;
    assert!(sent.iter().all(|mail| mail.to == EMAIL));
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
    let mut context = crate::service::context_of(&token);
    context["confirmed_at"] = service.now().seconds().to_string().into();
    let asks = event("POST", "/users/api/keys").json(&json!({"name": "key"})).by(&context);
    let answer = app::logon(&config, service.clock()).handle(&asks.event()).await;
    *wire.rule.lock().unwrap() = None;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_eq!(service.account().await.access_keys.len(), 1);
}
