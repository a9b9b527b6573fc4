//! `docs/migrating.md`: every line of it is run, against the files in `tests/imports`.

use std::{collections::BTreeSet, fs};

use crate::support::{
    program::Operator,
    repository::root,
    service::{Service, assert_refused},
};

const PASSWORD: &str = "correct horse battery staple 42";
/// Files that are no accounts, and those that are imported by the lines of other tests.
const OTHERS: [&str; 8] = [
    "pepper",
    "hash_config",
    "django.json",
    "django.csv",
    "django-custom-model.csv",
    "firebase-emulator.json",
    "nativeauthenticator-python-csv.csv",
    "symfony-bcrypt.csv",
];

/// The lines of the page, each with the words of its command.
fn lines() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/migrating.md")).unwrap().replace('\n', " ");
    let spans = page.split('`').skip(1).step_by(2).map(str::to_owned);
    spans.filter(|span| span.starts_with("jea-auth user import")).collect()
}

/// The words of a line, with the files of the folder in the place of their names.
fn words(line: &str) -> Vec<String> {
    let path = |word: &str| {
        let file = root().join("tests/imports").join(word);
        if file.is_file() { file.to_str().unwrap().to_owned() } else { word.to_owned() }
    };
    line.split_whitespace().skip(1).map(path).collect()
}

/// What a dry run of each says stands in `tests/dry-runs.txt`, for people to read; `UPDATE_EXAMPLES=1` writes it anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_each_line_says_what_would_come_in() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let (file, mut said) = (root().join("tests/dry-runs.txt"), String::new());
    for line in lines() {
        let words = words(&line);
        let words: Vec<&str> = words.iter().map(String::as_str).chain(["--dry-run"]).collect();
        let transcript = operator.transcript(&words, "");
        said.push_str(&transcript.replace(&format!("{}/tests/imports/", root().display()), "").replacen(
            "$ ",
            "$ jea-auth ",
            1,
        ));
        said.push('\n');
    }
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        fs::write(&file, &said).unwrap();
    }
    assert_eq!(said, fs::read_to_string(file).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_for_another_system_imports_its_file() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = root().join("tests/imports");
    let mut imported: BTreeSet<String> = OTHERS.iter().map(|name| (*name).to_owned()).collect();
    for line in lines() {
        let words = words(&line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for more in [&["--dry-run"][..], &[]] {
            let output = operator.run(&[words.as_slice(), more].concat(), "");
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        }
        imported.insert(line.split_whitespace().nth(3).unwrap().to_owned());
    }
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(imported, there.collect::<BTreeSet<_>>(), "every file has its line");
    for email in [
        "ann@wp.example",
        "bob@wp.example",
        "ann@dc.example",
        "bob@dc.example",
        "cat@dc.example",
        "dan@dc.example",
        "ann@nc.example",
        "ann@sf.example",
        "ann@sy.example",
        "ann@dp.example",
        "ann@fb.example",
    ] {
        assert_eq!(service.log_on(email, PASSWORD).await.status(), 200, "{email}");
        assert_refused(service.log_on(email, "another password").await, 401).await;
    }
    assert_refused(service.log_on("off@fb.example", PASSWORD).await, 401).await;
    assert_eq!(operator.json(&["user", "show", "bob@wp.example"])[0]["name"], "bob");
}
