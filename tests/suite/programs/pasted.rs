//! What a person pastes: every block of the documents for a shell, and what `serve` prints, in a shell like that of macOS.
#![cfg(unix)]

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{
    documents::{Block, pages, parts, read, relative},
    program::text,
    service::has,
    serving::{Serving, free_ports},
};

/// Programs that lines of the documents call. In [`every_line_to_paste_does_in_zsh_what_it_does_in_sh`] each of them only
/// tells what it was called with.
const CALLED: [&str; 21] = [
    ".ci/deep",
    ".ci/emulators",
    ".ci/release",
    ".ci/run",
    "aws",
    "cargo",
    "cat",
    "cp",
    "curl",
    "git",
    "jea-auth",
    "mv",
    "oathtool",
    "openapi-python-client",
    "pip",
    "sam",
    "sed",
    "sleep",
    "tests/pages.py",
    "tests/smoke.sh",
    "tests/transformed.py",
];

/// Pastes lines into a shell, in a folder with nothing but [`CALLED`], and gives back the calls in some order, and what the
/// shell itself said.
fn pasted(shell: &Path, arguments: &[&str], lines: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    for name in CALLED {
        let program = folder.path().join(name);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        // Not one call between the words of another.
        let told = format!("#!/bin/sh\ntold=$(/usr/bin/printf '[%s]' '{name}' \"$@\")\necho \"$told\" >> \"$TOLD\"\n");
        fs::write(&program, told).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir_all(folder.path().join(".jea-auth/mail")).unwrap();
    fs::write(folder.path().join(".jea-auth/mail/1.eml"), "").unwrap();
    let told = folder.path().join("told");
    let mut child = Command::new(shell)
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .envs([("PATH", folder.path()), ("TOLD", &told)])
        .envs([("BASE", "http://localhost:3000"), ("TERM", "dumb")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    write!(child.stdin.take().unwrap(), "{lines}\nwait\n").unwrap();
    let said = text(&child.wait_with_output().unwrap().stderr);
    let told = fs::read_to_string(&told).unwrap_or_default();
    let mut calls: Vec<String> =
        told.replace(folder.path().to_str().unwrap(), "/folder").lines().map(str::to_owned).collect();
    calls.sort_unstable();
    (calls, said)
}

/// The shell of macOS takes no comment at its prompt, and a pattern that fits no file is an error to it.
#[tokio::test(flavor = "multi_thread")]
async fn every_line_to_paste_does_in_zsh_what_it_does_in_sh() {
    let path = std::env::var_os("PATH").unwrap();
    let zsh = std::env::split_paths(&path).map(|folder| folder.join("zsh")).find(|file| file.exists());
    let zsh = zsh.filter(|_| has("zsh", &["--version"]));
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), free_ports()).await;
    let mut blocks = vec![("what serve prints".to_owned(), text(&serving.stop("-TERM").stdout))];
    for path in pages() {
        let page = read(&path);
        for Block { language, lines, .. } in parts(&page).1 {
            let lines = match language {
                "sh" => lines,
                // What is typed, and the lines that go on after it.
                "console" => lines
                    .lines()
                    .filter_map(|line| line.strip_prefix("$ ").or_else(|| line.strip_prefix("> ")))
                    .flat_map(|line| [line, "\n"])
                    .collect(),
                _ => continue,
            };
            blocks.push((relative(&path).to_owned(), lines));
        }
    }
    assert!(blocks.len() > 25, "{} blocks", blocks.len());
    for (name, lines) in blocks {
        let (calls, said) = pasted(Path::new("/bin/sh"), &[], &lines);
        assert!(!calls.is_empty() && said.is_empty(), "{name}: {calls:?} {said}\n{lines}");
        if let Some(zsh) = &zsh {
            // Its prompts are on stderr too, so that alone what it calls can be compared.
            assert_eq!(pasted(zsh, &["-f", "-i"], &lines).0, calls, "{name}\n{lines}");
        }
    }
}
