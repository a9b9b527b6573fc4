//! The pages in a real browser: tests/pages.py goes through every journey, in Chromium.

use std::process::Command;

use crate::support::{
    program::{PROGRAM, text},
    repository::root,
    service::{has, skip},
};

// Checks 78, 93.
#[test]
fn every_journey_through_the_pages_goes_as_people_expect() {
    let needs = [
        ("chromium", &["--version"][..]),
        ("chromedriver", &["--version"]),
        ("python3", &["-c", "import PIL, selenium, zxingcpp"]),
    ];
    if !needs.iter().all(|(program, arguments)| has(program, arguments)) {
        return;
    }
    let mut command = Command::new("python3");
    command.arg(root().join("tests/pages.py")).arg(PROGRAM);
    let axe = root().join("target/ci-tools/axe.min.js");
    if axe.exists() {
        command.arg("--axe").arg(axe);
    } else {
        skip("accessibility of the pages: target/ci-tools/axe.min.js is not there, .ci/run brings it");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
