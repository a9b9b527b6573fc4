//! What `sam build` makes of template.yaml and of the configuration that operators copy. The compiler is a stand-in, as it takes
//! many minutes: what it is told is looked at, and what it makes is not.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::support::{repository::root, service::has};

/// Notes its arguments, and makes an empty function.
const CARGO: &str = r#"#!/bin/sh
echo "$*" >> told
case "$1" in
  metadata) echo "{\"target_directory\": \"$PWD/target\", \"packages\": []}" ;;
  lambda)
    while [ "$1" != --bin ]; do shift; done
    mkdir -p "target/lambda/$2"
    : > "target/lambda/$2/bootstrap"
    ;;
esac
"#;

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn sam_builds_for_the_processor_that_it_deploys_to_and_writes_out_what_is_shared() {
    if !has("sam", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [programs, work] = ["bin", "work"].map(|name| folder.path().join(name));
    for name in ["cargo", "cargo-lambda"] {
        executable(&programs.join(name), CARGO);
    }
    fs::create_dir(&work).unwrap();
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    fs::write(work.join("template.yaml"), read("template.yaml")).unwrap();
    fs::write(work.join("Cargo.toml"), "[package]\nname = \"jea-auth\"\nversion = \"0.1.0\"\n").unwrap();
    let example = read("samconfig.example.toml");
    for (architecture, is_arm) in [("x86_64", false), ("arm64", true)] {
        let chosen = example.replace("Architecture=x86_64", &format!("Architecture={architecture}"));
        fs::write(work.join("samconfig.toml"), chosen).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut sam = Command::new("sam");
        sam.arg("build").current_dir(&work).env("PATH", path).env("SAM_CLI_TELEMETRY", "0");
        let output = sam.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told = fs::read_to_string(work.join("told")).unwrap();
        let built: Vec<&str> = told.lines().filter(|line| line.starts_with("lambda build --release")).collect();
        assert_eq!(built.len(), 4, "{told}");
        assert!(built.iter().all(|line| line.contains("--arm64") == is_arm), "{architecture}: {told}");
        fs::remove_file(work.join("told")).unwrap();
    }
    let written = fs::read_to_string(work.join(".aws-sam/build/template.yaml")).unwrap();
    assert!(!written.contains("<<:"), "CloudFormation takes no merges");
    assert!(written.contains("MetricName: LogOnsRefused") && written.contains("CodeUri: Mailer"));
}
