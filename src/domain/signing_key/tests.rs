use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

const DAY: Duration = Duration::from_hours(24);
const START: Timestamp = Timestamp::from_seconds(1_750_000_000);

fn key(window: Window) -> SigningKey {
    let KeyMaterial { jwk, .. } = KeyMaterial::generate(KeyId::made_at(window.signs_from), Algorithm::Es256).unwrap();
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
    assert_eq!(forced(&[], START, PUBLISHED_AHEAD_MIN), Window::starting(START));
}

#[test]
fn a_successor_is_made_a_day_ahead_and_once() {
    let first = key(Window::starting(START));
    let takes_over = first.window.succeeded_at();
    let mut keys = vec![first];
    assert_eq!(due(&keys, takes_over.minus(DAY + Duration::from_millis(1))), None);
    assert_eq!(due(&keys, takes_over.minus(DAY)), Some(Window::starting(takes_over)));
    keys.push(key(Window::starting(takes_over)));
    assert_eq!(due(&keys, takes_over.minus(DAY)), None);
}

#[test]
fn a_late_successor_is_published_before_it_signs_all_the_same() {
    let keys = [key(Window::starting(START))];
    let late = keys[0].window.succeeded_at().plus(5 * DAY);
    assert_eq!(due(&keys, late), Some(Window::starting(late.plus(PUBLISHED_AHEAD_MIN))));
    assert_eq!(signs_now(&keys, late).unwrap().jwk, keys[0].jwk, "the old one signs on");
}

#[test]
fn a_key_is_made_at_once_if_none_signs_any_more() {
    let keys = [key(Window::starting(START))];
    let late = keys[0].window.signs_until;
    assert_eq!(due(&keys, late), Some(Window::starting(late)));
}

#[test]
fn a_key_that_was_dated_ahead_keeps_no_other_from_being_made() {
    let (first, ahead) = (key(Window::starting(START)), key(Window::starting(START.plus(365 * DAY))));
    let mut keys = vec![ahead, first];
    let takes_over = keys[1].window.succeeded_at();
    assert_eq!(signs_through(&keys, START), Some(keys[1].window.signs_until), "the chain ends before the gap");
    assert_eq!(due(&keys, takes_over.minus(DAY)), Some(Window::starting(takes_over)));
    keys.push(key(Window::starting(takes_over)));
    assert_eq!(due(&keys, takes_over.minus(DAY)), None);
    assert_eq!(signs_through(&keys, START), Some(keys[2].window.signs_until));
    // Just in time, and just too late.
    let end = keys[1].window.signs_until;
    let through = |from| signs_through(&[key(Window::starting(START)), key(Window::starting(from))], START);
    assert!(through(end) > Some(end));
    assert_eq!(through(end.plus(Duration::from_secs(1))), Some(end));
    assert_eq!(signs_through(&keys, START.minus(DAY)), None, "nothing signs before the first");
}

#[test]
fn the_key_that_signs_is_published_first_and_then_the_newer_ones() {
    let [old, signs, next] = [START.minus(40 * DAY), START.minus(DAY), START.plus(DAY)].map(Window::starting);
    let gone = Window::starting(START.minus(80 * DAY));
    for order in [[old, signs, next, gone], [next, gone, signs, old]] {
        let keys = order.map(key);
        let windows: Vec<Window> = published(&keys, START).into_iter().map(|key| key.window).collect();
        assert_eq!(windows, [signs, next, old]);
    }
    assert_eq!(published(&[key(next)], START).len(), 1, "one that will verify is published, though nothing signs");
}

#[test]
fn the_newest_key_whose_window_holds_signs() {
    let keys = [key(Window::starting(START)), key(Window::starting(START.plus(DAY)))];
    assert_eq!(signs_now(&keys, START).unwrap().jwk, keys[0].jwk);
    assert_eq!(signs_now(&keys, START.plus(DAY)).unwrap().jwk, keys[1].jwk);
    assert!(signs_now(&keys, START.minus(DAY)).is_none());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, ..Default::default() })]

    /// Ten years, in which the rotator runs daily but for outages of up to two weeks, and an operator forces a key now
    /// and then. At every step one key signs, the last second's longest token verifies to its end, and whatever signs
    /// was published for the cache time at the least.
    #[test]
    fn for_ten_years_one_key_signs_and_every_token_verifies(
        gaps in proptest::collection::vec((1_u64..=13 * 24 * 3600, proptest::bool::weighted(0.05)), 400..800),
    ) {
        let material = KeyMaterial::generate(KeyId::made_at(START), Algorithm::Es256).unwrap();
        let end = START.plus(DAY * 3650);
        let mut keys: Vec<SigningKey> = Vec::new();
        let mut now = START;
        for (gap, is_forced) in gaps {
            let is_urgent = is_forced && gap % 2 == 0;
            let ahead = if is_urgent { PUBLISHED_AHEAD_URGENT } else { PUBLISHED_AHEAD_MIN };
            let window = if is_forced { Some(forced(&keys, now, ahead)) } else { due(&keys, now) };
            if let Some(window) = window {
                proptest::prop_assert!(keys.is_empty() || window.signs_from.since(now) >= ahead);
                keys.push(SigningKey { jwk: material.jwk.clone(), sealed: Vec::new(), created: now, window });
            }
            // The plan changes at the edges of windows alone, so these moments stand for all until the next run.
            let next = now.plus(Duration::from_secs(gap)).min(end);
            let edges = keys.iter().flat_map(|key| [key.window.signs_from, key.window.signs_until]);
            let moments: Vec<Timestamp> = edges.filter(|edge| now <= *edge && *edge < next).chain([now, next]).collect();
            for moment in moments {
                let signing: Vec<_> = keys.iter().filter(|key| key.window.signs_at(moment)).collect();
                let Some(signer) = signs_now(&keys, moment) else {
                    return Err(proptest::test_runner::TestCaseError::fail(format!("nothing signs at {moment:?}")));
                };
                let newest = signing.iter().filter(|key| key.window.signs_from == signer.window.signs_from).count();
                proptest::prop_assert_eq!(newest, 1, "one key is the newest");
                proptest::prop_assert!(signer.window.verifies_at(moment.plus(TOKEN_LIFE_MAX)));
            }
            keys.retain(|key| key.window.verifies_at(now));
            now = next;
        }
    }
}

// Check 31.
#[test]
fn an_rsa_key_signs_and_is_written_as_rfc_7517_has_it() {
    let KeyMaterial { private, jwk } = KeyMaterial::generate(KeyId::made_at(START), Algorithm::Rs256).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(PrivateKey::of(&jwk, &private).unwrap().sign(b"message").unwrap());
    let verifying = jwk.verifying().unwrap();
    let verify = |message: &[u8]| jsonwebtoken::crypto::verify(&signature, message, &verifying, Algorithm::Rs256.jws());
    assert!(verify(b"message").unwrap() && !verify(b"other").unwrap());
    let json = serde_json::to_value(&jwk).unwrap();
    assert_eq!((&json["kty"], &json["alg"], &json["e"]), (&"RSA".into(), &"RS256".into(), &"AQAB".into()));
    assert_eq!(serde_json::from_value::<Jwk>(json.clone()).unwrap(), jwk);
    for (member, value) in [("alg", "ES256"), ("alg", "RS512"), ("use", "enc"), ("d", "x")] {
        let mut other = json.clone();
        other[member] = value.into();
        assert!(serde_json::from_value::<Jwk>(other).is_err(), "{member}: {value}");
    }
    let weak = |n: &[u8], e: &[u8]| {
        let mut other = json.clone();
        (other["n"], other["e"]) = (URL_SAFE_NO_PAD.encode(n).into(), URL_SAFE_NO_PAD.encode(e).into());
        serde_json::from_value::<Jwk>(other).unwrap().verifying().is_none()
    };
    assert!(!weak(&[0xff; 256], &[1, 0, 1]), "2048 bits are the least");
    assert!(weak(&[0xff; 255], &[1, 0, 1]) && weak(&[0x7f; 256], &[1, 0, 1]) && weak(&[0xff; 256], &[3]));
}

// Check 31.
#[test]
fn a_public_key_is_written_as_rfc_7517_has_it() {
    let KeyMaterial { jwk, .. } = KeyMaterial::generate(KeyId::made_at(START), Algorithm::Es256).unwrap();
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
fn a_subject_public_key_info_verifies_what_its_key_signed() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let KeyMaterial { jwk, private } = KeyMaterial::generate(KeyId::made_at(START), algorithm).unwrap();
        let signature = PrivateKey::of(&jwk, &private).unwrap().sign(b"text").unwrap();
        let spki = jwk.subject_public_key_info().unwrap();
        let holds = match algorithm {
            Algorithm::Es256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, spki).verify(b"text", &signature),
            Algorithm::Rs256 => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki).verify(b"text", &signature),
        };
        assert!(holds.is_ok(), "{}", algorithm.name());
        let mut other = serde_json::to_value(&jwk).unwrap();
        other[if algorithm == Algorithm::Es256 { "y" } else { "n" }] = "AA".into();
        assert!(serde_json::from_value::<Jwk>(other).unwrap().subject_public_key_info().is_none());
    }
}

#[test]
fn a_private_key_that_is_not_the_public_key_s_own_does_not_sign() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let one = KeyMaterial::generate(KeyId::made_at(START), algorithm).unwrap();
        let other = KeyMaterial::generate(KeyId::made_at(START), algorithm).unwrap();
        assert!(PrivateKey::of(&one.jwk, &one.private).is_ok());
        assert!(PrivateKey::of(&one.jwk, &other.private).is_err());
        assert!(PrivateKey::of(&one.jwk, b"").is_err() && PrivateKey::of(&one.jwk, &one.private[1..]).is_err());
    }
}

// Check 25.
#[test]
fn a_key_id_is_up_to_32_digits() {
    assert!(KeyId::try_from("1".repeat(32)).is_ok());
    for text in [String::new(), "1".repeat(33), "12a".into(), "-1".into(), "1 ".into(), "\u{661}".into()] {
        assert_eq!(KeyId::try_from(text), Err(InvalidKeyId));
    }
}
