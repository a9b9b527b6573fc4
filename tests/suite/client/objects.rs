//! The type of every member of every object, as the clients read it that are there: one of them stops at a number that is a
//! text, or the other way round.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::service::{EMAIL, PASSWORD, Service};

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => "int",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// An object with the type of each member in its place.
fn kinds(object: &Value) -> Value {
    let members = object.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), if value.is_object() { kinds(value) } else { kind(value).into() }))
        .collect()
}

#[tokio::test]
async fn every_member_of_every_object_has_the_type_that_clients_read() {
    let service = Service::start().await;
    let credential = json!({"email": EMAIL, "password": PASSWORD});
    let (wrong, malformed) = (json!({"email": EMAIL, "password": "wrong"}), json!({}));
    let failed = json!({"ok": "boolean", "status": "string"});
    let auth = json!({
        "ok": "boolean", "status": "string", "jwt": "string", "user": "string", "role": "null", "email": "string",
    });
    let void = json!({
        "ok": "boolean", "status": "string", "jwt": "string", "user": "null", "role": "null", "email": "null",
    });
    let account = json!({
        "ok": "boolean",
        "status": "string",
        "data": {"nickname": "string", "email": "string", "role": "null", "country": "string", "title": "string"},
    });
    let version = json!({
        "Title": "string", "Description": "string", "Major": "int", "Minor": "int", "Revision": "int",
        "Release": "string", "Update": "int", "Notice": "string",
    });
    let discovery = json!({
        "issuer": "string", "authorization_endpoint": "string", "jwks_uri": "string",
        "response_types_supported": "list", "subject_types_supported": "list",
        "id_token_signing_alg_values_supported": "list", "claims_supported": "list",
    });
    for (method, path, body, status, expected) in [
        (Method::GET, "/users/api/info", None, 200, &version),
        (Method::GET, "/.well-known/openid-configuration", None, 200, &discovery),
        (Method::GET, "/.well-known/jwks.json", None, 200, &json!({"keys": "list"})),
        (Method::GET, "/users/api/user", None, 401, &failed),
        (Method::POST, "/users/api/auth", Some(&wrong), 401, &failed),
        (Method::POST, "/users/api/auth", Some(&malformed), 400, &failed),
        (Method::POST, "/users/api/auth", None, 415, &failed),
        (Method::POST, "/users/api/auth", Some(&credential), 200, &auth),
        (Method::POST, "/users/api/checkin", None, 200, &auth),
        (Method::POST, "/users/api/confirm", Some(&wrong), 403, &failed),
        (Method::POST, "/users/api/confirm", Some(&credential), 200, &auth),
        (Method::GET, "/users/api/user", None, 200, &account),
        (Method::GET, "/users/api/nothing", None, 404, &failed),
        (Method::GET, "/users/api/auth", None, 405, &failed),
        (Method::POST, "/users/api/logout", None, 200, &void),
    ] {
        let request = service.request(method, path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(kinds(&answer.json().await.unwrap()), *expected, "{path}");
    }
}

#[tokio::test]
async fn the_day_of_the_release_is_a_number_of_eight_digits() {
    let answer = Service::start().await.get("/users/api/info").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let version: Value = answer.json().await.unwrap();
    let update = version["Update"].as_u64().unwrap();
    assert!((20_260_101..=21_001_231).contains(&update), "{update}");
}
