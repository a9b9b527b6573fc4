use super::*;

const DAY: Duration = Duration::from_hours(24);
const START: Timestamp = Timestamp::from_seconds(1_750_000_000);

fn key(window: Window) -> SigningKey {
    let KeyMaterial { jwk, .. } = KeyMaterial::generate(KeyId::made_at(window.signs_from)).unwrap();
    SigningKey { jwk, sealed: Vec::new(), created: window.signs_from, window }
}

#[test]
fn a_key_verifies_for_the_longest_token_life_and_skew_after_it_stops_signing() {
    let window = Window::starting(START);
    assert!(window.signs_at(START) && !window.signs_at(START.minus(Duration::from_millis(1))));
    assert!(!window.signs_at(window.signs_until) && window.verifies_at(window.signs_until));
    assert_eq!(window.verifies_until.since(window.signs_until), TOKEN_LIFE_MAX + SKEW);
    assert!(!window.verifies_at(window.verifies_until));
}

#[test]
fn the_first_key_signs_at_once() {
    assert_eq!(due(&[], START), Some(Window::starting(START)));
}

#[test]
fn a_successor_is_made_a_day_ahead_and_once() {
    let first = key(Window::starting(START));
    let end = first.window.signs_until;
    let mut keys = vec![first];
    assert_eq!(due(&keys, end.minus(DAY + Duration::from_millis(1))), None);
    assert_eq!(due(&keys, end.minus(DAY)), Some(Window::starting(end)));
    keys.push(key(Window::starting(end)));
    assert_eq!(due(&keys, end.minus(DAY)), None);
}

#[test]
fn a_key_is_made_at_once_if_none_was_for_too_long() {
    let keys = [key(Window::starting(START))];
    let late = keys[0].window.signs_until.plus(DAY);
    assert_eq!(due(&keys, late), Some(Window::starting(late)));
}

#[test]
fn the_newest_key_whose_window_holds_signs() {
    let keys = [key(Window::starting(START)), key(Window::starting(START.plus(DAY)))];
    assert_eq!(signer(&keys, START).unwrap().jwk, keys[0].jwk);
    assert_eq!(signer(&keys, START.plus(DAY)).unwrap().jwk, keys[1].jwk);
    assert!(signer(&keys, START.minus(DAY)).is_none());
}

#[test]
fn a_public_key_is_written_as_rfc_7517_has_it() {
    let KeyMaterial { jwk, .. } = KeyMaterial::generate(KeyId::made_at(START)).unwrap();
    let json = serde_json::to_value(&jwk).unwrap();
    assert_eq!(
        (&json["kty"], &json["crv"], &json["use"], &json["alg"]),
        (&"EC".into(), &"P-256".into(), &"sig".into(), &"ES256".into())
    );
    assert_eq!(json["kid"], "1750000000000");
    assert_eq!(serde_json::from_value::<Jwk>(json.clone()).unwrap(), jwk);
    for (member, value) in [("use", "enc"), ("alg", "ES384"), ("crv", "P-384"), ("kty", "RSA"), ("kid", "../1")] {
        let mut other = json.clone();
        other[member] = value.into();
        assert!(serde_json::from_value::<Jwk>(other).is_err(), "{member}: {value}");
    }
}

#[test]
fn a_key_id_is_up_to_32_digits() {
    assert!(KeyId::try_from("1".repeat(32)).is_ok());
    for text in [String::new(), "1".repeat(33), "12a".into(), "-1".into(), "1 ".into(), "\u{661}".into()] {
        assert_eq!(KeyId::try_from(text), Err(InvalidKeyId));
    }
}
