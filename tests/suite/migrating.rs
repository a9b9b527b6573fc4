//! `docs/migrating.md`: every line of it is run, against the files in `tests/imports`.

use std::{collections::BTreeSet, fs};

use crate::{
    architecture::root,
    operator::Operator,
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

#[tokio::test(flavor = "multi_thread")]
async fn every_line_for_another_system_imports_its_file() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = root().join("tests/imports");
    let mut imported: BTreeSet<String> = OTHERS.iter().map(|name| (*name).to_owned()).collect();
    for line in lines() {
        // A file of the line is one of the folder.
        let path = |word: &str| {
            let file = folder.join(word);
            if file.is_file() { file.to_str().unwrap().to_owned() } else { word.to_owned() }
        };
        let words: Vec<String> = line.split_whitespace().skip(1).map(path).collect();
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
