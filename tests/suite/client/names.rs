//! Names of people, roles and keys: who reads one sees something, and nothing else than what is there.

use jea_auth::{
    domain::{
        account::{Email, Name, Role},
        ids::AccountId,
    },
    platform::store::Added,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    program::{Operator, text},
    service::{EMAIL, PASSWORD, Service, assert_refused},
};

/// Blanks, characters without width or ink, and a name that turns the direction of what stands beside it.
const NO_NAMES: [&str; 6] =
    [" \u{3000}", "\u{200b}\u{feff}", "\u{200e}\u{200f}", "\u{3164}\u{115f}", "\u{2800}", "iY\u{202e}"];

#[tokio::test(flavor = "multi_thread")]
async fn no_owner_and_no_key_is_called_by_what_cannot_be_seen() {
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    for name in NO_NAMES {
        for (path, body) in [("/users/api/user", json!({"nickname": name})), ("/users/api/keys", json!({"name": name}))]
        {
            let answer = service.request(Method::POST, path).json(&body).send().await.unwrap();
            let sentence = assert_refused(answer, 400).await;
            assert!(sentence.starts_with("nickname: it has ") || sentence.starts_with("name: it has "), "{sentence}");
        }
    }
    let details: Value = service.get("/users/api/user").await.json().await.unwrap();
    assert_eq!(details["data"]["nickname"], "Yi");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operator_and_no_import_gives_a_name_that_cannot_be_seen_or_the_role_none() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.csv");
    let refused = |name: &str, role: &str| {
        for arguments in [
            &["user", "add", "ann@example.org", "--password-stdin", "--name", name, "--role", role][..],
            &["user", "set", EMAIL, "--name", name, "--role", role],
        ] {
            let output = operator.run(arguments, "a password of many words");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        }
        if role.trim().is_empty() {
            // In a file that is no role.
            return;
        }
        std::fs::write(&file, format!("email,name,role\nann@example.org,{name},{role}\n")).unwrap();
        let output = operator.run(&["user", "import", file.to_str().unwrap()], "");
        assert_eq!(output.status.code(), Some(1), "{name:?} {role:?}: {}", text(&output.stderr));
    };
    for name in NO_NAMES {
        refused(name, "editor");
        refused("Ann", name);
    }
    for role in ["none", "None", "NONE"] {
        refused("Ann", role);
    }
    assert_eq!(operator.json(&["user", "list"]).as_array().unwrap().len(), 2, "nothing was added");
}

/// An earlier release took such names.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_has_such_a_name_already_goes_on_with_it() {
    let service = Service::start().await;
    let mut account = service.account().await;
    account.email = Email::canonical("old@example.org");
    account.registered_email = "old@example.org".to_owned();
    account.sub = AccountId::parse("old").unwrap();
    (account.name, account.role) = (Name::stored("\u{3164}").unwrap(), Some(Role::stored("None").unwrap()));
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    assert_eq!(service.log_on("old@example.org", PASSWORD).await.status(), StatusCode::OK);
    let details: Value = service.get("/users/api/user").await.json().await.unwrap();
    assert_eq!((&details["data"]["nickname"], &details["data"]["role"]), (&json!("\u{3164}"), &json!("None")));
    let sent_back = service.request(Method::POST, "/users/api/user").json(&details["data"]).send().await.unwrap();
    assert_eq!(sent_back.status(), StatusCode::OK);
    let operator = Operator::of(&service);
    let named = operator.json(&["user", "set", "old@example.org", "--name", "Old", "--no-role"]);
    assert_eq!((&named[0]["name"], &named[0]["role"]), (&json!("Old"), &Value::Null));
}
