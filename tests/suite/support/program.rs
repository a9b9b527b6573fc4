//! `jea-auth`, as its operator runs it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::service::Service;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_jea-auth");

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the program against a service.
pub struct Operator {
    pub environment: Vec<(&'static str, String)>,
}

impl Operator {
    pub fn of(service: &Service) -> Self {
        Self::at(&service.running.dynamodb_url, &service.running.kms_url)
    }

    pub fn at(dynamodb_url: &str, kms_url: &str) -> Self {
        let dynamodb = ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url.to_owned());
        Self { environment: vec![dynamodb, ("AWS_ENDPOINT_URL_KMS", kms_url.to_owned())] }
    }

    pub fn run(&self, arguments: &[&str], stdin: &str) -> Output {
        use std::io::Write;
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .arg("--local")
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may refuse its arguments before it reads.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Arguments, stdin, exit code, stdout and stderr in one text, to compare with what a person would see.
    pub fn transcript(&self, arguments: &[&str], stdin: &str) -> String {
        let output = self.run(arguments, stdin);
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        format!("$ {}\n{stdout}--\n{stderr}= {}\n", arguments.join(" "), output.status.code().unwrap())
    }
}
