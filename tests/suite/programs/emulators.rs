//! The functions under other people's emulators of AWS. What is not installed is skipped, and says so; `.ci/emulators`
//! installs it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use jea_auth::api::{Access, ROUTES};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    client,
    outcomes::{EFFECTS, STATUSES, Session},
    proxy::Wire,
    runtime_api::environment,
    service::{EMAIL, PASSWORD, Service, has, skip},
};

/// A program and all that it started, ended with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt;
        Self(command.process_group(0).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn until_it_listens(port: u16) {
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing listens on port {port}");
}

/// AWS's Runtime Interface Emulator, which comes with the package of the SAM CLI.
fn runtime_interface_emulator() -> Option<PathBuf> {
    let find = "import os, samcli; print(os.path.dirname(samcli.__file__))";
    let output = Command::new("python3").args(["-c", find]).output().ok()?;
    let package = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let path = package.join(format!("local/rapid/aws-lambda-rie-{architecture}"));
    path.is_file().then_some(path)
}

/// A function under the emulator, and where it is invoked.
async fn emulate(emulator: &PathBuf, binary: &str, service: &Service) -> (Running, String) {
    let (port, runtime_api) = (free_port(), free_port());
    let running = Running::start(
        Command::new(emulator)
            .args(["--runtime-interface-emulator-address", &format!("127.0.0.1:{port}")])
            .args(["--runtime-api-address", &format!("127.0.0.1:{runtime_api}")])
            .arg(binary)
            .env_clear()
            .envs(environment(&service.running.config))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until_it_listens(port).await;
    (running, format!("http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"))
}

#[tokio::test]
async fn under_the_runtime_interface_emulator_every_event_gives_what_it_is_named_for() {
    let Some(emulator) = runtime_interface_emulator() else {
        return skip("the Runtime Interface Emulator; `pip install aws-sam-cli` brings it");
    };
    let service = crate::support::mails::service().await;
    let session = Session::new(&service).await;
    let invoke = async |url: &str, event: String| -> Value {
        let answer = client::plain().post(url).body(event).send().await.unwrap();
        answer.json().await.unwrap()
    };
    {
        let (_authorizer, url) = emulate(&emulator, env!("CARGO_BIN_EXE_authorizer"), &service).await;
        for outcome in EFFECTS {
            let verdict = invoke(&url, session.text(outcome)).await;
            let effect = &verdict["policyDocument"]["Statement"][0]["Effect"];
            assert_eq!(effect, outcome.gives, "{}: {verdict}", outcome.name);
        }
    }
    let (_logon, url) = emulate(&emulator, env!("CARGO_BIN_EXE_logon"), &service).await;
    for outcome in STATUSES {
        let answer = invoke(&url, session.text(outcome)).await;
        assert_eq!(answer["statusCode"], outcome.gives, "{}: {answer}", outcome.name);
    }
}

/// Where containers find this machine, by Docker's default.
const BRIDGE: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 1);
/// The image has these addresses in its environment, because SAM passes on no variable that the template does not name.
const PORTS: [u16; 2] = [8000, 8001];

/// Lets containers reach what listens on the loopback address alone, and answers to its names alone.
async fn let_containers_in(service: &Service) {
    let inside = [&service.running.dynamodb_url, &service.running.kms_url];
    for (port, url) in PORTS.into_iter().zip(inside) {
        Wire::default().proxy_at(SocketAddr::from((BRIDGE, port)), url).await;
    }
}

/// `sam local`, with the template as it was built for this machine and the variables of the service.
fn sam_local(service: &Service, folder: &Path, template: &str, arguments: &[&str]) -> Command {
    let config = &service.running.config;
    let from = config.sender.as_ref().map_or("", |sender| sender.from.as_str());
    let variables = json!({"STACK_NAME": config.stack, "ISSUER": config.site.issuer.as_str(), "MAIL_FROM": from});
    let file = folder.join("variables.json");
    fs::write(&file, json!({"Logon": variables, "Authorizer": variables}).to_string()).unwrap();
    let mut command = Command::new("sam");
    command
        .arg("local")
        .args(arguments)
        .args(["--skip-pull-image", "--template", template, "--env-vars"])
        .arg(file)
        .args(["--parameter-overrides", "Architecture=x86_64"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

/// The template as `sam build` leaves it.
const BUILT: &str = ".aws-sam/build/template.yaml";

/// The same for `start-api`, which makes one route of all methods of a path and asks the authorizer for all or none of
/// them: without preflights on the open paths.
fn for_start_api() -> &'static str {
    const FILE: &str = ".aws-sam/build/start-api.yaml";
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut template: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&fs::read_to_string(root.join(BUILT)).unwrap()).unwrap();
    let paths = &mut template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"];
    for path in ROUTES.iter().filter(|route| route.access == Access::Open).map(|route| route.path) {
        paths[path].as_mapping_mut().unwrap().remove("options").unwrap();
    }
    fs::write(root.join(FILE), serde_yaml_ng::to_string(&template).unwrap()).unwrap();
    FILE
}

fn has_docker() -> bool {
    let image = "public.ecr.aws/lambda/provided:al2023-x86_64";
    has("docker", &["image", "inspect", image]) && has("ls", &[BUILT])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Docker, an image and minutes: .ci/emulators"]
async fn sam_local_invoke_gives_what_each_event_is_named_for() {
    if !has_docker() {
        return;
    }
    let service = crate::support::mails::service().await;
    let session = Session::new(&service).await;
    let_containers_in(&service).await;
    let folder = tempfile::tempdir().unwrap();
    let invoke = async |function: &str, name: &str, event: String| -> Value {
        let file = folder.path().join(format!("{name}.json"));
        fs::write(&file, event).unwrap();
        let arguments = ["invoke", function, "--event", file.to_str().unwrap()];
        let mut command = tokio::process::Command::from(sam_local(&service, folder.path(), BUILT, &arguments));
        let output = command.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // The function's journal comes first; the answer is the last line.
        let answer = text.lines().last().unwrap_or_default();
        println!("sam local invoke {function} --event {name}.json\n{answer}\n");
        serde_json::from_str(answer).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    };
    for outcome in EFFECTS {
        let verdict = invoke("Authorizer", outcome.name, session.text(outcome)).await;
        assert_eq!(verdict["policyDocument"]["Statement"][0]["Effect"], outcome.gives, "{}", outcome.name);
    }
    for outcome in STATUSES {
        let answer = invoke("Logon", outcome.name, session.text(outcome)).await;
        assert_eq!(answer["statusCode"], outcome.gives, "{}", outcome.name);
    }
}

/// `sam local start-api` runs the authorizer, and emulates neither gateway responses nor a backend: its own refusals are
/// 401 and 403 in words of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Docker, an image and minutes: .ci/emulators"]
async fn sam_local_start_api_logs_on_checks_in_and_refuses() {
    if !has_docker() {
        return;
    }
    let service = Service::start().await;
    let_containers_in(&service).await;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let arguments = ["start-api", "--port", &port.to_string(), "--warm-containers", "EAGER"];
    let _sam = Running::start(sam_local(&service, folder.path(), for_start_api(), &arguments).stdout(Stdio::null()));
    until_it_listens(port).await;
    let url = format!("http://127.0.0.1:{port}");
    let log_on = Service::credential_request(&client::plain(), &url).send().await.unwrap();
    assert_eq!(log_on.status(), StatusCode::OK);
    let cookie = log_on.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let asked = async |path: &str, cookie: Option<&str>| {
        let mut request = client::plain().post(format!("{url}{path}"));
        if let Some(cookie) = cookie {
            request = request.header("Cookie", cookie);
        }
        request.send().await.unwrap()
    };
    let check_in = asked("/users/api/checkin", Some(&cookie)).await;
    assert_eq!(check_in.status(), StatusCode::OK);
    assert_eq!(check_in.json::<Value>().await.unwrap()["email"], EMAIL);
    assert_eq!(asked("/orders", Some(&cookie)).await.status(), StatusCode::NOT_FOUND, "it got past the authorizer");
    for bad in [None, Some("session_token=x.y.z")] {
        let status = asked("/orders", bad).await.status();
        assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), "{bad:?}: {status}");
    }
    let wrong = json!({"email": EMAIL, "password": format!("{PASSWORD}?")});
    let refused = client::plain().post(format!("{url}/users/api/auth")).json(&wrong).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}
