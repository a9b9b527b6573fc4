//! The test vectors of Web Authentication Level 3, section 16, for ES256. Their authenticators verify no user, but for
//! one registration; so beside what holds, that is what is refused.

use serde::Deserialize;

use super::{super::*, *};

#[derive(Deserialize)]
struct Vector {
    name: String,
    registration: Registered,
    assertion: Asserted,
}

#[derive(Deserialize)]
struct Registered {
    id: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
}

#[derive(Deserialize)]
struct Asserted {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    signature: String,
}

fn of_hexadecimal(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

// Check 87.
#[test]
fn the_standard_s_own_vectors_hold_and_are_refused_where_no_user_was_verified() {
    let party = RelyingParty::new(&Issuer::parse("https://example.org").unwrap(), None).unwrap();
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../../tests/vectors/webauthn/level3.json")).unwrap();
    let mut refused = 0;
    for Vector { name, registration, assertion } in &vectors {
        let client_data = of_hexadecimal(&registration.client_data);
        let client_data = ClientData::parse(&client_data, "webauthn.create").unwrap();
        assert_eq!(client_data.check(&party), Ok(()), "{name}");
        let made = of_hexadecimal(&registration.authenticator_data);
        let made = AuthenticatorData::parse(&made).unwrap();
        let AttestedCredential { id, public_key } = made.attested_credential().unwrap();
        assert_eq!(id, of_hexadecimal(&registration.id), "{name}");

        let client_data = of_hexadecimal(&assertion.client_data);
        assert_eq!(ClientData::parse(&client_data, "webauthn.get").unwrap().check(&party), Ok(()), "{name}");
        let data = of_hexadecimal(&assertion.authenticator_data);
        let signature = of_hexadecimal(&assertion.signature);
        let mut signed = data.clone();
        signed.extend_from_slice(digest(&SHA256, &client_data).as_ref());
        assert!(public_key.has_signed(&signed, &signature), "{name}");
        signed[0] ^= 1;
        assert!(!public_key.has_signed(&signed, &signature), "{name}");

        for data in [&made, &AuthenticatorData::parse(&data).unwrap()] {
            match data.check(&party) {
                Ok(()) => {}
                Err(error) => {
                    assert_eq!(error, CeremonyError::UserVerification, "{name}");
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((vectors.len(), refused), (2, 3));
}
