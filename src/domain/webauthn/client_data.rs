//! Client data: what the browser says of where and for what a passkey was used (Web Authentication Level 3, section
//! 5.8.1). The authenticator signs their hash, so they are read from the bytes that came, and never written again.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{error::CeremonyError, relying_party::RelyingParty};
use crate::domain::json::Object;

/// What the standard's UTF-8 decode takes off.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What of client data is looked at.
pub(super) struct ClientData {
    members: Members,
    /// The challenge's bytes.
    pub(super) challenge: Vec<u8>,
}

/// Any other member may be there: the standard grows, and Chromium adds one that it does not know, at random.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    r#type: String,
    challenge: String,
    origin: String,
    cross_origin: Option<bool>,
    /// Whether it is there.
    #[serde(default, deserialize_with = "is_there")]
    top_origin: bool,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl ClientData {
    /// The client data of a ceremony of this type.
    ///
    /// # Errors
    /// [`CeremonyError::ClientData`], [`CeremonyError::Type`].
    pub(super) fn parse(bytes: &[u8], expected: &'static str) -> Result<Self, CeremonyError> {
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let Object(members) = serde_json::from_slice::<Object<Members>>(text).map_err(|_| CeremonyError::ClientData)?;
        if members.r#type != expected {
            return Err(CeremonyError::Type);
        }
        let challenge = URL_SAFE_NO_PAD.decode(&members.challenge).map_err(|_| CeremonyError::Challenge)?;
        Ok(Self { members, challenge })
    }

    /// Checks where it was done: on a page of the relying party's own, and not in a frame of somebody else's.
    ///
    /// # Errors
    /// [`CeremonyError::Origin`], [`CeremonyError::CrossOrigin`], [`CeremonyError::TopOrigin`].
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), CeremonyError> {
        let Members { origin, cross_origin, top_origin, .. } = &self.members;
        if origin != party.origin() {
            Err(CeremonyError::Origin)
        } else if *cross_origin == Some(true) {
            Err(CeremonyError::CrossOrigin)
        } else if *top_origin {
            Err(CeremonyError::TopOrigin)
        } else {
            Ok(())
        }
    }
}
