//! Items that are not as this version writes them: made by hand, or by a later version before a rollback. Each stops itself
//! alone, and is named.

use aws_sdk_dynamodb::types::AttributeValue;
use jea_auth::domain::account::Status;
use reqwest::StatusCode;

use crate::support::{
    program::Operator,
    service::{EMAIL, PASSWORD, Service, claims_of},
};

async fn put(service: &Service, table: &str, attributes: &[(&str, &str)]) {
    let table = format!("{}-{table}", service.running.config.stack);
    let mut put = service.running.config.aws.dynamodb().put_item().table_name(table);
    for (name, value) in attributes {
        put = put.item(*name, AttributeValue::S((*value).to_owned()));
    }
    put.send().await.unwrap();
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

// Check 68.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_key_stops_no_log_on_and_no_authorization_and_is_named() {
    let service = Service::start().await;
    put(&service, "signing-keys", &[("kid", "17"), ("alg", "ES999"), ("jwk", "{}")]).await;
    service.advance(std::time::Duration::from_mins(2));
    let token = service.new_token().await;
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    assert_eq!(service.get("/.well-known/jwks.json").await.status(), StatusCode::OK);
    let operator = Operator::of(&service);
    assert_eq!(operator.json(&["key", "list"]).as_array().unwrap().len(), 1);
    let findings = operator.run(&["doctor", "--json"], "");
    assert_eq!(findings.status.code(), Some(1));
    assert!(text(findings.stdout).contains("17: attribute jwk of an item in signing-keys"));
    assert!(operator.run(&["key", "revoke", "17", "--yes"], "").status.success());
    assert!(!text(operator.run(&["doctor", "--json"], "").stdout).contains("17: "));
}

// Check 68.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_account_stops_itself_alone_and_can_be_deleted_by_its_key() {
    let service = Service::start().await;
    service.add_account("later@jeplus.org", PASSWORD, Status::Active).await;
    put(&service, "accounts", &[("email", "odd@jeplus.org"), ("status", "dormant"), ("sub", "odd")]).await;
    put(&service, "accounts", &[("email", "Not An Email"), ("status", "active")]).await;
    let operator = Operator::of(&service);
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    assert_eq!(service.log_on("odd@jeplus.org", PASSWORD).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    for verb in ["list", "export"] {
        let output = operator.run(&["user", verb], "");
        assert_eq!(output.status.code(), Some(1), "{verb}: something is left out");
        let (told, printed) = (text(output.stderr), text(output.stdout));
        assert!(printed.contains("later@jeplus.org") && printed.contains(EMAIL), "{verb}: {printed}");
        assert!(told.contains("odd@jeplus.org: attribute") && told.contains("Not An Email: attribute"), "{told}");
        assert!(told.contains("jea-auth user delete KEY"), "{told}");
    }
    let findings = text(operator.run(&["doctor", "--json"], "").stdout);
    assert!(findings.contains("odd@jeplus.org: ") && findings.contains("Not An Email: "), "{findings}");
    for key in ["odd@jeplus.org", "Not An Email"] {
        let deleted = operator.run(&["user", "delete", key, "--yes"], "");
        assert!(deleted.status.success(), "{}", text(deleted.stderr));
    }
    assert!(operator.run(&["user", "list"], "").status.success());
    assert_eq!(operator.run(&["user", "delete", "Not An Email", "--yes"], "").status.code(), Some(1));
}

// Check 68.
#[tokio::test(flavor = "multi_thread")]
async fn an_odd_session_does_not_keep_the_others_from_being_listed_or_ended_and_is_ended_by_its_id() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let sub = service.account().await.sub;
    for sid in ["odd", "odder"] {
        put(&service, "sessions", &[("sub", sub.as_str()), ("sid", sid)]).await;
    }
    let operator = Operator::of(&service);
    assert_eq!(operator.json(&["session", "list", EMAIL]).as_array().unwrap().len(), 1);
    assert!(operator.run(&["session", "revoke", EMAIL, "odd", "--yes"], "").status.success());
    let by_owner = crate::support::owner::bearer(&service, reqwest::Method::DELETE, "sessions/odder", &token);
    assert_eq!(by_owner.send().await.unwrap().status(), StatusCode::OK);
    let table = format!("{}-sessions", service.running.config.stack);
    let left = service.running.config.aws.dynamodb().scan().table_name(table).send().await.unwrap();
    assert_eq!(left.count(), 1);
    assert!(operator.run(&["session", "revoke", EMAIL, "--yes"], "").status.success());
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
}

/// Before sessions lived by their accounts, each had a copy of the account's name, and its generation was a count.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_older_form_has_ended_and_is_named_by_nobody_as_malformed() {
    let service = Service::start().await;
    let token = service.new_token().await;
    let (table, claims) = (format!("{}-sessions", service.running.config.stack), claims_of(&token));
    let text = |name: &str| AttributeValue::S(claims[name].as_str().unwrap().to_owned());
    let update = service.running.config.aws.dynamodb().update_item().table_name(table);
    let update = update.key("sub", text("sub")).key("sid", text("sid")).update_expression("SET #name = :name");
    let update = update.expression_attribute_names("#name", "name");
    update.expression_attribute_values(":name", AttributeValue::S("Yi".to_owned())).send().await.unwrap();
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    let listed = Operator::of(&service).run(&["session", "list", EMAIL], "");
    assert!(listed.status.success() && !String::from_utf8(listed.stderr).unwrap().contains("malformed"));
}
