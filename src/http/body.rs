//! The body of a request that brings a credential.

use lambda_http::http::StatusCode;

use super::Answer;
use crate::{
    credential::{CREDENTIAL_MAX_BYTES, Credential},
    event::Event,
};

/// The credential in an event's body, or the answer that says what is wrong with it.
pub(super) fn credential(event: &Event) -> Result<Credential, Answer> {
    if let Some(sentence) = unreadable(event) {
        return Err(Answer::failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    let malformed = || {
        Answer::failed(
            StatusCode::BAD_REQUEST,
            "Send one JSON object with exactly two strings: \"email\" and \"password\".",
        )
    };
    let body = zeroize::Zeroizing::new(event.body().map_err(|_| malformed())?);
    if body.len() > CREDENTIAL_MAX_BYTES {
        return Err(Answer::failed(StatusCode::PAYLOAD_TOO_LARGE, "Send a credential of at most 4 KiB."));
    }
    Credential::parse(&body).map_err(|_| malformed())
}

/// What a header says that makes the body anything but JSON in UTF-8 (RFC 8259, section 8.1), once and as it is.
fn unreadable(event: &Event) -> Option<&'static str> {
    if !event.headers("content-encoding").is_empty() {
        return Some("Content-Encoding: send the credential without one.");
    }
    let types = event.headers("content-type");
    let [content_type] = types.as_slice() else {
        return Some("Content-Type: send one, application/json.");
    };
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Some("Content-Type: send the credential as application/json.");
    }
    let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
    let is_utf8 = parameters.all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value));
    (!is_utf8).then_some("Content-Type: send the credential in the charset utf-8.")
}

/// Whether a charset is UTF-8 by the labels that clients send (WHATWG Encoding Standard, section 4.2).
fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    ["utf-8", "utf8"].iter().any(|label| charset.eq_ignore_ascii_case(label))
}
