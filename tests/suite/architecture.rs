//! The shape of the source: imports run one way, files can be read to their end, and the Lambda functions carry
//! nothing of the terminal program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The modules from the bottom up. A module imports from its own layer's names and from those before it.
const LAYERS: [&[&str]; 7] = [
    &["api", "carrier", "causes", "ids", "json", "name", "origin", "pages", "secret", "time"],
    &[
        "access_key",
        "account",
        "credential",
        "details",
        "device",
        "factor",
        "identity",
        "link",
        "mail",
        "password",
        "session",
        "signing_key",
        "throttle",
        "token",
    ],
    &["aws", "event", "journal", "kms", "machine", "ses", "store"],
    &["keyring", "rotation"],
    &["access", "administration", "operations"],
    &["authorizer", "config", "logon", "mailer", "rotator"],
    &["app", "cli", "local"],
];

/// What the domain may not know.
const FOREIGN_TO_THE_DOMAIN: [&str; 8] =
    ["aws_sdk", "aws_smithy", "aws_types", "lambda_", "axum", "std::env", "SystemTime", "Instant"];

pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All that is written for people: the README and what is in docs/.
pub fn documentation() -> String {
    let docs = sources(&root().join("docs")).into_iter().chain([root().join("README.md")]);
    docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// The top module that a file belongs to, and its text.
fn modules() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let files =
        sources(&src).into_iter().filter(|path| !path.starts_with(src.join("bin")) && !path.ends_with("lib.rs"));
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let top = path.strip_prefix(&src).unwrap().iter().next().unwrap().to_string_lossy().into_owned();
            (top.trim_end_matches(".rs").to_owned(), path.clone(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn layer(module: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&module)).unwrap_or_else(|| panic!("{module} has no layer"))
}

/// The modules that a text names after `crate::`, in a path or in a list of paths.
fn imports(text: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for after in text.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.push(name(after));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => found.push(name(std::mem::take(&mut item).trim())),
                _ if depth == 0 => item.push(c),
                _ => {}
            }
        }
        found.push(name(item.trim()));
    }
    found.retain(|module| !module.is_empty());
    found
}

#[test]
fn imports_are_found_in_paths_and_in_lists() {
    let text = "use crate::{\n    account::{Account, Email},\n    time::Timestamp,\n};\nuse crate::json;\nlet x = crate::machine::now();";
    assert_eq!(imports(text), ["account", "time", "json", "machine"]);
}

#[test]
fn imports_run_one_way() {
    for (module, path, text) in modules() {
        for imported in imports(&text) {
            assert!(layer(&imported) <= layer(&module), "{} imports {imported}", path.display());
        }
    }
}

#[test]
fn no_module_imports_itself_by_way_of_others() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, _, text) in modules() {
        let imported = imports(&text).into_iter().filter(|imported| *imported != module);
        graph.entry(module.clone()).or_default().extend(imported);
    }
    // Modules that import nothing but what was taken away before are taken away, until none is left.
    while !graph.is_empty() {
        let free = graph.iter().find(|(_, imported)| imported.iter().all(|module| !graph.contains_key(module)));
        let free = free.unwrap_or_else(|| panic!("a circle: {graph:?}")).0.clone();
        graph.remove(&free);
    }
}

/// `logon/refusal.rs` says that it is the one map of refusals to statuses. What the local ports ask of a request before it is
/// one of the service's is no refusal of the service.
#[test]
fn refusals_become_statuses_in_one_place() {
    for (_, path, text) in modules() {
        let makes = text.contains("Answer::failed(");
        let may = path.ends_with("logon/refusal.rs") || path.ends_with("local/door.rs");
        assert!(!makes || may, "{} answers with a failure of its own", path.display());
    }
}

#[test]
fn paths_stand_in_the_table_of_routes_alone() {
    for (module, path, text) in modules() {
        assert!(module == "api" || !text.contains("\"/users/api"), "{} has a path", path.display());
    }
}

#[test]
fn the_domain_knows_no_aws_no_http_no_environment_and_no_clock() {
    for (module, path, text) in modules().into_iter().filter(|(module, _, _)| layer(module) < 2) {
        for foreign in FOREIGN_TO_THE_DOMAIN {
            assert!(!text.contains(foreign), "{module}: {} names {foreign}", path.display());
        }
    }
}

#[test]
fn only_the_store_knows_dynamodb() {
    for (module, path, text) in modules() {
        let knows = text.contains("aws_sdk_dynamodb");
        assert!(!knows || module == "store" || module == "aws", "{}", path.display());
    }
}

#[test]
fn no_source_file_is_longer_than_its_reader_s_patience() {
    for path in sources(&root().join("src")).into_iter().chain(sources(&root().join("tests"))) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines < 400, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn the_lambda_functions_carry_nothing_of_the_terminal_program() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--no-default-features", "--edges", "normal", "--prefix", "none"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("aws-sdk-dynamodb"));
    for package in ["clap ", "dynoxide-rs ", "axum ", "rusqlite ", "aws-config ", "rpassword "] {
        assert!(!tree.lines().any(|line| line.starts_with(package)), "{package}");
    }
    assert!(!tree.lines().any(|line| line.starts_with("rsa ")), "RUSTSEC-2023-0071");
}

#[test]
fn the_changelog_and_the_version_object_tell_the_same_release() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## ")).unwrap();
    let (version, date) = newest.split_once(" - ").unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let objects = fs::read_to_string(root().join("src/logon/objects.rs")).unwrap();
    let update = format!("update: {},", date.replace('-', ""));
    assert!(objects.replace('_', "").contains(&update), "{date}");
}
