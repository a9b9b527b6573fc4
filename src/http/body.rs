//! The body of a request that brings a credential.

use lambda_http::http::StatusCode;

use super::Answer;
use crate::{
    credential::{CREDENTIAL_MAX_BYTES, Credential},
    event::Event,
};

/// The credential in an event's body, or the answer that says what is wrong with it.
pub(super) fn credential(event: &Event) -> Result<Credential, Answer> {
    if !is_plain_json(event) {
        return Err(Answer::failed(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the credential as application/json, in UTF-8 and without Content-Encoding.",
        ));
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

/// Whether the body says that it is JSON in UTF-8 (RFC 8259, section 8.1), once and as it is.
fn is_plain_json(event: &Event) -> bool {
    let types = event.headers("content-type");
    let [content_type] = types.as_slice() else { return false };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    is_json && is_utf8 && event.headers("content-encoding").is_empty()
}
