//! The examples that clients are told to copy, run with the programs they are written for.

use std::fs;

use jea_auth::{
    domain::account::{Email, Name},
    functions::logon::TokenDelivery,
    local::Options,
    platform::store::Added,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{
    backend::backend,
    documents::block,
    service::{EMAIL, PASSWORD, Service, has},
};

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
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

#[tokio::test]
async fn curl_logs_on_checks_in_and_logs_off() {
    if !has("curl", &["--version"]) {
        return;
    }
    let service = Service::start().await;
    let told = block("README.md", "sh", "/users/api/logout").replace("********", PASSWORD);
    // The cookie that the log-off clears is kept beside, to see that its token is void.
    let [log_on, check_in, log_off] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    let script = format!(
        "set -e\n{log_on}; echo\n{check_in}; echo\ncp cookies kept\n{log_off}; echo\ncurl -i -b kept $BASE/users/api/user"
    );
    let script = script.replace("curl ", "curl -s ");
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
    let allowed_origins = vec!["https://app.example.org".to_owned()];
    let all = Options { allowed_origins, mail: true, pages: true, passkeys: true, ..Options::in_memory() };
    for (options, told) in
        [(Options::in_memory(), ""), (other, ""), (all, "ORIGIN=https://app.example.org MAILS=on PAGES=on PASSKEYS=on")]
    {
        let service = Service::start_with(options).await;
        let script = format!("{}/tests/smoke.sh", env!("CARGO_MANIFEST_DIR"));
        let printed = run("sh", &["-c"], &format!("{told} sh '{script}' \"$BASE\""), &service).await;
        assert!(printed.contains("all passed"), "{printed}");
        for line in ["a preflight", "the page account", "a link that is none", "a passkey that nobody has"] {
            assert_eq!(printed.contains(&format!("ok    {line}")), !told.is_empty(), "{printed}");
        }
        // And it finds out.
        let wrong = "ORIGIN=https://no.example.org MAILS=on PAGES=on PASSKEYS=on";
        let printed = run("sh", &["-c"], &format!("{wrong} sh '{script}' \"$BASE\" || true"), &service).await;
        assert!(printed.contains("FAIL  a preflight"), "{printed}");
    }
}

#[tokio::test]
async fn the_smoke_script_passes_with_a_backend_that_echoes() {
    if !has("curl", &["--version"]) {
        return;
    }
    let (address, _) = backend().await;
    let backend = Some(format!("http://{address}").parse().unwrap());
    let service = Service::start_with(Options { backend, ..Options::in_memory() }).await;
    let mut account = service.account().await;
    account.email = Email::parse("zhang@example.org").unwrap();
    account.registered_email = "zhang@example.org".to_owned();
    account.name = Name::parse("\u{5f20}\u{6bc5} 100%").unwrap();
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    let script = format!("{}/tests/smoke.sh", env!("CARGO_MANIFEST_DIR"));
    let script = format!("EMAIL=zhang@example.org ECHO=/echo sh '{script}' \"$BASE\"");
    let printed = run("sh", &["-c"], &script, &service).await;
    assert!(printed.contains("ok    a name beyond ASCII gets to the backend"), "{printed}");
    assert!(printed.contains("ok    a body that is no text gets to the backend"), "{printed}");
    assert!(printed.contains("all passed"), "{printed}");
}

#[tokio::test]
async fn a_journey_with_curl_goes_as_it_is_told() {
    if !has("curl", &["--version"]) {
        return;
    }
    let service = Service::start().await;
    let told = block("README.md", "sh", "KEY=").replace("********", PASSWORD);
    let printed = run("sh", &["-ec"], &told, &service).await;
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&printed).into_iter().map(Result::unwrap).collect();
    let told: Vec<&str> = answers.iter().map(|answer| answer["status"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "Logged in successfully!",
            "Logged in successfully!",
            "Sessions included.",
            "Password changed successfully!",
            "0 sessions ended.",
        ]
    );
    let by: Vec<&str> = answers[2]["data"].as_array().unwrap().iter().map(|s| s["by"].as_str().unwrap()).collect();
    assert!(by.contains(&"cluster") && by.contains(&"password"), "{by:?}");
}

#[tokio::test]
async fn a_script_logs_on_with_a_key_by_the_readme_s_lines() {
    if !has("python3", &["-c", "import requests"]) {
        return;
    }
    let service = Service::start().await;
    service.log_on(EMAIL, PASSWORD).await;
    let made = service.request(Method::POST, "/users/api/keys").json(&json!({"name": "script"})).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let script = format!(
        "import os\nBASE = os.environ['BASE']\nos.environ['JEA_KEY'] = '{}'\n{}",
        made["data"]["key"].as_str().unwrap(),
        block("README.md", "python", "JEA_KEY")
    );
    assert_eq!(run("python3", &["-c"], &script, &service).await.trim(), "Yi");
}

/// Runs statements as a Java program, with a JDK.
async fn run_java(statements: &str, service: &Service) -> String {
    let program = format!(
        r#"
import java.net.*;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

public class Client {{
    static final String BASE = System.getenv("BASE");

    public static void main(String[] arguments) throws Exception {{
{statements}
    }}
}}
"#
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Client.java");
    fs::write(&file, program).unwrap();
    run("java", &[], file.to_str().unwrap(), service).await
}

#[tokio::test]
async fn java_s_http_client_logs_on_and_checks_in_by_the_lines_for_it() {
    if !has("javac", &["-version"]) {
        return;
    }
    let service = Service::start().await;
    let printed =
        run_java(&block("docs/clients.md", "java", "CookieManager").replace("********", PASSWORD), &service).await;
    assert!(printed.contains("Logged in successfully!"), "{printed}");
    assert!(printed.contains("Session renewed successfully!"), "{printed}");
}

#[tokio::test]
async fn java_s_http_url_connection_logs_on_and_checks_in() {
    if !has("javac", &["-version"]) {
        return;
    }
    let service = Service::start().await;
    let printed = run_java(
        &format!(
            r#"
CookieHandler.setDefault(new CookieManager());
for (String path : new String[] {{"auth", "checkin", "checkin", "logout", "checkin"}}) {{
    var connection = (HttpURLConnection) new URL(BASE + "/users/api/" + path).openConnection();
    connection.setRequestMethod("POST");
    connection.setRequestProperty("Content-Type", "application/json");
    connection.setDoOutput(true);
    var body = "{{\"email\": \"{EMAIL}\", \"password\": \"{PASSWORD}\"}}";
    connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
    System.out.println(path + " " + connection.getResponseCode());
}}
"#
        ),
        &service,
    )
    .await;
    assert_eq!(printed, "auth 200\ncheckin 200\ncheckin 200\nlogout 200\ncheckin 401\n");
}

#[tokio::test]
async fn aiohttp_logs_on_and_checks_in_by_the_lines_for_it() {
    if !has("python3", &["-c", "import aiohttp"]) {
        return;
    }
    let service = Service::start().await;
    let lines = block("docs/clients.md", "python", "aiohttp").replace("********", PASSWORD).replace('\n', "\n    ");
    let script =
        format!("import asyncio, os\nBASE = os.environ['BASE']\nasync def main():\n    {lines}\nasyncio.run(main())");
    let printed = run("python3", &["-c"], &script, &service).await;
    assert_eq!(printed, "Session renewed successfully!\n");
}

#[tokio::test]
async fn python_requests_logs_on_checks_in_and_logs_off() {
    if !has("python3", &["-c", "import requests"]) {
        return;
    }
    let service = Service::start().await;
    let told = block("README.md", "python", "import requests").replace("********", PASSWORD);
    // A person at a prompt sees what the last line of the log-on gives.
    let told = told.replace("r.json()['email']\n", "assert r.json()['email'] == body['email']\n");
    let script = format!(
        r"
import os
BASE = os.environ['BASE']
{told}
print(body['email'])
print(r.json()['status'])
r = requests.post(BASE + '/users/api/checkin', headers=headers, cookies=r.cookies)
print(r.json()['ok'])
r = requests.post(BASE + '/users/api/logout', cookies=cookies)
print(r.json()['status'])
r = requests.get(BASE + '/users/api/user', cookies=cookies)
print(r.status_code, r.json()['ok'], r.headers['WWW-Authenticate'])
"
    );
    let printed = run("python3", &["-c"], &script, &service).await;
    let expected =
        format!("{EMAIL}\nSession renewed successfully!\nTrue\nLogged out successfully!\n401 False Bearer\n");
    assert_eq!(printed, expected);
}
