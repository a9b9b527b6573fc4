//! KMS on one machine: Encrypt and Decrypt, with AES-256-GCM under a key in the data folder.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{LocalError, folder};
use crate::platform::machine;

/// The length of the key that seals: AES-256.
pub(super) const KEY_BYTES: usize = 32;

/// The key that seals.
pub(super) struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    /// The key in the data folder, made if it is not there, or one in memory.
    pub(super) fn load(folder: Option<&Path>) -> Result<Self, LocalError> {
        let new = Zeroizing::new(machine::random::<KEY_BYTES>());
        let Some(folder) = folder else { return Self::of(Path::new(""), &*new) };
        let file = folder.join("kms.key");
        let bytes = folder::read_or_make(&file, &*new);
        let bytes = bytes.map_err(|source| LocalError::Folder { folder: folder.to_owned(), source })?;
        Self::of(&file, &bytes)
    }

    fn of(file: &Path, bytes: &[u8]) -> Result<Self, LocalError> {
        let wrong_length = |_| LocalError::SealingKey { file: file.to_owned(), length: bytes.len() };
        RandomizedNonceKey::new(&AES_256_GCM, bytes).map(Self).map_err(wrong_length)
    }
}

/// Answers KMS calls as the API does (AWS KMS API Reference, JSON 1.1 protocol).
pub(super) fn router(key: SealingKey) -> Router {
    Router::new().fallback(call).with_state(Arc::new(key))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Call {
    #[serde(default)]
    key_id: String,
    #[serde(default)]
    plaintext: Zeroizing<String>,
    #[serde(default)]
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

async fn call(State(key): State<Arc<SealingKey>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(call) = serde_json::from_slice::<Call>(&body) else {
        return failed("SerializationException", "the body is not a call");
    };
    match target {
        "TrentService.Encrypt" => encrypt(&key, &call),
        "TrentService.Decrypt" => decrypt(&key, &call),
        _ => failed("UnknownOperationException", "only Encrypt and Decrypt are here"),
    }
}

fn encrypt(key: &SealingKey, call: &Call) -> Response {
    let Ok(plain) = STANDARD.decode(call.plaintext.as_bytes()) else {
        return failed("ValidationException", "Plaintext is not base64");
    };
    let mut sealed = Zeroizing::new(plain);
    let Ok(nonce) = key.0.seal_in_place_append_tag(Aad::from(context(call)), &mut *sealed) else {
        return failed("KMSInternalException", "the key does not seal");
    };
    let blob = [nonce.as_ref().as_slice(), &sealed].concat();
    answer(StatusCode::OK, &json!({"KeyId": call.key_id, "CiphertextBlob": STANDARD.encode(blob)}))
}

fn decrypt(key: &SealingKey, call: &Call) -> Response {
    const INVALID: &str = "InvalidCiphertextException";
    let Ok(blob) = STANDARD.decode(&call.ciphertext_blob) else {
        return failed(INVALID, "CiphertextBlob is not base64");
    };
    let Some((nonce, sealed)) = blob.split_first_chunk::<NONCE_LEN>() else {
        return failed(INVALID, "CiphertextBlob is too short");
    };
    let mut plain = Zeroizing::new(sealed.to_vec());
    match key.0.open_in_place(nonce.into(), Aad::from(context(call)), &mut plain) {
        Ok(plain) => answer(StatusCode::OK, &json!({"KeyId": call.key_id, "Plaintext": STANDARD.encode(plain)})),
        Err(_) => failed(INVALID, "sealed with another key or for another context"),
    }
}

/// The encryption context as additional data: its pairs in the order of their names, each with its length.
fn context(call: &Call) -> Vec<u8> {
    let texts = call.encryption_context.iter().flat_map(|(name, value)| [name, value]);
    texts.flat_map(|text| [&(text.len() as u64).to_be_bytes(), text.as_bytes()].concat()).collect()
}

fn failed(kind: &str, message: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, &json!({"__type": kind, "message": message}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}
