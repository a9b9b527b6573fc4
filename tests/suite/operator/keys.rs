//! An operator looks at access keys and sessions, and moves accounts with their keys to another stack.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use jea_auth::{
    domain::{
        account::{Account, Status},
        ids::SessionId,
        time::Timestamp,
    },
    platform::store::StoreError,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    imports::import,
    owner::{ok, send},
    program::Operator,
    service::{EMAIL, PASSWORD, Service, assert_refused, client, token_of},
};

fn told(output: &std::process::Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Makes a key in the session of the service's own client.
async fn make(service: &Service, name: &str) -> (String, String) {
    let data = ok(send(service, Method::POST, "keys", &json!({"name": name, "days": 30})).await).await["data"].clone();
    let text = |member: &str| data[member].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

async fn log_on_with(service: &Service, email: &str, key: &str) -> Response {
    let request = client().post(format!("{}/users/api/auth", service.running.url)).header("User-Agent", "script/1");
    request.json(&json!({"email": email, "password": key})).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_without_what_they_are_worth_and_ended_with_their_sessions() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let none = operator.run(&["user", "keys", EMAIL], "");
    assert_eq!(none.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&none.stdout), "ID  NAME  CREATED  EXPIRES  LAST USED  READ ONLY\n");
    assert_eq!(told(&none), "no access keys\n");
    assert_eq!(operator.json(&["user", "keys", EMAIL]), json!([]));

    service.log_on(EMAIL, PASSWORD).await;
    let (one, key) = make(&service, "cluster").await;
    service.advance(Duration::from_secs(2));
    let (two, other) = make(&service, "ledger \u{200b}").await;
    let (by_one, again) = (log_on_with(&service, EMAIL, &key).await, log_on_with(&service, EMAIL, &key).await);
    let (by_two, by_password) = (token_of(&log_on_with(&service, EMAIL, &other).await), service.new_token().await);
    let listed = operator.json(&["user", "keys", EMAIL]);
    let row = |at: usize| listed[at].as_object().unwrap().clone();
    assert_eq!((listed.as_array().unwrap().len(), row(0).len()), (2, 6), "{listed}");
    assert_eq!(listed[0]["read_only"], false);
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&json!(one), &json!("cluster")));
    assert_eq!((&listed[1]["id"], &listed[1]["name"]), (&json!(two), &json!("ledger \u{200b}")));
    let created = listed[0]["created"].as_u64().unwrap();
    assert_eq!(listed[0]["expires"], created + 30 * 24 * 3600);
    assert_eq!(listed[0]["last_used"].as_u64().unwrap() % (24 * 3600), 0);
    let table = operator.run(&["user", "keys", EMAIL], "");
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("T00:00:00Z") && table.contains("ledger \u{fffd}"), "{table}");
    assert_eq!(operator.json(&["user", "show", EMAIL])[0]["keys"], 2);
    let digest = service.account().await.access_keys.values().next().unwrap().digest.0;
    for shown in [table, listed.to_string(), operator.json(&["user", "show", EMAIL]).to_string()] {
        assert!(
            !shown.contains(&key[37..])
                && !shown.contains(&format!("{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]))
        );
    }

    let asks = operator.run(&["user", "keys", EMAIL, "--revoke", &one], "");
    assert_eq!(asks.status.code(), Some(1));
    let plan = format!("This ends the access key {one} (cluster) of {EMAIL}, and 2 sessions that it has opened.\n");
    assert!(told(&asks).starts_with(&plan), "{}", told(&asks));
    let ended = operator.run(&["user", "keys", EMAIL, "--revoke", &one, "--yes"], "");
    assert!(ended.status.success() && ended.stdout.is_empty());
    assert_eq!(told(&ended), format!("{plan}access key {one} ended; 2 sessions ended\n"));
    for (token, status) in [(token_of(&by_one), 401), (token_of(&again), 401), (by_two, 200), (by_password, 200)] {
        assert_eq!(service.user_with(&token).await.as_u16(), status);
    }
    assert_refused(log_on_with(&service, EMAIL, &key).await, 401).await;
    let gone = operator.run(&["user", "keys", EMAIL, "--revoke", &one, "--yes"], "");
    assert_eq!(gone.status.code(), Some(1));
    let expected = format!(
        "error: the account has no such access key\nhint: `jea-auth user keys {EMAIL} --local` shows the keys it has\n"
    );
    assert_eq!(told(&gone), expected);
    for (arguments, code) in [
        (&["user", "keys", "nobody@example.org"][..], 1),
        (&["user", "keys", "nobody@example.org", "--revoke", &two, "--yes"], 1),
        (&["user", "keys", EMAIL, "--revoke", "17"], 2),
        (&["user", "keys", EMAIL, "--yes"], 2),
    ] {
        assert_eq!(operator.run(arguments, "").status.code(), Some(code), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_gone_has_no_sessions_and_cannot_be_ended_again() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    service.log_on(EMAIL, PASSWORD).await;
    let (id, key) = make(&service, "cluster").await;
    let by_key = token_of(&log_on_with(&service, EMAIL, &key).await);
    let ended = operator.run(&["user", "keys", EMAIL, "--revoke", &id, "--yes"], "");
    assert!(told(&ended).ends_with(&format!("access key {id} ended; 1 session ended\n")), "{}", told(&ended));
    assert_eq!(service.user_with(&by_key).await, StatusCode::UNAUTHORIZED);
    assert_eq!(operator.json(&["session", "list", EMAIL]).as_array().unwrap().len(), 1);
    assert_eq!(operator.run(&["user", "keys", EMAIL, "--revoke", &id, "--yes"], "").status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_on_at_its_account_s_new_email() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    service.log_on(EMAIL, PASSWORD).await;
    let (_, key) = make(&service, "cluster").await;
    let listed = operator.json(&["user", "keys", EMAIL]);
    let by_key = token_of(&log_on_with(&service, EMAIL, &key).await);
    let renamed = operator.run(&["user", "rename", EMAIL, "zhang.yi@example.org"], "");
    assert_eq!(told(&renamed), "2 sessions ended\n");
    assert_eq!(service.user_with(&by_key).await, StatusCode::UNAUTHORIZED);
    let mut expected = listed.clone();
    expected[0]["last_used"] = operator.json(&["user", "keys", "zhang.yi@example.org"])[0]["last_used"].clone();
    assert_eq!(operator.json(&["user", "keys", "zhang.yi@example.org"]), expected);
    assert_refused(log_on_with(&service, EMAIL, &key).await, 401).await;
    assert_eq!(log_on_with(&service, "zhang.yi@example.org", &key).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_listed_with_what_opened_it_from_where_and_with_what() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let none = operator.run(&["session", "list", EMAIL], "");
    assert_eq!(none.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&none.stdout), "SID  AUTH TIME  EXPIRES AT  BY  ADDRESS  AGENT\n");
    assert_eq!(told(&none), "no sessions\n");
    assert_eq!(operator.json(&["session", "list", EMAIL]), json!([]));

    let request = service.request(Method::POST, "/users/api/auth").header("User-Agent", "browser/1 \u{202e}evil");
    request.json(&json!({"email": EMAIL, "password": PASSWORD})).send().await.unwrap();
    let (id, key) = make(&service, "cluster").await;
    service.advance(Duration::from_secs(2));
    assert_eq!(log_on_with(&service, EMAIL, &key).await.status(), StatusCode::OK);
    // What stands in the table may have been written by somebody else.
    let mut session = service.sessions(EMAIL).await.remove(0);
    session.sid = SessionId::parse("0").unwrap();
    session.auth_time = session.auth_time.plus(Duration::from_mins(1));
    (session.agent, session.address) = ("\u{1b}[2J\nx".to_owned(), String::new());
    service.store().add_session(&session).await.unwrap();

    let listed = operator.json(&["session", "list", EMAIL]);
    let seen: Vec<[&Value; 4]> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|session| ["by", "key", "address", "agent"].map(|member| &session[member]))
        .collect();
    let expected = [
        [json!("password"), Value::Null, json!("127.0.0.1"), json!("browser/1 \u{202e}evil")],
        [json!("cluster"), json!(id), json!("127.0.0.1"), json!("script/1")],
    ];
    assert_eq!(seen[0].map(Clone::clone), expected[0]);
    assert_eq!(seen[1].map(Clone::clone), expected[1]);
    assert_eq!((seen[2][2], seen[2][3]), (&Value::Null, &json!("\u{1b}[2J\nx")));
    let json = operator.run(&["session", "list", EMAIL, "--json"], "").stdout;
    let table = String::from_utf8(operator.run(&["session", "list", EMAIL], "").stdout).unwrap();
    for text in [&table, &String::from_utf8(json).unwrap()] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("browser/1 \u{fffd}evil\n") && table.contains("  -          \u{fffd}[2J x\n"), "{table}");
}

/// All items of the table of accounts, by email, but for the numbers that every account begins anew with.
async fn accounts(service: &Service) -> HashMap<String, HashMap<String, AttributeValue>> {
    let table = format!("{}-accounts", service.running.config.stack);
    let items = service.running.config.aws.dynamodb().scan().table_name(table).send().await.unwrap().items.unwrap();
    let mut accounts: HashMap<_, _> =
        items.into_iter().map(|item| (item["email"].as_s().unwrap().clone(), item)).collect();
    // An account that is added begins with a generation of its own, so that none comes twice.
    for account in accounts.values_mut() {
        assert_eq!((account.remove("generation").is_some(), account.remove("links").is_some()), (true, true));
    }
    accounts
}

async fn emptied() -> (Service, Operator) {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    for email in accounts(&service).await.keys() {
        assert!(operator.run(&["user", "delete", email, "--yes"], "").status.success());
    }
    (service, operator)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_imported_gives_the_same_table_and_keys_that_go_on() {
    let (service, (other, elsewhere)) = (Service::start().await, emptied().await);
    let operator = Operator::of(&service);
    service.add_account("Max@m\u{fc}ller.example", PASSWORD, Status::Disabled).await;
    service.log_on(EMAIL, PASSWORD).await;
    let (_, used) = make(&service, "used").await;
    let (_, unused) = make(&service, "not used \u{1f511}").await;
    log_on_with(&service, EMAIL, &used).await;
    let for_reading = |account: &Account| {
        let mut account = account.clone();
        account.access_keys.values_mut().for_each(|key| (key.read_only, key.end_told) = (true, true));
        account.temporary_until = Some(Timestamp::from_seconds(service.now().seconds() + 3600));
        Ok::<_, StoreError>(account)
    };
    service.store().change_account(&service.account().await.email, for_reading).await.unwrap();
    assert!(
        operator.run(&["user", "set", EMAIL, "--role", "editor", "--profile", "Motto=\u{202e}x"], "").status.success()
    );
    let folder = tempfile::tempdir().unwrap();
    let before = accounts(&service).await;
    assert_eq!(before.len(), 3);
    assert_eq!(before[EMAIL]["access_keys"].as_m().unwrap().len(), 2);
    for (name, more) in [("users.jsonl", &[][..]), ("users.json", &["--json"])] {
        let exported = operator.run(&[&["user", "export"], more].concat(), "").stdout;
        let text = String::from_utf8(exported).unwrap();
        for key in [&used, &unused] {
            assert!(!text.contains(&key[37..]), "a secret is not kept, so it cannot be told");
        }
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let dry = import(&elsewhere, &file, &["--dry-run"]);
        assert!(told(&dry).contains("2 access keys come along, and whoever has one can log on"), "{}", told(&dry));
        assert!(import(&elsewhere, &file, &[]).status.success());
        assert_eq!(accounts(&other).await, before, "{name}");
        assert_eq!(log_on_with(&other, EMAIL, &unused).await.status(), StatusCode::OK);
        for email in before.keys() {
            assert!(elsewhere.run(&["user", "delete", email, "--yes"], "").status.success());
        }
    }
    let file = folder.path().join("users.jsonl");
    assert!(import(&elsewhere, &file, &["--skip", "access_keys"]).status.success());
    assert_eq!(elsewhere.json(&["user", "show", EMAIL])[0]["keys"], 0);
    assert_refused(log_on_with(&other, EMAIL, &unused).await, 401).await;
}

fn told_of(operator: &Operator, folder: &Path, name: &str, text: &str, more: &[&str]) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    let output = import(operator, &file, more);
    format!("{}= {}\n", told(&output), output.status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_an_imported_key_is_checked_and_told_by_its_line() {
    let (service, operator) = emptied().await;
    let folder = tempfile::tempdir().unwrap();
    let id = "0123456789abcdef0123456789abcdef";
    let good = json!({"name": "n", "sha256": "0f".repeat(32), "created": 1_750_000_000, "expires": 1_750_086_400});
    let with = |member: &str, value: Value| {
        let mut key = good.clone();
        key[member] = value;
        json!({ id: key })
    };
    let without = |member: &str| {
        let mut key = good.clone();
        key.as_object_mut().unwrap().remove(member);
        json!({ id: key })
    };
    let many = |number: usize| -> Value {
        Value::Object((0..number).map(|at| (format!("{at:032x}"), good.clone())).collect())
    };
    let year = 365 * 24 * 3600;
    let cases = [
        (json!([]), "access_keys: an object is expected"),
        (json!({"17": good}), "access_keys: the id of an access key is 32 hexadecimal digits in lower case"),
        (json!({id.to_uppercase(): good}), "access_keys: the id of an access key is 32 hexadecimal digits"),
        (json!({id: "jea_"}), "access key 0123456789abcdef0123456789abcdef: an object is expected"),
        (
            with("secret", json!("x")),
            "unknown member secret: name, sha256, created, expires, last_used, read_only, end_told are expected",
        ),
        (without("name"), ": name is missing"),
        (with("name", json!("a\u{7}")), ": name: it has 1 to 256 bytes and no control characters"),
        (with("name", json!(7)), ": name: a text is expected"),
        (without("sha256"), ": sha256 is missing"),
        (with("sha256", json!("0f".repeat(31))), ": sha256: 64 hexadecimal digits in lower case are expected"),
        (with("sha256", json!("0f".repeat(33))), ": sha256: 64 hexadecimal digits"),
        (with("sha256", json!("0F".repeat(32))), ": sha256: 64 hexadecimal digits"),
        (with("sha256", json!("+f".repeat(32))), ": sha256: 64 hexadecimal digits"),
        (with("sha256", json!("\u{e9}".repeat(32))), ": sha256: 64 hexadecimal digits"),
        (without("created"), ": created is missing"),
        (with("created", json!(-1)), ": created: a whole number is expected, seconds since 1970"),
        (with("created", json!(1_750_000_000_000_u64)), ": created is in the future: seconds since 1970 are expected"),
        (without("expires"), ": expires is missing"),
        (with("expires", json!(1_750_000_000)), ": expires: a time after created is expected, at most 365 days"),
        (with("expires", json!(1_750_000_001 + year)), ": expires: a time after created is expected"),
        (with("expires", json!(u64::MAX)), ": expires: a time after created is expected"),
        (with("last_used", json!("yesterday")), ": last_used: a whole number is expected"),
        (with("last_used", json!(32_503_680_000_u64)), ": last_used is in the future"),
        (with("read_only", json!("true")), ": read_only: true or false is expected"),
        (with("end_told", json!(1)), ": end_told: true or false is expected"),
        (many(21), "access_keys: at most 20 are expected"),
    ];
    let line = |number: usize, keys: &Value| {
        json!({"email": format!("user-{number}@example.org"), "name": "Ann", "access_keys": keys}).to_string()
    };
    let mut lines: Vec<String> = cases.iter().enumerate().map(|(at, (keys, _))| line(at, keys)).collect();
    lines.push(format!(r#"{{"email":"z@example.org","name":"Z","access_keys":{{"{id}":{good},"{id}":{good}}}}}"#));
    let answer = told_of(&operator, folder.path(), "bad.jsonl", &lines.join("\n"), &[]);
    let told: Vec<&str> = answer.lines().collect();
    for (at, (_, reason)) in cases.iter().enumerate() {
        assert!(
            told[at].starts_with(&format!("line {}: ", at + 1)) && told[at].contains(reason),
            "{reason}: {}",
            told[at]
        );
    }
    assert!(told[cases.len()].contains(&format!("duplicate member `{id}`")), "{answer}");
    assert!(accounts(&service).await.is_empty());

    let lines =
        [with("last_used", json!(1_750_000_000)), with("expires", json!(1_750_000_000 + year)), many(20), Value::Null];
    let lines: Vec<String> = lines.iter().enumerate().map(|(at, keys)| line(at, keys)).collect();
    let answer = told_of(&operator, folder.path(), "good.jsonl", &lines.join("\n"), &[]);
    assert!(answer.ends_with("= 0\n"), "{answer}");
    assert_eq!(operator.json(&["user", "keys", "user-2@example.org"]).as_array().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_keys_have_no_place_in_csv_or_in_a_profile() {
    let (service, operator) = emptied().await;
    let folder = tempfile::tempdir().unwrap();
    let csv = "email,name,Access_Keys\na@example.org,Ann,{}\n";
    for (text, more) in [(csv, &[][..]), ("email,name,x\na@example.org,Ann,{}\n", &["--map", "access_keys=x"])] {
        let answer = told_of(&operator, folder.path(), "users.csv", text, more);
        assert_eq!(
            answer,
            "error: access keys do not fit into CSV\nhint: leave the column out with --skip, or import JSON as `jea-auth user \
             export --local` writes it\n= 1\n"
        );
    }
    let profile = r#"{"email": "a@example.org", "name": "Ann", "profile": {"access_keys": "x"}}"#;
    let answer = told_of(&operator, folder.path(), "users.jsonl", profile, &[]);
    assert!(answer.contains("profile member access_keys is a secret by its name"), "{answer}");
    assert!(accounts(&service).await.is_empty());
    let answer = told_of(&operator, folder.path(), "users.csv", csv, &["--skip", "Access_Keys"]);
    assert!(answer.ends_with("= 0\n"), "{answer}");
}

#[test]
fn help_teaches_whoever_has_read_nothing_else() {
    for (verb, taught) in [
        (&["user", "set"][..], "jea-auth user set yi@jeplus.org --no-role"),
        (&["user", "rename"], "never at none"),
        (&["user", "keys"], "is shown it once"),
        (&["user", "export"], "never a password or a key itself"),
        (&["user", "import"], "--skip access_keys"),
        (&["session", "list"], "or the name of an access key"),
    ] {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_jea-auth")).args(verb).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains(taught), "{taught} in {help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_which_keys_a_change_leaves_and_which_it_removes() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    service.log_on(EMAIL, PASSWORD).await;
    make(&service, "cluster").await;
    let passwd = operator.run(&["user", "passwd", EMAIL, "--password-stdin"], "another password of words");
    assert!(told(&passwd).contains("1 access key can still be used; `jea-auth user keys yi@"), "{}", told(&passwd));
    let disabled = operator.run(&["user", "disable", EMAIL], "");
    assert!(told(&disabled).contains("1 access key removed for good"), "{}", told(&disabled));
    assert!(!told(&disabled).contains("can still be used"), "{}", told(&disabled));
}
