//! What the operations of passkeys answer, for the description.

use serde_json::{Value, json};

use crate::{
    openapi::{API, Recorder},
    passkeys,
};

/// What has the form of a passkey's use, and of its making, and is neither.
pub fn passkey_of_nobody(text: &str) -> Value {
    let response = json!({"clientDataJSON": text, "authenticatorData": text, "signature": text, "userHandle": text});
    json!({"id": text, "rawId": text, "type": "public-key", "response": response})
}

/// A passkey, from its making to its end.
pub async fn record(recorder: &mut Recorder) {
    let path = |name: &str| format!("{API}/passkeys{name}");
    let nobody = passkey_of_nobody("AAAA");
    recorder.expect(200, "POST", &path("/options"), "", None).await;
    let options = recorder.expect(200, "POST", &path("/new"), "", None).await["data"].clone();
    let (_, authenticator) = passkeys::begin(&recorder.service).await;
    let body = passkeys::registration(&recorder.service, &options, &authenticator);
    recorder.expect(200, "POST", &path(""), "", Some(&body)).await;
    recorder.expect(400, "POST", &path(""), "", Some(&body)).await;
    for operation in ["/auth", "/confirm"] {
        let right = passkeys::assertion(&recorder.service, &authenticator).await;
        recorder.expect(200, "POST", &path(operation), "", Some(&right)).await;
    }
    recorder.expect(401, "POST", &path("/auth"), "", Some(&nobody)).await;
    recorder.expect(403, "POST", &path("/confirm"), "", Some(&nobody)).await;
    recorder.expect(200, "GET", &path(""), "", None).await;
    let id = crate::authenticator::text(&authenticator.id);
    recorder.expect(200, "DELETE", &path("/{id}"), &id, None).await;
    recorder.expect(404, "DELETE", &path("/{id}"), &id, None).await;
}
