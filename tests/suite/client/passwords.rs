//! Passwords of imported accounts from their first log-on on, new passwords, and the emails they belong to.

use jea_auth::domain::{account::Email, ids::AccountId, password::PasswordHash};
use serde_json::Value;

use crate::support::{
    program::Operator,
    service::{Service, assert_refused},
};

const EMAIL: &str = "imported@example.org";

/// An account with that hash. They are made with Python's bcrypt, hashlib and argon2-cffi.
async fn add(service: &Service, hash: &str) {
    let email = Email::canonical(crate::support::service::EMAIL);
    let mut account = service.store().account(&email).await.unwrap().unwrap();
    account.email = Email::canonical(EMAIL);
    EMAIL.clone_into(&mut account.registered_email);
    account.sub = AccountId::parse("imported").unwrap();
    account.password_hash = Some(PasswordHash::parse(hash).unwrap());
    service.store().remove_account(account.email.as_str()).await.unwrap();
    let _ = service.store().add_account(&account).await.unwrap();
}

async fn stored(service: &Service) -> String {
    let account = service.store().account(&Email::canonical(EMAIL)).await.unwrap().unwrap();
    account.password_hash.unwrap().as_str().to_owned()
}

// Check 74.
#[tokio::test]
async fn a_typo_that_an_old_hash_cannot_tell_does_not_become_the_password() {
    let service = Service::start().await;
    // Of 72 times x, and of `a password`.
    let (bcrypt, pbkdf2) = (
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.D7RDOYXakZhsFmh/LdqQNx0kQ424AFS",
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$sDzto3GhROdZK+r6Bwxi8SddE+aSMU6bafNgNBxLRto",
    );
    let right = "x".repeat(72);
    add(&service, bcrypt).await;
    for password in [format!("{right}typo"), right] {
        assert_eq!(service.log_on(EMAIL, &password).await.status(), 200, "as in the system that it comes from");
        assert_eq!(stored(&service).await, bcrypt, "it cannot tell 72 bytes from more");
    }
    add(&service, pbkdf2).await;
    assert_refused(service.log_on(EMAIL, "a password\0").await, 401).await;
    assert_eq!(service.log_on(EMAIL, "a password").await.status(), 200);
    assert_ne!(stored(&service).await, pbkdf2);
    assert_refused(service.log_on(EMAIL, "a password\0").await, 401).await;
}

// Check 74.
#[tokio::test(flavor = "multi_thread")]
async fn a_stronger_hash_is_not_replaced_by_a_weaker_one() {
    let service = Service::start().await;
    let stronger = "$argon2id$v=19$m=38912,t=1,p=8$MDEyMzQ1Njc4OWFiY2RlZg$eGUFwBPOs21YOg9VjmndiNseRoVWvrLMeVVlRzJTfRg";
    add(&service, stronger).await;
    assert_eq!(service.log_on(EMAIL, "a strong password").await.status(), 200);
    assert_eq!(stored(&service).await, stronger);
    assert_eq!(Operator::of(&service).json(&["user", "show", EMAIL])[0]["current_hash"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_text_in_another_form_is_replaced_by_one_of_nfc() {
    let service = Service::start().await;
    // Of `cafe\u{301} \u{e0} la \u{212b}ngstr\u{f6}m`, which is neither NFC nor NFD.
    add(&service, "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$P2hJ9a42892onv8jPxCu4NrEAmTyzab2J8YVnDlL+qU")
        .await;
    let (nfc, sent) = ("caf\u{e9} \u{e0} la \u{c5}ngstr\u{f6}m", "cafe\u{301} \u{e0} la \u{212b}ngstr\u{f6}m");
    assert_refused(service.log_on(EMAIL, nfc).await, 401).await;
    for password in [sent, nfc] {
        assert_eq!(service.log_on(EMAIL, password).await.status(), 200, "{password}");
    }
    assert!(stored(&service).await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_one_line_of_what_can_be_typed() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let set = |stdin: &str| {
        let output = operator.run(&["user", "passwd", crate::support::service::EMAIL, "--password-stdin"], stdin);
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    for (stdin, message) in [
        ("a password of many words\nand another\n", "the password has more than one line"),
        ("a password of many words\n\n", "the password has more than one line"),
        ("a password of many words\r", "the password has more than one line"),
        ("a password of\tmany words\n", "the password has a control character"),
        ("a password of many words\0", "the password has a control character"),
        ("a password of many words\u{85}", "the password has a control character"),
        ("", "the password is too short"),
        ("\u{feff}\n", "the password is too short"),
    ] {
        let (is_set, told) = set(stdin);
        assert!(!is_set && told.contains(message), "{stdin:?}: {told}");
    }
    for (stdin, password) in [
        ("\u{feff}a password of many words\r\n", "a password of many words"),
        (&format!("\u{feff}{}\r\n", "x".repeat(1024)), &"x".repeat(1024)),
    ] {
        assert!(set(stdin).0, "{stdin:?}");
        assert_eq!(service.log_on(crate::support::service::EMAIL, password).await.status(), 200, "{stdin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_of_a_domain_beyond_ascii_is_one_account_in_both_forms_and_is_shown_as_registered() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let add = |email: &str| {
        operator.run(&["user", "add", email, "--name", "Max", "--password-stdin", "--json"], "a password of many words")
    };
    assert!(add("Max@M\u{fc}ller.example").status.success());
    assert!(!add("max@xn--mller-kva.example").status.success(), "it is there");
    for email in ["max@m\u{fc}ller.example", "MAX@mu\u{308}ller.example", "max@xn--mller-kva.example"] {
        let answer = service.log_on(email, "a password of many words").await;
        assert_eq!(answer.status(), 200, "{email}");
        assert_eq!(answer.json::<Value>().await.unwrap()["email"], "Max@M\u{fc}ller.example");
    }
    for email in ["max\u{200b}@example.org", "max@exam\u{ad}ple.org"] {
        assert!(!add(email).status.success(), "{email:?}");
    }
}
