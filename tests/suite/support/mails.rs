//! The mails that a service has sent.

use std::time::Duration;

use jea_auth::local::Options;

use super::service::Service;

pub const BAD_LINK: &str = "This link has expired or was used. Ask for a new one.";

pub async fn service() -> Service {
    Service::start_with(Options { mail: true, ..Options::in_memory() }).await
}

/// A mail, as its reader sees it.
pub struct Read {
    pub to: String,
    pub subject: String,
    pub body: String,
}

impl Read {
    /// The token of the link in it.
    pub fn token(&self) -> String {
        let found = ["\"token\": \"", "#reset=", "#email="].into_iter().find_map(|before| self.body.split_once(before));
        let (_, rest) = found.unwrap_or_else(|| panic!("a token in {}", self.body));
        rest.split(['"', '\n']).next().unwrap().trim_end().to_owned()
    }
}

/// Waits until there are so many mails, and gives them back.
pub async fn mails(service: &Service, count: usize) -> Vec<Read> {
    // A minute, which a busy machine may need.
    for _ in 0..2400 {
        if service.running.mails.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let mails = there(service);
    assert_eq!(mails.len(), count);
    mails
}

/// The mails so far.
pub fn there(service: &Service) -> Vec<Read> {
    let mails = service.running.mails.lock().unwrap().clone();
    let read = |mail: &Vec<u8>| {
        let raw = String::from_utf8(mail.clone()).unwrap();
        assert!(raw.lines().all(|line| line.len() <= 998), "RFC 5322, section 2.1.1: {raw}");
        let mail = mail_parser::MessageParser::default().parse(mail).unwrap();
        let sender = mail.from().unwrap().first().unwrap();
        assert_eq!((sender.name(), sender.address()), (Some("jea-auth"), Some("jea-auth@localhost")));
        assert_eq!(mail.header("Auto-Submitted").unwrap().as_text(), Some("auto-generated"));
        assert!(
            raw.ends_with(&mail.body_text(0).unwrap().replace("\r\n", "\n").replace('\n', "\r\n")),
            "as it is: {raw}"
        );
        assert_eq!((mail.html_body_count(), mail.text_body_count(), mail.attachment_count()), (1, 1, 0), "text alone");
        Read {
            to: mail.to().unwrap().first().unwrap().address().unwrap().to_owned(),
            subject: mail.subject().unwrap().to_owned(),
            body: mail.body_text(0).unwrap().into_owned(),
        }
    };
    mails.iter().map(read).collect()
}
