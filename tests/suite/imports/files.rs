//! Files as spreadsheets and databases write them, and what must not come in by one.

use std::{fmt::Write, fs, path::Path};

use serde_json::{Value, json};

use crate::support::{
    imports::{HASH, import, summary},
    program::Operator,
    service::{Service, assert_refused},
};

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

/// Imports a text as a file of that name, and gives back what is told on stderr.
fn told(operator: &Operator, folder: &Path, name: &str, text: &str, more: &[&str]) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    let output = import(operator, &file, more);
    format!("{}= {}\n", String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_in_however_a_program_has_written_it() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let csv = format!("EMAIL,Name,Password_Hash,Country\nX,\"Ann \u{20ac} \u{1f511}\",{HASH},GB\n,,,\n\n");
    let (semicolons, tabs) = (csv.replace(',', ";"), csv.replace(',', "\t"));
    let object = format!(
        r#"{{"email": "X", "name": "Ann \u20ac \ud83d\udd11", "password_hash": "{HASH}", "profile": {{"country": "GB"}}}}"#
    );
    let jsonl = object.replace("\\u20ac \\ud83d\\udd11", "\u{20ac} \u{1f511}") + "\n";
    let mapped = csv.replace("EMAIL,Name", "Mail,Display Name");
    let map = ["--map", "email=mail,name=display name"];
    let files: [(&str, Vec<u8>, &[&str]); 17] = [
        ("plain.csv", csv.clone().into(), &[]),
        ("upper.CSV", csv.clone().into(), &[]),
        ("crlf.csv", csv.replace('\n', "\r\n").into(), &[]),
        ("bom.csv", format!("\u{feff}{csv}").into(), &[]),
        ("semicolons.csv", semicolons.clone().into(), &[]),
        ("quoted.csv", semicolons.replace(";Country", ";\"Country\";\",,,,,\"").replace("GB", "GB;").into(), &[]),
        ("sep.csv", format!("sep=;\r\n{semicolons}").into(), &[]),
        ("tabs.tsv", tabs.clone().into(), &[]),
        ("sep-tab.csv", format!("sep=\t\n{tabs}").into(), &[]),
        ("excel.csv", utf16(&tabs, true), &[]),
        ("big-endian.csv", utf16(&csv, false), &[]),
        ("users.jsonl", jsonl.clone().into(), &[]),
        ("utf16.jsonl", utf16(&jsonl, true), &[]),
        ("array.json", format!("\u{feff}[\n{object}\n]\n").into(), &[]),
        ("mapped.csv", mapped.into(), &map),
        ("mapped.json", format!("[{}]", object.replace("\"email\"", "\"mail\"")).into(), &["--map", "email=mail"]),
        (
            "secrets.csv",
            format!("email,name,password,remember_token\nX,Ann \u{20ac} \u{1f511},{HASH},t\n").into(),
            &["--map", "password_hash=password", "--skip", "remember_token"],
        ),
    ];
    for (name, bytes, more) in files {
        let email = format!("{}@example.org", name.replace('.', "-"));
        let file = folder.path().join(name);
        // Of the same length in UTF-16, whose bytes cannot be replaced as text.
        let bytes = match bytes.as_slice() {
            [0xff, 0xfe, ..] => replaced(&bytes, b"X\0", &utf16(&email, true)[2..]),
            [0xfe, 0xff, ..] => replaced(&bytes, b"\0X", &utf16(&email, false)[2..]),
            _ => String::from_utf8(bytes).unwrap().replacen('X', &email, 1).into_bytes(),
        };
        fs::write(&file, bytes).unwrap();
        let imported = import(&operator, &file, &[&["--json"], more].concat());
        assert!(imported.status.success(), "{name}: {}", String::from_utf8_lossy(&imported.stderr));
        assert_eq!(summary(&imported), (1, 1, 0, 0), "{name}");
        let shown = operator.json(&["user", "show", &email]);
        assert_eq!(shown[0]["name"], "Ann \u{20ac} \u{1f511}", "{name}");
        let profile = if name == "secrets.csv" { json!({}) } else { json!({"country": "GB"}) };
        assert_eq!(shown[0]["profile"], profile, "{name}");
    }
    for (number, text) in [csv.clone(), jsonl, format!("[{object}]")].into_iter().enumerate() {
        let text = text.replacen('X', &format!("stdin-{number}@example.org"), 1);
        let output = operator.run(&["user", "import", "-", "--json"], &text);
        assert_eq!(summary(&output), (1, 1, 0, 0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = (0..bytes.len()).step_by(2).find(|at| bytes[*at..].starts_with(from)).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn states_names_and_missing_hashes_are_taken_as_they_are_written() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let mut csv = "email,Status,password_hash\n".to_owned();
    for (number, status) in ["active", "1", "true", "TRUE", "", "disabled", "0", "false", "Disabled"].iter().enumerate()
    {
        writeln!(csv, "user-{number}@example.org,{status},").unwrap();
    }
    let answer = told(&operator, folder.path(), "users.csv", &csv, &["--name-from-email"]);
    assert!(answer.starts_with("accounts without a hash: 9; nobody"), "{answer}");
    let json = r#"[{"email": "a@example.org", "status": true}, {"email": "b@example.org", "status": 0}]"#;
    let answer = told(&operator, folder.path(), "users.json", json, &["--name-from-email"]);
    assert!(answer.starts_with("accounts without a hash: 2; nobody"), "{answer}");
    let all = operator.json(&["user", "list"]);
    let state = |email: &str| all.as_array().unwrap().iter().find(|one| one["email"] == email).unwrap().clone();
    for (email, status) in (0..9).map(|n| (format!("user-{n}@example.org"), if n < 5 { "active" } else { "disabled" }))
    {
        assert_eq!(state(&email)["status"], status, "{email}");
    }
    assert_eq!(
        (&state("a@example.org")["status"], &state("b@example.org")["status"]),
        (&"active".into(), &"disabled".into())
    );
    assert_eq!((&state("a@example.org")["name"], &state("a@example.org")["current_hash"]), (&"a".into(), &Value::Null));

    // Without a password it is like any other refusal, until there is one.
    let unknown = assert_refused(service.log_on("nobody@example.org", "a password of many words").await, 401).await;
    for password in ["", "a password of many words"] {
        assert_eq!(assert_refused(service.log_on("a@example.org", password).await, 401).await, unknown);
    }
    let doctor = operator.run(&["doctor"], "");
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("; 11 have no password"));
    let exported = String::from_utf8(operator.run(&["user", "export"], "").stdout).unwrap();
    let line = exported.lines().find(|line| line.contains("\"a@example.org\"")).unwrap();
    assert!(!line.contains("password_hash"), "{line}");
    let again = told(&operator, folder.path(), "again.jsonl", line, &["--dry-run", "--json"]);
    assert!(again.ends_with("= 0\n"), "{again}");
    let password = "a password of many words";
    assert!(operator.run(&["user", "passwd", "a@example.org", "--password-stdin"], password).status.success());
    assert_eq!(service.log_on("a@example.org", password).await.status(), 200);
}

// Check 73.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_importer_does_not_know_does_not_become_public() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    for (head, message) in [
        ("email,name,Password", "the column Password is a secret by its name"),
        ("email,name,remember_token", "the column remember_token is a secret by its name"),
        ("email,name,apiKey", "the column apiKey is a secret by its name"),
        ("email,name,country,Country", "the head of the file has the column country twice"),
        ("Email,name,EMAIL", "the head of the file has the column email twice"),
        ("email,name,nickname", "profile member nickname would stand for another member of the account"),
        ("email,name,a\u{7}b", "the name of column 3 has a control or format character"),
        ("email,name,a\u{200b}b", "the name of column 3 has a control or format character"),
        (&format!("email,name,{}", "x".repeat(257)), "name of a profile member: it has 1 to 256 bytes"),
    ] {
        let text = format!("{head}\na@example.org,Ann,x,x\n");
        let told = told(&operator, folder.path(), "users.csv", &text, &[]);
        assert!(told.contains(message), "{message} in {told}");
    }
    for (map, message) in [
        ("motto=password", "the column password is a secret by its name"),
        ("token=motto", "the column motto is a secret by its name"),
        ("name=nothing", "the head of the file has no column nothing"),
        ("password_hash=password,email=motto", "two columns are email"),
        ("password_hash=password,country=motto,country=name", "two columns are country"),
    ] {
        let text = "email,name,motto,password\na@example.org,Ann,x,x\n";
        let told = told(&operator, folder.path(), "users.csv", text, &["--map", map]);
        assert!(told.contains(message), "{message} in {told}");
    }
    let long = "x".repeat(257);
    for (profile, message) in [
        (r#""passwordHash": "x""#, "profile member passwordHash is a secret by its name"),
        (r#""role": "admin""#, "profile member role would stand for another member"),
        (
            r#""note": "$2b$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W""#,
            "profile member note holds a password's hash",
        ),
        (r#""note": "$6$salt$hash""#, "profile member note holds a password's hash"),
        (r#""a\nb": "x""#, "name of a profile member: it has 1 to 256 bytes and no control characters"),
        (&format!(r#""{long}": "x""#), "name of a profile member: it has 1 to 256 bytes"),
        (r#""age": 7"#, "profile member age: a text is expected"),
        (r#""motto": "x", "motto": "y""#, "duplicate member `motto`"),
        (r#""\u001b[2J": 7"#, "profile member \u{fffd}[2J: a text is expected"),
    ] {
        let text = format!(r#"{{"email": "a@example.org", "name": "Ann", "profile": {{{profile}}}}}"#);
        let told = told(&operator, folder.path(), "users.jsonl", &text, &[]);
        assert!(told.contains(message), "{message} in {told}");
    }
    let text = format!("email,name,password_hash,Country,Motto\na@example.org,Ann,{HASH},GB,x\n");
    assert_eq!(
        told(&operator, folder.path(), "users.csv", &text, &["--dry-run"]),
        "members of a profile, which every client of an account's owner sees: country, motto\n\
         not checked: whether a hash is that of its owner's password, and what others add or change meanwhile\n= 0\n"
    );
}

// Check 73.
#[tokio::test(flavor = "multi_thread")]
async fn ids_and_emails_are_one_account_s_in_the_file_and_in_the_store() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let there = operator.json(&["user", "show", crate::support::service::EMAIL])[0]["sub"].as_str().unwrap().to_owned();
    let line = |email: &str, more: &str| format!(r#"{{"email": "{email}", "name": "Ann"{more}}}"#);
    let lines = [
        line("ann@example.org", r#", "sub": "7""#),
        line("ANN@example.org", ""),
        line("bob@example.org", r#", "sub": "7""#),
        line("cat@example.org", &format!(r#", "sub": "{there}""#)),
        line("dan@example.org", r#", "sub": "x\r\nX-User-Role: admin""#),
        line("eve@example.org", r#", "created": 32503680000"#),
        line("fay@example.org", r#", "created": 1795255200000"#),
        line("gus@example.org", r#", "created": "2026-11-21""#),
        line("hal@example.org", r#", "status": "asleep""#),
        line("ida@example.org", r#", "generation": -1"#),
        line("jim@example.org", r#", "name": 5"#),
        line("max@m\u{fc}ller.example", ""),
        line("max@xn--mller-kva.example", ""),
        line("kim\u{200b}@example.org", ""),
        line(crate::support::service::EMAIL, r#", "sub": "8""#),
        line("lea@example.org", &format!(r#", "sub": "{}""#, "x".repeat(129))),
        line("mia@example.org", r#", "generation": 9007199254740992, "created": 0"#),
    ];
    fs::write(folder.path().join("users.jsonl"), lines.join("\n")).unwrap();
    for more in [&["--dry-run", "--json"][..], &["--json"]] {
        let refused = import(&operator, &folder.path().join("users.jsonl"), more);
        let told = String::from_utf8(refused.stderr.clone()).unwrap();
        for reason in [
            "line 2: email: the same as in line 1",
            "line 3: sub: the same as in line 1",
            "line 5: sub: it has 1 to 128 characters of A-Z a-z 0-9 . _ : -",
            "line 6: created is in the future",
            "line 7: created is in the future: seconds since 1970 are expected, not milliseconds",
            "line 8: created: a whole number is expected, seconds since 1970",
            "line 9: status: ",
            "line 10: generation: a whole number is expected, a number",
            "line 11: duplicate member `name`",
            "line 13: email: the same as in line 12",
            "line 14: email: an email has one @",
            "line 16: sub: it has 1 to 128 characters",
        ] {
            assert!(told.contains(reason), "{reason} in {told}");
        }
        let is_dry = more.contains(&"--dry-run");
        assert_eq!(
            told.contains(&format!("line 4: sub: {} has it already", crate::support::service::EMAIL)),
            is_dry,
            "{told}"
        );
        assert_eq!(refused.status.code(), Some(1));
        let rows: Value = serde_json::from_slice(&refused.stdout).unwrap();
        assert_eq!(rows[0]["already_there"], if is_dry { json!(1) } else { Value::Null });
    }
    // With nothing else wrong, what is there is looked at before anything is added.
    let taken = told(&operator, folder.path(), "taken.jsonl", &format!("{}\n{}", lines[3], lines[0]), &[]);
    assert!(taken.contains(&format!("line 1: sub: {} has it already", crate::support::service::EMAIL)), "{taken}");
    assert!(!operator.run(&["user", "show", "ann@example.org"], "").status.success(), "nothing was added");
    let whole = told(&operator, folder.path(), "whole.jsonl", &format!("{}\n{}", lines[0], lines[16]), &[]);
    assert!(whole.ends_with("= 0\n"), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_without_its_tables_says_what_it_did_not_check() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::at("http://127.0.0.1:9", "http://127.0.0.1:9");
    let told = told(&operator, folder.path(), "users.csv", "email,name\na@example.org,Ann\n", &["--dry-run"]);
    assert!(
        told.contains("not checked: whether accounts or ids are there already, because the table cannot be read"),
        "{told}"
    );
    assert!(told.ends_with("= 0\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_as_an_editor_counts_them_and_a_record_is_bounded() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let csv = "email,name,motto\n\n\"a@example.org\",Ann,\"two\nlines, and \"\"quotes\"\"\"\n\n,,\nnobody,Bob,x\nb@example.org,Bob\n\
               c@example.org,\"Cat\" and more,x\nnobody,Dan,x,,\n";
    for (name, text) in [("lf.csv", csv.to_owned()), ("crlf.csv", csv.replace('\n', "\r\n"))] {
        let told = told(&operator, folder.path(), name, &text, &[]);
        for reason in [
            "line 7: email: an email has one @",
            "line 8: it has 2 cells, and the head has 3",
            "line 9: text follows the quote at the end of a cell",
            "line 10: email: an email has one @",
            "4 of 5 lines are bad",
        ] {
            assert!(told.contains(reason), "{reason} in {told}");
        }
    }
    let json = "[\n  {\n    \"email\": \"nobody\"\n  },\n\n  {\"email\": \"no\\nbody\", \"name\": [\"]\"]}\n]\n";
    let answer = told(&operator, folder.path(), "users.json", json, &[]);
    assert!(
        answer.contains("line 2, element 1 (nobody): email: an email has")
            && answer.contains("line 6, element 2 (no\u{fffd}body): name: a text is expected"),
        "{answer}"
    );

    let long = "x,y,z\n".repeat(100_000);
    for (name, text, message) in [
        (
            "open.csv",
            format!("email,name\na@example.org,Ann\nb@example.org,\"Bob\n{long}"),
            "the quote that opens in line 3 is not closed",
        ),
        ("end.csv", "email,name\na@example.org,\"Ann\n".to_owned(), "the quote that opens in line 2 is not closed"),
        (
            "long.csv",
            format!("email,name\na@example.org,{}\n", "x".repeat(400_001)),
            "line 2 is longer than any account",
        ),
        (
            "long.jsonl",
            format!("\n{{\"email\": \"{}\"}}\n", "x".repeat(400_001)),
            "line 2 begins what is longer than any account",
        ),
        (
            "long.json",
            format!("[\n{{\"email\": \"{}\"}}\n]", "x".repeat(400_001)),
            "line 2 begins what is longer than any account",
        ),
    ] {
        let told = told(&operator, folder.path(), name, &text, &[]);
        assert!(told.contains(message), "{message} in {told}");
    }
    fs::write(folder.path().join("latin.csv"), b"email,name\na@example.org,Andr\xe9\n").unwrap();
    let refused = import(&operator, &folder.path().join("latin.csv"), &[]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("line 2: it is not UTF-8"));
}
