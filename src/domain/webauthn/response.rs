//! The JSON forms in which browsers hand over what an authenticator has answered (Web Authentication Level 3, section
//! 5.1). Members that are not known are passed over.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use crate::domain::json::Object;

/// The JSON is not of its form. The reasons name members, and never repeat a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// It is no object, a member is there twice, or one is of another kind than it should be.
    #[error("It is no {0} of Web Authentication.")]
    Form(&'static str),
    /// A member is missing.
    #[error("{0} is missing.")]
    Missing(&'static str),
    /// A member is not the one spelling of its bytes.
    #[error("{0} is not base64url without padding.")]
    Base64(&'static str),
    /// The two spellings of the id differ.
    #[error("id and rawId differ.")]
    TwoIds,
    /// It is of another kind of credential.
    #[error("type is not public-key.")]
    Type,
}

/// `RegistrationResponseJSON`: what `toJSON()` gives of what `navigator.credentials.create()` has made.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct RegistrationJson(Object<CredentialJson<RegistrationMembers>>);

/// `AuthenticationResponseJSON`: what `toJSON()` gives of what `navigator.credentials.get()` has brought.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct AssertionJson(Object<CredentialJson<AssertionMembers>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialJson<T> {
    id: Option<String>,
    raw_id: Option<String>,
    r#type: Option<String>,
    response: Option<Object<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationMembers {
    #[serde(rename = "clientDataJSON")]
    client_data: Option<String>,
    /// The same bytes as in `attestationObject`, which is not looked at: no attestation is asked for, so nothing there
    /// vouches for them.
    authenticator_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionMembers {
    #[serde(rename = "clientDataJSON")]
    client_data: Option<String>,
    authenticator_data: Option<String>,
    signature: Option<String>,
    user_handle: Option<String>,
}

/// The bytes of a registration.
pub(super) struct Registration {
    pub(super) id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
}

/// The bytes of an assertion.
pub(super) struct Assertion {
    pub(super) id: Vec<u8>,
    /// An authenticator that has no handle gives none, and a browser leaves out an empty one.
    pub(super) handle: Option<Vec<u8>>,
    pub(super) client_data: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl RegistrationJson {
    pub(super) fn bytes(self) -> Result<Registration, InvalidResponse> {
        let (id, response) = self.0.0.opened()?;
        let RegistrationMembers { client_data, authenticator_data } = response;
        Ok(Registration {
            id,
            client_data: bytes("response.clientDataJSON", client_data)?,
            authenticator_data: bytes("response.authenticatorData", authenticator_data)?,
        })
    }
}

impl AssertionJson {
    pub(super) fn parse(body: &[u8]) -> Result<Self, InvalidResponse> {
        serde_json::from_slice(body).map_err(|_| InvalidResponse::Form("AuthenticationResponseJSON"))
    }

    pub(super) fn bytes(self) -> Result<Assertion, InvalidResponse> {
        let (id, response) = self.0.0.opened()?;
        let AssertionMembers { client_data, authenticator_data, signature, user_handle } = response;
        Ok(Assertion {
            id,
            handle: user_handle.map(|handle| bytes("response.userHandle", Some(handle))).transpose()?,
            client_data: bytes("response.clientDataJSON", client_data)?,
            authenticator_data: bytes("response.authenticatorData", authenticator_data)?,
            signature: bytes("response.signature", signature)?,
        })
    }
}

impl<T> CredentialJson<T> {
    fn opened(self) -> Result<(Vec<u8>, T), InvalidResponse> {
        let Self { id, raw_id, r#type, response } = self;
        let Object(response) = response.ok_or(InvalidResponse::Missing("response"))?;
        if r#type.ok_or(InvalidResponse::Missing("type"))? != "public-key" {
            return Err(InvalidResponse::Type);
        }
        let (id, raw_id) = (bytes("id", id)?, bytes("rawId", raw_id)?);
        if id == raw_id { Ok((id, response)) } else { Err(InvalidResponse::TwoIds) }
    }
}

/// The bytes of a member.
fn bytes(name: &'static str, member: Option<String>) -> Result<Vec<u8>, InvalidResponse> {
    let text = member.ok_or(InvalidResponse::Missing(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidResponse::Base64(name))
}
