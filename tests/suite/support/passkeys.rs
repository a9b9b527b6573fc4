//! Passkeys: made, used and changed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jea_auth::{
    domain::account::{Account, Email, Status},
    local::Options,
    platform::store::StoreError,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{
    authenticator::{Authenticator, client_data},
    owner::{ok, send},
    service::{EMAIL, PASSWORD, Service, client, token_of},
};

/// A service with passkeys, and mails.
pub async fn service() -> Service {
    Service::start_with(Options { passkeys: true, mail: true, ..Options::in_memory() }).await
}

/// What a browser calls the pages of the service.
pub fn origin(service: &Service) -> String {
    service.running.config.site.issuer.as_str().to_owned()
}

/// Sends JSON without a session.
pub async fn ask(service: &Service, path: &str, body: &Value) -> Response {
    let request = super::client::plain().post(format!("{}/users/api/passkeys/{path}", service.running.url));
    request.json(body).send().await.unwrap()
}

/// A challenge to use a passkey with.
pub async fn challenge(service: &Service) -> String {
    let options = ok(ask(service, "options", &json!({})).await).await;
    options["data"]["challenge"].as_str().unwrap().to_owned()
}

/// What comes of a passkey that is used now, for whoever wants to spoil it before it is sent.
pub async fn assertion(service: &Service, authenticator: &Authenticator) -> Value {
    let data = client_data("webauthn.get", &challenge(service).await, &origin(service));
    authenticator.assert(data.to_string().as_bytes())
}

/// Logs on with a passkey.
pub async fn log_on(service: &Service, authenticator: &Authenticator) -> Response {
    ask(service, "auth", &assertion(service, authenticator).await).await
}

/// Begins a passkey in the session of the service's own client: the options, and an authenticator that has taken them.
pub async fn begin(service: &Service) -> (Value, Authenticator) {
    let options = ok(service.post("/users/api/passkeys/new").await).await["data"].clone();
    let handle = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap()).unwrap();
    (options, Authenticator::new("localhost", &handle))
}

/// The body that adds a passkey.
pub fn registration(service: &Service, options: &Value, authenticator: &Authenticator) -> Value {
    let data = client_data("webauthn.create", options["challenge"].as_str().unwrap(), &origin(service));
    json!({"name": "Phone", "credential": authenticator.register(data.to_string().as_bytes())})
}

/// Makes a passkey in the session of the service's own client.
pub async fn make(service: &Service) -> Authenticator {
    let (options, authenticator) = begin(service).await;
    ok(send(service, Method::POST, "passkeys", &registration(service, &options, &authenticator)).await).await;
    authenticator
}

/// A service whose account has a passkey, with the session that made it.
pub async fn with_passkey() -> (Service, Authenticator) {
    let service = service().await;
    service.log_on(EMAIL, PASSWORD).await;
    let authenticator = make(&service).await;
    (service, authenticator)
}

/// Adds another account, and gives it a passkey in a session of its own, whose token comes back.
pub async fn another(service: &mut Service) -> (Authenticator, String) {
    service.add_account("ann@example.org", PASSWORD, Status::Active).await;
    let own = std::mem::replace(&mut service.client, client());
    let token = token_of(&service.log_on("ann@example.org", PASSWORD).await);
    let authenticator = make(service).await;
    service.client = own;
    (authenticator, token)
}

pub async fn change(service: &Service, change: impl Fn(&mut Account)) -> Account {
    let change = |account: &Account| {
        let mut account = account.clone();
        change(&mut account);
        Ok::<_, StoreError>(account)
    };
    service.store().change_account(&Email::canonical(EMAIL), change).await.unwrap().unwrap().after
}
