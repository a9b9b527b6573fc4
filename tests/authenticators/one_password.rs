//! What 1Password's client and authenticator make of the options, and what the verifier makes of their answers. With a
//! folder in `CEREMONIES` the answers are kept there, for `tests/second_verifier.py`.
#![cfg(test)]

use std::{fs, path::Path};

use jea_auth::domain::{
    account::{Account, Name},
    ids::AccountId,
    passkey::{Algorithm, OFFERED, UserHandle},
    secret::ServiceSecret,
    time::Timestamp,
    token::Issuer,
    webauthn::{
        CeremonyError, ChallengeFor, RegistrationJson, RelyingParty, UnverifiedAssertion, UnverifiedRegistration,
        challenge,
    },
};
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::aws_lc_rs::AwsLcRsBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use serde_json::{Value, json};
use url::Url;

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

/// Somebody who is there, and is verified where that is asked for.
struct Person;

#[async_trait::async_trait]
impl UserValidationMethod for Person {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        _: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence: true, verification })
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }
}

/// Keeps what an authenticator answered, with what it was asked, if a folder is given.
fn keep(party: &RelyingParty, what: &str, challenge: &str, answer: &Value) {
    let Some(folder) = std::env::var_os("CEREMONIES") else { return };
    let asked = json!({"what": what, "rp_id": party.id(), "origin": party.origin(), "challenge": challenge});
    let name = format!("{}-{what}.json", party.origin().replace(['/', ':'], "-"));
    fs::write(Path::new(&folder).join(name), json!({"asked": asked, "answer": answer}).to_string()).unwrap();
}

// Check 87.
#[tokio::test]
async fn a_passkey_of_1password_is_registered_and_opens_its_account() {
    let secret = ServiceSecret::new(&vec![1; 32].into());
    for issuer in ["https://auth.example.org/prod", "https://auth.example.org:8443", "http://localhost:3000"] {
        let party = RelyingParty::new(&Issuer::parse(issuer).unwrap(), None).unwrap();
        let origin = Url::parse(party.origin()).unwrap();
        let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&[1; 16]));
        let mut account = Account::new("yi@jeplus.org", name, sub, NOW).unwrap();
        let handle = UserHandle::new(&[7; 32]);
        account.handle = Some(handle);
        let authenticator = Authenticator::new(Aaguid::new_empty(), None::<Passkey>, Person, AwsLcRsBackend);
        let mut client = Client::new(authenticator).allows_insecure_localhost(true);

        let offered = OFFERED.map(Algorithm::number).map(|alg| json!({"type": "public-key", "alg": alg}));
        let asked = challenge(ChallengeFor::Registration(&account.sub, &handle), &secret, &[1; 16], NOW);
        let options = json!({"publicKey": {
            "rp": {"id": party.id(), "name": "jea-auth"},
            "user": {"id": handle.text(), "name": "yi@jeplus.org", "displayName": "Yi"},
            "challenge": asked,
            "pubKeyCredParams": offered, "timeout": 300_000, "excludeCredentials": [], "attestation": "none",
            "authenticatorSelection": {"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
        }});
        let made = client.register(&origin, serde_json::from_value(options).unwrap(), DefaultClientData).await.unwrap();
        keep(&party, "registration", &asked, &serde_json::to_value(&made).unwrap());
        let json: RegistrationJson = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
        let (_, answered) = UnverifiedRegistration::try_from(json).unwrap().answered(&account, &secret, NOW).unwrap();
        let made = answered.verify(&party).unwrap();
        account = made.added_to(&account, Name::parse("1Password").unwrap(), NOW).unwrap();

        let asked = challenge(ChallengeFor::Assertion, &secret, &[2; 16], NOW);
        for (verification, is_enough) in [("required", true), ("discouraged", false)] {
            let options = json!({"publicKey": {
                "challenge": asked,
                "rpId": party.id(), "timeout": 300_000, "userVerification": verification, "allowCredentials": [],
            }});
            let options = serde_json::from_value(options).unwrap();
            let used = client.authenticate(&origin, options, DefaultClientData).await.unwrap();
            keep(&party, verification, &asked, &serde_json::to_value(&used).unwrap());
            let body = serde_json::to_string(&used).unwrap();
            let (_, answered) = UnverifiedAssertion::parse(body.as_bytes()).unwrap().answered(&secret, NOW).unwrap();
            match answered.verify(&party, Some(&account)) {
                Ok(used) => assert!(is_enough && account.passkeys.contains_key(&used.id), "{issuer}"),
                Err(error) => assert!(!is_enough && error == CeremonyError::UserVerification, "{issuer}: {error}"),
            }
        }
    }
}
