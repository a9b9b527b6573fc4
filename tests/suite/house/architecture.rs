//! The shape of the source: imports run one way, files can be read to their end, and the Lambda functions carry
//! nothing of the terminal program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use crate::support::repository::{root, sources};

/// The layers from the bottom up, by the folder or file below `src` that they are. A file imports from its own layer and from
/// those before it.
const LAYERS: [&[&str]; 8] =
    [&["api", "causes"], &["domain"], &["web"], &["platform"], &["service"], &["functions"], &["local"], &["cli"]];

/// What the domain may not know.
const FOREIGN_TO_THE_DOMAIN: [&str; 8] =
    ["aws_sdk", "aws_smithy", "aws_types", "lambda_", "axum", "std::env", "SystemTime", "Instant"];

/// A source file: the path of its module, its own path, and its text.
struct File {
    module: Vec<String>,
    path: PathBuf,
    text: String,
}

impl File {
    fn top(&self) -> &str {
        &self.module[0]
    }

    fn name(&self) -> String {
        self.module.join("::")
    }
}

/// The source of the service: all but the programs' mains and the crate's own root.
fn files() -> Vec<File> {
    let files = files_of("src").into_iter();
    files.filter(|File { module, .. }| module[0] != "bin" && module[0] != "lib").collect()
}

/// The source in a folder that is the root of its modules.
fn files_of(folder: &str) -> Vec<File> {
    let folder = root().join(folder);
    let paths = sources(&folder).into_iter();
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).map(|path| {
        let below = path.strip_prefix(&folder).unwrap().with_extension("");
        let module = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        File { module, text: fs::read_to_string(&path).unwrap(), path }
    });
    files.collect()
}

fn layer(top: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&top)).unwrap_or_else(|| panic!("{top} has no layer"))
}

/// The paths of a tree of imports, as `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((before, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap().trim();
        let parts = path.split("::").map(str::trim).enumerate();
        // `a::{self}` is `a`; `self::a` is a path of its own.
        return vec![parts.filter(|(at, part)| *at == 0 || *part != "self").map(|(_, part)| part.to_owned()).collect()];
    };
    let before: Vec<String> =
        before.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let (mut items, mut depth, mut item) = (Vec::new(), 0, String::new());
    for c in list[..list.rfind('}').unwrap()].chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(std::mem::take(&mut item));
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    items.push(item);
    let inner = items.iter().filter(|item| !item.trim().is_empty()).flat_map(|item| expanded(item));
    inner.map(|path| before.iter().cloned().chain(path.into_iter().filter(|part| part != "self")).collect()).collect()
}

/// What a file imports: paths from the crate's root, in `use` and in the code, those of its tests included.
fn imports(file: &File) -> Vec<Vec<String>> {
    let lines = file.text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let (code, tests) = code.split_once("\nmod tests {").unwrap_or((&code, ""));
    let of_tests: Vec<String> = file.module.iter().cloned().chain(["tests".to_owned()]).collect();
    [(code, &file.module), (tests, &of_tests)].into_iter().flat_map(|(code, module)| imports_in(code, module)).collect()
}

fn imports_in(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for statement in code.split("use ").skip(1) {
        let tree = statement.split(';').next().unwrap();
        if tree.starts_with("crate::") || tree.starts_with("super::") || tree.starts_with("self::") {
            found.extend(expanded(tree));
        }
    }
    for after in code.split("crate::").skip(1) {
        let path: String = after.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
        let parts = path.split("::").filter(|part| !part.is_empty()).map(str::to_owned);
        found.push(std::iter::once("crate".to_owned()).chain(parts).collect());
    }
    let from_root = |path: Vec<String>| {
        let mut at = module.to_vec();
        let mut parts = path.into_iter().peekable();
        match parts.next().as_deref() {
            Some("crate") => at.clear(),
            Some("super") => drop(at.pop()),
            _ => {}
        }
        while parts.next_if_eq("super").is_some() {
            at.pop();
        }
        at.extend(parts);
        at
    };
    found.into_iter().map(from_root).filter(|path| !path.is_empty()).collect()
}

#[test]
fn imports_are_found_in_paths_and_in_trees() {
    let text = "use crate::{\n    domain::{account::{Account, Email}, time::Timestamp},\n    causes::Causes,\n};\nuse super::{b::C, d};\n// use crate::no\nlet x = crate::platform::machine::now();";
    let file = File { module: vec!["cli".into(), "a".into()], path: PathBuf::new(), text: text.to_owned() };
    let found: BTreeSet<String> = imports(&file).into_iter().map(|path| path.join("::")).collect();
    let expected = [
        "causes::Causes",
        "cli::b::C",
        "cli::d",
        "domain::account::Account",
        "domain::account::Email",
        "domain::time::Timestamp",
        "platform::machine::now",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}

#[test]
fn imports_run_one_way() {
    for file in files() {
        for imported in imports(&file) {
            let is_lower = layer(&imported[0]) < layer(file.top());
            assert!(is_lower || imported[0] == file.top(), "{} imports {}", file.path.display(), imported.join("::"));
        }
    }
}

/// Which files each file imports from. A file in a folder shares what its parent file declares, so what it imports of those
/// above it is no way of its own.
fn graph(files: &[File]) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let targets = |file: &File| {
        let targets = imports(file).into_iter().filter_map(|path| {
            let of_file = (1..=path.len()).rev().map(|length| &path[..length]).find(|part| modules.contains(part))?;
            (!file.module.starts_with(of_file)).then(|| of_file.join("::"))
        });
        targets.collect()
    };
    files.iter().map(|file| (file.name(), targets(file))).collect()
}

fn assert_no_circle(mut graph: BTreeMap<String, BTreeSet<String>>) {
    // Files that import nothing but what was taken away before are taken away, until none is left.
    while !graph.is_empty() {
        let free = graph.iter().find(|(_, imported)| imported.iter().all(|file| !graph.contains_key(file)));
        let free = free.unwrap_or_else(|| panic!("a circle among {graph:#?}")).0.clone();
        graph.remove(&free);
    }
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    assert_no_circle(graph(&files()));
    assert_no_circle(graph(&files_of("tests/suite")));
}

#[test]
fn tests_take_what_they_share_from_support_alone() {
    for (file, imported) in graph(&files_of("tests/suite")) {
        for other in imported {
            assert!(other.split("::").next() == Some("support"), "{file} imports {other}");
        }
    }
}

#[test]
fn every_test_lies_in_the_folder_of_its_kind() {
    for entry in fs::read_dir(root().join("tests/suite")).unwrap() {
        let path = entry.unwrap().path();
        let is_parent = path.with_extension("").is_dir();
        assert!(is_parent || path.ends_with("main.rs"), "{} belongs into a folder", path.display());
    }
}

/// `logon/refusal.rs` says that it is the one map of refusals to statuses. What the local ports ask of a request before it is
/// one of the service's is no refusal of the service.
#[test]
fn refusals_become_statuses_in_one_place() {
    for File { path, text, .. } in files() {
        let makes = text.contains("Answer::failed(");
        let may = path.ends_with("logon/refusal.rs") || path.ends_with("local/door.rs");
        assert!(!makes || may, "{} answers with a failure of its own", path.display());
    }
}

#[test]
fn paths_stand_in_the_table_of_routes_alone() {
    for file in files() {
        assert!(file.top() == "api" || !file.text.contains("\"/users/api"), "{} has a path", file.path.display());
    }
}

#[test]
fn the_domain_knows_no_aws_no_http_no_environment_and_no_clock() {
    for File { path, text, .. } in files().into_iter().filter(|file| layer(file.top()) < 2) {
        for foreign in FOREIGN_TO_THE_DOMAIN {
            assert!(!text.contains(foreign), "{} names {foreign}", path.display());
        }
    }
}

#[test]
fn only_the_store_knows_dynamodb() {
    for file in files() {
        let knows = file.text.contains("aws_sdk_dynamodb");
        let may = file.name().starts_with("platform::store") || file.name() == "platform::aws";
        assert!(!knows || may, "{}", file.path.display());
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

/// rustfmt wraps code, and leaves comments as they are.
#[test]
fn no_comment_is_wider_than_the_code() {
    for File { path, text, .. } in files() {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//")) {
            assert!(line.chars().count() <= 120, "{}:{}: {line}", path.display(), at + 1);
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

/// Before the first release there is no date to tell. After it the version object tells the newest one until the next.
#[test]
fn the_changelog_and_the_version_object_tell_the_same_release() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let mut headings = changelog.lines().filter_map(|line| line.strip_prefix("## ")).peekable();
    let is_unreleased = headings.next_if_eq(&"Unreleased").is_some();
    let Some(newest) = headings.next() else { return assert!(is_unreleased, "a changelog has a heading") };
    let (version, date) = newest.split_once(" - ").unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let objects = fs::read_to_string(root().join("src/functions/logon/objects.rs")).unwrap();
    let update = format!("update: {},", date.replace('-', ""));
    assert!(objects.replace('_', "").contains(&update), "{date}");
}
