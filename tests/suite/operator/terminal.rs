//! What comes out of the terminal program: whole or an error, and harmless on a terminal.

use std::{
    fs::File,
    path::Path,
    process::{Command, Output, Stdio},
};

use jea_auth::{
    domain::{account::Email, ids::AccountId},
    platform::store::Added,
};
use serde_json::Value;

use crate::support::{
    program::{Operator, PROGRAM, text},
    service::{EMAIL, Service, skip},
    serving::{free_ports, serve},
};

/// The command line against a service, with a stdout of the test's choice.
fn run(service: &Service, arguments: &[&str], stdout: impl Into<Stdio>) -> Output {
    let mut command = Command::new(PROGRAM);
    let child = command.args(arguments).env_clear().envs(Operator::of(service).environment).stdin(Stdio::null());
    child.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

// Check 70.
#[tokio::test(flavor = "multi_thread")]
async fn data_that_cannot_be_written_is_a_failure_of_every_command_that_has_some() {
    if !Path::new("/dev/full").exists() {
        return skip("there is no /dev/full here");
    }
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.jsonl");
    std::fs::write(&file, "").unwrap();
    let url = ["doctor", "--url", &service.running.url];
    let of_the_stack: [&[&str]; 13] = [
        &["user", "export"],
        &["user", "list"],
        &["user", "show", EMAIL],
        &["user", "set", EMAIL, "--name", "Zhang Yi"],
        &["user", "keys", EMAIL],
        &["user", "disable", EMAIL],
        &["user", "enable", EMAIL],
        &["user", "import", file.to_str().unwrap()],
        &["session", "list", EMAIL],
        &["key", "list"],
        &["key", "rotate"],
        &["key", "export"],
        &url,
    ];
    for arguments in of_the_stack {
        for form in [&["--local"][..], &["--local", "--json"]] {
            let output = run(&service, &[arguments, form].concat(), full());
            assert_full(&output, arguments);
        }
    }
    for arguments in [&["completions", "bash"][..], &["--help"], &["help", "user"], &["user", "--help"], &["--version"]]
    {
        assert_full(&run(&service, arguments, full()), arguments);
    }
    let mut serving = serve(folder.path(), free_ports());
    assert_full(&serving.stdout(full()).output().unwrap(), &["serve"]);
}

fn assert_full(output: &Output, arguments: &[&str]) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
    assert!(told.contains("error: cannot write the data: No space left on device"), "{arguments:?}: {told}");
    assert!(told.contains("hint: what came out is not whole"), "{arguments:?}: {told}");
}

// Check 70.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_enough_ends_a_command_without_a_word() {
    let service = Service::start().await;
    for arguments in
        [&["user", "export", "--local"][..], &["key", "list", "--local"], &["completions", "zsh"], &["--help"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = run(&service, arguments, writer);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
}

/// Escape sequences, a C1 control, DEL, an override of the direction, an invisible blank, a tag.
const ACTING: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}1m\u{7f}\u{202e}\u{200b}\u{e0041}";

fn assert_harmless(bytes: &[u8]) -> String {
    let told = text(bytes);
    let acts = |c: char| (c.is_control() && c != '\n') || ACTING.contains(c) && !c.is_ascii();
    assert!(!told.contains(acts), "{told:?}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_does_nothing_to_a_terminal_and_an_export_still_has_all_of_it() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    // The command line would not take such an email; whoever else writes to the table might.
    let mut account = service.store().account(&Email::canonical(EMAIL)).await.unwrap().unwrap();
    account.email = Email::canonical("evil@example.org");
    account.sub = AccountId::parse("evil").unwrap();
    account.registered_email.push_str(ACTING);
    account.profile.insert(format!("key{ACTING}"), format!("value{ACTING}"));
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    let listed = assert_harmless(&operator.run(&["user", "list"], "").stdout);
    assert!(listed.contains('\u{fffd}'), "{listed}");
    for json in [operator.run(&["user", "list", "--json"], "").stdout, operator.run(&["user", "export"], "").stdout] {
        let told = assert_harmless(&json);
        let parsed: Vec<Value> = match serde_json::from_str(&told) {
            Ok(all) => all,
            Err(_) => told.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        let evil = parsed.iter().find(|account| account["sub"] == "evil").unwrap();
        assert_eq!(evil["email"], account.registered_email.as_str());
        assert_eq!(evil["profile"][format!("key{ACTING}")], format!("value{ACTING}").as_str());
    }
    let removed = operator.run(&["user", "delete", "evil@example.org", "--yes"], "");
    assert!(removed.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_straight_however_wide_its_characters_are() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    for (email, name) in [
        ("zhang@example.org", "\u{5f20}\u{6bc5}"),
        ("jose@example.org", "Jose\u{301}"),
        ("ann@example.org", "Ann"),
        ("kim@example.org", "\u{ae40}\u{bbfc}\u{c900}"),
    ] {
        let arguments = ["user", "add", email, "--name", name, "--role", "editor", "--password-stdin"];
        assert!(operator.run(&arguments, "a password of many words").status.success());
    }
    let listed = text(&operator.run(&["user", "list"], "").stdout);
    // Two columns for each ideograph and syllable, none for the accent.
    let expected = "\
ann@example.org    Ann     editor  active  -       set
jose@example.org   Jose\u{301}    editor  active  -       set
kim@example.org    \u{ae40}\u{bbfc}\u{c900}  editor  active  -       set
";
    let lines: String = listed.lines().filter(|line| line.contains("editor")).flat_map(|line| [line, "\n"]).collect();
    assert!(lines.starts_with(expected), "{lines}");
    assert!(lines.ends_with("zhang@example.org  \u{5f20}\u{6bc5}    editor  active  -       set\n"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_does_nothing_to_a_terminal_when_it_is_repeated() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let (csv, jsonl) = (folder.path().join("users.csv"), folder.path().join("users.jsonl"));
    std::fs::write(&csv, format!("email,name,password_hash\nann{ACTING}@example.org,A{ACTING},x\n")).unwrap();
    let escaped = serde_json::to_string(ACTING).unwrap();
    std::fs::write(&jsonl, format!("{{{escaped}: 1}}\n{{\"email\": {escaped}}}\n")).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let missing = path(&folder.path().join(format!("missing{ACTING}.csv")));
    let unknown = format!("--unknown{ACTING}");
    for arguments in [
        &["user", "show", &format!("nobody{ACTING}@example.org")][..],
        &["user", "passwd", "nobody@example.org", &unknown],
        &["user", &format!("lst{ACTING}")],
        &["user", "import", &missing],
        &["user", "import", &format!("users{ACTING}.txt")],
        &["user", "import", &path(&csv)],
        &["user", "import", &path(&jsonl)],
        &["user", "list", ACTING],
        &["user", "add", "a@b", "--name", ACTING],
        &["user", "set", EMAIL, "--profile", &format!("a{ACTING}=b")],
        &["user", "set", EMAIL, "--profile", ACTING],
        &["user", "rename", EMAIL, &format!("ann{ACTING}@example.org")],
        &["user", "rename", &format!("nobody{ACTING}@example.org"), "ann@example.org"],
        &["user", "keys", EMAIL, "--revoke", ACTING],
        &["key", "rotate", "--alg", ACTING],
        &["key", "revoke", ACTING, "--yes"],
        &["session", "revoke", EMAIL, ACTING],
        &["session", "revoke", EMAIL, ACTING, "--yes"],
        &["doctor", "--url", &format!("http://{ACTING}")],
        &["user", "list", "--stack", ACTING],
    ] {
        let output = operator.run(arguments, "");
        assert!(!output.status.success(), "{arguments:?}");
        assert_harmless(&output.stdout);
        assert!(!assert_harmless(&output.stderr).is_empty(), "{arguments:?}");
    }
    for arguments in [
        &["serve", "--listen", ACTING][..],
        &["serve", "--backend", ACTING],
        &["serve", "--allow-origin", ACTING],
        &["serve", "--token-delivery", ACTING],
        &["completions", ACTING],
        &[ACTING],
    ] {
        let output = run(&service, arguments, Stdio::null());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(assert_harmless(&output.stderr).contains('\u{fffd}'), "{arguments:?}");
    }
    let forced = |argument: &str| {
        let mut command = Command::new(PROGRAM);
        text(&command.arg(argument).env("CLICOLOR_FORCE", "1").stdin(Stdio::null()).output().unwrap().stderr)
    };
    assert!(forced("lst").starts_with("\u{1b}[1m"), "clap's own styles stay where styles are wanted");
    assert_harmless(forced("l\u{1b}[1mst").as_bytes());
    let help = Command::new(PROGRAM).args(["user", "list", "--help"]).env("STACK_NAME", ACTING).output().unwrap();
    assert!(assert_harmless(&help.stdout).contains("STACK_NAME"));
}

/// The whole chain of causes is in one field, whatever the form of the log.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_function_says_why_a_call_failed() {
    let service = Service::start().await;
    let config = jea_auth::functions::config::Config { stack: "nowhere".to_owned(), ..service.config() };
    for form in ["JSON", "Text"] {
        let output = Command::new(env!("CARGO_BIN_EXE_logon"))
            .env_clear()
            .envs(crate::support::runtime_api::environment(&config))
            .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
            .env("AWS_LAMBDA_LOG_FORMAT", form)
            .output()
            .unwrap();
        let log = text(&output.stderr);
        let line = log.lines().find(|line| line.contains("not warmed up")).unwrap();
        let error = if form == "JSON" {
            let line: Value = serde_json::from_str(line).unwrap();
            line["error"].as_str().unwrap().to_owned()
        } else {
            line.to_owned()
        };
        assert!(error.contains("DynamoDB Scan failed: service error"), "{error}");
        assert!(error.contains("ResourceNotFoundException") && error.contains("not found"), "{error}");
    }
}
