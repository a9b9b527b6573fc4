use super::*;
use crate::domain::{
    access_key::AccessKey,
    account::{Account, EMAIL_MAX_BYTES, Name},
    ids::{AccountId, ID_MAX_BYTES},
    link::Link,
    secret::ServiceSecret,
    time::Timestamp,
};

fn sender() -> Sender {
    Sender {
        from: "service@example.org".to_owned(),
        service: "Example".to_owned(),
        issuer: Issuer::parse("https://auth.example.org").unwrap(),
        pages: true,
    }
}

#[test]
fn every_mail_names_the_service_and_says_what_to_do() {
    for kind in MailKind::ALL {
        assert_eq!(MailKind::named(kind.name()), Some(kind));
        let token = kind.link_life().map(|_| "TOKEN");
        let Mail { subject, body } = sender().write(kind, token.map_or(About::Nothing, About::Link));
        assert!(subject.starts_with("Example: ") && !subject.contains('\n') && subject.len() < 70, "{subject}");
        assert!(body.contains("Service: Example\n"), "{body}");
        assert_eq!(body.contains("TOKEN"), token.is_some());
        let links = usize::from(token.is_some());
        assert_eq!(body.matches("://").count(), links, "{body}");
        assert_eq!(body.matches("auth.example.org").count(), links, "{body}");
        assert!(kind == MailKind::Test || body.contains("If it was not you"), "{body}");
        assert!(body.lines().all(|line| line.len() < 500 && !line.contains('\r')), "{body}");
    }
    assert_eq!(MailKind::named("pigeon"), None);
    assert!(sender().write(MailKind::Reset, About::Link("t")).body.contains("within 30 minutes"));
    assert!(sender().write(MailKind::Invitation, About::Link("t")).body.contains("within 7 days"));
}

#[test]
fn a_key_that_ends_is_told_by_digits_and_dates_and_by_nothing_that_somebody_typed() {
    let (now, name) =
        (Timestamp::from_seconds(1_756_252_800), Name::parse("Your bank, log on at evil.example").unwrap());
    let key = AccessKey::new(&[0xab; 16], &[1; 32].into());
    let stored = key.to_store(name, now, 90);
    let body = sender().write(MailKind::KeyEnds, About::Key(&key.id, &stored)).body;
    assert!(body.contains("Key: its id ends in abab\nMade: 2025-08-27\nEnds: 2025-11-25\n\n"), "{body}");
    assert!(body.contains("If it was not you") && !body.contains("evil") && !body.contains("ababa"), "{body}");
}

#[test]
fn the_line_of_the_longest_link_fits_into_a_mail() {
    const LINE_MAX_BYTES: usize = 998; // RFC 5322, section 2.1.1
    let email = format!("{}@example.org", "a".repeat(EMAIL_MAX_BYTES - 12));
    let sub = AccountId::parse(&"s".repeat(ID_MAX_BYTES)).unwrap();
    let account = Account::new(&email, Name::parse("Yi").unwrap(), sub, Timestamp::from_seconds(0)).unwrap();
    let secret = ServiceSecret::new(&vec![0; 32].into());
    let token = Link::of(&account).token(&secret, Timestamp::from_seconds(9_999_999_999));
    for pages in [true, false] {
        let issuer = Issuer::parse(&format!("https://{}", "a".repeat(150))).unwrap();
        let body = Sender { issuer, pages, ..sender() }.write(MailKind::Invitation, About::Link(&token)).body;
        assert!(body.lines().all(|line| line.len() <= LINE_MAX_BYTES), "{body}");
    }
}

#[test]
fn the_service_is_named_before_its_address_whatever_it_is_called() {
    for (service, name) in [
        ("Example", "\"Example\""),
        ("Ex, Am & Ple <x@y>", "\"Ex, Am & Ple <x@y>\""),
        ("The \"best\" \\", "\"The \\\"best\\\" \\\\\""),
        ("M\u{fc}ller", "=?UTF-8?B?TcO8bGxlcg==?="),
    ] {
        let sender = Sender { service: service.to_owned(), ..sender() };
        assert_eq!(sender.mailbox(), format!("{name} <service@example.org>"));
    }
    let longest = Sender { service: "\u{1f511}".repeat(64), ..sender() }.mailbox();
    assert!(longest.split(' ').all(|word| word.len() <= 75), "{longest}");
    let mail = format!("From: {longest}\r\n\r\n");
    let read = mail_parser::MessageParser::default().parse(mail.as_bytes()).unwrap();
    assert_eq!(read.from().unwrap().first().unwrap().name(), Some("\u{1f511}".repeat(64).as_str()));
}
