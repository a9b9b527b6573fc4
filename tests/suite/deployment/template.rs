//! template.yaml compared with the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use aws_sdk_dynamodb::types::KeySchemaElement;
use jea_auth::{
    api::{Access, Features, ROUTES, Route},
    domain::token::Issuer,
    functions::{
        config::VARIABLES,
        logon::{Refused, SECURITY_HEADERS, Site, TokenDelivery},
    },
    web::{identity::HEADERS, origin::TrustedOrigins},
};
use reqwest::StatusCode;
use serde_yaml_ng::Value;

use crate::support::template::{at, condition_of, keys, template, text};

#[test]
fn each_function_is_a_binary_of_the_package_built_without_the_terminal_program() {
    let template = template();
    for (function, binary) in
        [("Logon", "logon"), ("Authorizer", "authorizer"), ("Rotator", "rotator"), ("Mailer", "mailer")]
    {
        let function = at(&template, &["Resources", function]);
        let properties = at(function, &["Metadata", "BuildProperties"]);
        assert_eq!(text(at(properties, &["Binary"])), binary);
        assert_eq!(keys(properties), BTreeSet::from(["Binary"]), "SAM reads no other");
        let source = format!("{}/src/bin/{binary}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(fs::exists(&source).unwrap(), "{source}");
        let name = text(at(function, &["Properties", "FunctionName"]));
        assert_eq!(name, format!("${{AWS::StackName}}-{binary}"), "the API names its functions so");
    }
    // What is built is looked at by .ci/run.
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    assert!(manifest.contains("[package.metadata.lambda.build]\nno_default_features = true\n"));
}

// Check 53.
#[test]
fn a_function_s_time_limit_is_at_least_twice_that_of_a_call() {
    let seconds = at(&template(), &["Globals", "Function", "Timeout"]).as_u64().unwrap();
    assert!(std::time::Duration::from_secs(seconds) >= 2 * jea_auth::platform::aws::Limits::FUNCTION.operation);
}

#[test]
fn the_functions_get_exactly_the_variables_that_the_code_reads() {
    let template = template();
    let variables = at(&template, &["Globals", "Function", "Environment", "Variables"]);
    assert_eq!(keys(variables), VARIABLES.iter().map(|variable| variable.name).collect());
}

#[test]
fn parameters_have_the_defaults_of_the_code() {
    let template = template();
    let variables = at(&template, &["Globals", "Function", "Environment", "Variables"]);
    for variable in VARIABLES {
        let reference = at(variables, &[variable.name]);
        let Value::Tagged(tagged) = reference else { panic!("{} is a reference", variable.name) };
        if tagged.tag != "Ref" || text(reference) == "AWS::StackName" {
            continue;
        }
        let default = at(&template, &["Parameters", text(reference), "Default"]);
        let default = default.as_str().map_or_else(|| default.as_u64().unwrap().to_string(), str::to_owned);
        assert_eq!(Some(default.as_str()), variable.default, "{}", variable.name);
    }
}

#[test]
fn the_api_has_exactly_the_routes_of_the_code_and_opens_only_the_open_ones() {
    let template = template();
    let paths = at(&template, &["Resources", "Api", "Properties", "DefinitionBody", "paths"]);
    let expected: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).chain(["/", "/{proxy+}"]).collect();
    assert_eq!(keys(paths), expected);
    for &Route { method, path, access, marks, .. } in ROUTES {
        let methods = match marks.feature {
            None => at(paths, &[path]),
            // Without mails or pages there is no such path, and it is the backend's.
            Some(feature) => {
                let condition = at(paths, &[path, "Fn::If"]);
                assert_eq!((text(&condition[0]), text(&condition[2])), (condition_of(feature), "AWS::NoValue"));
                &condition[1]
            }
        };
        let method = method.to_lowercase();
        let of_path = ROUTES.iter().filter(|route| route.path == path);
        let expected: BTreeSet<String> =
            of_path.map(|route| route.method.to_lowercase()).chain(["options".to_owned()]).collect();
        assert_eq!(keys(methods), expected.iter().map(String::as_str).collect(), "{path}");
        assert!(methods["options"].get("security").is_none(), "{path}: preflights meet the authorizer");
        assert_eq!(methods[method.as_str()].get("security").is_some(), access == Access::Open, "{path}");
    }
    for path in ["/", "/{proxy+}"] {
        let methods = at(paths, &[path]);
        assert_eq!(keys(methods), BTreeSet::from(["options", "x-amazon-apigateway-any-method"]));
        assert!(methods["x-amazon-apigateway-any-method"].get("security").is_none(), "{path} is behind the authorizer");
    }
    let auth = at(&template, &["Resources", "Api", "Properties", "Auth"]);
    assert_eq!(text(at(auth, &["DefaultAuthorizer"])), "Session");
    assert_eq!(at(auth, &["Authorizers", "Session", "Identity", "ReauthorizeEvery"]).as_u64(), Some(0));
}

// Check 50.
#[test]
fn the_backend_gets_the_identity_headers() {
    let template = template();
    let paths = at(&template, &["Resources", "Api", "Properties", "DefinitionBody", "paths"]);
    for path in ["/", "/{proxy+}"] {
        let integration = at(paths, &[path, "x-amazon-apigateway-any-method", "x-amazon-apigateway-integration"]);
        let proxy = &integration["Fn::If"][1];
        assert_eq!(text(&proxy["type"]), "http_proxy");
        let mapped: BTreeMap<String, &str> = proxy["requestParameters"]
            .as_mapping()
            .unwrap()
            .iter()
            .filter_map(|(name, value)| Some((text(name).strip_prefix("integration.request.header.")?, text(value))))
            .map(|(name, value)| (name.to_lowercase(), value.strip_prefix("context.authorizer.").unwrap()))
            .collect();
        let expected = HEADERS.map(|header| (header.name.to_owned(), header.member));
        assert_eq!(mapped, expected.into(), "{path}");
    }
}

// Check 48.
#[test]
fn the_gateway_refuses_with_the_statuses_sentences_and_headers_of_the_code() {
    let template = template();
    let responses = at(&template, &["Resources", "Api", "Properties", "GatewayResponses"]);
    let site = Site {
        issuer: Issuer::parse("https://api.example.org").unwrap(),
        delivery: TokenDelivery::Cookie,
        failed_logon_status: StatusCode::UNAUTHORIZED,
        cookie_domain: None,
        origins: TrustedOrigins { scheme: "https://", configured: Vec::new() },
        service: "jea-auth".to_owned(),
        features: Features::default(),
    };
    let own = |refused: Refused| {
        let answer = refused.answer(None, &site);
        (Some(u64::from(answer.status.as_u16())), Some(answer.body))
    };
    let no_session = || own(Refused::NoSession);
    let unavailable = || own(Refused::Unavailable);
    for (name, (status, body), header) in [
        ("ACCESS_DENIED", no_session(), Some(("WWW-Authenticate", "Bearer"))),
        ("UNAUTHORIZED", no_session(), Some(("WWW-Authenticate", "Bearer"))),
        ("MISSING_AUTHENTICATION_TOKEN", no_session(), Some(("WWW-Authenticate", "Bearer"))),
        ("AUTHORIZER_FAILURE", unavailable(), Some(("Retry-After", "5"))),
        ("AUTHORIZER_CONFIGURATION_ERROR", unavailable(), Some(("Retry-After", "5"))),
        ("INTEGRATION_FAILURE", unavailable(), Some(("Retry-After", "5"))),
        ("INTEGRATION_TIMEOUT", unavailable(), Some(("Retry-After", "5"))),
        ("DEFAULT_5XX", unavailable(), Some(("Retry-After", "5"))),
        ("THROTTLED", (Some(429), None), Some(("Retry-After", "1"))),
        ("QUOTA_EXCEEDED", (Some(429), None), Some(("Retry-After", "1"))),
        ("REQUEST_TOO_LARGE", (Some(413), None), None),
        // With a status here, it would rewrite all the others.
        ("DEFAULT_4XX", (None, None), None),
    ] {
        let response = at(responses, &[name]);
        assert_eq!(response.get("StatusCode").and_then(Value::as_u64), status, "{name}");
        let template_body = text(at(response, &["ResponseTemplates", "application/json"]));
        let parsed: serde_json::Value = serde_json::from_str(template_body).unwrap();
        assert_eq!((&parsed["ok"], parsed.as_object().unwrap().len()), (&false.into(), 2), "{name}");
        assert!(parsed["status"].is_string());
        if let Some(body) = body {
            assert_eq!(template_body, body, "{name}");
        }
        let headers = at(response, &["ResponseParameters", "Headers"]);
        let quoted = |name: &str| -> &str {
            let value = text(at(headers, &[name]));
            value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap()
        };
        for (header, value) in SECURITY_HEADERS {
            // The type comes from the template's own.
            if header != "content-type" {
                let found = keys(headers).into_iter().find(|key| key.eq_ignore_ascii_case(header)).unwrap();
                assert_eq!(quoted(found), value, "{name}");
            }
        }
        // Where there is one origin, its pages read what the functions let them read.
        let readable = Refused::NoSession.answer(None, &site).readable_by("${AllowedOrigins}");
        let own = readable.headers.iter().filter(|(header, _)| header.as_str().starts_with("access-control-"));
        let own: BTreeMap<String, String> =
            own.map(|(header, value)| (header.to_string(), value.to_str().unwrap().to_owned())).collect();
        let of_origin = keys(headers).into_iter().filter(|header| header.starts_with("Access-Control-"));
        let of_origin = of_origin.map(|header| {
            let condition = at(headers, &[header]);
            let Value::Tagged(condition) = condition else { panic!("{header} has a condition") };
            assert_eq!((text(&condition.value[0]), text(&condition.value[2])), ("HasOneOrigin", "AWS::NoValue"));
            (header.to_lowercase(), text(&condition.value[1]).trim_matches('\'').to_owned())
        });
        assert_eq!(of_origin.collect::<BTreeMap<_, _>>(), own, "{name}");
        let strict = quoted("Strict-Transport-Security");
        assert!(strict.starts_with("max-age=") && !strict.contains("includeSubDomains"), "{name}");
        if let Some((header, value)) = header {
            assert_eq!(quoted(header), value, "{name}");
        }
    }
}

#[tokio::test]
async fn the_tables_are_those_that_the_code_creates() {
    let service = crate::support::service::Service::start().await;
    let client = service.running.config.aws.dynamodb();
    let template = template();
    for (resource, suffix) in
        [("Accounts", "accounts"), ("Sessions", "sessions"), ("Attempts", "attempts"), ("SigningKeys", "signing-keys")]
    {
        let properties = at(&template, &["Resources", resource, "Properties"]);
        assert_eq!(text(at(properties, &["TableName"])), format!("${{AWS::StackName}}-{suffix}"));
        let name = format!("{}-{suffix}", service.running.config.stack);
        let table = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
        let described = |schema: &Value| -> Vec<String> {
            let keys = at(schema, &["KeySchema"]).as_sequence().unwrap().iter();
            keys.map(|key| format!("{} {}", text(&key["AttributeName"]), text(&key["KeyType"]))).collect()
        };
        let created = |schema: &[KeySchemaElement]| -> Vec<String> {
            schema.iter().map(|key| format!("{} {}", key.attribute_name(), key.key_type().as_str())).collect()
        };
        assert_eq!(created(table.key_schema()), described(properties), "{resource}");
        let indexes = properties.get("GlobalSecondaryIndexes").map(|indexes| indexes.as_sequence().unwrap());
        let indexes = indexes.into_iter().flatten().map(|index| {
            let projection = text(at(index, &["Projection", "ProjectionType"]));
            (text(&index["IndexName"]), described(index), projection)
        });
        let made = table.global_secondary_indexes().iter().map(|index| {
            let projection = index.projection().unwrap().projection_type().unwrap().as_str();
            (index.index_name().unwrap(), created(index.key_schema()), projection)
        });
        assert_eq!(made.collect::<Vec<_>>(), indexes.collect::<Vec<_>>(), "{resource}");
        let ttl = client.describe_time_to_live().table_name(&name).send().await.unwrap();
        let ttl = ttl.time_to_live_description.unwrap().attribute_name;
        let described = properties.get("TimeToLiveSpecification").map(|ttl| text(&ttl["AttributeName"]).to_owned());
        assert_eq!(ttl, described, "{resource}");
    }
}

#[test]
fn the_access_log_is_json_that_can_hold_no_token_and_no_email() {
    let template = template();
    let setting = at(&template, &["Resources", "Api", "Properties", "AccessLogSetting"]);
    let Value::Tagged(setting) = setting else { panic!("it has a condition") };
    let format = text(&setting.value[1]["Format"]);
    let entry: serde_json::Value = serde_json::from_str(format).unwrap();
    let told: Vec<&str> = entry.as_object().unwrap().values().map(|value| value.as_str().unwrap()).collect();
    assert!(told.contains(&"$context.requestId") && told.contains(&"$context.status"));
    for value in told {
        assert!(value.starts_with("$context."), "{value}");
        for secret in ["header", "query", "cookie", "email", "claims", "requestOverride"] {
            assert!(!value.contains(secret), "{value}");
        }
    }
}

/// A name that is made of the stack's.
fn own_name(value: &Value) -> Option<&str> {
    let Value::Tagged(tagged) = value else { return None };
    tagged.value.as_str().filter(|name| tagged.tag == "Sub" && name.contains("${AWS::StackName}"))
}

/// Lambda's functions and `EventBridge` Scheduler's schedules have the shortest names of all that the template makes.
#[test]
fn the_readme_says_how_long_a_stack_s_name_may_be() {
    const NAME_MAX: [(&str, usize); 6] = [
        ("FunctionName", 64),
        ("TableName", 255),
        ("LogGroupName", 512),
        ("AliasName", 256),
        ("TrailName", 128),
        ("Name", 64),
    ];
    let (mut longest, mut found) = (usize::MAX, BTreeSet::new());
    let mut values = vec![at(&template(), &["Resources"]).clone()];
    while let Some(value) = values.pop() {
        match value {
            Value::Tagged(tagged) => values.push(tagged.value),
            Value::Sequence(inner) => values.extend(inner),
            Value::Mapping(members) => {
                for (member, name) in members {
                    let known = NAME_MAX.iter().find(|(known, _)| member == *known);
                    if let (Some((member, most)), Some(name)) = (known, own_name(&name)) {
                        longest = longest.min(most - (name.len() - "${AWS::StackName}".len()));
                        found.insert(*member);
                    }
                    values.push(name);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    assert_eq!(found.len(), NAME_MAX.len(), "{found:?}");
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&format!("A stack's name has at most {longest} characters")), "{longest}");
}
