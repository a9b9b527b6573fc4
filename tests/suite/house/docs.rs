//! What is written for people: that its commands run, that its links lead somewhere, and that it can be read.

use std::{collections::BTreeSet, fs, path::Path, process::Output};

use jea_auth::{
    domain::account::Status,
    local::{DEMO_EMAIL, Options},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{
    documents::{Block, block, pages, parts, read, relative},
    program::{PROGRAM, text},
    repository::{root, sources},
    service::{PASSWORD, Service, has},
    serving::{Serving, free_ports},
};

/// Which test runs a block: the page, the block's language, some text of it, and the test's name.
const RUN_BY: [(&str, &str, &str, &str); 27] = [
    ("README.md", "console", "cargo run -- serve", "the_first_lines_of_the_readme_give_what_they_say"),
    ("README.md", "sh", "/users/api/logout", "curl_logs_on_checks_in_and_logs_off"),
    ("docs/clients.md", "bat", "%BASE%", "curl_on_windows_is_told_what_curl_elsewhere_is_told"),
    ("README.md", "python", "import requests", "python_requests_logs_on_checks_in_and_logs_off"),
    ("docs/clients.md", "python", "aiohttp", "aiohttp_logs_on_and_checks_in_by_the_lines_for_it"),
    ("docs/clients.md", "java", "CookieManager", "java_s_http_client_logs_on_and_checks_in_by_the_lines_for_it"),
    ("docs/clients.md", "js", "fetch(BASE", "fetch_logs_on_by_the_lines_for_it"),
    ("README.md", "sh", "--name Ann", "the_second_terminal_s_lines_run"),
    ("README.md", "sh", "--backend", "the_options_of_serve_that_are_told_are_taken"),
    ("docs/local-gateway.md", "sh", "jea-auth serve --listen", "the_options_of_serve_that_are_told_are_taken"),
    ("docs/local-gateway.md", "sh", "export ISSUER", "the_variables_for_other_ports_are_enough"),
    ("docs/operating.md", "sh", "doctor --local", "the_first_hour_goes_as_it_is_told"),
    ("docs/operating.md", "sh", "--password-stdin --local\njea-auth user list", "the_first_hour_goes_as_it_is_told"),
    ("docs/operating.md", "sh", "END", "the_first_hour_goes_as_it_is_told"),
    ("docs/operating.md", "sh", "session revoke", "the_first_hour_goes_as_it_is_told"),
    ("docs/operating.md", "sh", "--alg RS256", "the_first_hour_goes_as_it_is_told"),
    ("docs/operating.md", "sh", "user export", "the_first_hour_goes_as_it_is_told"),
    ("docs/operating.md", "console", "--map", "imports_go_as_they_are_told"),
    ("docs/other-apis.md", "yaml", "AWS::Serverless::Api", ".ci/run"),
    ("CONTRIBUTING.md", "sh", "cargo run -- serve", "the_first_lines_of_the_readme_give_what_they_say"),
    ("CONTRIBUTING.md", "sh", "throttle::", "the_commands_for_a_single_test_name_what_is_there"),
    ("README.md", "sh", "KEY=", "a_journey_with_curl_goes_as_it_is_told"),
    ("README.md", "sh", "oathtool", "a_second_factor_is_set_up_as_it_is_told"),
    ("README.md", "sh", "api/forgot", "a_forgotten_password_is_asked_for_as_it_is_told"),
    ("README.md", "python", "JEA_KEY", "a_script_logs_on_with_a_key_by_the_readme_s_lines"),
    ("docs/operating.md", "console", "user set", "accounts_are_changed_as_it_is_told"),
    ("docs/operating.md", "console", "user invite", "mails_are_sent_as_it_is_told"),
];

/// The commands of a block that shows a terminal.
fn typed(block: &str) -> String {
    block.lines().filter_map(|line| line.strip_prefix("$ ")).flat_map(|line| [line, "\n"]).collect()
}

/// Runs lines as a person's shell would, in a folder, until one fails.
async fn shell(lines: &str, folder: &Path, variables: &[(&str, String)]) -> Output {
    let path = format!("{}:{}", Path::new(PROGRAM).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-ec", lines]).current_dir(folder).env("PATH", path).envs(variables.iter().cloned());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{lines}{}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Where the command line finds a service that is not on the usual ports.
fn variables(service: &Service) -> [(&'static str, String); 3] {
    let running = &service.running;
    let (dynamodb, kms) = (running.dynamodb_url.clone(), running.kms_url.clone());
    [("AWS_ENDPOINT_URL_DYNAMODB", dynamodb), ("AWS_ENDPOINT_URL_KMS", kms), ("ISSUER", running.url.clone())]
}

#[test]
fn every_command_is_run_by_a_test_or_says_what_it_needs() {
    let tests: String = sources(&root().join("tests/suite")).iter().map(|path| read(path)).collect();
    let mut used = BTreeSet::new();
    for path in pages() {
        let (page, name) = (read(&path), relative(&path));
        for Block { language, is_marked, lines } in parts(&page).1 {
            if language == "text" || is_marked {
                continue;
            }
            let runs = RUN_BY.iter().find(|run| run.0 == name && run.1 == language && lines.contains(run.2));
            let run = runs.unwrap_or_else(|| panic!("{name}: nothing runs\n{lines}"));
            used.insert(*run);
        }
    }
    assert_eq!(used, RUN_BY.into(), "each of them has its block");
    for (page, language, holding, test) in RUN_BY {
        if test == ".ci/run" {
            assert!(read(&root().join(test)).contains(page), "{test} reads {page}");
        } else {
            assert!(tests.contains(&format!("fn {test}()")), "there is no test {test}");
            let taken = format!("block(\"{page}\", \"{language}\", {holding:?})");
            assert!(tests.contains(&taken), "{taken} is nowhere");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lines_of_the_readme_give_what_they_say() {
    if !has("curl", &["--version"]) {
        return;
    }
    let lines = block("README.md", "console", "cargo run -- serve");
    // The program that `cargo run` starts is the one that runs here already.
    let lines = lines.strip_prefix("$ cargo run -- serve\n").unwrap();
    assert_eq!(block("CONTRIBUTING.md", "sh", "cargo run -- serve"), "cargo run -- serve\ncargo test\n");
    let manifest = read(&root().join("Cargo.toml"));
    assert!(manifest.contains("default-run = \"jea-auth\""));
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), free_ports()).await;
    let commands = typed(lines).replace("http://localhost:3000", &serving.url).replace("curl ", "curl -s ");
    let commands = commands.replace('\n', "; echo\n");
    let printed = text(&shell(&commands, folder.path(), &[]).await.stdout);
    let told: Vec<&str> = lines.lines().filter(|line| !line.starts_with("$ ")).collect();
    assert_eq!(printed.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(), told);
    assert!(serving.stop("-TERM").status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_terminal_s_lines_run() {
    let (service, folder) = (Service::start().await, tempfile::tempdir().unwrap());
    let lines = block("README.md", "sh", "--name Ann");
    let printed = text(&shell(&lines, folder.path(), &variables(&service)).await.stdout);
    assert!(printed.contains("\"ann@example.org\"") && printed.contains("Usage: jea-auth serve"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_of_serve_that_are_told_are_taken() {
    let told = [block("README.md", "sh", "--backend"), block("docs/local-gateway.md", "sh", "jea-auth serve --listen")];
    for line in told {
        let arguments: Vec<&str> = line.trim().strip_prefix("jea-auth serve ").unwrap().split(' ').collect();
        let (folder, usual) = (tempfile::tempdir().unwrap(), ["3100", "8100", "8101"]);
        let ports = free_ports();
        let (mut options, mut own) = (Vec::new(), true);
        for argument in arguments {
            let port = usual.iter().position(|port| argument.ends_with(&format!(":{port}")));
            own &= port.is_none();
            options.push(port.map_or(argument.to_owned(), |at| format!("127.0.0.1:{}", ports[at])));
        }
        let serving = if own {
            Serving::start_with(folder.path(), ports, &options).await
        } else {
            Serving::start_as(folder.path(), ports, &options).await
        };
        assert!(serving.stop("-TERM").status.success(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_for_other_ports_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let serving = Serving::start(folder.path(), ports).await;
    let lines = ["3100", "8100", "8101"]
        .into_iter()
        .zip(ports)
        .fold(block("docs/local-gateway.md", "sh", "export ISSUER"), |lines, (told, port)| {
            lines.replace(&format!(":{told}"), &format!(":{port}"))
        });
    let printed = text(&shell(&lines, folder.path(), &[]).await.stdout);
    assert!(printed.contains("public keys"), "{printed}");
    assert!(serving.stop("-TERM").status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_hour_goes_as_it_is_told() {
    let (service, folder) = (Service::start().await, tempfile::tempdir().unwrap());
    let lines = [
        block("docs/operating.md", "sh", "doctor --local"),
        block("docs/operating.md", "sh", "--password-stdin --local\njea-auth user list"),
        block("docs/operating.md", "sh", "END"),
        block("docs/operating.md", "sh", "session revoke"),
        block("docs/operating.md", "sh", "--alg RS256"),
        block("docs/operating.md", "sh", "user export"),
    ]
    .concat();
    let printed = text(&shell(&lines, folder.path(), &variables(&service)).await.stdout);
    assert!(printed.contains("\"bob@example.org\"") && printed.contains("RS256"), "{printed}");
    let exported = read(&folder.path().join("users.jsonl"));
    assert!(exported.contains("bob@example.org") && !exported.contains("ann@example.org"), "{exported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_go_as_they_are_told() {
    let (service, folder) = (Service::start().await, tempfile::tempdir().unwrap());
    let csv = "mail,display_name,remember_token,country\neve@example.org,Eve,x,GB\n";
    fs::write(folder.path().join("users.csv"), csv).unwrap();
    fs::copy(root().join("tests/imports/keycloak.json"), folder.path().join("realm.json")).unwrap();
    let lines = typed(&block("docs/operating.md", "console", "--map"));
    shell(&lines, folder.path(), &variables(&service)).await;
    let listed = shell("jea-auth user list --local", folder.path(), &variables(&service)).await;
    let listed = text(&listed.stdout);
    assert!(listed.lines().count() > 3 && !listed.contains("eve@example.org"), "a dry run adds nothing: {listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_asked_for_as_it_is_told() {
    if !has("curl", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), free_ports()).await;
    let lines =
        block("README.md", "sh", "api/forgot").replace("yi@jeplus.org", DEMO_EMAIL).replace("curl ", "curl -s ");
    // The mail is on its way.
    let lines =
        lines.replace("\ncat ", "; echo\nwhile ! ls .jea-auth/mail/*.eml; do sleep 0.1; done 2> /dev/null\ncat ");
    let printed = text(&shell(&lines, folder.path(), &[("BASE", serving.url.clone())]).await.stdout);
    assert!(printed.contains("a message is on its way") && printed.contains("/users/sign-in#reset="), "{printed}");
    assert!(serving.stop("-TERM").status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_set_up_as_it_is_told() {
    if !has("curl", &["--version"]) || !has("oathtool", &["--version"]) {
        return;
    }
    let (service, folder) = (Service::start().await, tempfile::tempdir().unwrap());
    let lines = block("README.md", "sh", "oathtool").replace("********", PASSWORD);
    // Nobody waits for half a minute: the service is ahead of the first code, which may be the one before.
    let asleep = service.now().seconds();
    service.advance(std::time::Duration::from_secs(30));
    let awake = service.now().seconds();
    let clock =
        format!("now={asleep}; sleep() {{ now={awake}; }}; oathtool() {{ command oathtool --now=@$now \"$@\"; }}\n");
    let printed = text(&shell(&(clock + &lines), folder.path(), &[("BASE", service.running.url.clone())]).await.stdout);
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&printed).into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer["ok"] == true), "{printed}");
    assert_eq!(answers[1]["data"]["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(answers[2]["status"], "Logged in successfully!");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_changed_as_it_is_told() {
    let (service, folder) = (Service::start().await, tempfile::tempdir().unwrap());
    service.add_account("ann@example.org", PASSWORD, Status::Active).await;
    service.log_on("ann@example.org", PASSWORD).await;
    let made = service.request(Method::POST, "/users/api/keys").json(&json!({"name": "cluster"})).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let lines = typed(&block("docs/operating.md", "console", "user set"));
    let lines = lines.replace("--revoke ID", &format!("--revoke {}", made["data"]["id"].as_str().unwrap()));
    let printed = text(&shell(&lines, folder.path(), &variables(&service)).await.stdout);
    assert!(printed.contains("Ann Smith") && printed.contains("cluster"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_sent_as_it_is_told() {
    let (service, folder) = (crate::support::mails::service().await, tempfile::tempdir().unwrap());
    service.add_account("ann@example.org", PASSWORD, Status::Active).await;
    let lines = typed(&block("docs/operating.md", "console", "user invite"));
    shell(&lines, folder.path(), &variables(&service)).await;
    let sent = crate::support::mails::mails(&service, 3).await;
    let mut subjects: Vec<_> = sent.iter().map(|mail| mail.subject.trim_start_matches("jea-auth: ")).collect();
    // A link overtakes what is written at the same moment.
    subjects.sort_unstable();
    assert_eq!(subjects, ["A test", "Set a new password", "Your account"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_logs_on_by_the_lines_for_it() {
    if !has("node", &["-e", "fetch"]) {
        return;
    }
    let (service, folder) = (Service::start_with(Options::in_memory()).await, tempfile::tempdir().unwrap());
    let lines = block("docs/clients.md", "js", "fetch(BASE");
    let email = crate::support::service::EMAIL;
    let script = format!(
        "const BASE = '{}', email = '{email}', password = '{PASSWORD}';\n{lines}console.log(r.status, await r.text());",
        service.running.url
    );
    fs::write(folder.path().join("page.mjs"), script).unwrap();
    let printed = text(&shell("node page.mjs", folder.path(), &[]).await.stdout);
    assert!(printed.starts_with("200 ") && printed.contains("Logged in successfully!"), "{printed}");
}

#[test]
fn curl_on_windows_is_told_what_curl_elsewhere_is_told() {
    let windows = block("docs/clients.md", "bat", "%BASE%");
    let elsewhere = block("README.md", "sh", "/users/api/logout");
    let quoted = windows.replace("\\\"", "\0").replace('"', "'").replace('\0', "\"").replace("%BASE%", "$BASE");
    assert_eq!(quoted, elsewhere);
}

#[test]
fn the_commands_for_a_single_test_name_what_is_there() {
    let manifest = read(&root().join("Cargo.toml"));
    let files = sources(&root().join("src")).into_iter().chain(sources(&root().join("tests/suite")));
    let files: Vec<(String, String)> =
        files.map(|path| (relative(&path).replace(".rs", "/").replace('/', "::"), read(&path))).collect();
    let is_there = |filter: &str| {
        let names = |line: &str| line.split_once("fn ").is_some_and(|(_, name)| name.contains(filter));
        if filter.ends_with("::") {
            files.iter().any(|(module, _)| module.ends_with(&format!("::{filter}")))
        } else {
            files.iter().any(|(_, source)| source.lines().any(names))
        }
    };
    for line in block("CONTRIBUTING.md", "sh", "throttle::").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cargo", "test", "--test", "suite", filter] | ["cargo", "test", "--lib", filter] => {
                assert!(is_there(filter), "{line}");
            }
            ["cargo", "bench", "--bench", name] => {
                assert!(manifest.contains(&format!("[[bench]]\nname = \"{name}\"")), "{line}");
            }
            _ => panic!("{line}"),
        }
    }
    for script in [".ci/deep", ".ci/emulators"] {
        let script = read(&root().join(script)).replace("\\\n", "");
        for filters in script.lines().filter_map(|line| Some(line.split_once(" --test suite ")?.1)) {
            for filter in filters.split_whitespace().filter(|word| !word.starts_with('-')) {
                assert!(is_there(filter), "{filter}");
            }
        }
    }
    let security = read(&root().join("docs/security.md"));
    let rows: Vec<&str> =
        parts(&security).0.into_iter().filter(|line| line.matches('|').count() == 3).skip(2).collect();
    assert!(rows.len() > 10);
    for row in rows {
        for group in row.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2) {
            assert!(is_there(&format!("{group}::")), "{row}");
        }
    }
}

/// The anchors that a forge makes of headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = parts(page).0.into_iter().filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| -> String {
        let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for path in pages().into_iter().chain([root().join("CHANGELOG.md")]) {
        let page = read(&path);
        for line in parts(&page).0 {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
                if link.starts_with("https://") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
                assert!(target.exists(), "{}: {link}", relative(&path));
                assert!(anchor.is_empty() || anchors(&read(&target)).contains(anchor), "{}: {link}", relative(&path));
                followed += 1;
            }
        }
    }
    assert!(followed > 30, "{followed} links");
}

#[test]
fn every_page_can_be_read() {
    let readme = read(&root().join("README.md"));
    assert!(readme.lines().count() <= 300, "what does not fit belongs into docs/");
    for path in pages() {
        let page = read(&path);
        assert!(page.starts_with("# "), "{} has a title", relative(&path));
        // The audit is kept as it was written.
        let is_kept = path.ends_with("docs/argon2-rust.md");
        for line in parts(&page).0.into_iter().filter(|line| !line.starts_with('|') && !is_kept) {
            assert!(line.chars().count() <= 130, "{}: {line}", relative(&path));
        }
        let linked = readme.contains(&format!("]({})", relative(&path)));
        assert!(linked || path.ends_with("README.md"), "the README leads to {}", relative(&path));
    }
}
