//! Passkeys of accounts, for benchmarks in which somebody logs on with one.

use std::sync::Arc;

use jea_auth::{
    domain::{
        account::{Account, Email, Name},
        passkey::{CredentialId, PublicKey, StoredPasskey, UserHandle},
        secret::ServiceSecret,
        webauthn::{ChallengeFor, challenge},
    },
    functions::app::Stack,
    local::Running,
    platform::{
        machine,
        store::{Store, StoreError},
    },
};
use serde_json::Value;

use super::{
    authenticator::{Authenticator, client_data},
    stack::log_on,
};

/// What a browser and an authenticator know of the service that is measured.
#[derive(Clone)]
pub struct Site {
    origin: String,
    /// It makes the challenges, as a question for each before its use would only cost time.
    secret: Arc<ServiceSecret>,
}

impl Site {
    pub async fn of(running: &Running) -> Self {
        let secret = Stack::of(&running.config).keyring().service_secret(machine::now()).await.unwrap();
        Self { origin: running.config.site.issuer.as_str().to_owned(), secret }
    }

    /// What an authenticator answers to a challenge of its own.
    pub fn assertion(&self, authenticator: &Authenticator) -> Value {
        let challenge = challenge(ChallengeFor::Assertion, &self.secret, &machine::random(), machine::now());
        authenticator.assert(client_data("webauthn.get", &challenge, &self.origin).to_string().as_bytes())
    }
}

/// Gives an account a passkey, whose authenticator is the result. No two accounts have one `handle`.
pub async fn add_passkey(store: &Store, email: &str, handle: &[u8; 32]) -> Authenticator {
    let passkey = Authenticator::new("localhost", handle);
    let stored = StoredPasskey {
        name: Name::parse("Phone").unwrap(),
        public_key: PublicKey::parse(&passkey.cose).unwrap(),
        rp_id: passkey.rp_id.clone(),
        created: machine::now(),
        last_used: None,
        sign_count: 0,
        backed_up: true,
    };
    let add = |account: &Account| {
        let passkeys = [(CredentialId::new(&passkey.id).unwrap(), stored.clone())].into();
        Ok::<_, StoreError>(Account { handle: Some(UserHandle::new(handle)), passkeys, ..account.clone() })
    };
    store.change_account(&Email::canonical(email), add).await.unwrap().unwrap();
    passkey
}

/// The event of a log-on by a passkey.
pub fn log_on_by_passkey(assertion: &Value, address: &str) -> Value {
    let mut event = log_on("", "", address);
    (event["path"], event["body"]) = ("/users/api/passkeys/auth".into(), assertion.to_string().into());
    event
}
