//! The email of an account, changed by its owner.

use std::time::Duration;

use jea_auth::domain::account::{Account, Email};
use reqwest::{Method, Response};
use serde_json::json;

use super::{
    mails::there,
    owner::{ok, send},
    service::Service,
};

pub const NEW: &str = "yi.new@example.org";
pub const CONFIRMED: &str = "Confirmed. The other address must confirm it, too.";
pub const CHANGED: &str = "Email changed. Log on with it.";
const SENT: &str = "If the address can be used, messages are on their way to it and to the present one.";

/// Asks for another email in the session of the service's own client.
pub async fn ask(service: &Service, new: &str) {
    let asked = ok(send(service, Method::POST, "email", &json!({"email": new})).await).await;
    assert_eq!(asked, json!({"ok": true, "status": SENT}));
}

/// Uses a link.
pub async fn confirm(service: &Service, token: &str) -> Response {
    let url = format!("{}/users/api/email/confirm", service.running.url);
    super::client::plain().post(url).json(&json!({"token": token})).send().await.unwrap()
}

/// Waits for the mails of the last request, and gives back the tokens for the present and for the new address.
pub async fn tokens(service: &Service) -> [String; 2] {
    let subjects = ["jea-auth: Confirm your new email", "jea-auth: Confirm your email"];
    for _ in 0..2400 {
        let mails = there(service);
        let last = |subject: &str| mails.iter().rev().find(|mail| mail.subject == subject);
        if let [Some(present), Some(new)] = subjects.map(last) {
            return [present.token(), new.token()];
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no mails to both addresses");
}

pub async fn account_at(service: &Service, email: &str) -> Option<Account> {
    service.store().account(&Email::canonical(email)).await.unwrap()
}
