//! An operator changes who an account is: name, role, profile and email.

use std::{process::Output, time::Duration};

use jea_auth::{
    domain::account::{Account, Email, Status},
    functions::app,
    platform::store::{Added, Renamed},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    event::{authorization, effect},
    program::{Operator, text},
    proxy::{Fault, Wire},
    service::{EMAIL, PASSWORD, Service, assert_refused},
};

const NEW_EMAIL: &str = "Zhang.Yi@example.org";

/// What is told by a command that fails with exit code 1.
fn refused(output: &Output) -> String {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(output.stdout.is_empty() && told.contains("\nhint: "), "{told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn name_role_and_profile_are_set_and_removed() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let mut transcript = String::new();
    for arguments in [
        &["user", "set", EMAIL, "--name", "Zhang Yi", "--role", "editor"][..],
        &["user", "set", "Yi@jeplus.ORG", "--profile", "company=jEPlus = Ltd", "--profile", "title="],
        &["user", "set", EMAIL, "--no-role", "--profile", "nothing="],
        &["user", "set", "nobody@example.org", "--name", "Nobody"],
        &["user", "set", EMAIL, "--profile", "apiKey=x"],
        &["user", "set", EMAIL, "--profile", "Role=admin"],
        &["user", "set", EMAIL, "--profile", "note=$6$salt$hash"],
        &["user", "set", EMAIL, "--profile", "motto=a", "--profile", "motto="],
        &["user", "set", EMAIL, "--name", ""],
        &["user", "set", EMAIL, "--profile", "motto"],
    ] {
        transcript.push_str(&operator.transcript(arguments, ""));
    }
    let expected = "\
$ user set yi@jeplus.org --name Zhang Yi --role editor
EMAIL          NAME      ROLE    STATUS  FACTOR  PASSWORD  TEMPORARY UNTIL  KEYS
yi@jeplus.org  Zhang Yi  editor  active  -       set       -                0
--
= 0
$ user set Yi@jeplus.ORG --profile company=jEPlus = Ltd --profile title=
EMAIL          NAME      ROLE    STATUS  FACTOR  PASSWORD  TEMPORARY UNTIL  KEYS
yi@jeplus.org  Zhang Yi  editor  active  -       set       -                0
--
= 0
$ user set yi@jeplus.org --no-role --profile nothing=
EMAIL          NAME      ROLE  STATUS  FACTOR  PASSWORD  TEMPORARY UNTIL  KEYS
yi@jeplus.org  Zhang Yi  -     active  -       set       -                0
--
= 0
$ user set nobody@example.org --name Nobody
--
error: there is no account with the email nobody@example.org
hint: `jea-auth user list --local` shows all accounts
= 1
$ user set yi@jeplus.org --profile apiKey=x
--
error: profile member apiKey is a secret by its name, and a profile is public: leave it out
hint: nothing was changed; `jea-auth user set --help` says what a profile may hold
= 1
$ user set yi@jeplus.org --profile Role=admin
--
error: profile member Role would stand for another member of the account: leave it out
hint: nothing was changed; `jea-auth user set --help` says what a profile may hold
= 1
$ user set yi@jeplus.org --profile note=$6$salt$hash
--
error: profile member note holds a password's hash, and a profile is public: leave it out
hint: nothing was changed; `jea-auth user set --help` says what a profile may hold
= 1
$ user set yi@jeplus.org --profile motto=a --profile motto=
--
error: profile member motto is there twice
hint: name each member once
= 1
$ user set yi@jeplus.org --name 
--
error: invalid value '' for '--name <NAME>': it has 1 to 256 bytes and no control characters

For more information, try '--help'.
= 2
$ user set yi@jeplus.org --profile motto
--
error: invalid value 'motto' for '--profile <KEY=VALUE>': KEY=VALUE is expected, as in country=GB, or KEY= to remove it

For more information, try '--help'.
= 2
";
    assert_eq!(transcript, expected);
    let shown = operator.json(&["user", "show", EMAIL]);
    assert_eq!(shown[0]["profile"], json!({"company": "jEPlus = Ltd", "country": "GB"}));
    let set = operator.json(&["user", "set", EMAIL, "--profile", "country="]);
    assert_eq!(set, operator.json(&["user", "show", EMAIL]));
    assert_eq!((&set[0]["name"], &set[0]["role"], &set[0]["keys"]), (&json!("Zhang Yi"), &Value::Null, &json!(0)));
    for (arguments, told) in [
        (&["user", "set", EMAIL][..], "the following required arguments were not provided"),
        (&["user", "set", EMAIL, "--role", "a", "--no-role"], "cannot be used with"),
    ] {
        let output = operator.run(arguments, "");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_grows_to_its_longest_and_no_further_and_what_is_in_it_against_the_rules_can_be_removed() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let long = format!("a={}", "x".repeat(40_000));
    let more = format!("b={}", "x".repeat(20_000));
    assert!(operator.run(&["user", "set", EMAIL, "--profile", &long], "").status.success());
    let told = refused(&operator.run(&["user", "set", EMAIL, "--profile", &more], ""));
    assert!(told.starts_with("error: the texts of the account would have more than 60000 bytes\n"), "{told}");
    assert!(!service.account().await.profile.contains_key("b"));

    let mut account = service.account().await;
    account.profile.insert("token".to_owned(), "y".repeat(60_000));
    let email = account.email.clone();
    let plant = |_: &Account| Ok::<_, jea_auth::platform::store::StoreError>(account.clone());
    service.store().change_account(&email, plant).await.unwrap().unwrap();
    // It is too large, and becomes smaller step by step.
    for member in ["a=", "token="] {
        assert!(operator.run(&["user", "set", EMAIL, "--profile", member], "").status.success(), "{member}");
    }
    assert_eq!(operator.json(&["user", "show", EMAIL])[0]["profile"], json!({"country": "GB", "title": "Dr"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_session_sees_what_was_set_within_five_seconds() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let authorizer = app::authorizer(&service.config(), service.clock());
    let token = service.new_token().await;
    service.log_on(EMAIL, PASSWORD).await;
    let context = async || {
        let verdict = authorizer.handle(&authorization().bearer(&token).event()).await.unwrap();
        assert_eq!(effect(&verdict), "Allow");
        (verdict["context"]["name"].clone(), verdict["context"]["role"].clone())
    };
    let details = async || {
        let answer = service.get("/users/api/user").await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()["data"].clone()
    };
    assert_eq!(context().await, (json!("Yi"), json!("none")));
    let set = ["user", "set", EMAIL, "--name", "Zhang Yi", "--role", "editor", "--profile", "company=jEPlus"];
    assert!(operator.run(&set, "").status.success());
    service.advance(Duration::from_secs(5));
    assert_eq!(context().await, (json!("Zhang Yi"), json!("editor")));
    let seen = details().await;
    assert_eq!(
        (&seen["nickname"], &seen["role"], &seen["company"]),
        (&json!("Zhang Yi"), &json!("editor"), &json!("jEPlus"))
    );
    assert!(operator.run(&["user", "set", EMAIL, "--no-role"], "").status.success());
    service.advance(Duration::from_secs(5));
    assert_eq!(context().await, (json!("Zhang Yi"), json!("none")));
    assert_eq!(details().await["role"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_moves_to_another_email_with_all_it_has_and_without_its_sessions() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    service.add_account("other@example.org", PASSWORD, Status::Active).await;
    let (token, before) = (service.new_token().await, service.account().await);
    let mut transcript = String::new();
    for arguments in [
        &["user", "rename", "nobody@example.org", NEW_EMAIL][..],
        &["user", "rename", EMAIL, "Other@example.org"],
        &["user", "rename", EMAIL, "no email"],
        &["user", "rename", EMAIL, EMAIL],
        &["user", "rename", EMAIL, NEW_EMAIL],
        &["user", "rename", EMAIL, NEW_EMAIL],
        &["user", "rename", "ZHANG.YI@example.org", "zhang.yi@Example.org"],
    ] {
        transcript.push_str(&operator.transcript(arguments, ""));
    }
    let expected = "\
$ user rename nobody@example.org Zhang.Yi@example.org
--
error: there is no account with the email nobody@example.org
hint: `jea-auth user list --local` shows all accounts
= 1
$ user rename yi@jeplus.org Other@example.org
--
error: there is an account with the new email
hint: nothing was changed; `jea-auth user show other@example.org --local` shows it
= 1
$ user rename yi@jeplus.org no email
--
error: an email has one @ with text on both sides, no spaces or invisible characters, and at most 254 bytes
hint: nothing was changed; check the new email
= 1
$ user rename yi@jeplus.org yi@jeplus.org
--
error: this is the email of the account already
hint: there is nothing to change; `jea-auth user show yi@jeplus.org --local` shows it
= 1
$ user rename yi@jeplus.org Zhang.Yi@example.org
EMAIL                 NAME  ROLE  STATUS  FACTOR  PASSWORD  TEMPORARY UNTIL  KEYS
Zhang.Yi@example.org  Yi    -     active  -       set       -                0
--
1 session ended
= 0
$ user rename yi@jeplus.org Zhang.Yi@example.org
--
error: there is no account with the email yi@jeplus.org, but there is one with zhang.yi@example.org
hint: if you say this a second time, it has been done; `jea-auth user show zhang.yi@example.org --local` shows the account
= 1
$ user rename ZHANG.YI@example.org zhang.yi@Example.org
EMAIL                 NAME  ROLE  STATUS  FACTOR  PASSWORD  TEMPORARY UNTIL  KEYS
zhang.yi@Example.org  Yi    -     active  -       set       -                0
--
0 sessions ended
= 0
";
    assert_eq!(transcript, expected);
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 401).await;
    assert_eq!(service.log_on(NEW_EMAIL, PASSWORD).await.status(), StatusCode::OK);
    let shown = operator.json(&["user", "show", NEW_EMAIL]);
    assert_eq!((&shown[0]["sub"], &shown[0]["profile"]), (&json!(before.sub.as_str()), &json!(before.profile)));
    assert_eq!(shown[0]["created"], before.created.seconds());
}

/// Backends are told the email as it was registered, so sessions of the old spelling end.
#[tokio::test(flavor = "multi_thread")]
async fn the_spelling_of_an_email_is_changed_alone() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let (token, before) = (service.new_token().await, service.account().await);
    let spelled = operator.run(&["user", "rename", EMAIL, "Yi@jEPlus.org", "--json"], "");
    assert_eq!((spelled.status.code(), text(&spelled.stderr)), (Some(0), "1 session ended\n".to_owned()));
    assert_eq!(serde_json::from_slice::<Value>(&spelled.stdout).unwrap()[0]["email"], "Yi@jEPlus.org");
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    let mut after = service.account().await;
    assert_eq!(after.registered_email, "Yi@jEPlus.org");
    assert!(after.generation > before.generation && after.links > before.links, "sessions and links have ended");
    (after.registered_email, after.generation) = (before.registered_email.clone(), before.generation);
    after.links = before.links;
    assert!(after == before, "all else is as it was");
    let answer: Value = service.log_on(EMAIL, PASSWORD).await.json().await.unwrap();
    assert_eq!(answer["email"], "Yi@jEPlus.org");
}

/// An operator whose calls go through a wire that can break.
async fn behind(wire: &Wire, service: &Service) -> Operator {
    Operator::at(&wire.proxy(&service.running.dynamodb_url).await, &service.running.kms_url)
}

/// The emails of all accounts of this name.
fn emails(operator: &Operator) -> Vec<String> {
    let listed = operator.json(&["user", "list"]);
    let named = listed.as_array().unwrap().iter().filter(|account| account["name"] == "Yi");
    named.map(|account| account["email"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_loses_nothing_that_the_account_got_meanwhile() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let before = service.account().await;
    let made = crate::support::owner::send(&service, reqwest::Method::POST, "keys", &json!({"name": "cluster"})).await;
    assert_eq!(made.status(), 200);
    let (email, registered_email) = (Email::canonical("new@jeplus.org"), "new@jeplus.org".to_owned());
    let after = Account { email, registered_email, ..before.clone() }.next_generation(service.now());
    assert_eq!(service.store().rename_account(&before, &after, None).await.unwrap(), Renamed::Changed);
    assert_eq!(service.account().await.access_keys.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_whose_answer_was_lost_once_is_one_rename() {
    let service = Service::start().await;
    let (wire, plain) = (Wire::default(), Operator::of(&service));
    let operator = behind(&wire, &service).await;
    let token = service.new_token().await;
    wire.fail("TransactWriteItems", "-accounts", Fault::Lost);
    let renamed = operator.run(&["user", "rename", EMAIL, NEW_EMAIL], "");
    assert_eq!((renamed.status.code(), text(&renamed.stderr)), (Some(0), "1 session ended\n".to_owned()));
    assert_eq!(emails(&plain), [NEW_EMAIL]);
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_whose_answer_never_came_is_done_and_said_so_when_it_is_said_again() {
    for logged_on in [true, false] {
        let service = Service::start().await;
        let (wire, plain) = (Wire::default(), Operator::of(&service));
        let operator = behind(&wire, &service).await;
        let token = if logged_on { Some(service.new_token().await) } else { None };
        let rename = ["user", "rename", EMAIL, NEW_EMAIL];
        let sub = service.account().await.sub;
        wire.fail("TransactWriteItems", "-accounts", Fault::Unanswered);
        let told = refused(&operator.run(&rename, ""));
        assert!(told.starts_with("error: DynamoDB TransactWriteItems failed\n"), "{told}");
        assert!(told.contains("It may have been done all the same; say it again to be sure"), "{told}");
        *wire.rule.lock().unwrap() = None;
        assert_eq!(emails(&plain), [NEW_EMAIL], "exactly one");
        assert_eq!(plain.json(&["user", "show", NEW_EMAIL])[0]["sub"], sub.as_str());

        if let Some(token) = token {
            assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED, "the one write has ended it");
        }
        let told = refused(&operator.run(&rename, ""));
        assert!(
            told.contains("but there is one with zhang.yi@example.org\nhint: if you say this a second time"),
            "{told}"
        );
        assert_eq!(emails(&plain), [NEW_EMAIL]);
        assert_eq!(service.log_on(NEW_EMAIL, PASSWORD).await.status(), StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_that_share_an_id_are_not_taken_for_one_that_was_moved() {
    let service = Service::start().await;
    let mut twin = service.account().await;
    twin.email = Email::canonical(NEW_EMAIL);
    twin.registered_email = NEW_EMAIL.to_owned();
    assert_eq!(service.store().add_account(&twin).await.unwrap(), Added::Added);
    let told = refused(&Operator::of(&service).run(&["user", "rename", EMAIL, NEW_EMAIL], ""));
    assert!(told.starts_with("error: there is an account with the new email\n"), "{told}");
    assert_eq!(emails(&Operator::of(&service)).len(), 2);
}
