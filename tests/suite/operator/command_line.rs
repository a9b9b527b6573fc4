//! `jea-auth`, as a person starts it.

use std::{net::TcpListener, path::Path, process::Command};

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{
    program::{PROGRAM, text},
    service::{Service, client, token_of},
    serving::{Serving, free_ports, serve},
};

#[tokio::test]
async fn the_printed_lines_log_on_and_everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let serving = Serving::start(folder.path(), ports).await;
    let added = serving.local(
        &["user", "add", "Yi@jePlus.org", "--name", "Yi", "--password-stdin", "--json"],
        "a long enough password\n",
    );
    assert!(added.status.success(), "{}", text(&added.stderr));
    let shown: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!((&shown[0]["email"], &shown[0]["status"]), (&"Yi@jePlus.org".into(), &"active".into()));
    let token = token_of(&Service::credential_request(&client(), &serving.url).send().await.unwrap());
    let keys = text(&serving.local(&["key", "list", "--json"], "").stdout);

    let stopped = serving.stop("-TERM");
    assert!(stopped.status.success(), "{}", text(&stopped.stderr));
    let printed = text(&stopped.stdout);

    let serving = Serving::start(folder.path(), ports).await;
    let user = client().get(format!("{}/users/api/user", serving.url)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(user.status(), StatusCode::OK, "the session is still there");
    assert_eq!(text(&serving.local(&["key", "list", "--json"], "").stdout), keys, "the keys are still there");
    let again = Service::credential_request(&client(), &serving.url).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK, "the account is still there");

    let pasted = Command::new("sh").args(["-ec", &printed]).current_dir(folder.path()).output().unwrap();
    let answers = text(&pasted.stdout);
    assert!(answers.contains("Logged in successfully!"), "{answers}");
    assert!(answers.contains(r#""nickname":"Demo""#), "{answers}");
    assert!(serving.stop("-INT").status.success());
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_its_owner_s_alone_also_in_a_folder_that_was_there() {
    use std::{fs, fs::Permissions, os::unix::fs::PermissionsExt};
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let new = tempfile::tempdir().unwrap();
    let serving = Serving::start(new.path(), free_ports()).await;
    let assert_private = |folder: &Path| {
        for file in ["dynamodb.sqlite", "dynamodb.sqlite-wal", "dynamodb.sqlite-shm", "kms.key"] {
            assert_eq!(mode(&folder.join(".jea-auth").join(file)), 0o600, "{file}");
        }
    };
    assert_private(new.path());
    assert_eq!(mode(&new.path().join(".jea-auth")), 0o700);
    // After this the next start finds all four files.
    serving.stop("-KILL");

    let old = new.path().join(".jea-auth");
    fs::set_permissions(&old, Permissions::from_mode(0o755)).unwrap();
    for file in fs::read_dir(&old).unwrap() {
        fs::set_permissions(file.unwrap().path(), Permissions::from_mode(0o644)).unwrap();
    }
    let serving = Serving::start(new.path(), free_ports()).await;
    assert_private(new.path());
    let told = text(&serving.stop("-TERM").stderr);
    assert_eq!(told.matches("others could use this file").count(), 4, "{told}");

    let made_by_hand = tempfile::tempdir().unwrap();
    fs::create_dir(made_by_hand.path().join(".jea-auth")).unwrap();
    fs::set_permissions(made_by_hand.path().join(".jea-auth"), Permissions::from_mode(0o755)).unwrap();
    let serving = Serving::start(made_by_hand.path(), free_ports()).await;
    assert_private(made_by_hand.path());
    serving.stop("-TERM");
}

#[test]
fn a_key_file_that_is_no_key_stops_the_start_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".jea-auth/kms.key");
    std::fs::create_dir(folder.path().join(".jea-auth")).unwrap();
    std::fs::write(&file, b"short").unwrap();
    let output = serve(folder.path(), free_ports()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("kms.key has 5 bytes; a key has 32") && told.contains("hint: bring the right"), "{told}");
    assert_eq!(std::fs::read(&file).unwrap(), b"short");
}

/// What was sent before the stop is answered, and by a database that is still there.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn log_ons_that_are_under_way_at_a_stop_succeed() {
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), free_ports()).await;
    let body =
        format!(r#"{{"email": "{}", "password": "{}"}}"#, jea_auth::local::DEMO_EMAIL, jea_auth::local::DEMO_PASSWORD);
    let address = serving.url.trim_start_matches("http://").to_owned();
    let head = "POST /users/api/auth HTTP/1.1\r\nContent-Type: application/json";
    let request = format!("{head}\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut sent: Vec<std::net::TcpStream> = (0..8)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(&address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let stopped = serving.stop("-TERM");
    assert!(stopped.status.success(), "{}", text(&stopped.stderr));
    for stream in &mut sent {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Logged in successfully!"), "{answer}");
    }
    let again = Serving::start(folder.path(), free_ports()).await;
    let sessions = again.local(&["session", "list", jea_auth::local::DEMO_EMAIL, "--json"], "");
    let sessions: Value = serde_json::from_slice(&sessions.stdout).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 8, "each is in the database");
    again.stop("-TERM");
}

#[tokio::test]
async fn the_doctor_asks_the_server_that_the_environment_names() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), free_ports()).await;
    let doctor = |issuer: Option<&str>| {
        let mut operator = serving.operator();
        operator.environment.extend(issuer.map(|url| ("ISSUER", url.to_owned())));
        let output = operator.run(&["doctor", "--json"], "");
        let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
        let finding = findings.as_array().unwrap().iter().find(|finding| finding["check"] == "public keys").unwrap();
        (finding["state"].as_str().unwrap().to_owned(), finding["found"].to_string(), text(&output.stderr))
    };
    let (state, found, _) = doctor(Some(&serving.url));
    assert_eq!((state.as_str(), found.as_str()), ("ok", "\"as in the table: 1 key\""));
    let (state, found, told) = doctor(Some("http://127.0.0.1:1"));
    assert_eq!(state, "error");
    assert!(found.contains("127.0.0.1:1/.well-known/jwks.json does not answer"), "{found}");
    assert_eq!(told, "error: 1 error\nhint: do what the last column says\n");
    assert_eq!(doctor(None).0, "skipped", "another server may listen where `serve` does by itself");
    serving.stop("-TERM");
}

#[test]
fn a_taken_port_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let [_, dynamodb, kms] = free_ports();
    let ports = [taken.local_addr().unwrap().port(), dynamodb, kms];
    let output = serve(folder.path(), ports).output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(&format!("cannot listen on 127.0.0.1:{}", ports[0])), "{message}");
    assert!(message.contains("hint: another program listens there") && message.contains("--listen"), "{message}");
}

#[test]
fn other_machines_are_not_served() {
    let output = Command::new(PROGRAM).args(["serve", "--listen", "0.0.0.0:3000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not made for other machines"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn accounts_are_added_once_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), free_ports()).await;
    let add = |email: &str, password: &str| {
        serving.local(&["user", "add", email, "--name", "Yi", "--role", "editor", "--password-stdin"], password)
    };
    let added = add("yi@jeplus.org", "a long enough password");
    assert_eq!(
        text(&added.stdout),
        "EMAIL          NAME  ROLE    STATUS  FACTOR  PASSWORD\nyi@jeplus.org  Yi    editor  active  -       set\n"
    );
    for (email, password, message) in [
        ("YI@jeplus.org", "a long enough password", "there is an account with the email yi@jeplus.org"),
        ("no email", "a long enough password", "an email has one @"),
        ("other@jeplus.org", "14 characters!", "the password is too short"),
        ("other@jeplus.org", &"x".repeat(1025), "the password is too long"),
    ] {
        let refused = add(email, password);
        assert_eq!(refused.status.code(), Some(1), "{email}");
        assert!(text(&refused.stderr).contains(message), "{message} in {}", text(&refused.stderr));
        assert!(refused.stdout.is_empty());
    }
    let listed = text(&serving.local(&["user", "list"], "").stdout);
    let emails: Vec<&str> = listed.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(emails, ["demo@example.org", "yi@jeplus.org"]);
    serving.stop("-TERM");
}

#[test]
fn without_a_server_the_error_says_to_start_one() {
    let [_, dynamodb, _] = free_ports();
    let output = Command::new(PROGRAM)
        .args(["user", "list", "--local"])
        .env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://127.0.0.1:{dynamodb}"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("hint: is `jea-auth serve` running?"), "{message}");
}
