//! Mails on one machine: files that a person reads, and a stream that goes on where it was.

use std::{fs, path::Path, time::Duration};

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use jea_auth::{
    domain::{account::Email, mail::MailKind},
    local::Options,
};
use serde_json::json;

use crate::support::{
    mails::mails,
    program::text,
    service::{EMAIL, Service, client},
    serving::{Serving, free_ports},
};

fn kept_in(folder: &Path, mail: bool) -> Options {
    Options { data: Some(folder.to_owned()), mail, ..Options::in_memory() }
}

/// What is in the folder of mails, oldest first.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.join("mail")) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

async fn write(service: &Service, id: u8, kind: MailKind) {
    service.store().send_mail(&[id; 16], kind, &Email::canonical(EMAIL), service.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_sends_nothing_again_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with(kept_in(folder.path(), true)).await;
    write(&service, 1, MailKind::KeyMade).await;
    mails(&service, 1).await;
    // Until its place in the stream is kept too.
    while fs::metadata(folder.path().join("mail-position")).is_err() {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    service.running.stop().await;
    let without = Service::start_again(kept_in(folder.path(), false)).await;
    write(&without, 2, MailKind::KeyEnded).await;
    without.running.stop().await;
    let again = Service::start_again(kept_in(folder.path(), true)).await;
    let sent = mails(&again, 1).await;
    assert_eq!(sent[0].subject, "jea-auth: An access key was ended");
    // Longer than between two looks at the stream.
    tokio::time::sleep(Duration::from_millis(500)).await;
    mails(&again, 1).await;
    assert_eq!(files(folder.path()).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_a_file_whose_link_can_be_copied() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with(Options { pages: true, ..kept_in(folder.path(), true) }).await;
    write(&service, 1, MailKind::Reset).await;
    let token = mails(&service, 1).await[0].token();
    let [file] = &files(folder.path())[..] else { panic!("one mail") };
    let link = format!("{}/users/sign-in#reset={token}", service.running.config.site.issuer.as_str());
    assert!(file.lines().any(|line| line == link), "{link} in {file}");
    assert!(file.contains("\r\nContent-Transfer-Encoding: 7bit\r\n"), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_says_where_a_mail_is_or_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let printed = async |options: &[String]| {
        let serving = Serving::start_with(folder.path(), free_ports(), options).await;
        let asked = client().post(format!("{}/users/api/forgot", serving.url));
        asked.json(&json!({"email": "demo@example.org"})).send().await.unwrap().error_for_status().unwrap();
        // A mail is there a tenth of a second later, on a machine that has nothing else to do.
        tokio::time::sleep(Duration::from_secs(5)).await;
        text(&serving.stop("-TERM").stderr)
    };
    let memory = ["--memory".to_owned()];
    let (kept, shown) = tokio::join!(printed(&[]), printed(&memory));
    let link = |printed: &str| printed.lines().find(|line| line.contains("/users/sign-in#reset=")).map(str::to_owned);
    let told = kept.lines().find_map(|line| line.split_once("file=.jea-auth/mail/")).map(|(_, name)| name);
    let file = folder.path().join(".jea-auth/mail").join(told.unwrap_or_else(|| panic!("{kept}")));
    assert!(file.exists() && link(&kept).is_none(), "{kept}");
    let link = link(&shown).unwrap_or_else(|| panic!("{shown}"));
    assert!(link.starts_with("http://") && !link.contains(char::is_whitespace), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_ses_refuses_the_addresses_that_ses_refuses() {
    let service = crate::support::mails::service().await;
    let content = |text: &str| Content::builder().data(text).build().unwrap();
    for to in ["j\u{f6}rg@example.org", "ann@example,org", "<ann@example.org>", "ann@example..org", "ann"] {
        let message = Message::builder().subject(content("x")).body(Body::builder().text(content("x")).build()).build();
        let send = service.running.config.aws.ses_for_mails().send_email().from_email_address("jea-auth@localhost");
        let send = send.destination(Destination::builder().to_addresses(to).build());
        let refused = send.content(EmailContent::builder().simple(message).build()).send().await.unwrap_err();
        assert!(refused.into_service_error().is_bad_request_exception(), "{to}");
    }
    mails(&service, 0).await;
}
