//! The description of the service in the hands of other programs: a validator, a generator of clients, a fuzzer; and the
//! reasons that its examples have.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use jea_auth::{
    api::{Access, Operation, ROUTES},
    local::Options,
};
use serde_json::Value;

use crate::support::{
    examples::EXAMPLES,
    program::text,
    repository::root,
    service::{EMAIL, PASSWORD, Service, has, reasons},
};

/// The tools of others read the description, and one of them makes a client of it that logs on.
#[tokio::test(flavor = "multi_thread")]
async fn other_tools_read_the_description_and_a_client_made_of_it_logs_on() {
    let file = root().join("src/functions/logon/openapi.json");
    let run = |program: &str, arguments: &[&str], folder: &Path| {
        let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    };
    if has("openapi-spec-validator", &["--version"]) {
        run("openapi-spec-validator", &[file.to_str().unwrap()], root());
    }
    if !has("openapi-python-client", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = ["generate", "--path", file.to_str().unwrap(), "--meta", "none", "--output-path", "made"];
    run("openapi-python-client", &made, folder.path());
    let service = Service::start().await;
    let program = format!(
        "from made import Client, AuthenticatedClient\n\
         from made.api.log_on import log_on\n\
         from made.api.user import user\n\
         from made.models import LogOnBody\n\
         client = Client(base_url='{url}')\n\
         answer = log_on.sync_detailed(client=client, body=LogOnBody(email='{EMAIL}', password='{PASSWORD}'))\n\
         print(answer.status_code, answer.parsed.user)\n\
         token = answer.headers['set-cookie'].split('=', 1)[1].split(';')[0]\n\
         print(user.sync(client=AuthenticatedClient(base_url='{url}', token=token)).data.email)\n",
        url = service.running.url
    );
    let printed = tokio::task::spawn_blocking({
        let folder = folder.path().to_owned();
        move || run("python3", &["-c", &program], &folder)
    });
    assert_eq!(printed.await.unwrap(), format!("200 Yi\n{EMAIL}\n"));
}

/// Requests that schemathesis makes up of the description: no 5xx, no status and no body that it does not tell.
#[tokio::test(flavor = "multi_thread")]
async fn requests_made_up_of_the_description_get_what_it_tells() {
    if !has("schemathesis", &["--version"]) {
        return;
    }
    let service = Service::start_with(Options { mail: true, ..Options::in_memory() }).await;
    let url = service.running.url.clone();
    let token = service.new_token().await;
    let folder = tempfile::tempdir().unwrap();
    // A few at each change, many in .ci/deep.
    let examples = std::env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let mut schemathesis = Command::new("schemathesis");
    schemathesis
        .args(["run", &format!("{url}/users/api/openapi.json"), "--url", &url])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--max-examples", &examples, "--seed", "1"])
        // It would end its own session.
        .args(["--exclude-path", "/users/api/logout", "--checks"])
        .arg("not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance")
        .current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || schemathesis.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stdout));
}

/// The types that a schema allows; none if it refers to another one.
fn types(schema: &Value) -> BTreeSet<&str> {
    match &schema["type"] {
        Value::String(name) => [name.as_str()].into(),
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => BTreeSet::new(),
    }
}

fn assert_generators_take(name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            assert_ne!(types(value), ["null"].into(), "{name}: OpenAPI Generator names a type that it does not make");
            let others = &value["additionalProperties"];
            for (member, schema) in value["properties"].as_object().into_iter().flatten() {
                let fits = !others.is_object() || types(schema).is_subset(&types(others));
                assert!(fits, "{name}.{member}: in TypeScript every member has the type of those without a name");
                if ["created", "expires", "last_used"].contains(&member.as_str()) {
                    assert_eq!(schema["format"], "date-time", "{name}.{member}");
                }
            }
            let schemas = members.iter().filter(|(name, _)| *name != "example");
            schemas.for_each(|(name, value)| assert_generators_take(name, value));
        }
        Value::Array(items) => items.iter().for_each(|item| assert_generators_take(name, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What `tests/generated_clients.sh` found, for whoever has none of those generators.
#[test]
fn the_description_has_nothing_that_generators_stumbled_over() {
    let told = fs::read_to_string(root().join("src/functions/logon/openapi.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_generators_take("description", &told);
    let mut ids = BTreeSet::new();
    for operation in told["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(
            id.chars().all(|c| c.is_ascii_alphanumeric()) && ids.insert(id),
            "{id} is a name in every language, once"
        );
        let tag = &operation["tags"][0];
        assert!(told["tags"].as_array().unwrap().iter().any(|known| known["name"] == *tag), "{id}: {tag}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["example"].is_string() && parameter["description"].is_string(), "{id}: {parameter}");
        }
    }
}

#[test]
fn a_refusal_has_a_reason_where_its_operation_gives_reasons_and_nowhere_else() {
    let told: Value = serde_json::from_str(&fs::read_to_string(root().join(EXAMPLES)).unwrap()).unwrap();
    for route in ROUTES {
        let examples = told[format!("{} {}", route.method, route.path)].as_object().unwrap();
        for (status, example) in examples.iter().filter(|(status, _)| status.as_str() >= "400") {
            let answer = &example["answer"];
            // The first 401 of what needs a session is the gateway's own.
            let is_gateways = status == "401" && route.access != Access::Open;
            let mut members = vec!["ok", "status"];
            // The two Auth Failed objects, of a log-on and of a confirmation.
            let is_mismatch = matches!(
                (route.operation, status.as_str()),
                (Operation::LogOnByPasskey, "401") | (Operation::ConfirmByPasskey, "403")
            );
            if answer.get("factor").is_some() {
                members.insert(0, "factor");
            } else if !is_mismatch && !route.marks.is_original && !is_gateways {
                members.insert(1, "reason");
                assert!(reasons().contains(&answer["reason"]), "{answer}");
            }
            let mut found: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
            found.sort_unstable();
            assert_eq!(found, members, "{} {}: {status}", route.method, route.path);
        }
    }
}
