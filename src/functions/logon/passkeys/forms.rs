//! The JSON forms of Web Authentication Level 3, section 5.1, by the names of their members there.

use serde::Serialize;

use crate::{
    domain::{passkey::OFFERED, webauthn::CHALLENGE_LIFE},
    service::operations::BegunPasskey,
};

/// The one kind of credential that there is.
const PUBLIC_KEY: &str = "public-key";

/// What a passkey is asked for with.
#[derive(Serialize)]
#[cfg_attr(
    feature = "terminal",
    derive(schemars::JsonSchema),
    schemars(rename = "PublicKeyCredentialRequestOptionsJSON")
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestOptions {
    challenge: String,
    timeout: u32,
    rp_id: String,
    /// None: whoever logs on has said no email, and the authenticator shows what it has.
    allow_credentials: Vec<Descriptor>,
    user_verification: &'static str,
}

impl RequestOptions {
    pub(super) fn new(challenge: String, rp_id: String) -> Self {
        let (timeout, allow_credentials) = (timeout(), Vec::new());
        Self { challenge, timeout, rp_id, allow_credentials, user_verification: "required" }
    }
}

/// What a passkey is made with.
#[derive(Serialize)]
#[cfg_attr(
    feature = "terminal",
    derive(schemars::JsonSchema),
    schemars(rename = "PublicKeyCredentialCreationOptionsJSON")
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreationOptions {
    rp: Party,
    user: User,
    challenge: String,
    pub_key_cred_params: Vec<Parameters>,
    timeout: u32,
    /// One's own: an authenticator makes no second one of the account.
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: Selection,
    attestation: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
struct Party {
    id: String,
    name: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    name: String,
    display_name: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
struct Parameters {
    r#type: &'static str,
    // Of so few bits, as it is small: generators make large types of the others.
    alg: i32,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
struct Descriptor {
    r#type: &'static str,
    id: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    /// For browsers that know Level 1 alone.
    require_resident_key: bool,
    user_verification: &'static str,
}

impl CreationOptions {
    pub(super) fn new(begun: BegunPasskey, service: &str) -> Self {
        let BegunPasskey { challenge, rp_id, handle, account } = begun;
        let own = account.passkeys.keys().map(|id| Descriptor { r#type: PUBLIC_KEY, id: id.text() });
        let offered = OFFERED.iter().map(|algorithm| Parameters { r#type: PUBLIC_KEY, alg: algorithm.number() });
        Self {
            rp: Party { id: rp_id, name: service.to_owned() },
            user: User {
                id: handle.text(),
                name: account.registered_email.clone(),
                display_name: account.name.as_str().to_owned(),
            },
            challenge,
            pub_key_cred_params: offered.collect(),
            timeout: timeout(),
            exclude_credentials: own.collect(),
            authenticator_selection: Selection {
                resident_key: "required",
                require_resident_key: true,
                user_verification: "required",
            },
            attestation: "none",
        }
    }
}

/// How long a browser waits, in milliseconds: as long as the challenge is good.
fn timeout() -> u32 {
    u32::try_from(CHALLENGE_LIFE.as_millis()).unwrap_or(u32::MAX)
}

/// What the use of a passkey has brought, for the description: the parser is the domain's. It has other members, too.
#[cfg(feature = "terminal")]
#[derive(schemars::JsonSchema)]
#[schemars(inline, title = "AuthenticationResponseJSON", rename_all = "camelCase")]
#[expect(dead_code, reason = "it is a schema alone")]
pub(super) struct AuthenticationResponse {
    id: String,
    raw_id: String,
    r#type: String,
    response: AuthenticatorAssertion,
}

#[cfg(feature = "terminal")]
#[derive(schemars::JsonSchema)]
#[schemars(inline, title = "AuthenticatorAssertionResponseJSON", rename_all = "camelCase")]
#[expect(dead_code, reason = "it is a schema alone")]
struct AuthenticatorAssertion {
    #[schemars(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    user_handle: String,
}

/// What the making of a passkey has brought, as [`AuthenticationResponse`].
#[cfg(feature = "terminal")]
#[derive(schemars::JsonSchema)]
#[schemars(inline, title = "RegistrationResponseJSON", rename_all = "camelCase")]
#[expect(dead_code, reason = "it is a schema alone")]
pub(super) struct RegistrationResponse {
    id: String,
    raw_id: String,
    r#type: String,
    response: AuthenticatorAttestation,
}

#[cfg(feature = "terminal")]
#[derive(schemars::JsonSchema)]
#[schemars(inline, title = "AuthenticatorAttestationResponseJSON", rename_all = "camelCase")]
#[expect(dead_code, reason = "it is a schema alone")]
struct AuthenticatorAttestation {
    #[schemars(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
}
