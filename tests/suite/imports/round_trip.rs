//! Accounts from a file and back.

use std::{fmt::Write, fs};

use serde_json::Value;

use crate::support::{
    imports::{HASH, import, summary},
    program::Operator,
    service::{Service, assert_refused},
};

#[tokio::test(flavor = "multi_thread")]
async fn csv_and_json_lines_are_imported_and_an_export_gives_the_same_tables() {
    let (service, other) = (Service::start().await, Service::start().await);
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("users.csv");
    let head = "email,name,password_hash,role,status,country,company\n";
    let lines =
        format!("Ann@Example.org,Ann,{HASH},editor,,GB,\"Ann, Inc.\"\nbob@example.org,Bob,{HASH},,disabled,,\n");
    fs::write(&csv, format!("{head}{lines}")).unwrap();
    let operator = Operator::of(&service);
    let imported = import(&operator, &csv, &["--json"]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    assert_eq!(summary(&imported), (2, 2, 0, 0));
    assert_eq!(summary(&import(&operator, &csv, &["--json"])), (2, 0, 2, 0), "again changes nothing");

    let shown = operator.json(&["user", "show", "ann@example.org"]);
    assert_eq!(shown[0]["email"], "Ann@Example.org");
    assert_eq!(shown[0]["profile"], serde_json::json!({"country": "GB", "company": "Ann, Inc."}));
    assert_refused(service.log_on("bob@example.org", "an imported password").await, 401).await;
    assert_eq!(service.log_on("ann@example.org", "an imported password").await.status(), 200);
    assert_eq!(summary(&import(&operator, &csv, &["--json"])), (2, 0, 2, 0), "and not after a log-on either");
    assert_eq!(operator.json(&["user", "show", "ann@example.org"])[0]["current_hash"], true);

    let exported = operator.run(&["user", "export"], "").stdout;
    let array: Vec<Value> = serde_json::from_slice(&operator.run(&["user", "export", "--json"], "").stdout).unwrap();
    let lines: Vec<Value> =
        String::from_utf8_lossy(&exported).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(array, lines, "with --json it is one array");
    let file = folder.path().join("users.jsonl");
    fs::write(&file, &exported).unwrap();
    let elsewhere = Operator::of(&other);
    // The demo account and the tests' own are there already, with other passwords and ids.
    for email in ["demo@example.org", crate::support::service::EMAIL] {
        assert!(elsewhere.run(&["user", "delete", email, "--yes"], "").status.success());
    }
    assert_eq!(summary(&import(&elsewhere, &file, &["--json"])), (4, 4, 0, 0));
    let sorted = |bytes: Vec<u8>| {
        let mut lines: Vec<String> = String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(elsewhere.run(&["user", "export"], "").stdout), sorted(exported));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_line_is_told_and_then_nothing_is_added() {
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.jsonl");
    let good = format!(r#"{{"email":"ann@example.org","name":"Ann","password_hash":"{HASH}"}}"#);
    let lines = [
        good.clone(),
        good.replace("ann@example.org", "nobody"),
        good.replace("$1000$", "$99999999$"),
        good.replace("\"Ann\"", "\"\""),
        good.replace("\"name\"", "\"nick\""),
        "not JSON".to_owned(),
        good.replace('}', r#","status":"asleep"}"#),
        good.replace('}', r#","name":"Twice"}"#),
        good.replace('}', &format!(r#","profile":{{"about":"{}"}}}}"#, "x".repeat(60_000))),
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let operator = Operator::of(&service);
    for more in [&["--json"][..], &["--json", "--dry-run"]] {
        let refused = import(&operator, &file, more);
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(summary(&refused), (9, 0, 0, 8));
        let told = String::from_utf8(refused.stderr).unwrap();
        for reason in [
            "line 2: email: an email has one @",
            "line 3: password_hash is not a hash of Argon2",
            "line 4: name is missing: say --map name=COLUMN, or --name-from-email",
            "line 5: unknown member nick: put it into profile, or leave it out with --skip",
            "line 6: expected",
            "line 7: status: active or disabled is expected",
            "line 8: duplicate member `name`",
            "line 9: its texts have more than 60000 bytes",
            "8 of 9 lines are bad",
        ] {
            assert!(told.contains(reason), "{reason} in {told}");
        }
        assert!(!told.contains("MDEyMzQ1"), "no hash is printed");
    }
    assert!(!operator.run(&["user", "show", "ann@example.org"], "").status.success());

    fs::write(&file, &good).unwrap();
    assert_eq!(summary(&import(&operator, &file, &["--json", "--dry-run"])), (1, 0, 0, 0));
    assert!(!operator.run(&["user", "show", "ann@example.org"], "").status.success(), "a dry run adds nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_told_with_what_to_do() {
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::of(&service);
    for (name, text, message) in [
        ("missing.csv", None, "cannot read"),
        ("users.txt", Some(""), "give it the ending .csv or .jsonl"),
        ("users.csv", Some("mail;name\n"), "the head of the file has no column email"),
        ("empty.csv", Some(""), "the head of the file has no column email"),
        ("users.json", Some("7"), "an object is expected"),
        (
            "half.json",
            Some("[{\"email\": \"a@example.org\"},\n{\"email\": "),
            "the file ends within what begins in line 2",
        ),
    ] {
        let file = folder.path().join(name);
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let refused = import(&operator, &file, &[]);
        assert_eq!(refused.status.code(), Some(1));
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains(message), "{message} in {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_accounts_are_imported_in_batches() {
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.csv");
    let mut text = "email,name,password_hash\n".to_owned();
    for number in 0..2_000 {
        writeln!(text, "user-{number}@example.org,User {number},{HASH}").unwrap();
    }
    fs::write(&file, text).unwrap();
    let operator = Operator::of(&service);
    assert_eq!(summary(&import(&operator, &file, &["--json"])), (2_000, 2_000, 0, 0));
    assert_eq!(operator.json(&["user", "show", "user-7@example.org"])[0]["name"], "User 7");
}
