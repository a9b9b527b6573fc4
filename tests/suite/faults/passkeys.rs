//! Passkeys whose answers are lost.

use jea_auth::functions::app;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{
    event::event,
    mails::mails,
    passkeys::{begin, log_on, registration, service},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, context_of, token_of},
};

/// Its challenge counts once, and what it did is told once more all the same.
// Check 88.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_whose_answer_was_lost_is_told_as_added_when_it_is_sent_again() {
    for (fault, first, again) in
        [(Fault::InternalError, 503, 400), (Fault::Lost, 200, 200), (Fault::Unanswered, 503, 200)]
    {
        let service = service().await;
        let token = token_of(&service.log_on(EMAIL, PASSWORD).await);
        let (options, authenticator) = begin(&service).await;
        let (wire, mut config) = (Wire::default(), service.config());
        config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
        let function = app::logon(&config, service.clock());
        let registration = registration(&service, &options, &authenticator);
        let add =
            event(Method::POST.as_str(), "/users/api/passkeys").json(&registration).by(&context_of(&token)).event();
        wire.fail("UpdateItem", "-accounts", fault);
        assert_eq!(function.handle(&add).await.status.as_u16(), first, "{fault:?}");
        *wire.rule.lock().unwrap() = None;
        let is_added = fault != Fault::InternalError;
        assert_eq!(service.account().await.passkeys.len(), usize::from(is_added), "{fault:?}");
        let answer = function.handle(&add).await;
        assert_eq!(answer.status.as_u16(), again, "{fault:?}: {}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["data"]["name"] == "Phone", is_added, "{body}");
        let can_log_on = log_on(&service, &authenticator).await.status() == StatusCode::OK;
        assert_eq!(can_log_on, is_added, "{fault:?}");
        if is_added {
            // Once for each that was told as added.
            let count = if first == 200 { 2 } else { 1 };
            assert_eq!(mails(&service, count).await[0].subject, "jea-auth: A passkey was added");
        }
    }
}
