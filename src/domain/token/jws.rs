//! JSON Web Signature in compact form (RFC 7515, section 7.1): syntax and signature, whatever they are about.

use base64::{
    Engine,
    engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD},
};
use jsonwebtoken::DecodingKey;

use super::{TOKEN_MAX_BYTES, TokenError};
use crate::domain::signing_key::Algorithm;

/// Strict about padding and trailing bits, so that one signature has one spelling (RFC 4648, section 3.5).
pub(super) const BASE64URL: GeneralPurpose = URL_SAFE_NO_PAD;

/// A JWS whose parts are canonical base64url, and whose signature nobody has checked.
pub(super) struct UnverifiedJws<'a> {
    pub(super) header: Vec<u8>,
    pub(super) payload: Vec<u8>,
    message: &'a str,
    signature: &'a str,
}

impl<'a> UnverifiedJws<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > TOKEN_MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(TokenError::NotCompact)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::NotCompact)?;
        let decode = |part: &str| BASE64URL.decode(part).ok();
        match (decode(header), decode(payload), decode(signature)) {
            (Some(header), Some(payload), Some(decoded)) if !header.is_empty() && !decoded.is_empty() => {
                Ok(Self { header, payload, message, signature })
            }
            (_, _, _) => Err(TokenError::NotCompact),
        }
    }

    pub(super) fn verify(&self, algorithm: Algorithm, key: &DecodingKey) -> Result<(), TokenError> {
        match jsonwebtoken::crypto::verify(self.signature, self.message.as_bytes(), key, algorithm.jws()) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenError::Signature),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy, ValueTree};
    use serde_json::Value;

    use super::*;
    use crate::domain::signing_key::Jwk;

    /// Marked valid, and not canonical base64url: a question mark in the header and in the payload.
    const NOT_CANONICAL: [u64; 2] = [372, 373];

    /// The key of a group as our key loader takes it; with a key id of ours, and without what a JWK may say beside.
    fn key(group: &Value) -> Option<Jwk> {
        let object = group.get("public").or(group.get("private"))?;
        let mut jwk = object.get("keys").map_or(object, |keys| &keys[0]).clone();
        let members = jwk.as_object_mut()?;
        members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e", "use", "alg"].contains(&name.as_str()));
        members.insert("kid".to_owned(), "1".into());
        members.entry("use").or_insert("sig".into());
        serde_json::from_value(jwk).ok()
    }

    fn accepts(jwk: &Jwk, text: &str) -> bool {
        let Ok(jws) = UnverifiedJws::parse(text) else { return false };
        let header: Value = serde_json::from_slice(&jws.header).unwrap_or_default();
        let is_key_s = header.get("alg").and_then(Value::as_str) == Some(jwk.algorithm().name());
        is_key_s && jwk.verifying().is_some_and(|key| jws.verify(jwk.algorithm(), &key).is_ok())
    }

    // Check 29.
    #[test]
    fn whatever_is_taken_apart_is_put_together_to_the_same_bytes() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        // Two characters of base64url and those that almost are; half of the texts have three parts.
        let texts = proptest::collection::vec("[AQ]{2,6}|[AQgw_=+/ -]{0,5}", 2..=4);
        let mut taken = 0;
        for _ in 0..20_000 {
            let text = texts.new_tree(&mut runner).unwrap().current().join(".");
            if let Ok(jws) = UnverifiedJws::parse(&text) {
                let signature = BASE64URL.encode(BASE64URL.decode(jws.signature).unwrap());
                let message = format!("{}.{}", BASE64URL.encode(&jws.header), BASE64URL.encode(&jws.payload));
                assert_eq!((format!("{message}.{signature}"), jws.message), (text.clone(), message.as_str()));
                taken += 1;
            }
        }
        assert!(taken > 100, "{taken} texts were taken");
    }

    // Check 21.
    #[test]
    fn wycheproof_s_signatures_get_the_expected_verdict() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/wycheproof/json_web_signature_test.json"))
                .unwrap();
        let (mut accepted, mut refused) = (0, 0);
        for group in vectors["testGroups"].as_array().unwrap() {
            let jwk = key(group);
            for test in group["tests"].as_array().unwrap() {
                let id = test["tcId"].as_u64().unwrap();
                let text = test["jws"].as_str().unwrap_or_default();
                let verdict = jwk.as_ref().is_some_and(|jwk| accepts(jwk, text));
                // Keys of other algorithms are none of ours, so everything signed with them is refused.
                let expected = jwk.is_some() && test["result"] == "valid" && !NOT_CANONICAL.contains(&id);
                assert_eq!(verdict, expected, "tcId {id}: {}", test["comment"]);
                if verdict { accepted += 1 } else { refused += 1 }
            }
        }
        // Ten valid ones are of ES256 and RS256.
        assert_eq!((accepted, refused), (10, 391));
    }

    // Check 31.
    #[test]
    fn wycheproof_s_bad_keys_are_none() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/wycheproof/json_web_key_test.json")).unwrap();
        let mut verdicts = Vec::new();
        for group in vectors["testGroups"].as_array().unwrap() {
            let (test, jwk) = (&group["tests"][0], key(group));
            // Sets of symmetric keys have no public half, and are none of ours.
            if group.get("public").is_none() {
                assert!(jwk.is_none(), "{}", test["comment"]);
                continue;
            }
            let is_accepted = jwk.is_some_and(|jwk| accepts(&jwk, test["jws"].as_str().unwrap_or_default()));
            verdicts.push((test["comment"].as_str().unwrap(), is_accepted));
        }
        let accepted: Vec<&str> =
            verdicts.iter().filter(|(_, is_accepted)| *is_accepted).map(|(name, _)| *name).collect();
        assert_eq!(accepted, ["acceptsValid"]);
        assert_eq!(verdicts.len(), 11);
    }
}
