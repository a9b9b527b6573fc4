//! Client data and their challenges.

use super::*;

/// What is wrong with client data in both ceremonies.
fn spoiled(client_data: &Value, of_other_type: &str) -> Vec<(Value, CeremonyError)> {
    let with = |member: &str, value: Value| {
        let mut spoiled = client_data.clone();
        spoiled[member] = value;
        spoiled
    };
    let mut cases = vec![
        (with("type", json!(of_other_type)), CeremonyError::Type),
        (with("type", json!("webauthn")), CeremonyError::Type),
        (with("challenge", json!("")), CeremonyError::Challenge),
        (with("challenge", json!(text(b"1750000000.AAAA.AAAA"))), CeremonyError::Challenge),
        (
            with("challenge", json!(format!("{}=", client_data["challenge"].as_str().unwrap()))),
            CeremonyError::Challenge,
        ),
        (with("crossOrigin", json!(true)), CeremonyError::CrossOrigin),
        (with("topOrigin", json!(ORIGIN)), CeremonyError::TopOrigin),
        (with("topOrigin", Value::Null), CeremonyError::TopOrigin),
    ];
    for origin in [
        "",
        "null",
        "http://auth.example.org",
        "https://auth.example.org/",
        "https://auth.example.org:443",
        "https://auth.example.org:8443",
        "https://AUTH.example.org",
        "https://example.org",
        "https://evil-auth.example.org",
        "https://x.auth.example.org",
        "https://auth.example.org.evil.example",
        "https://evil.example/https://auth.example.org",
        "evilhttps://auth.example.org",
    ] {
        cases.push((with("origin", json!(origin)), CeremonyError::Origin));
    }
    for member in ["type", "challenge", "origin"] {
        let mut without = client_data.clone();
        without.as_object_mut().unwrap().remove(member);
        cases.push((without, CeremonyError::ClientData));
        cases.push((with(member, json!(7)), CeremonyError::ClientData));
    }
    cases.push((with("crossOrigin", json!("true")), CeremonyError::ClientData));
    cases.push((
        json!([client_data["type"], client_data["challenge"], client_data["origin"]]),
        CeremonyError::ClientData,
    ));
    cases
}

// Check 87.
#[test]
fn client_data_of_another_kind_challenge_or_place_are_refused() {
    let authenticator = authenticator();
    let (fresh, account) = (account(), with(&authenticator));
    for (client_data, error) in spoiled(&to_register(&fresh), "webauthn.get") {
        let json = authenticator.register(&bytes(&client_data));
        assert_eq!(registered(&json, &fresh), Err(error), "{client_data}");
    }
    for (client_data, error) in spoiled(&to_assert(), "webauthn.create") {
        let json = authenticator.assert(&bytes(&client_data));
        assert_eq!(asserted(&json, Some(&account)), Err(error), "{client_data}");
    }
}

// Check 87.
#[test]
fn client_data_may_have_a_byte_order_mark_and_any_other_member_and_no_member_twice() {
    let authenticator = authenticator();
    let account = with(&authenticator);
    let good = to_assert().to_string();
    let (open, rest) = good.split_at(1);
    let odd = r#""other_keys_can_be_added_here":"do not compare clientDataJSON against a template","x":[{"type":1}],"#;
    for text in [
        format!("{open}{odd}{rest}"),
        format!("\u{feff}{good}"),
        good.replace("\"crossOrigin\":false,", ""),
        good.replace("false", "null"),
        format!(" {good}\n"),
    ] {
        assert!(asserted(&authenticator.assert(text.as_bytes()), Some(&account)).is_ok(), "{text}");
    }
    for text in [
        format!("{open}\"origin\":\"{ORIGIN}\",{rest}"),
        format!("{good}{good}"),
        format!("\u{feff}\u{feff}{good}"),
        good.replace(ORIGIN, "\u{0}"),
        String::new(),
    ] {
        let answer = asserted(&authenticator.assert(text.as_bytes()), Some(&account));
        assert_eq!(answer, Err(CeremonyError::ClientData), "{text}");
    }
    let invalid = [good.as_bytes(), b"\xff"].concat();
    assert_eq!(asserted(&authenticator.assert(&invalid), Some(&account)), Err(CeremonyError::ClientData));
}

// Check 87.
#[test]
fn a_challenge_of_the_other_ceremony_or_of_another_account_is_refused() {
    let authenticator = authenticator();
    let account = with(&authenticator);
    let (create, get) = (to_register(&account), to_assert());
    let mut swapped = get.clone();
    swapped["challenge"] = create["challenge"].clone();
    assert_eq!(asserted(&authenticator.assert(&bytes(&swapped)), Some(&account)), Err(CeremonyError::Challenge));
    swapped = create.clone();
    swapped["challenge"] = get["challenge"].clone();
    let registration =
        |client_data: &Value, account: &Account| registered(&authenticator.register(&bytes(client_data)), account);
    assert_eq!(registration(&swapped, &account), Err(CeremonyError::Challenge));
    let other = Account { sub: AccountId::new(&[2; 16]), ..account.clone() };
    assert_eq!(registration(&create, &other), Err(CeremonyError::Challenge));
    let other = Account { handle: Some(UserHandle::new(&[8; 32])), ..account.clone() };
    assert_eq!(registration(&create, &other), Err(CeremonyError::Challenge));
    let other = Account { handle: None, ..account };
    assert_eq!(registration(&create, &other), Err(CeremonyError::NoHandle));
}

// Check 87.
#[test]
fn a_challenge_that_has_expired_is_told_as_that() {
    let authenticator = authenticator();
    let unverified = |at| {
        let json = authenticator.assert(&bytes(&to_assert())).to_string();
        UnverifiedAssertion::parse(json.as_bytes()).unwrap().answered(&secret(), at).err()
    };
    assert_eq!(unverified(NOW.plus(CHALLENGE_LIFE)), Some(CeremonyError::Expired));
    assert_eq!(unverified(NOW), None);
}
