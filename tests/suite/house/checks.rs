//! The list of what must hold, compared with the tests; and what must hold of the repository itself.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use crate::support::{
    repository::{root, sources},
    template::{at, keys, template, text},
};

struct Check {
    number: u32,
    holders: Vec<String>,
}

fn list() -> Vec<Check> {
    let list = fs::read_to_string(root().join("tests/checks.md")).unwrap();
    let rows = list.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    rows.filter_map(|cells| {
        let number = cells.get(1)?.parse().ok()?;
        let holders = cells.get(3)?.split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
        Some(Check { number, holders })
    })
    .collect()
}

/// The numbers that a comment `Check 1.` or `Checks 1, 2.` names.
fn numbers(line: &str) -> BTreeSet<u32> {
    let after = ["Check ", "Checks "].into_iter().find_map(|word| {
        line.trim_start_matches(['/', '!', '#', ' ']).strip_prefix(word).and_then(|rest| rest.split('.').next())
    });
    after.into_iter().flat_map(|list| list.split(", ").filter_map(|number| number.parse().ok())).collect()
}

/// The numbers named above a test, between the end of what comes before and the function.
fn numbers_above(name: &str) -> BTreeSet<u32> {
    for path in sources(&root().join("src")).into_iter().chain(sources(&root().join("tests/suite"))) {
        let source = fs::read_to_string(&path).unwrap();
        let Some(at) = source.find(&format!("fn {name}(")) else { continue };
        let above = source[..at].lines().rev().skip(1).map(str::trim);
        return above.take_while(|line| line.starts_with('#') || line.starts_with("//")).flat_map(numbers).collect();
    }
    panic!("there is no test {name}");
}

#[test]
fn every_check_has_its_tests_and_every_test_its_checks() {
    let list = list();
    let listed: Vec<u32> = list.iter().map(|check| check.number).collect();
    assert_eq!(listed, (1..=95).collect::<Vec<_>>());
    let holders: BTreeSet<&str> = list.iter().flat_map(|check| check.holders.iter().map(String::as_str)).collect();
    for path in sources(&root().join("src")).into_iter().chain(sources(&root().join("tests/suite"))) {
        let source = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = source.lines().collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.trim().starts_with("// Check")) {
            let function = lines[at..].iter().find_map(|line| line.split_once("fn ")).unwrap().1;
            assert!(holders.contains(function.split('(').next().unwrap()), "{function} is not in the list");
        }
    }
    for holder in holders {
        let expected: BTreeSet<u32> =
            list.iter().filter(|check| check.holders.iter().any(|name| name == holder)).map(|c| c.number).collect();
        let named = if holder.contains('/') {
            let file = fs::read_to_string(root().join(holder)).unwrap_or_else(|_| panic!("there is no {holder}"));
            file.lines().flat_map(numbers).collect()
        } else {
            numbers_above(holder)
        };
        assert_eq!(named, expected, "{holder}");
    }
}

fn is_tracked(path: &Path) -> bool {
    let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    !["target/", ".git/", ".aws-sam/", ".jea-auth/", "fuzz/target/", "fuzz/corpus/", "mutants.out"]
        .iter()
        .any(|untracked| relative.starts_with(untracked))
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| is_tracked(path));
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs of letters, digits and the signs of base64, of at least 16 characters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-.".contains(c))).filter(|word| word.len() >= 16)
}

// Check 60.
#[test]
fn no_secret_is_in_the_repository_or_in_the_template() {
    // Spelled in two parts, so that this file is not one of those that it looks for.
    let (access_key, private_key) = (["AK", "IA"].concat(), ["PRIVATE", " KEY-----"].concat());
    for path in files(root()) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        assert!(!text.contains(&private_key), "{}", path.display());
        for word in words(&text) {
            assert!(!(word.starts_with(&access_key) && word.len() == 20), "{word} in {}", path.display());
            // Published vectors are full of tokens. A token with a signature anywhere else might be somebody's.
            let is_token = word.starts_with("eyJ") && word.split('.').filter(|part| part.len() > 40).count() == 3;
            assert!(!is_token || path.starts_with(root().join("tests/vectors")), "{word} in {}", path.display());
        }
    }
    let template = template();
    for resource in ["Logon", "Authorizer", "Rotator"] {
        let properties = at(&template, &["Resources", resource, "Properties"]);
        assert!(properties.get("Environment").is_none(), "{resource} has the variables of all, and no others");
    }
    let variables = at(&template, &["Globals", "Function", "Environment", "Variables"]);
    // A passkey is no secret: the service has its public half alone.
    for name in keys(variables).into_iter().map(|name| name.replace("PASSKEY", "")) {
        for word in ["SECRET", "PASSWORD", "PRIVATE", "KEY"] {
            assert!(!name.contains(word), "{name}");
        }
    }
}

// Check 58.
#[test]
fn every_suppression_of_a_linter_has_a_reason() {
    let template = template();
    let mut suppressed = 0;
    for (name, resource) in at(&template, &["Resources"]).as_mapping().unwrap() {
        let metadata = resource.get("Metadata");
        assert!(metadata.and_then(|metadata| metadata.get("cfn-lint")).is_none(), "{name:?} is linted");
        let skips = metadata.and_then(|metadata| metadata.get("checkov")).map(|checkov| at(checkov, &["skip"]));
        for skip in skips.into_iter().flat_map(|skips| skips.as_sequence().unwrap()) {
            assert!(text(at(skip, &["id"])).starts_with("CKV_"), "{name:?}");
            assert!(text(at(skip, &["comment"])).split(' ').count() >= 4, "{name:?} says why");
            suppressed += 1;
        }
    }
    assert!(suppressed > 0, "the metadata is where it is looked for");
}

// Check 56.
#[test]
fn no_unsafe_code_and_no_crate_rsa() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    assert!(!lock.contains("name = \"rsa\"\n"), "RUSTSEC-2023-0071");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version=1", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(metadata["packages"].as_array().unwrap().len(), 1, "no package escapes these rules");
}
