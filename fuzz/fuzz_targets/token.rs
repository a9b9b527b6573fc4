//! No text makes the token parser panic, and what it takes is canonical: decoded and encoded again, it is the same.
// Check 32.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jea_auth::domain::token::{TOKEN_MAX_BYTES, UnverifiedToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(token) = UnverifiedToken::parse(text) else { return };
    assert!(text.len() <= TOKEN_MAX_BYTES);
    assert!(token.key_id().as_str().bytes().all(|byte| byte.is_ascii_digit()));
    let again: Vec<String> =
        text.split('.').map(|part| URL_SAFE_NO_PAD.encode(URL_SAFE_NO_PAD.decode(part).unwrap())).collect();
    assert_eq!(again.len(), 3);
    assert_eq!(again.join("."), text);
});
