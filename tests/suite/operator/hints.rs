//! What an operator is told to say next: it works on the same stack, also where an item is malformed or the line is slow.

use aws_sdk_dynamodb::types::AttributeValue;
use jea_auth::domain::account::Status;
use serde_json::{Value, json};

use crate::support::{
    program::{Operator, text},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service},
};

/// The commands between backticks.
fn commands(told: &str) -> Vec<&str> {
    told.split('`').skip(1).step_by(2).filter(|part| part.starts_with("jea-auth ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hint_of_a_local_command_names_local_commands() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    service.add_account("off@example.org", PASSWORD, Status::Disabled).await;
    let (nobody, key) = ("nobody@example.org", "0123456789abcdef0123456789abcdef");
    let mut told = Vec::new();
    for arguments in [
        &["user", "show", nobody][..],
        &["user", "set", nobody, "--no-role"],
        &["user", "rename", nobody, "new@example.org"],
        &["user", "rename", EMAIL, "off@example.org"],
        &["user", "keys", EMAIL, "--revoke", key, "--yes"],
        &["user", "disable", nobody],
        &["user", "delete", nobody, "--yes"],
        &["user", "add", EMAIL, "--name", "Yi", "--password-stdin"],
        &["session", "list", nobody],
        &["session", "revoke", EMAIL, "unknown", "--yes"],
        &["key", "revoke", "17", "--yes"],
    ] {
        let output = operator.run(arguments, PASSWORD);
        let said = text(&output.stderr);
        assert!(!output.status.success() && !commands(&said).is_empty(), "{arguments:?}: {said}");
        told.push(said);
    }
    let other = operator.run(&["user", "keys", EMAIL, "--stack", "other"], "");
    assert!(text(&other.stderr).contains("is `jea-auth serve` running?"), "what takes no --local is said without it");
    for said in told {
        assert!(commands(&said).iter().all(|command| command.ends_with(" --local")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_malformed_is_told_as_such_with_the_command_that_removes_it() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let email = "odd one@example.org";
    let table = format!("{}-accounts", service.running.config.stack);
    for key in ["odd@example.org", email] {
        let put = service.running.config.aws.dynamodb().put_item().table_name(&table);
        let put = put.item("email", AttributeValue::S(key.to_owned())).item("sub", AttributeValue::S("odd".to_owned()));
        put.send().await.unwrap();
    }
    for arguments in
        [&["user", "show"][..], &["user", "keys"], &["user", "factor"], &["user", "disable"], &["session", "list"]]
    {
        let output = operator.run(&[arguments, &["odd@example.org"]].concat(), "");
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains("of an item in accounts is missing or malformed"), "{said}");
        let hint = format!(
            "hint: mend the item in the table {table}, or remove it with `jea-auth user delete EMAIL --local`\n"
        );
        assert!(said.ends_with(&hint), "{said}");
    }
    let findings: Value = serde_json::from_slice(&operator.run(&["doctor", "--json"], "").stdout).unwrap();
    let todo = |key: &str| {
        let found = |finding: &&Value| finding["found"].as_str().unwrap().starts_with(&format!("{key}: attribute "));
        findings.as_array().unwrap().iter().find(found).unwrap()["todo"].as_str().unwrap().to_owned()
    };
    for (key, word) in [("odd@example.org", "odd@example.org"), (email, "'odd one@example.org'")] {
        let command = format!("jea-auth user delete {word} --local");
        assert_eq!(todo(key), format!("mend the item in the table, or remove it with `{command}`"));
    }
    let removed = operator.json(&["user", "delete", email, "--yes"]);
    assert_eq!(removed, json!([{"email": email}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_what_a_command_removed() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    service.log_on(EMAIL, PASSWORD).await;
    let make = service.request(reqwest::Method::POST, "/users/api/keys").json(&json!({"name": "cluster"}));
    let key: Value = make.send().await.unwrap().json().await.unwrap();
    let id = key["data"]["id"].as_str().unwrap();
    let ended = operator.json(&["user", "keys", EMAIL, "--revoke", id, "--yes"]);
    assert_eq!((&ended[0]["id"], &ended[0]["name"]), (&json!(id), &json!("cluster")));
    service.new_token().await;
    let sessions = operator.json(&["session", "list", EMAIL]);
    let sid = sessions[0]["sid"].as_str().unwrap();
    assert_eq!(operator.json(&["session", "revoke", EMAIL, sid, "--yes"]), json!([sessions[0]]));
    let left = operator.json(&["session", "list", EMAIL]);
    assert_eq!(left.as_array().unwrap().len() + 1, sessions.as_array().unwrap().len());
    assert_eq!(operator.json(&["session", "revoke", EMAIL, "--yes"]), left);
    let shown = operator.json(&["user", "show", EMAIL]);
    assert_eq!(operator.json(&["user", "delete", EMAIL, "--yes"]), shown);
}

// A function gives up after a second and a half.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_command_waits_for_a_slow_line_as_a_person_does() {
    let service = Service::start().await;
    let wire = Wire::default();
    let operator = Operator::at(&wire.proxy(&service.running.dynamodb_url).await, &service.running.kms_url);
    wire.fail("Scan", "accounts", Fault::Held);
    let listed = tokio::task::spawn_blocking(move || operator.json(&["user", "list"]));
    wire.arrived().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    wire.release();
    assert_eq!(listed.await.unwrap().as_array().unwrap().len(), 2);
}
