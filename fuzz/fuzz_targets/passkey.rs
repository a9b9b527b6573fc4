//! No answer of a browser or an authenticator makes the verifier of passkeys panic, and a key that is taken is canonical:
//! written again, it is what was sent.
// Check 32.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jea_auth::domain::{
    account::{Account, Name},
    ids::AccountId,
    passkey::{PublicKey, UserHandle},
    secret::ServiceSecret,
    time::Timestamp,
    token::Issuer,
    webauthn::{ChallengeFor, RegistrationJson, RelyingParty, UnverifiedAssertion, UnverifiedRegistration, challenge},
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);
const HANDLE: [u8; 32] = [7; 32];

static SECRET: LazyLock<ServiceSecret> = LazyLock::new(|| ServiceSecret::new(&vec![1; 32].into()));
static PARTY: LazyLock<RelyingParty> =
    LazyLock::new(|| RelyingParty::new(&Issuer::parse("https://example.org").unwrap(), None).unwrap());
static ACCOUNT: LazyLock<Account> = LazyLock::new(|| {
    let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&[1; 16]));
    let mut account = Account::new("yi@example.org", name, sub, NOW).unwrap();
    account.handle = Some(UserHandle::new(&HANDLE));
    account
});

/// An answer with client data that are right, so that the parsers behind them are reached.
fn answer(kind: &str, purpose: ChallengeFor<'_>, id: &[u8], authenticator_data: &[u8]) -> serde_json::Value {
    let challenge = challenge(purpose, &SECRET, &[3; 16], NOW);
    let client_data = json!({"type": kind, "challenge": challenge, "origin": PARTY.origin()}).to_string();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "id": text(id), "rawId": text(id), "type": "public-key",
        "response": {
            "clientDataJSON": text(client_data.as_bytes()), "authenticatorData": text(authenticator_data),
            "signature": text(id), "userHandle": text(&HANDLE),
        },
    })
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(assertion) = UnverifiedAssertion::parse(bytes) {
        let _ = assertion.answered(&SECRET, NOW).err();
    }
    if let Ok(json) = serde_json::from_slice::<RegistrationJson>(bytes) {
        let _ = UnverifiedRegistration::try_from(json).map(|it| it.answered(&ACCOUNT, &SECRET, NOW).err());
    }
    if let Ok((key, rest)) = PublicKey::parse_first(bytes) {
        assert_eq!([key.cose().as_slice(), rest].concat(), bytes);
    }
    // The id of a registration stands behind 55 bytes.
    let id = bytes.get(55..).and_then(|rest| rest.get(..usize::from(*bytes.get(54)?))).unwrap_or_default();
    let json = answer("webauthn.get", ChallengeFor::Assertion, id, bytes).to_string();
    let (_, answered) = UnverifiedAssertion::parse(json.as_bytes()).unwrap().answered(&SECRET, NOW).unwrap();
    let _ = answered.verify(&PARTY, Some(&ACCOUNT));
    let purpose = ChallengeFor::Registration(&ACCOUNT.sub, ACCOUNT.handle.as_ref().unwrap());
    let json: RegistrationJson = serde_json::from_value(answer("webauthn.create", purpose, id, bytes)).unwrap();
    let (_, answered) =
        UnverifiedRegistration::try_from(json).unwrap().answered(&ACCOUNT, &SECRET, NOW).unwrap();
    if let Ok(made) = answered.verify(&PARTY) {
        let _ = made.added_to(&ACCOUNT, Name::parse("Phone").unwrap(), NOW);
    }
});
