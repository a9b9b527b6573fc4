//! Whole exports of other systems. The files in `tests/imports` are made up, in the layouts that the systems document, of
//! accounts with the password `an imported password`. Their hashes are Django's own where it has them, and else made with
//! Python's hashlib, bcrypt and argon2-cffi; with low costs, so that the tests are quick.

use std::fs;

use reqwest::StatusCode;

use crate::support::{
    program::Operator,
    repository::root,
    service::{Service, assert_refused},
};

const PASSWORD: &str = "an imported password";

/// A file, and what comes of it.
struct Export {
    file: &'static str,
    options: &'static [&'static str],
    log_on: &'static [&'static str],
    do_not: &'static [&'static str],
    told: &'static str,
}

const EXPORTS: [Export; 7] = [
    Export {
        file: "auth0.ndjson",
        options: &["--from", "auth0", "--name-from-email"],
        log_on: &["ann@auth0.example", "bob@auth0.example"],
        do_not: &["eve@auth0.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
3      3      0              0                 0         0
--
= 0
",
    },
    Export {
        file: "django.json",
        options: &["--from", "django"],
        log_on: &["ann@django.example", "bob@django.example"],
        do_not: &["eve@django.example", "sam@django.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
5      4      0              1                 1         0
--
left out: 1, because they are no accounts of persons
accounts without a hash: 1; nobody can log on to them before `jea-auth user passwd --local` sets a password
= 0
",
    },
    Export {
        file: "django.csv",
        options: &["--from", "django"],
        log_on: &["dan@django.example"],
        do_not: &["una@django.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
2      2      0              0                 0         0
--
= 0
",
    },
    Export {
        file: "keycloak.json",
        options: &["--from", "keycloak"],
        log_on: &["ann@keycloak.example", "bob@keycloak.example", "cat@keycloak.example", "dan@keycloak.example"],
        do_not: &["eve@keycloak.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
6      5      0              1                 1         0
--
left out: 1, because they are no accounts of persons
accounts without a hash: 1; nobody can log on to them before `jea-auth user passwd --local` sets a password
= 0
",
    },
    Export {
        file: "laravel.csv",
        options: &["--from", "laravel"],
        log_on: &["ann@laravel.example"],
        do_not: &["old@laravel.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
2      1      0              0                 1         0
--
left out: 1, because they were deleted there
= 0
",
    },
    Export {
        file: "devise.csv",
        options: &["--from", "devise", "--name-from-email"],
        log_on: &["ann@devise.example"],
        do_not: &["eve@devise.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
2      2      0              0                 0         0
--
= 0
",
    },
    Export {
        file: "supabase.csv",
        options: &["--from", "supabase", "--name-from-email"],
        log_on: &["ann@supabase.example"],
        do_not: &["eve@supabase.example", "old@supabase.example", "sam@supabase.example"],
        told: "\
LINES  ADDED  ALREADY THERE  WITHOUT PASSWORD  LEFT OUT  BAD
4      3      0              1                 1         0
--
left out: 1, because they were deleted there
accounts without a hash: 1; nobody can log on to them before `jea-auth user passwd --local` sets a password
= 0
",
    },
];

// Check 11.
#[tokio::test(flavor = "multi_thread")]
async fn exports_of_other_systems_go_in_as_they_are_and_their_users_log_on() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    for Export { file, options, log_on, do_not, told } in EXPORTS {
        let path = root().join("tests/imports").join(file);
        let output = operator.run(&[&["user", "import", path.to_str().unwrap()], options].concat(), "");
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(format!("{stdout}--\n{stderr}= {}\n", output.status.code().unwrap()), told, "{file}");
        for email in log_on {
            assert_eq!(service.log_on(email, PASSWORD).await.status(), StatusCode::OK, "{email}");
            assert_eq!(operator.json(&["user", "show", email])[0]["current_hash"], true, "{email}");
        }
        for email in do_not {
            assert_refused(service.log_on(email, PASSWORD).await, 401).await;
        }
    }
    let exported = String::from_utf8(operator.run(&["user", "export"], "").stdout).unwrap();
    for secret in ["made-up", "token", "authenticated", "192.0.2.1", "editors", "admin"] {
        assert!(!exported.contains(secret), "{secret} in {exported}");
    }
    for (email, name, created) in [
        ("ann@django.example", "Ann Archer", 1_709_287_200),
        ("bob@django.example", "bob", 1_709_287_200),
        ("dan@django.example", "Dan Dale", 1_709_287_200),
        ("dan@keycloak.example", "Dan", 1_709_287_200),
        ("cat@keycloak.example", "cat", 1_709_287_200),
        ("ann@laravel.example", "Ann Archer", 1_709_287_200),
        ("ann@supabase.example", "Ann, \"A\"", 1_709_287_200),
    ] {
        let shown = operator.json(&["user", "show", email]);
        assert_eq!((&shown[0]["name"], &shown[0]["created"]), (&name.into(), &created.into()), "{email}");
    }
    let dan = operator.json(&["user", "show", "dan@django.example"]);
    assert_eq!(dan[0]["profile"], serde_json::json!({"firstname": "Dan", "surname": "Dale"}));
    assert_eq!(dan[0]["role"], serde_json::Value::Null, "a superuser there has no role here");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_another_form_or_without_users_is_told() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    for (name, text, from, message) in [
        ("users.csv", "email\n", "keycloak", "the export of keycloak is JSON"),
        ("users.json", "[]", "laravel", "the export of laravel is CSV"),
        ("realm.json", "{\"realm\": \"x\", \"clients\": [{}]}", "keycloak", "the file has no array users"),
        ("realm.json", "{}", "keycloak", "the file has no array users"),
        ("realm.json", "{\"users\": [{} {}]}", "keycloak", "line 1: a comma or the end of the array is expected"),
        (
            "realm.json",
            r#"{"users": [{"email": "a@example.org", "username": "a", "credentials": [{"type": "password", "algorithm": "md5"}]}]}"#,
            "keycloak",
            "line 1, element 1 (a@example.org): password_hash is none of Keycloak's PBKDF2 or Argon2, which cannot be taken: import the account without a hash",
        ),
        (
            "users.csv",
            "email,created_at,email_confirmed_at\na@example.org,then,\n",
            "supabase",
            "line 2: created: a date is expected",
        ),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let refused =
            operator.run(&["user", "import", file.to_str().unwrap(), "--from", from, "--name-from-email"], "");
        assert_eq!(refused.status.code(), Some(1), "{name}");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains(message), "{message} in {told}");
    }
}
