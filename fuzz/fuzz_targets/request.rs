//! No event and no body makes the request parsers panic.
// Check 32.
#![no_main]

use jea_auth::{domain::json, service::operations::Credential, web::{carrier, event::Event}};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = json::object::<Credential>(bytes);
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return };
    let _ = (event.method(), event.path(), event.host(), event.source_ip(), event.stage_arn(), event.provenance());
    let (cookies, authorizations) = (event.headers("cookie"), event.headers("authorization"));
    if let Ok((_, token)) = carrier::one_token(cookies.iter().copied(), authorizations.iter().copied()) {
        let _ = jea_auth::domain::token::UnverifiedToken::parse(token);
    }
    if let Ok(body) = event.body() {
        let _ = json::object::<Credential>(&body);
    }
});
