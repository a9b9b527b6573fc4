use std::time::Duration;

use base64::Engine;

use super::{jws::BASE64URL, *};
use crate::domain::{
    secret::clears_itself,
    signing_key::{KeyMaterial, PrivateKey},
};

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);
const HOUR: u64 = 3600;

// Check 9.
#[test]
fn a_token_clears_itself() {
    let _ = |Token(text): &Token| clears_itself(text);
}

struct Forge {
    material: KeyMaterial,
    rules: TokenRules,
}

impl Forge {
    fn new() -> Self {
        let rules = TokenRules {
            issuer: Issuer::parse("https://api.example.org").unwrap(),
            audience: "https://api.example.org".into(),
            lifetimes: Lifetimes { token: Duration::from_secs(12 * HOUR), session: Duration::from_secs(168 * HOUR) },
        };
        Self { material: KeyMaterial::generate(KeyId::made_at(NOW), Algorithm::Es256).unwrap(), rules }
    }

    fn claims(&self) -> Claims {
        Claims {
            iss: self.rules.issuer.as_str().to_owned(),
            aud: self.rules.audience.clone(),
            sub: AccountId::parse("account").unwrap(),
            sid: SessionId::parse("session").unwrap(),
            jti: "token".into(),
            iat: NOW.seconds(),
            exp: NOW.seconds() + 12 * HOUR,
            auth_time: NOW.seconds(),
        }
    }

    /// Signs any header and claims with the true key, so that nothing but their content can be at fault.
    fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        let key = PrivateKey::of(&self.material.jwk, &self.material.private).unwrap();
        format!("{message}.{}", BASE64URL.encode(key.sign(message.as_bytes()).unwrap()))
    }

    fn header(&self) -> String {
        format!(r#"{{"typ":"JWT","alg":"ES256","kid":"{}"}}"#, self.material.jwk.key_id().as_str())
    }

    fn verdict(&self, text: &str) -> Result<Claims, TokenError> {
        let key = self.material.jwk.verifying().unwrap();
        UnverifiedToken::parse(text)?.verify(Algorithm::Es256, &key, &self.rules, NOW)
    }

    fn verdict_on(&self, change: impl FnOnce(&mut Claims)) -> Option<TokenError> {
        let mut claims = self.claims();
        change(&mut claims);
        self.verdict(&self.sign_raw(&self.header(), &serde_json::to_string(&claims).unwrap())).err()
    }
}

#[test]
fn a_token_comes_back_as_it_was_signed_and_says_no_more_than_it_must() {
    let forge = Forge::new();
    let key = PrivateKey::of(&forge.material.jwk, &forge.material.private).unwrap();
    let token = Token::sign(&forge.claims(), forge.material.jwk.key_id(), &key).unwrap();
    assert_eq!(forge.verdict(token.expose()), Ok(forge.claims()));
    let header = token.expose().split('.').next().unwrap();
    assert_eq!(String::from_utf8(BASE64URL.decode(header).unwrap()).unwrap(), forge.header());
    assert!(!token.expose().contains('='));
}

// Check 27.
#[test]
fn every_date_is_held_on_both_sides_of_the_skew() {
    let forge = Forge::new();
    let now = NOW.seconds();
    let aged = |claims: &mut Claims, exp: u64| {
        (claims.auth_time, claims.iat, claims.exp) = (now - HOUR, now - HOUR, exp);
    };
    assert_eq!(forge.verdict_on(|c| aged(c, now - 4)), None);
    assert_eq!(forge.verdict_on(|c| aged(c, now - 5)), Some(TokenError::Expired));
    assert_eq!(forge.verdict_on(|c| (c.iat, c.auth_time) = (now + 5, now + 5)), None);
    assert_eq!(forge.verdict_on(|c| (c.iat, c.auth_time) = (now + 6, now + 6)), Some(TokenError::Dates));
    assert_eq!(forge.verdict_on(|c| c.auth_time = c.iat + 1), Some(TokenError::Dates));
    assert_eq!(forge.verdict_on(|c| c.exp = c.iat + 12 * HOUR + 5), None);
    assert_eq!(forge.verdict_on(|c| c.exp = c.iat + 12 * HOUR + 6), Some(TokenError::Life));
    assert_eq!(forge.verdict_on(|c| c.exp = u64::MAX), Some(TokenError::Life));
}

// Check 26.
#[test]
fn a_token_of_or_for_somebody_else_is_refused() {
    let forge = Forge::new();
    assert_eq!(forge.verdict_on(|c| c.iss.push('/')), Some(TokenError::Issuer));
    assert_eq!(forge.verdict_on(|c| c.aud = "other".into()), Some(TokenError::Audience));
    assert_eq!(forge.verdict_on(|c| c.jti.clear()), Some(TokenError::Claims));
    let claims = serde_json::to_string(&forge.claims()).unwrap();
    for (full, empty) in [(r#""sub":"account""#, r#""sub":"""#), (r#""sid":"session""#, r#""sid":"""#)] {
        let without = claims.replace(full, empty);
        assert_ne!(without, claims);
        assert_eq!(forge.verdict(&forge.sign_raw(&forge.header(), &without)), Err(TokenError::Claims));
    }
}

// Check 24.
#[test]
fn a_header_of_any_other_shape_is_refused() {
    let forge = Forge::new();
    let claims = serde_json::to_string(&forge.claims()).unwrap();
    for header in [
        r#"{"alg":"ES256","kid":"1"}"#,
        r#"{"alg":"ES256","typ":"jwt","kid":"1"}"#,
        r#"{"alg":"ES256","typ":"JWT"}"#,
        r#"{"alg":"ES256","typ":"JWT","kid":1}"#,
        r#"{"alg":"ES256","typ":"JWT","kid":"../1"}"#,
        r#"{"alg":"ES256","typ":"JWT","kid":"1","crit":[]}"#,
        r#"{"alg":"ES256","typ":"JWT","kid":"1","jku":"https://evil.example"}"#,
        r#"{"alg":"ES256","alg":"none","typ":"JWT","kid":"1"}"#,
        r#"["ES256","JWT","1"]"#,
    ] {
        assert_eq!(forge.verdict(&forge.sign_raw(header, &claims)).err(), Some(TokenError::Header), "{header}");
    }
}

// Check 23.
#[test]
fn an_algorithm_other_than_the_key_s_own_is_refused() {
    let forge = Forge::new();
    let claims = serde_json::to_string(&forge.claims()).unwrap();
    for alg in ["none", "None", "HS256", "ES384", "RS256", ""] {
        let header = forge.header().replace("ES256", alg);
        assert_eq!(forge.verdict(&forge.sign_raw(&header, &claims)).err(), Some(TokenError::Algorithm), "{alg}");
    }
}

// Check 26.
#[test]
fn claims_of_any_other_shape_are_refused() {
    let forge = Forge::new();
    let claims = serde_json::to_string(&forge.claims()).unwrap();
    for (from, to) in [
        (r#""jti":"token","#, ""),
        (r#""sub":"account""#, r#""sub":["account"]"#),
        (r#""sub":"account""#, r#""sub":"account","sub":"other""#),
        (r#""sub":"account""#, r#""sub":"account","admin":true"#),
        (r#""iat":1750000000"#, r#""iat":1750000000.0"#),
        (r#""iat":1750000000"#, r#""iat":-1"#),
        (r#""iat":1750000000"#, r#""iat":"1750000000""#),
    ] {
        let changed = claims.replace(from, to);
        assert_ne!(changed, claims);
        assert_eq!(forge.verdict(&forge.sign_raw(&forge.header(), &changed)).err(), Some(TokenError::Claims), "{to}");
    }
}

// Check 29.
#[test]
fn only_canonical_compact_form_is_read() {
    let forge = Forge::new();
    let good = forge.sign_raw(&forge.header(), &serde_json::to_string(&forge.claims()).unwrap());
    let parts: Vec<&str> = good.split('.').collect();
    for text in [
        String::new(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}."),
        format!("{good}.{}", parts[2]),
        format!("{good}="),
        format!("{good} "),
        format!("{}.{}.", parts[0], parts[1]),
        good.replace('.', "\n."),
    ] {
        assert_eq!(forge.verdict(&text).err(), Some(TokenError::NotCompact), "{text}");
    }
    // 64 bytes are 86 characters, of whose last one four bits must be zero.
    let last = good.chars().last().unwrap();
    let next = char::from(u8::try_from(last).unwrap() + 1);
    let other = format!("{}{next}", &good[..good.len() - 1]);
    assert_eq!(forge.verdict(&other).err(), Some(TokenError::NotCompact));
}

// Check 30.
#[test]
fn length_is_checked_before_anything_else() {
    assert_eq!(UnverifiedToken::parse(&"a".repeat(TOKEN_MAX_BYTES)).err(), Some(TokenError::NotCompact));
    assert_eq!(UnverifiedToken::parse(&"a".repeat(TOKEN_MAX_BYTES + 1)).err(), Some(TokenError::TooLong));
}

// Check 22.
#[test]
fn a_changed_or_missing_signature_does_not_hold() {
    let forge = Forge::new();
    let good = forge.sign_raw(&forge.header(), &serde_json::to_string(&forge.claims()).unwrap());
    let message = good.rsplit_once('.').unwrap().0;
    let zeros = BASE64URL.encode([0; 64]);
    let short = BASE64URL.encode([1; 63]);
    for signature in [&zeros, &short] {
        assert_eq!(forge.verdict(&format!("{message}.{signature}")).err(), Some(TokenError::Signature));
    }
    assert_eq!(Forge::new().verdict(&good).err(), Some(TokenError::Signature), "another key");
}

#[test]
fn an_issuer_is_a_url_without_a_slash_at_its_end() {
    let longest = format!("https://{}", "a".repeat(ISSUER_MAX_BYTES - 8));
    for text in ["https://api.example.org", "http://127.0.0.1:3000", "https://api.example.org/Prod", &longest] {
        assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
    }
    for text in [
        "",
        "https://",
        "https:///prod",
        "https://a/",
        "ftp://a",
        "api.example.org",
        "https://a?b",
        "https://a#b",
        "https://a b",
        "https://a@b",
        "https://Auth.example.org",
        &format!("{longest}a"),
    ] {
        assert_eq!(Issuer::parse(text), Err(InvalidIssuer), "{text}");
    }
    let issuer = Issuer::parse("https://api.example.org:8443/prod").unwrap();
    assert_eq!((issuer.host(), issuer.scheme(), issuer.is_secure()), ("api.example.org:8443", "https://", true));
    assert!(!Issuer::parse("http://127.0.0.1:3000").unwrap().is_secure());
}

#[test]
fn the_addresses_of_one_machine_are_its_name_and_no_other_host_is() {
    for (issuer, host, is_at) in [
        ("https://auth.example.org/prod", "Auth.example.org", true),
        ("https://auth.example.org", "127.0.0.1", false),
        ("http://localhost:3000", "localhost:3000", true),
        ("http://localhost:3000", "127.0.0.1:3000", true),
        ("http://localhost:3000", "[::1]:3000", true),
        ("http://localhost:3000", "127.0.0.1:3001", false),
        ("http://localhost:3000", "127.0.0.1", false),
        ("http://localhost:3000", "evil.example:3000", false),
    ] {
        assert_eq!(Issuer::parse(issuer).unwrap().is_at(host), is_at, "{issuer} {host}");
    }
}
