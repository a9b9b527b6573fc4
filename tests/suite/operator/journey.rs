//! The command line as an operator uses it, from a second terminal while the service runs.

use std::process::Command;

use jea_auth::{
    domain::{
        account::{Email, Name},
        signing_key::PUBLISHED_AHEAD_MIN,
    },
    platform::store::Added,
};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{
    program::Operator,
    service::{EMAIL, PASSWORD, Service, assert_refused},
};

// A person waits for a program that asks for a code; a function's limits would be over.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_may_come_from_a_program_that_takes_its_time() {
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (config, program) = (folder.path().join("config"), folder.path().join("credentials.sh"));
    let credentials = r#"{"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "secret"}"#;
    std::fs::write(&program, format!("sleep 2; echo '{credentials}'")).unwrap();
    std::fs::write(&config, format!("[default]\ncredential_process = sh {}\n", program.display())).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_jea-auth"))
        .args(["user", "list", "--json"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("AWS_CONFIG_FILE", &config)
        .env("AWS_REGION", "eu-west-1")
        .envs(Operator::of(&service).environment)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_s_life() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let mut transcript = String::new();
    for (arguments, stdin) in [
        (
            &["user", "add", "Ann@Example.org", "--name", "Ann", "--role", "editor", "--password-stdin"][..],
            "a password of many words\n",
        ),
        (&["user", "add", "ann@example.org", "--name", "Ann", "--password-stdin"], "a password of many words"),
        (&["user", "add", "bob@example.org", "--name", "", "--password-stdin"], ""),
        (&["user", "passwd", "ann@example.org", "--password-stdin"], "short"),
        (&["user", "passwd", "ann@example.org", "--password-stdin", "--allow-short"], "Password123\n"),
        (&["user", "passwd", "ann@example.org", "--password-stdin", "--allow-short"], "eight ch\r\n"),
        (&["user", "disable", "ann@example.org"], ""),
        (&["user", "enable", "ann@example.org"], ""),
        (&["user", "delete", "ann@example.org"], ""),
        (&["user", "delete", "ann@example.org", "--yes"], ""),
        (&["user", "delete", "ann@example.org", "--yes"], ""),
    ] {
        transcript.push_str(&operator.transcript(arguments, stdin));
    }
    let expected = "\
$ user add Ann@Example.org --name Ann --role editor --password-stdin
EMAIL            NAME  ROLE    STATUS  FACTOR  PASSWORD
Ann@Example.org  Ann   editor  active  -       set
--
= 0
$ user add ann@example.org --name Ann --password-stdin
--
error: there is an account with the email ann@example.org
hint: `jea-auth user passwd --local` gives it another password
= 1
$ user add bob@example.org --name  --password-stdin
--
error: invalid value '' for '--name <NAME>': it has 1 to 256 bytes and no control characters

For more information, try '--help'.
= 2
$ user passwd ann@example.org --password-stdin
--
error: the password is too short
hint: use at least 15 characters; a few words in a row are easy to remember
= 1
$ user passwd ann@example.org --password-stdin --allow-short
--
error: the password is one of the commonest
hint: use one that nobody else has; a few words in a row are easy to remember
= 1
$ user passwd ann@example.org --password-stdin --allow-short
EMAIL            NAME  ROLE    STATUS  FACTOR  PASSWORD
Ann@Example.org  Ann   editor  active  -       set
--
0 sessions ended
= 0
$ user disable ann@example.org
EMAIL            NAME  ROLE    STATUS    FACTOR  PASSWORD
Ann@Example.org  Ann   editor  disabled  -       set
--
0 sessions ended
= 0
$ user enable ann@example.org
EMAIL            NAME  ROLE    STATUS  FACTOR  PASSWORD
Ann@Example.org  Ann   editor  active  -       set
--
= 0
$ user delete ann@example.org
--
This removes the account ann@example.org and ends 0 of its sessions.
error: nobody is there to ask
hint: say --yes to do it without being asked
= 1
$ user delete ann@example.org --yes
--
This removes the account ann@example.org and ends 0 of its sessions.
removed ann@example.org; 0 sessions ended
= 0
$ user delete ann@example.org --yes
--
error: there is no account with the email ann@example.org
hint: `jea-auth user list --local` shows all accounts
= 1
";
    assert_eq!(transcript, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let (one, two, three) = (service.new_token().await, service.new_token().await, service.new_token().await);
    let sessions = operator.json(&["session", "list", EMAIL]);
    assert_eq!(sessions.as_array().unwrap().len(), 3);
    let sid = sessions[0]["sid"].as_str().unwrap();
    assert!(!operator.run(&["session", "revoke", EMAIL, sid], "").status.success(), "it asks");
    let revoked = operator.run(&["session", "revoke", EMAIL, sid, "--yes"], "");
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    assert_eq!(operator.json(&["session", "list", EMAIL]).as_array().unwrap().len(), 2);
    assert_eq!(operator.run(&["session", "revoke", EMAIL, sid, "--yes"], "").status.code(), Some(1));
    assert!(operator.run(&["session", "revoke", EMAIL, "--yes"], "").status.success());
    for token in [one, two, three] {
        assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK, "a new log-on is welcome");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_rotated_and_revoked() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let keys = operator.json(&["key", "list"]);
    assert_eq!((&keys[0]["alg"], &keys[0]["state"]), (&"ES256".into(), &"signs".into()));
    let rotated = operator.json(&["key", "rotate", "--alg", "RS256"]);
    assert_eq!((&rotated[1]["alg"], &rotated[1]["state"]), (&"RS256".into(), &"next".into()));
    service.advance(PUBLISHED_AHEAD_MIN * 2);
    let token = service.new_token().await;

    let kid = rotated[1]["kid"].as_str().unwrap();
    let refused = operator.run(&["key", "revoke", kid], "");
    let plan = String::from_utf8(refused.stderr).unwrap();
    assert!(plan.starts_with(&format!("This voids every token signed with key {kid}.")), "{plan}");
    assert_eq!(operator.run(&["key", "revoke", "1", "--yes"], "").status.code(), Some(1));
    assert_eq!(operator.run(&["key", "revoke", "../1", "--yes"], "").status.code(), Some(1));
    assert!(operator.run(&["key", "revoke", kid, "--yes"], "").status.success());
    service.advance(std::time::Duration::from_mins(1));
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_healthy_stack_healthy_and_says_what_to_do_about_a_sick_one() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let url = service.running.url.as_str();
    let findings = operator.json(&["doctor", "--url", url]);
    let of = |findings: &Value, check: &str| -> Vec<String> {
        let matching = findings.as_array().unwrap().iter().filter(|finding| finding["check"] == check);
        matching.map(|finding| finding["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&findings, "table"), ["ok"; 4]);
    for check in ["signing key", "successor", "unsealing", "public keys", "clock", "password hashes"] {
        assert_eq!(of(&findings, check), ["ok"], "{check}: {findings}");
    }
    assert_eq!(of(&findings, "hash time").len(), 1);

    let sick = operator.run(&["doctor", "--url", url, "--stack", "nowhere", "--json"], "");
    assert_eq!(sick.status.code(), Some(1));
    let findings: Value = serde_json::from_slice(&sick.stdout).unwrap();
    assert_eq!(of(&findings, "table"), ["error"; 4]);
    let todo = |findings: &Value| {
        let finding = findings.as_array().unwrap().iter().find(|finding| finding["check"] == "signing key").unwrap();
        assert_eq!(finding["state"], "error");
        finding["todo"].clone()
    };
    assert_eq!(todo(&findings), "first make its table readable");
    let key = service.store().signing_keys().await.unwrap().keys.remove(0);
    assert!(service.store().remove_signing_key(key.jwk.key_id()).await.unwrap());
    let keyless = operator.run(&["doctor", "--json"], "");
    assert_eq!(todo(&serde_json::from_slice(&keyless.stdout).unwrap()), "`jea-auth key rotate --local`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_on_a_pipe_has_no_colour_and_a_name_cannot_move_the_cursor() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    // The command line would not take such a name; whoever else writes to the table might.
    let mut account = service.account().await;
    (account.email, account.name) = (Email::canonical("evil@example.org"), Name::stored("\u{202e}x").unwrap());
    account.registered_email.push_str("\u{1b}[2J");
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    let listed = String::from_utf8(operator.run(&["user", "list"], "").stdout).unwrap();
    assert!(!listed.contains('\u{1b}'), "{listed:?}");
    assert_refused(service.log_on("evil@example.org", "wrong").await, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_and_a_stack_s_name_are_taken_from_the_environment_as_every_aws_tool_does() {
    let service = Service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (config, credentials) = (folder.path().join("config"), folder.path().join("credentials"));
    std::fs::write(&config, "[profile operator]\nregion = eu-west-1\n").unwrap();
    std::fs::write(&credentials, "[operator]\naws_access_key_id = id\naws_secret_access_key = secret\n").unwrap();
    let run = |stack: &str| {
        Command::new(env!("CARGO_BIN_EXE_jea-auth"))
            .args(["user", "list", "--json"])
            .env_clear()
            .envs(Operator::of(&service).environment)
            .env("AWS_PROFILE", "operator")
            .env("AWS_CONFIG_FILE", &config)
            .env("AWS_SHARED_CREDENTIALS_FILE", &credentials)
            .env("STACK_NAME", stack)
            .output()
            .unwrap()
    };
    let listed = run("jea-auth");
    let message = String::from_utf8(listed.stderr).unwrap();
    assert!(listed.status.success(), "{message}");
    let accounts: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(accounts.as_array().unwrap().len(), 2);
    let other = run("other-stack");
    assert_eq!(other.status.code(), Some(1));
    let message = String::from_utf8(other.stderr).unwrap();
    assert!(message.contains("hint: check region and credentials") && message.contains("other-stack"), "{message}");
}

#[test]
fn help_teaches_and_completions_are_printed() {
    let program = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_jea-auth")).args(arguments).output().unwrap();
    let help = String::from_utf8(program(&["--help"]).stdout).unwrap();
    for verb in ["serve", "user", "session", "key", "mail", "doctor", "completions"] {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb} in {help}");
    }
    assert!(help.contains("Start here:\n  jea-auth serve"));
    let import = String::from_utf8(program(&["user", "import", "--help"]).stdout).unwrap();
    assert!(import.contains("PHC or modular-crypt form"), "{import}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let completions = program(&["completions", shell]);
        assert!(completions.status.success() && completions.stdout.len() > 1000, "{shell}");
    }
    assert_eq!(program(&["user", "passwd", "a@b", "--password", "x"]).status.code(), Some(2), "never in argv");
}
