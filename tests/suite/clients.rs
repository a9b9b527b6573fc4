//! The examples that clients are told to copy, run with the programs they are written for.

use jea_auth::{http::TokenDelivery, local::Options};
use reqwest::StatusCode;
use tokio::process::Command;

use crate::service::{EMAIL, PASSWORD, Service, has};

/// Runs a script with `BASE` set, in an empty folder, and gives back what it prints.
async fn run(program: &str, arguments: &[&str], script: &str, service: &Service) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(script)
        .env("BASE", &service.running.url)
        .env("EMAIL", EMAIL)
        .env("PASSWORD", PASSWORD)
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn curl_logs_on_checks_in_and_logs_off() {
    if !has("curl", &["--version"]) {
        return;
    }
    let service = Service::start().await;
    let script = format!(
        r#"
set -e
curl -s -c cookies -H 'Content-Type: application/json' -X POST -d '{{"email": "{EMAIL}", "password": "{PASSWORD}"}}' $BASE/users/api/auth; echo
curl -s -b cookies -X POST $BASE/users/api/checkin; echo
curl -s -b cookies -X POST $BASE/users/api/logout; echo
curl -s -i -b cookies $BASE/users/api/user
"#
    );
    let printed = run("sh", &["-c"], &script, &service).await;
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    assert!(lines[0].contains("Logged in successfully!"), "{printed}");
    assert!(lines[1].contains("Session renewed successfully!"), "{printed}");
    assert!(lines[2].contains("Logged out successfully!"), "{printed}");
    assert_eq!(lines[3], "HTTP/1.1 401 Unauthorized");
    assert!(lines.contains(&"www-authenticate: Bearer"), "{printed}");
    assert!(lines.last().unwrap().starts_with(r#"{"ok":false,"#), "{printed}");
}

#[tokio::test]
async fn the_smoke_script_passes() {
    if !has("curl", &["--version"]) {
        return;
    }
    let other = Options { delivery: TokenDelivery::Body, failed_logon_status: StatusCode::OK, ..Options::in_memory() };
    for options in [Options::in_memory(), other] {
        let service = Service::start_with(options).await;
        let script = format!("{}/tests/smoke.sh", env!("CARGO_MANIFEST_DIR"));
        let printed = run("sh", &["-c"], &format!("sh '{script}' \"$BASE\""), &service).await;
        assert!(printed.contains("all passed"), "{printed}");
    }
}

#[tokio::test]
async fn python_requests_logs_on_checks_in_and_logs_off() {
    if !has("python3", &["-c", "import requests"]) {
        return;
    }
    let service = Service::start().await;
    let script = format!(
        r#"
import os, requests
BASE = os.environ['BASE']
headers = {{'Content-Type': 'application/json'}}
body = {{"email": "{EMAIL}", "password": "{PASSWORD}"}}
r = requests.post(BASE + '/users/api/auth', headers=headers, json=body)
cookies = r.cookies
print(r.json()['email'])
r = requests.post(BASE + '/users/api/checkin', cookies=cookies)
print(r.json()['status'])
r = requests.post(BASE + '/users/api/checkin', headers=headers, cookies=r.cookies)
print(r.json()['ok'])
r = requests.post(BASE + '/users/api/logout', cookies=cookies)
print(r.json()['status'])
r = requests.get(BASE + '/users/api/user', cookies=cookies)
print(r.status_code, r.json()['ok'], r.headers['WWW-Authenticate'])
"#
    );
    let printed = run("python3", &["-c"], &script, &service).await;
    let expected =
        format!("{EMAIL}\nSession renewed successfully!\nTrue\nLogged out successfully!\n401 False Bearer\n");
    assert_eq!(printed, expected);
}
