//! An operator chooses a password that its owner must change, and sees who has none of the factors that are demanded.

use std::{fs, time::Duration};

use jea_auth::domain::account::{Email, TEMPORARY_LIFE};
use serde_json::{Value, json};

use crate::support::{
    factor::enrol,
    imports::import,
    program::Operator,
    service::{EMAIL, PASSWORD, Service},
};

const ANN: &str = "ann@example.org";

fn told(output: &std::process::Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_its_owner_must_change_is_told_of_and_lasts_seven_days() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let add = ["user", "add", ANN, "--name", "Ann", "--password-stdin", "--temporary"];
    let added = operator.run(&add, "a password of many words");
    let expected = "EMAIL            NAME  ROLE  STATUS  FACTOR  PASSWORD\nann@example.org  Ann   -     active  -       temporary\n";
    assert_eq!(String::from_utf8(added.stdout).unwrap(), expected);
    let shown = |password: &Value, is_temporary: bool| {
        let shown = operator.json(&["user", "show", ANN]);
        assert_eq!(shown[0]["password"], *password, "{shown}");
        assert_eq!(shown[0]["temporary_until"].is_u64(), is_temporary, "{shown}");
        shown[0]["temporary_until"].as_u64().unwrap_or_default()
    };
    let until = shown(&json!("temporary"), true);
    let account = service.store().account(&Email::canonical(ANN)).await.unwrap().unwrap();
    // The account was made a moment before it got its password.
    let life = until - account.created.seconds();
    assert!((0..60).contains(&(life - TEMPORARY_LIFE.as_secs())), "{life}");
    let table = String::from_utf8(operator.run(&["user", "show", ANN], "").stdout).unwrap();
    assert!(table.contains("TEMPORARY UNTIL") && table.contains("00Z") | table.contains('T'), "{table}");

    let passwd = |more: &[&str], password: &str| {
        operator.run(&[&["user", "passwd", ANN, "--password-stdin"], more].concat(), password)
    };
    assert!(passwd(&[], "another password of words").status.success());
    shown(&json!("set"), false);
    assert!(passwd(&["--temporary"], "a third password of words").status.success());
    shown(&json!("temporary"), true);
    let listed = operator.json(&["user", "list"]);
    let rows = listed.as_array().unwrap().iter().map(|row| (row["email"].as_str().unwrap(), &row["password"]));
    let rows: Vec<(&str, &Value)> = rows.filter(|(email, _)| [ANN, EMAIL].contains(email)).collect();
    assert_eq!(rows, [(ANN, &json!("temporary")), (EMAIL, &json!("set"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_present_password_is_no_new_one() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    for more in [&[][..], &["--temporary"]] {
        let arguments = [&["user", "passwd", EMAIL, "--password-stdin"], more].concat();
        let refused = operator.run(&arguments, PASSWORD);
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(told(&refused), "error: the password is the one that the account has\nhint: use another one\n");
    }
    assert!(service.account().await.temporary_until.is_none());
    assert!(service.log_on(EMAIL, PASSWORD).await.status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_says_until_when_a_password_is_good_and_an_import_makes_it_no_longer() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let now = jea_auth::platform::machine::now();
    let (soon, late) =
        (now.plus(Duration::from_hours(1)).seconds(), now.plus(Duration::from_hours(7 * 24 + 1)).seconds());
    let hash = service.account().await.password_hash.unwrap();
    let file = folder.path().join("users.csv");
    let head = "email,name,password_hash,temporary_until\n";
    fs::write(&file, format!("{head}a@example.org,A,\"{0}\",{soon}\nb@example.org,B,\"{0}\",\n", hash.as_str()))
        .unwrap();
    assert!(import(&operator, &file, &[]).status.success());
    let until = |email: &str| operator.json(&["user", "show", email])[0]["temporary_until"].clone();
    assert_eq!((until("a@example.org"), until("b@example.org")), (json!(soon), Value::Null));
    let bad = folder.path().join("bad.csv");
    fs::write(&bad, format!("{head}c@example.org,C,\"{0}\",{late}\nd@example.org,D,\"{0}\",soon\n", hash.as_str()))
        .unwrap();
    let refused = told(&import(&operator, &bad, &[]));
    assert!(refused.contains("temporary_until: a time in at most 7 days is expected"), "{refused}");
    assert!(refused.contains("temporary_until: a whole number is expected, seconds since 1970"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_counts_accounts_that_must_have_a_factor_and_have_none() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let finding = |more: &[&str]| {
        let findings = operator.json(&[&["doctor"], more].concat());
        let of = findings.as_array().unwrap().iter().find(|finding| finding["check"] == "required factors");
        let of = of.unwrap().clone();
        ["state", "found"].map(|name| of[name].as_str().unwrap().to_owned())
    };
    assert!(operator.run(&["user", "set", EMAIL, "--role", "admin"], "").status.success());
    let [state, found] = finding(&["--require-factor", "admin"]);
    assert_eq!((state.as_str(), found.as_str()), ("warning", "1 of 1 have none: yi@jeplus.org"));
    let [state, found] = finding(&["--require-factor", "all"]);
    assert_eq!((state.as_str(), found.as_str()), ("warning", "2 of 2 have none: demo@example.org, yi@jeplus.org"));
    enrol(&service).await;
    assert_eq!(finding(&["--require-factor", "admin"]), ["ok", "of 1, which all have one"]);
    let listed = operator.json(&["user", "list"]);
    let of =
        |email: &str| listed.as_array().unwrap().iter().find(|row| row["email"] == email).unwrap()["factor"].clone();
    assert_eq!((of(EMAIL), of("demo@example.org")), (json!("otp"), Value::Null));
    assert!(operator.run(&["user", "disable", "demo@example.org"], "").status.success());
    assert_eq!(finding(&["--require-factor", "all"]), ["ok", "of 1, which all have one"], "nobody logs on to that one");
    assert_eq!(finding(&["--require-factor", "off"]), ["ok", "of nobody"]);
    assert_eq!(finding(&[])[0], "skipped");
    assert_eq!(operator.run(&["doctor", "--require-factor", ""], "").status.code(), Some(2));
}
