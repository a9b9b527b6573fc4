//! Mails that an operator has sent, and what owners are told of an operator's changes.

use std::process::{Command, Output};

use axum::{
    Json, Router,
    http::StatusCode as Status,
    response::{IntoResponse, Response},
    routing::get,
};
use jea_auth::domain::account::{self, Account, Email};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    mails::{mails, service},
    owner::{ok, send},
    program::{Operator, text},
    proxy::{Fault, Wire},
    service::{EMAIL, NEW_PASSWORD, PASSWORD, Service, assert_refused},
};

const ANN: &str = "ann@example.org";

/// Sets a password by the link of a mail.
async fn set_by(service: &Service, token: &str) {
    let body = json!({"token": token, "new_password": NEW_PASSWORD});
    ok(service.request(Method::POST, "/users/api/reset").json(&body).send().await.unwrap()).await;
}

/// Takes away the table that is there only where mails are switched on.
async fn switch_off(service: &Service) {
    let table = format!("{}-outbox", service.running.config.stack);
    service.running.config.aws.dynamodb().delete_table().table_name(table).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_sets_a_password_by_the_link_and_logs_on() {
    let service = service().await;
    let operator = Operator::of(&service);
    let invite = ["user", "invite", "Ann@Example.org", "--name", "Ann", "--role", "editor"];
    let expected = "\
$ user invite Ann@Example.org --name Ann --role editor
EMAIL            NAME  ROLE    STATUS  FACTOR  PASSWORD
Ann@Example.org  Ann   editor  active  -       -
--
an invitation is on its way to ann@example.org; its link is good for 7 days
= 0
$ user invite Ann@Example.org --name Ann --role editor
--
error: there is an account with the email ann@example.org, and it has no password yet
hint: `jea-auth user reset ann@example.org --local` mails its owner a link again
= 1
$ user reset ann@example.org
--
an invitation is on its way to ann@example.org; its link is good for 7 days
= 0
";
    let told = operator.transcript(&invite, "") + &operator.transcript(&invite, "");
    assert_eq!(told + &operator.transcript(&["user", "reset", ANN], ""), expected);
    for password in ["", "-", NEW_PASSWORD] {
        assert_ne!(service.log_on(ANN, password).await.status(), StatusCode::OK, "nobody can log on yet");
    }
    let sent = mails(&service, 2).await;
    for mail in &sent {
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ANN, "jea-auth: Your account"));
        assert!(mail.body.contains("within 7 days"), "{}", mail.body);
    }
    service.advance(std::time::Duration::from_hours(6 * 24));
    // The operator's second mail has voided the first one's link.
    set_by(&service, &sent[1].token()).await;
    let answer = ok(service.log_on(ANN, NEW_PASSWORD).await).await;
    assert_eq!((&answer["user"], &answer["role"]), (&json!("Ann"), &json!("editor")));
    let again = operator.transcript(&invite, "");
    assert!(
        again.contains("ann@example.org\nhint: `jea-auth user passwd --local` gives it another password\n"),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_another_password_changes_nothing_until_it_is_used() {
    let service = service().await;
    let operator = Operator::of(&service);
    service.add_account("off@example.org", PASSWORD, account::Status::Disabled).await;
    let (token, before) = (service.new_token().await, service.account().await);
    let expected = "\
$ user reset Yi@jeplus.ORG
--
a link is on its way to yi@jeplus.org; it is good for 30 minutes
= 0
$ user reset nobody@example.org
--
error: there is no account with the email nobody@example.org
hint: `jea-auth user list --local` shows all accounts
= 1
$ user reset off@example.org
--
error: the account is disabled, so no link is sent
hint: `jea-auth user enable off@example.org --local` lets its owner log on again
= 1
";
    let emails = ["Yi@jeplus.ORG", "nobody@example.org", "off@example.org"];
    let told: String = emails.iter().map(|email| operator.transcript(&["user", "reset", email], "")).collect();
    assert_eq!(told, expected);
    let after = service.account().await;
    assert!(after.links > before.links, "links that were mailed before are void");
    assert!(Account { links: before.links, ..after } == before, "and nothing else has changed");
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    let sent = mails(&service, 1).await;
    assert_eq!((sent[0].to.as_str(), sent[0].subject.as_str()), (EMAIL, "jea-auth: Set a new password"));
    set_by(&service, &sent[0].token()).await;
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.log_on(EMAIL, NEW_PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_goes_to_anybody() {
    let service = service().await;
    let operator = Operator::of(&service);
    let told = operator.transcript(&["mail", "test", "Nobody@example.org"], "");
    let expected = "$ mail test Nobody@example.org\n--\na test mail is on its way to nobody@example.org\n= 0\n";
    assert_eq!(told, expected);
    let sent = mails(&service, 1).await;
    assert_eq!((sent[0].to.as_str(), sent[0].subject.as_str()), ("nobody@example.org", "jea-auth: A test"));
    assert!(!operator.run(&["mail", "test", "nobody"], "").status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_no_mail_reaches_is_refused_where_one_is_sent_and_told_of_where_none_is() {
    let service = service().await;
    let operator = Operator::of(&service);
    let takes = "SES takes ASCII letters, digits and signs before the @, and a domain like example.org behind it";
    for email in ["j\u{f6}rg@example.org", "ann@example,org", "mailto:ann@example.org"] {
        for arguments in [
            &["user", "invite", email, "--name", "Ann"][..],
            &["user", "reset", email],
            &["user", "rename", EMAIL, email],
            &["mail", "test", email],
        ] {
            let told = operator.transcript(arguments, "");
            let expected =
                format!("--\nerror: no mail can be sent to {email}\nhint: nothing was changed; {takes}\n= 1\n");
            assert!(told.ends_with(&expected), "{told}");
        }
        assert!(service.store().account(&Email::canonical(email)).await.unwrap().is_none());
        let added = operator.run(&["user", "add", email, "--name", "Ann", "--password-stdin"], NEW_PASSWORD);
        assert_eq!(text(&added.stderr), format!("warning: no mail can be sent to {email}: {takes}\n"));
        assert!(added.status.success());
    }
    let spelled = operator.run(&["user", "rename", "j\u{f6}rg@example.org", "J\u{f6}rg@example.org"], "");
    assert!(spelled.status.success(), "the email is the same: {}", text(&spelled.stderr));
    let lines = "email,name\nbob@example.org,Bob\n.eve@example.org,Eve\neve.@example.org,Eve\n";
    let imported = operator.run(&["user", "import", "-"], lines);
    let told = text(&imported.stderr);
    assert!(imported.status.success(), "{told}");
    assert!(told.contains("warning: 2 emails to which no mail can be sent, .eve@example.org first\n"), "{told}");
    assert!(service.store().account(&Email::canonical("eve.@example.org")).await.unwrap().is_some());
    mails(&service, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_of_each_change_that_an_operator_makes() {
    let service = service().await;
    let operator = Operator::of(&service);
    service.log_on(EMAIL, PASSWORD).await;
    let key = ok(send(&service, Method::POST, "keys", &json!({"name": "script"})).await).await;
    let revoke = ["user", "keys", EMAIL, "--revoke", key["data"]["id"].as_str().unwrap(), "--yes"];
    let passwd = ["user", "passwd", EMAIL, "--password-stdin"];
    // The second of each changes nothing that an owner would have to know.
    for (arguments, code) in [
        (&revoke[..], 0),
        (&revoke, 1),
        (&passwd, 0),
        (&["user", "passwd", ANN, "--password-stdin"], 1),
        (&["user", "set", EMAIL, "--role", "editor"], 0),
        (&["user", "rename", EMAIL, "Yi@jEPlus.org"], 0),
        (&["user", "rename", EMAIL, "zhang.yi@example.org"], 0),
        (&["user", "rename", EMAIL, "zhang.yi@example.org"], 1),
    ] {
        let output = operator.run(arguments, NEW_PASSWORD);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("warning"), "{}", text(&output.stderr));
    }
    let told = mails(&service, 4).await;
    assert!(told.iter().all(|mail| mail.to == EMAIL), "the old email is told");
    let subjects: Vec<&str> = told[1..].iter().map(|mail| mail.subject.as_str()).collect();
    let expected = ["An access key was ended", "Your password was changed", "Your email was changed"];
    assert_eq!(subjects, expected.map(|subject| format!("jea-auth: {subject}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_which_no_mail_tells_is_done_all_the_same() {
    let service = Service::start().await;
    let wire = Wire::default();
    let operator = Operator::at(&wire.proxy(&service.running.dynamodb_url).await, &service.running.kms_url);
    let passwd = ["user", "passwd", EMAIL, "--password-stdin"];
    for (call, password) in [("DescribeTable", "yet another long enough password"), ("PutItem", NEW_PASSWORD)] {
        wire.fail(call, "-outbox", Fault::Denied);
        let output = operator.run(&passwd, password);
        let told = text(&output.stderr);
        assert!(output.status.success() && text(&output.stdout).contains(EMAIL), "{told}");
        let expected = format!("warning: it is done, but yi@jeplus.org gets no mail about it: DynamoDB {call} failed");
        assert!(told.starts_with(&expected) && told.ends_with("\n0 sessions ended\n"), "{told}");
    }
    assert_eq!(service.log_on(EMAIL, NEW_PASSWORD).await.status(), StatusCode::OK);
    let invited = operator.transcript(&["user", "invite", ANN, "--name", "Ann"], "");
    assert!(
        invited.contains("the account is there, without a mail; `jea-auth user reset ann@example.org --local`"),
        "{invited}"
    );
    assert!(service.store().account(&Email::canonical(ANN)).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_mails_are_not_switched_on_nothing_that_needs_one_is_begun() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    switch_off(&service).await;
    for arguments in [
        &["user", "invite", ANN, "--name", "Ann"][..],
        &["user", "reset", EMAIL],
        &["mail", "test", "nobody@example.org"],
    ] {
        let told = operator.transcript(arguments, "");
        let expected = "--\nerror: mails are not switched on\n\
                        hint: nothing was changed; start `jea-auth serve` without --no-mail\n= 1\n";
        assert!(told.ends_with(expected), "{told}");
        let output = on_aws(&service, arguments, &[]);
        let told = text(&output.stderr);
        assert!(told.ends_with("deploy the stack jea-auth with the parameter MailFrom\n"), "{told}");
    }
    assert!(service.store().account(&Email::canonical(ANN)).await.unwrap().is_none());
    let changed = operator.run(&["user", "passwd", EMAIL, "--password-stdin"], NEW_PASSWORD);
    assert_eq!((changed.status.code(), text(&changed.stderr)), (Some(0), "0 sessions ended\n".to_owned()));
    let findings = operator.json(&["doctor"]);
    assert_eq!(of_mails(&findings), [("skipped", "not switched on")]);
    assert_refused(service.log_on(EMAIL, PASSWORD).await, 401).await;
}

/// Runs the program as against AWS, which is here.
fn on_aws(service: &Service, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jea-auth"))
        .args(arguments)
        .env_clear()
        .envs(Operator::of(service).environment)
        .envs([("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// State and finding of each line about mails.
fn of_mails(findings: &Value) -> Vec<(&str, &str)> {
    let mails = findings.as_array().unwrap().iter().filter(|finding| finding["check"] == "mails");
    mails.map(|finding| (finding["state"].as_str().unwrap(), finding["found"].as_str().unwrap())).collect()
}

/// A SES that knows one domain, and says this of the account.
async fn ses(account: Value) -> String {
    let identity = |axum::extract::Path(name): axum::extract::Path<String>| async move {
        let verified = |is: bool| Json(json!({"VerifiedForSendingStatus": is})).into_response();
        let error = |status: Status, kind: &str| -> Response {
            (status, [("x-amzn-errortype", kind.to_owned())], Json(json!({"message": "no"}))).into_response()
        };
        match name.as_str() {
            "example.org" => verified(true),
            "example.net" => Json(json!({
                "VerifiedForSendingStatus": true,
                "ConfigurationSetName": "tracked",
                "DkimAttributes": {"SigningEnabled": true, "Status": "SUCCESS"},
                "MailFromAttributes": {
                    "MailFromDomain": "mail.example.net",
                    "MailFromDomainStatus": "SUCCESS",
                    "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
                },
            }))
            .into_response(),
            "waits@jeplus.org" => verified(false),
            "jeplus.net" => error(Status::FORBIDDEN, "AccessDeniedException"),
            _ => error(Status::NOT_FOUND, "NotFoundException"),
        }
    };
    let account = move || async move { Json(account.clone()) };
    let router =
        Router::new().route("/v2/email/account", get(account)).route("/v2/email/identities/{name}", get(identity));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_whether_mails_can_arrive() {
    const SANDBOX: (&str, &str) = ("warning", "SES is in its sandbox: only verified addresses get mails");
    const EVERYBODY: (&str, &str) = ("ok", "SES sends to everybody");
    let service = Service::start().await;
    let account =
        |production: bool, sending: bool| json!({"ProductionAccessEnabled": production, "SendingEnabled": sending});
    let doctor = |url: &str, from: &str| -> Value {
        let output = on_aws(&service, &["doctor", "--json"], &[("AWS_ENDPOINT_URL_SESV2", url), ("MAIL_FROM", from)]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (sandbox, all) = (ses(account(false, true)).await, ses(account(true, true)).await);
    let paused = ses(account(true, false)).await;
    let unasked = ("skipped", "no address to ask for");
    assert_eq!(of_mails(&doctor(&sandbox, "")), [SANDBOX, unasked]);
    assert_eq!(of_mails(&doctor(&paused, "")), [("error", "SES sends nothing for this account"), unasked]);
    let verified = ("ok", "SES lets no-reply@auth.example.org send");
    let unsigned = ("warning", "no domain signs the mails of no-reply@auth.example.org (DKIM)");
    let foreign = ("warning", "envelopes of no-reply@auth.example.org have SES's domain (MAIL FROM)");
    assert_eq!(of_mails(&doctor(&all, "no-reply@auth.example.org")), [EVERYBODY, verified, unsigned, foreign]);
    let verified = ("ok", "SES lets auth@example.net send, with the configuration set tracked");
    assert_eq!(of_mails(&doctor(&all, "auth@example.net")), [EVERYBODY, verified]);
    for address in ["waits@jeplus.org", "unknown@jeplus.org"] {
        let found = format!("{address} is not verified, so SES sends nothing from it");
        assert_eq!(of_mails(&doctor(&all, address)), [EVERYBODY, ("error", found.as_str())]);
    }
    let denied = doctor(&all, "who@jeplus.net");
    let told = of_mails(&denied);
    assert!(told[1].0 == "skipped", "{told:?}");
    let here = Operator::of(&service).json(&["doctor"]);
    assert_eq!(of_mails(&here), [("skipped", "on this machine SES writes files, and has nothing to verify")]);
}
