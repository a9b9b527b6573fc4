//! `jea-auth openapi`: the description of the service (`OpenAPI` 3.1), out of the table of routes, the types of the
//! answers, and answers that a test got from the running service. The log-on function has it as a file,
//! `src/functions/logon/openapi.json`; a test holds that the two are the same.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use clap::Args;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Failure, output};
use crate::{
    api::{Access, Feature, ROUTES, Reach, Route},
    domain::token::Issuer,
    functions::logon::{family, schema_of_refusals, schemas},
    web::carrier::COOKIE_NAME,
};

/// What the families of operations are for ("Tag Object"). Generators of clients make a module or a class of each.
const TAGS: [(&str, &str); 9] = [
    ("log_on", "A session begins, goes on and ends."),
    ("user", "The account's details."),
    ("password", "Another password, by the present one or by a mailed link."),
    ("email", "Another email, by a link to the present one and a link to the new one."),
    ("sessions", "Where the account is logged on."),
    ("keys", "Access keys, which programs log on with."),
    ("factor", "The second factor: codes of an authenticator app, and recovery codes."),
    ("passkeys", "Log-on without a password (W3C Web Authentication)."),
    ("public", "What everybody may read."),
];

/// What a test asked the running service, and what it answered: by method and path, and by status.
type Examples = BTreeMap<String, BTreeMap<String, Example>>;

#[derive(Deserialize)]
struct Example {
    /// The body of the request, if it had one.
    request: Option<Value>,
    answer: Value,
}

#[derive(Args)]
pub(super) struct Openapi {
    /// The service's URL, which clients that are made of the description ask; without it the description names no
    /// server
    #[arg(long, value_parser = |url: &str| Issuer::parse(url.trim_end_matches('/')))]
    url: Option<Issuer>,
}

impl Openapi {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut description = description()?;
        if let (Some(url), Some(members)) = (self.url, description.as_object_mut()) {
            members.insert("servers".to_owned(), json!([{"url": url.as_str()}]));
        }
        output::data(&lines(&description)).map(drop)
    }
}

/// The description, a path a line: the log-on function has it in its binary, where blanks would be as many bytes again.
fn lines(description: &Value) -> String {
    let line = |(name, value): (&String, &Value)| match value.as_object().filter(|_| name == "paths") {
        Some(paths) => {
            let paths: Vec<String> = paths.iter().map(|(path, methods)| format!("{}:{methods}", json!(path))).collect();
            format!("{}:{{\n{}\n}}", json!(name), paths.join(",\n"))
        }
        None => format!("{}:{value}", json!(name)),
    };
    let members: Vec<String> = description.as_object().into_iter().flatten().map(line).collect();
    format!("{{\n{}\n}}\n", members.join(",\n"))
}

fn description() -> Result<Value, Failure> {
    let examples: Examples = serde_json::from_str(include_str!("openapi/examples.json"))?;
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<&str, BTreeMap<String, OperationObject>> = BTreeMap::new();
    let mut common = Common::of(&examples);
    for route in ROUTES {
        let operation = operation(route, &examples, &mut common, &mut generator);
        paths.entry(route.path).or_default().insert(route.method.to_lowercase(), operation);
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "JEA Auth",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "tags": TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {
            "responses": common.responses,
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }))
}

/// A route, in the terms of `OpenAPI` ("Operation Object").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationObject {
    operation_id: String,
    tags: [&'static str; 1],
    summary: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    security: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<Value>,
    responses: BTreeMap<String, Value>,
}

/// An answer of one status ("Response Object").
#[derive(Serialize)]
struct ResponseObject {
    description: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    content: BTreeMap<&'static str, Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Value>,
}

/// A body ("Media Type Object").
#[derive(Serialize)]
struct Content {
    schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<Value>,
}

/// Answers that several operations give, each told once.
struct Common {
    /// How many operations give an answer of a status.
    counts: BTreeMap<(String, String), usize>,
    responses: BTreeMap<String, Value>,
}

impl Common {
    fn of(examples: &Examples) -> Self {
        let mut counts = BTreeMap::new();
        for (status, example) in examples.values().flatten() {
            *counts.entry((status.clone(), example.answer.to_string())).or_default() += 1;
        }
        Self { counts, responses: BTreeMap::new() }
    }

    /// A refusal that others give as well, by a reference to where it is told; else the response as it is.
    fn reference(&mut self, status: &str, answer: &Value, response: Value) -> Value {
        let count = self.counts.get(&(status.to_owned(), answer.to_string())).copied().unwrap_or_default();
        if status == "200" || count < 2 {
            return response;
        }
        let known = self.responses.iter().find(|(_, known)| **known == response).map(|(name, _)| name.clone());
        let name = known.unwrap_or_else(|| {
            let of_status = self.responses.keys().filter(|name| name.starts_with(status)).count();
            let name = format!("{status}-{}", of_status + 1);
            self.responses.insert(name.clone(), response);
            name
        });
        json!({"$ref": format!("#/components/responses/{name}")})
    }
}

fn operation(
    route: &Route,
    examples: &Examples,
    common: &mut Common,
    generator: &mut SchemaGenerator,
) -> OperationObject {
    let none = BTreeMap::new();
    let of_route = examples.get(&format!("{} {}", route.method, route.path)).unwrap_or(&none);
    let (taken, given) = schemas(route.operation, generator);
    let refused = schema_of_refusals(generator);
    let request_body = taken.map(|schema| {
        let example = of_route.get("200").and_then(|example| example.request.clone());
        json!({"required": true, "content": {"application/json": Content { schema, example }}})
    });
    let responses = of_route.iter().map(|(status, example)| {
        let response = json!(response(route, status, example, if status == "200" { &given } else { &refused }));
        (status.clone(), common.reference(status, &example.answer, response))
    });
    let id = identifier(route.name);
    OperationObject {
        // An operation can have two paths, and an id stands once.
        operation_id: if route == route.operation.route() { id } else { format!("{id}Alias") },
        tags: [family(route.operation)],
        summary: route.summary,
        description: described(route),
        security: match route.access {
            Access::Open => json!([]),
            Access::Session | Access::Person | Access::SteppedUp => json!([{"cookie": []}, {"bearer": []}]),
        },
        parameters: parameter(route, examples).map(|parameter| json!([parameter])),
        request_body,
        responses: responses.collect(),
    }
}

/// An operation's name as an identifier of most languages. Generators write it anew for those that spell theirs
/// otherwise.
fn identifier(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |before, word| {
        let (initial, rest) = word.split_at(1);
        before + &initial.to_uppercase() + rest
    })
}

/// Who may ask for an operation, and where it is there.
fn described(route: &Route) -> String {
    let feature = route.marks.feature.map(|feature| match feature {
        Feature::Mail => "It is there where the service sends mails.",
        Feature::Pages => "It is there where the service has pages.",
        Feature::Passkeys => "It is there where the service takes passkeys.",
    });
    let sessions = match route.access {
        Access::Open | Access::Session => None,
        Access::Person => Some("Sessions that an access key opened are refused."),
        Access::SteppedUp => Some(
            "The session's password must have been given, or its passkey used, in the last 15 minutes, by log-on or to confirm. \
             Sessions that an access key opened are refused.",
        ),
    };
    let enrolment = route.marks.within.contains(&Reach::Enrolment);
    let enrolment = enrolment.then_some("A session that must set up a second factor may ask for it, too.");
    [feature, sessions, enrolment].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The parameter of a route's path, if it has one, with the example of the list that tells it ("Parameter Object").
fn parameter(route: &Route, examples: &Examples) -> Option<Value> {
    let (list, parameter) = route.path.split_once("/{")?;
    let name = parameter.trim_end_matches('}');
    let listed = examples.get(&format!("GET {list}")).and_then(|examples| examples.get("200"));
    let example = listed.and_then(|example| example.answer.pointer(&format!("/data/0/{name}")));
    Some(json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": format!("As `GET {list}` tells it."),
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }))
}

fn response(route: &Route, status: &str, example: &Example, schema: &Schema) -> ResponseObject {
    let code = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    let media = if route.marks.feature == Some(Feature::Pages) { "text/html" } else { "application/json" };
    let example = Some(example.answer.clone()).filter(|answer| !answer.is_null());
    ResponseObject {
        description: code.and_then(|code| code.canonical_reason()).unwrap_or_default(),
        // What leads elsewhere has no body.
        content: (status != "302").then(|| (media, Content { schema: schema.clone(), example })).into_iter().collect(),
        headers: ["429", "503"].contains(&status).then(|| {
            let schema = json!({"type": "integer", "minimum": 1});
            json!({"Retry-After": {"description": "Seconds to wait.", "required": true, "schema": schema}})
        }),
    }
}
