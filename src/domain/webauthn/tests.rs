//! Each check of Web Authentication Level 3, sections 7.1 and 7.2, fails alone: what is spoiled is signed, and right in
//! all else.

mod authenticator;
mod of_client_data;
mod of_json;
mod of_vectors;

use authenticator::{Authenticator, BE, BS, ED, UP, UV, client_data, text};
use serde_json::{Value, json};

use super::*;
use crate::domain::{ids::AccountId, passkey::CREDENTIAL_ID_MAX_BYTES, token::Issuer};

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);
const ORIGIN: &str = "https://auth.example.org";
const HANDLE: [u8; 32] = [7; 32];

fn party() -> RelyingParty {
    RelyingParty::new(&Issuer::parse("https://auth.example.org/prod").unwrap(), None).unwrap()
}

fn secret() -> ServiceSecret {
    ServiceSecret::new(&vec![1; 32].into())
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn authenticator() -> Authenticator {
    Authenticator::new("auth.example.org", &HANDLE)
}

fn account() -> Account {
    let mut account = Account::new("yi@jeplus.org", name("Yi"), AccountId::new(&[1; 16]), NOW).unwrap();
    account.handle = Some(UserHandle::new(&HANDLE));
    account
}

fn to_register(account: &Account) -> Value {
    let purpose = ChallengeFor::Registration(&account.sub, account.handle.as_ref().unwrap());
    client_data("webauthn.create", &challenge(purpose, &secret(), &[3; 16], NOW), ORIGIN)
}

fn to_assert() -> Value {
    client_data("webauthn.get", &challenge(ChallengeFor::Assertion, &secret(), &[4; 16], NOW), ORIGIN)
}

fn registered(json: &Value, account: &Account) -> Result<NewPasskey, CeremonyError> {
    let json: RegistrationJson = serde_json::from_value(json.clone()).unwrap();
    let unverified = UnverifiedRegistration::try_from(json).unwrap();
    let (_, answered) = unverified.answered(account, &secret(), NOW)?;
    answered.verify(&party())
}

fn asserted(json: &Value, account: Option<&Account>) -> Result<UsedPasskey, CeremonyError> {
    let unverified = UnverifiedAssertion::parse(json.to_string().as_bytes()).unwrap();
    let (_, answered) = unverified.answered(&secret(), NOW)?;
    answered.verify(&party(), account)
}

/// The account with what the authenticator holds.
fn with(authenticator: &Authenticator) -> Account {
    let account = account();
    let json = authenticator.register(to_register(&account).to_string().as_bytes());
    registered(&json, &account).unwrap().added_to(&account, name("Phone"), NOW).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

// Check 87.
#[test]
fn a_passkey_is_registered_and_then_opens_its_account() {
    for authenticator in [authenticator(), Authenticator::with_rsa("auth.example.org", &HANDLE)] {
        let account = with(&authenticator);
        let (id, passkey) = account.passkeys.first_key_value().unwrap();
        assert_eq!(id, &CredentialId::new(&authenticator.id).unwrap());
        assert_eq!((passkey.name.as_str(), &*passkey.rp_id), ("Phone", "auth.example.org"));
        assert_eq!((passkey.created, passkey.last_used, passkey.backed_up), (NOW, None, true));
        assert_eq!(passkey.public_key.cose(), authenticator.cose);
        let used = asserted(&authenticator.assert(&bytes(&to_assert())), Some(&account)).unwrap();
        assert_eq!(used, UsedPasskey { id: id.clone(), sign_count: 0, backed_up: true });
    }
}

/// An authenticator that says something else than it should, and what that is refused for.
type Flaw = (fn(&mut Authenticator), CeremonyError);

// Check 87.
#[test]
fn flags_and_the_relying_party_are_checked_in_both_ceremonies() {
    let flaws: [Flaw; 8] = [
        (|it| it.rp_id = "example.org".to_owned(), CeremonyError::RpId),
        (|it| it.rp_id = "evil-auth.example.org".to_owned(), CeremonyError::RpId),
        (|it| it.rp_id = String::new(), CeremonyError::RpId),
        (|it| it.flags = UV | BE | BS, CeremonyError::UserPresence),
        (|it| it.flags = UP | BE | BS, CeremonyError::UserVerification),
        (|it| it.flags = UP | UV | BS, CeremonyError::BackupState),
        (|it| it.flags |= ED, CeremonyError::AuthenticatorData),
        (|it| it.extensions = vec![0xa0], CeremonyError::AuthenticatorData),
    ];
    for (at, (spoil, error)) in flaws.into_iter().enumerate() {
        let mut authenticator = authenticator();
        let account = with(&authenticator);
        spoil(&mut authenticator);
        let json = authenticator.assert(&bytes(&to_assert()));
        assert_eq!(asserted(&json, Some(&account)), Err(error), "assertion {at}");
        let json = authenticator.register(&bytes(&to_register(&account)));
        assert_eq!(registered(&json, &account), Err(error), "registration {at}");
    }
}

// Check 87.
#[test]
fn what_extensions_say_comes_after_the_key_and_is_passed_over() {
    let mut authenticator = authenticator();
    // {"credProtect": 2}
    authenticator.extensions = [&[0xa1, 0x6b][..], b"credProtect", &[0x02]].concat();
    authenticator.flags |= ED;
    let account = with(&authenticator);
    assert!(asserted(&authenticator.assert(&bytes(&to_assert())), Some(&account)).is_ok());
    let mut rsa = Authenticator::with_rsa("auth.example.org", &HANDLE);
    (rsa.extensions, rsa.flags) = (authenticator.extensions.clone(), authenticator.flags);
    assert_eq!(with(&rsa).passkeys.first_key_value().unwrap().1.public_key.cose(), rsa.cose);
}

// Check 87.
#[test]
fn counter_and_backup_flags_refuse_nothing() {
    let mut authenticator = authenticator();
    (authenticator.count, authenticator.flags) = (1000, UP | UV);
    let account = with(&authenticator);
    let (id, stored) = account.passkeys.first_key_value().unwrap();
    assert_eq!((stored.sign_count, stored.backed_up), (1000, false));
    for (count, flags) in [(1001, UP | UV | BE), (1000, UP | UV | BE | BS), (999, UP | UV), (0, UP | UV | BE | BS)] {
        (authenticator.count, authenticator.flags) = (count, flags);
        let used = asserted(&authenticator.assert(&bytes(&to_assert())), Some(&account)).unwrap();
        assert_eq!(used, UsedPasskey { id: id.clone(), sign_count: count, backed_up: flags & BS != 0 });
        let after = stored.after(&used, NOW);
        assert_eq!((after.sign_count, after.backed_up), (count, flags & BS != 0), "and what was last is kept");
    }
}

// Check 87.
#[test]
fn a_registration_brings_one_key_that_was_offered_under_its_own_id() {
    let flaws: [Flaw; 7] = [
        // EdDSA.
        (
            |it| it.cose = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20][..], &[7; 32]].concat(),
            CeremonyError::Algorithm,
        ),
        (|it| it.cose[40] ^= 1, CeremonyError::Key),
        (|it| it.cose.truncate(76), CeremonyError::Key),
        (|it| it.cose.truncate(20), CeremonyError::Key),
        (|it| it.id = Vec::new(), CeremonyError::IdLength),
        (|it| it.id = vec![7; CREDENTIAL_ID_MAX_BYTES + 1], CeremonyError::IdLength),
        (|it| it.cose.push(0xa0), CeremonyError::AuthenticatorData),
    ];
    let account = account();
    for (at, (spoil, error)) in flaws.into_iter().enumerate() {
        let mut authenticator = authenticator();
        spoil(&mut authenticator);
        let json = authenticator.register(&bytes(&to_register(&account)));
        assert_eq!(registered(&json, &account), Err(error), "{at}");
    }
    let authenticator = authenticator();
    let mut json = authenticator.register(&bytes(&to_register(&account)));
    (json["id"], json["rawId"]) = (json!(text(&[1; 32])), json!(text(&[1; 32])));
    assert_eq!(registered(&json, &account), Err(CeremonyError::OtherId));
    json = authenticator.register(&bytes(&to_register(&account)));
    json["response"]["authenticatorData"] = json!(text(&authenticator.assertion_data()));
    assert_eq!(registered(&json, &account), Err(CeremonyError::NoKey));
    let data = authenticator.registration_data();
    for length in [0, 36, 37, 52, 54, 60, 86] {
        json["response"]["authenticatorData"] = json!(text(&data[..length]));
        assert_eq!(registered(&json, &account), Err(CeremonyError::AuthenticatorData), "{length} bytes");
    }
    let mut longest = Authenticator::new("auth.example.org", &HANDLE);
    longest.id = vec![7; CREDENTIAL_ID_MAX_BYTES];
    assert!(asserted(&longest.assert(&bytes(&to_assert())), Some(&with(&longest))).is_ok());
}

// Check 87.
#[test]
fn an_account_has_each_passkey_once_and_ten_at_the_most() {
    let first = authenticator();
    let mut account = with(&first);
    let passkey = |authenticator: &Authenticator, account: &Account| {
        registered(&authenticator.register(&bytes(&to_register(account))), account).unwrap()
    };
    assert_eq!(passkey(&first, &account).added_to(&account, name("Again"), NOW).err(), Some(NotAdded::Known));
    while account.passkeys.len() < PASSKEYS_MAX {
        account = passkey(&authenticator(), &account).added_to(&account, name("Another"), NOW).unwrap();
    }
    let eleventh = passkey(&authenticator(), &account);
    assert_eq!(eleventh.added_to(&account, name("Eleventh"), NOW).err(), Some(NotAdded::TooMany));
    account.passkeys.clear();
    account.profile.insert("legacy".to_owned(), "x".repeat(TEXTS_MAX_BYTES - 100));
    assert_eq!(eleventh.added_to(&account, name("Eleventh"), NOW).err(), Some(NotAdded::TooLarge));
}

// Check 87.
#[test]
fn a_passkey_opens_the_account_that_has_it_and_no_other() {
    let (mine, theirs) = (authenticator(), Authenticator::new("auth.example.org", &[8; 32]));
    let account = with(&mine);
    let mut other =
        Account { sub: AccountId::new(&[2; 16]), handle: Some(UserHandle::new(&[8; 32])), ..account.clone() };
    other.passkeys.clear();
    let json = theirs.register(&bytes(&to_register(&other)));
    let other = registered(&json, &other).unwrap().added_to(&other, name("Theirs"), NOW).unwrap();
    assert!(asserted(&theirs.assert(&bytes(&to_assert())), Some(&other)).is_ok());

    let with_handle = |handle: Value| {
        let mut json = mine.assert(&bytes(&to_assert()));
        json["response"]["userHandle"] = handle;
        json
    };
    let of_other = with_handle(json!(text(&[8; 32])));
    assert_eq!(asserted(&of_other, Some(&other)), Err(CeremonyError::UnknownPasskey), "the handle is not signed");
    assert_eq!(asserted(&of_other, Some(&account)), Err(CeremonyError::OtherHandle), "a stale entry of the index");
    assert_eq!(asserted(&of_other, None), Err(CeremonyError::OtherHandle));
    for handle in [Value::Null, json!(""), json!(text(&[7; 31])), json!(text(&[7; 33]))] {
        assert_eq!(asserted(&with_handle(handle.clone()), Some(&account)), Err(CeremonyError::NoHandle), "{handle}");
    }
    let sub = json!(text(account.sub.as_str().as_bytes()));
    assert_eq!(asserted(&with_handle(sub), Some(&account)), Err(CeremonyError::OtherHandle), "a sub is no handle");
    let without = Account { handle: None, ..account.clone() };
    assert_eq!(asserted(&with_handle(json!(text(&HANDLE))), Some(&without)), Err(CeremonyError::OtherHandle));
    let mut removed = account.clone();
    removed.passkeys.clear();
    let answer = asserted(&mine.assert(&bytes(&to_assert())), Some(&removed));
    assert_eq!(answer, Err(CeremonyError::UnknownPasskey), "removed, or gone with a mailed reset");
    let mut nameless = mine.assert(&bytes(&to_assert()));
    (nameless["id"], nameless["rawId"]) = (json!(""), json!(""));
    assert_eq!(asserted(&nameless, Some(&account)), Err(CeremonyError::UnknownPasskey));
    let disabled = Account { status: Status::Disabled, ..account };
    let answer = asserted(&mine.assert(&bytes(&to_assert())), Some(&disabled));
    assert_eq!(answer, Err(CeremonyError::Disabled));
}

// Check 87.
#[test]
fn a_signature_is_of_this_key_over_these_very_bytes() {
    for authenticator in [authenticator(), Authenticator::with_rsa("auth.example.org", &HANDLE)] {
        let account = with(&authenticator);
        let good = authenticator.assert(&bytes(&to_assert()));
        let with = |member: &str, bytes: &[u8]| {
            let mut json = good.clone();
            json["response"][member] = json!(text(bytes));
            json
        };
        let mut counted = authenticator.assertion_data();
        counted[36] = 1;
        let respelled = to_assert().to_string().replace(',', ", ");
        let mut stranger = self::authenticator();
        stranger.id.clone_from(&authenticator.id);
        for (at, json) in [
            with("signature", &[]),
            with("signature", &[0; 64]),
            // r = s = 0, and r = s = 1.
            with("signature", &[0x30, 6, 2, 1, 0, 2, 1, 0]),
            with("signature", &[0x30, 6, 2, 1, 1, 2, 1, 1]),
            with("authenticatorData", &counted),
            with("clientDataJSON", respelled.as_bytes()),
            stranger.assert(&bytes(&to_assert())),
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(asserted(json, Some(&account)), Err(CeremonyError::Signature), "{at}");
        }
        assert!(asserted(&good, Some(&account)).is_ok());
    }
}
