//! An operator looks at second factors, removes them, and moves accounts with them to another stack.

use std::{fs, path::PathBuf};

use jea_auth::local::Options;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    factor::{NEEDED, code, enrol, log_on},
    imports::import,
    mails,
    program::Operator,
    service::{EMAIL, PASSWORD, Service},
};

fn told(output: &std::process::Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_factor_is_removed_and_its_owner_is_told() {
    let service = Service::start_with(Options { mail: true, ..Options::in_memory() }).await;
    let operator = Operator::of(&service);
    let none = json!([{"email": EMAIL, "factor": null, "recovery_codes": 0}]);
    assert_eq!(operator.json(&["user", "factor", EMAIL]), none);
    let nothing = operator.run(&["user", "factor", EMAIL, "--reset", "--yes"], "");
    assert!(nothing.status.code() == Some(1) && told(&nothing).contains("the account has no second factor"));
    enrol(&service).await;
    assert_eq!(
        operator.json(&["user", "factor", EMAIL]),
        json!([{"email": EMAIL, "factor": "otp", "recovery_codes": 10}])
    );
    let asks = operator.run(&["user", "factor", EMAIL, "--reset"], "");
    assert_eq!(asks.status.code(), Some(1));
    assert!(service.account().await.factor.is_some());
    let removed = operator.run(&["user", "factor", EMAIL, "--reset", "--yes", "--json"], "");
    assert_eq!(serde_json::from_slice::<Value>(&removed.stdout).unwrap(), none);
    assert_eq!(log_on(&service, PASSWORD, None).await.status(), StatusCode::OK);
    assert_eq!(mails::mails(&service, 2).await[1].subject, "jea-auth: The second factor was removed");
    let unknown = operator.run(&["user", "factor", "nobody@example.org"], "");
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn factors_move_where_an_operator_says_so_and_else_stay_behind() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let (secret, codes) = enrol(&service).await;
    let without = operator.run(&["user", "export"], "");
    assert!(told(&without).contains("second factors left out: 1; --with-factors has them in clear"));
    assert!(!String::from_utf8_lossy(&without.stdout).contains("second_factor"));
    let with = operator.run(&["user", "export", "--with-factors"], "");
    let lines = String::from_utf8(with.stdout).unwrap();
    let line: Value = serde_json::from_str(lines.lines().find(|line| line.contains(EMAIL)).unwrap()).unwrap();
    assert_eq!(line["second_factor"]["secret"], secret);
    assert_eq!(line["second_factor"]["recovery_codes"].as_array().unwrap().len(), 10);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let exported = file("exported.jsonl", lines.as_bytes());

    for (options, factor) in [(&[][..], false), (&["--with-factors"], true)] {
        let other = Service::start_again(Options::in_memory()).await;
        let to = Operator::of(&other);
        to.run(&["user", "delete", "demo@example.org", "--yes"], "");
        let imported = import(&to, &exported, options);
        assert!(imported.status.success(), "{}", told(&imported));
        assert_eq!(told(&imported).contains("second factors left out: 1"), !factor);
        other.advance(std::time::Duration::from_mins(1));
        let answer = log_on(&other, PASSWORD, None).await;
        if factor {
            assert_eq!(answer.json::<Value>().await.unwrap()["status"], NEEDED);
            assert_eq!(log_on(&other, PASSWORD, Some(&code(&other, &secret))).await.status(), StatusCode::OK);
            assert_eq!(log_on(&other, PASSWORD, Some(&codes[0])).await.status(), StatusCode::OK);
        } else {
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }
    for (factor, reason) in [
        (json!([]), "second_factor: an object is expected"),
        (json!({}), "second_factor: secret: 10 to 64 bytes in base32 are expected"),
        (json!({"secret": "AAAA"}), "second_factor: secret: 10 to 64 bytes"),
        (json!({"secret": secret, "x": 1}), "second_factor: unknown member x"),
        (json!({"secret": secret, "recovery_codes": ["x"]}), "second_factor: recovery_codes: at most 10"),
    ] {
        let line = json!({"email": "ann@example.org", "name": "Ann", "second_factor": factor});
        let refused = import(&operator, &file("bad.jsonl", line.to_string().as_bytes()), &[]);
        assert!(told(&refused).contains(reason), "{}", told(&refused));
    }
    let csv = import(&operator, &file("users.csv", b"email,name,second_factor\na@example.org,A,x\n"), &[]);
    assert!(told(&csv).contains("second factors do not fit into CSV"), "{}", told(&csv));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_factors_that_do_not_open() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    enrol(&service).await;
    let finding = || {
        let output = operator.run(&["doctor", "--json"], "");
        let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
        findings.as_array().unwrap().iter().find(|finding| finding["check"] == "second factors").unwrap().clone()
    };
    assert_eq!((finding()["state"].as_str(), finding()["found"].as_str()), (Some("ok"), Some("1, which all open")));
    let spoil = |account: &jea_auth::domain::account::Account| {
        let mut changed = account.clone();
        changed.factor.as_mut().unwrap().sealed[0] ^= 1;
        Ok::<_, jea_auth::platform::store::StoreError>(changed)
    };
    let email = jea_auth::domain::account::Email::canonical(EMAIL);
    service.store().change_account(&email, spoil).await.unwrap().unwrap();
    assert_eq!(finding()["state"], "error");
    assert!(finding()["found"].as_str().unwrap().contains("1 of 1 do not open, so nobody logs on with them: yi@"));
}
