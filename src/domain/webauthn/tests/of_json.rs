//! The JSON forms.

use super::*;

fn assertion() -> Value {
    authenticator().assert(&bytes(&to_assert()))
}

fn registration() -> Value {
    authenticator().register(&bytes(&to_register(&account())))
}

fn parse_assertion(text: &str) -> Option<InvalidResponse> {
    UnverifiedAssertion::parse(text.as_bytes()).err()
}

/// Without a reason, it is no such JSON at all.
fn parse_registration(text: &str) -> Result<(), Option<InvalidResponse>> {
    let json: RegistrationJson = serde_json::from_str(text).map_err(|_| None)?;
    UnverifiedRegistration::try_from(json).map(drop).map_err(Some)
}

/// The object with this member, at a path, as it is said; without it if nothing is.
fn with(json: &Value, path: &str, value: Option<Value>) -> String {
    let mut json = json.clone();
    let (parent, name) = match path.strip_prefix("response.") {
        Some(name) => (&mut json["response"], name),
        None => (&mut json, path),
    };
    let parent = parent.as_object_mut().unwrap();
    parent.remove(name);
    parent.extend(value.map(|value| (name.to_owned(), value)));
    json.to_string()
}

// Check 87.
#[test]
fn each_member_of_an_answer_must_be_there_and_have_one_spelling() {
    const OF_BOTH: [&str; 4] = ["id", "rawId", "response.clientDataJSON", "response.authenticatorData"];
    let (assertion, registration) = (assertion(), registration());
    for name in OF_BOTH.into_iter().chain(["response.signature"]) {
        let is_of_both = OF_BOTH.contains(&name);
        for value in [None, Some(Value::Null)] {
            let missing = Some(InvalidResponse::Missing(name));
            assert_eq!(parse_assertion(&with(&assertion, name, value.clone())), missing);
            let answer = parse_registration(&with(&registration, name, value));
            assert_eq!(answer, if is_of_both { Err(missing) } else { Ok(()) }, "{name}");
        }
        for text in ["AA=", "AA==", "+_8A", "AB", "A", "AA\n"] {
            let spelled = Some(InvalidResponse::Base64(name));
            assert_eq!(parse_assertion(&with(&assertion, name, Some(json!(text)))), spelled, "{text:?}");
            let answer = parse_registration(&with(&registration, name, Some(json!(text))));
            assert_eq!(answer, if is_of_both { Err(spelled) } else { Ok(()) }, "{text:?}");
        }
    }
    for name in ["type", "response"] {
        let missing = InvalidResponse::Missing(name);
        assert_eq!(parse_assertion(&with(&assertion, name, None)), Some(missing));
        assert_eq!(parse_registration(&with(&registration, name, None)), Err(Some(missing)));
    }
    let of_password = |json: &Value| with(json, "type", Some(json!("password")));
    assert_eq!(parse_assertion(&of_password(&assertion)), Some(InvalidResponse::Type));
    assert_eq!(parse_registration(&of_password(&registration)), Err(Some(InvalidResponse::Type)));
    let two_ids = |json: &Value| with(json, "rawId", Some(json!("AAAA")));
    assert_eq!(parse_assertion(&two_ids(&assertion)), Some(InvalidResponse::TwoIds));
    assert_eq!(parse_registration(&two_ids(&registration)), Err(Some(InvalidResponse::TwoIds)));
    let handle = |text: &str| with(&assertion, "response.userHandle", Some(json!(text)));
    assert_eq!(parse_assertion(&handle("AA=")), Some(InvalidResponse::Base64("response.userHandle")));
    assert_eq!(parse_assertion(&handle("")), None);
}

// Check 87.
#[test]
fn an_answer_is_one_object_with_any_other_members() {
    let (assertion, registration) = (assertion(), registration());
    let form = Some(InvalidResponse::Form("AuthenticationResponseJSON"));
    for name in ["x", "authenticatorAttachment", "response.attestationObject", "response.x"] {
        for value in [None, Some(json!({"x": [1, {"x": null}]}))] {
            assert_eq!(parse_assertion(&with(&assertion, name, value.clone())), None, "{name}");
            assert_eq!(parse_registration(&with(&registration, name, value)), Ok(()), "{name}");
        }
    }
    for name in ["id", "type", "response", "response.clientDataJSON"] {
        for value in [json!(7), json!(["AA"]), json!(true)] {
            assert_eq!(parse_assertion(&with(&assertion, name, Some(value.clone()))), form, "{name}");
            assert_eq!(parse_registration(&with(&registration, name, Some(value))), Err(None), "{name}");
        }
    }
    for json in [&assertion, &registration] {
        let text = json.to_string();
        let members: Vec<&Value> = ["id", "rawId", "type", "response"].map(|name| &json[name]).to_vec();
        let inner: Vec<&Value> = json["response"].as_object().unwrap().values().collect();
        for text in [
            String::new(),
            "null".to_owned(),
            json!(members).to_string(),
            with(json, "response", Some(json!(inner))),
            format!("{text}{text}"),
            text.replacen('{', "{\"id\":\"AAAA\",", 1),
            text.replace("\"response\":{", "\"response\":{\"clientDataJSON\":\"AAAA\","),
            format!("\u{feff}{text}"),
        ] {
            assert_eq!(parse_assertion(&text), form, "{text}");
            assert_eq!(parse_registration(&text), Err(None), "{text}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_without_what_was_sent() {
    for (error, sentence) in [
        (
            InvalidResponse::Form("AuthenticationResponseJSON"),
            "It is no AuthenticationResponseJSON of Web Authentication.",
        ),
        (InvalidResponse::Missing("response.signature"), "response.signature is missing."),
        (InvalidResponse::Base64("rawId"), "rawId is not base64url without padding."),
        (InvalidResponse::TwoIds, "id and rawId differ."),
        (InvalidResponse::Type, "type is not public-key."),
    ] {
        assert_eq!(error.to_string(), sentence);
    }
}
