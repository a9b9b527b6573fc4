//! Public keys as files, for programs that verify tokens and read no URL; and a key that an operator makes in haste.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    time::Duration,
};

use jea_auth::{
    domain::signing_key::{PUBLISHED_AHEAD_URGENT, SigningKey},
    functions::app::Stack,
    platform::machine,
    service::keyring::KEYS_MAX_AGE,
};
use serde_json::{Value, json};

use crate::support::{
    program::{Operator, PROGRAM},
    service::{Service, has},
};

const PEM_HEAD: &str = "-----BEGIN PUBLIC KEY-----\n";

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A service with the key that signs, and one of RSA that will.
async fn with_a_successor() -> (Service, Operator) {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    operator.json(&["key", "rotate", "--alg", "RS256"]);
    service.advance(KEYS_MAX_AGE);
    (service, operator)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exported_set_is_the_published_one_and_the_key_that_signs_comes_first() {
    let (service, operator) = with_a_successor().await;
    let published = service.get("/.well-known/jwks.json").await.text().await.unwrap();
    let exported = stdout(&operator.run(&["key", "export"], ""));
    assert_eq!(exported, published + "\n");
    let set: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!([&set["keys"][0]["alg"], &set["keys"][1]["alg"]], ["ES256", "RS256"]);
    let listed = operator.json(&["key", "list"]);
    assert_eq!((&set["keys"][0]["kid"], &listed[0]["state"]), (&listed[0]["kid"], &json!("signs")));

    // By the service alone, without a right to anything; a slash at the end of its URL is no matter.
    let asked = |url: &str| Command::new(PROGRAM).args(["key", "export", "--url", url]).env_clear().output().unwrap();
    assert_eq!(stdout(&asked(&format!("{}/", service.running.url))), exported);
    let elsewhere = asked(&format!("{}/prod", service.running.url));
    assert_eq!(elsewhere.status.code(), Some(1));
    let told = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(told.contains("/prod/.well-known/jwks.json answers 401") && told.contains("hint: give the"), "{told}");
    let pems = stdout(&operator.run(&["key", "export", "--pem"], ""));
    assert_eq!(pems.matches(PEM_HEAD).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_keys_are_named_by_them_and_go_with_them() {
    let (service, operator) = with_a_successor().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("keys");
    let export = ["key", "export", "--pem", "--out", out.to_str().unwrap()];
    let written = operator.json(&export);
    let names = || -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    };
    let kids: Vec<String> = service
        .store()
        .signing_keys()
        .await
        .unwrap()
        .keys
        .iter()
        .map(|key| key.jwk.key_id().as_str().to_owned())
        .collect();
    let mut expected: Vec<String> = kids.iter().map(|kid| format!("{kid}.pem")).collect();
    expected.push("jwks.json".to_owned());
    expected.sort_unstable();
    assert_eq!(names(), expected);
    assert_eq!(written.as_array().unwrap().len(), 3);
    assert_eq!(written[0], json!({"file": "jwks.json", "kid": null, "alg": null}));
    let set = fs::read_to_string(out.join("jwks.json")).unwrap();
    assert_eq!(set, stdout(&operator.run(&["key", "export"], "")));
    let pem = fs::read_to_string(out.join(written[1]["file"].as_str().unwrap())).unwrap();
    assert!(pem.starts_with(PEM_HEAD) && pem.lines().all(|line| line.len() <= 64), "{pem}");

    // What somebody else keeps there stays.
    for name in ["1.pem", "ca.pem", "1.txt"] {
        fs::write(out.join(name), "").unwrap();
    }
    let SigningKey { jwk, .. } = service.store().signing_keys().await.unwrap().keys.remove(0);
    assert!(service.store().remove_signing_key(jwk.key_id()).await.unwrap());
    let again = operator.run(&export, "");
    let told = String::from_utf8(again.stderr.clone()).unwrap();
    assert!(again.status.success() && told.contains("removed 1.pem: its key is gone"), "{told}");
    assert!(told.contains(&format!("removed {}.pem", jwk.key_id().as_str())), "{told}");
    let left = names();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left.contains(&"ca.pem".to_owned()) && left.contains(&"1.txt".to_owned()), "{left:?}");

    // A folder that cannot be made.
    let blocked = out.join("jwks.json").join("keys");
    let failed = operator.run(&["key", "export", "--out", blocked.to_str().unwrap()], "");
    assert_eq!(failed.status.code(), Some(1));
    let told = String::from_utf8(failed.stderr).unwrap();
    assert!(told.contains("could not be written") && told.contains("hint: those that are there"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_pem_verifies_a_token_of_its_key() {
    if !has("python3", &["-c", "import jwt, cryptography"]) {
        return;
    }
    let service = Service::start().await;
    let token = service.new_token().await;
    let pem = stdout(&Operator::of(&service).run(&["key", "export", "--pem"], ""));
    let issuer = service.running.config.site.issuer.as_str();
    let script = format!(
        "import jwt\nprint(jwt.decode('{token}', '''{pem}''', algorithms=['ES256'], audience='{issuer}', issuer='{issuer}', leeway=3600)['iss'])"
    );
    let output = Command::new("python3").args(["-c", &script]).output().unwrap();
    assert_eq!(stdout(&output).trim(), issuer);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_is_nothing_to_export_and_the_first_one_need_not_be_waited_for() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let key = service.store().signing_keys().await.unwrap().keys.remove(0);
    assert!(service.store().remove_signing_key(key.jwk.key_id()).await.unwrap());
    let none = operator.run(&["key", "export"], "");
    let told = String::from_utf8(none.stderr).unwrap();
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
    assert_eq!(told, "error: there is no signing key\nhint: make one with `jea-auth key rotate --local`\n");
    let made = operator.json(&["key", "rotate", "--now", "--wait"]);
    assert_eq!(made[0]["state"], "signs");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_haste_a_key_signs_when_whoever_asks_again_has_it() {
    // Verifiers ask again for an unknown key, but not within 30 s of the last time.
    assert_eq!(PUBLISHED_AHEAD_URGENT, KEYS_MAX_AGE + Duration::from_secs(30));
    let service = Service::start().await;
    let mut waiting = Command::new(PROGRAM)
        .args(["key", "rotate", "--now", "--wait", "--local"])
        .env_clear()
        .envs(Operator::of(&service).environment)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("made key "));
    let told = lines.next().unwrap();
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let seconds = told.strip_prefix("it signs in ").and_then(|told| told.split(' ').next()).unwrap();
    assert!((60..=92).contains(&seconds.parse().unwrap()), "{told}");
    let keys = Stack::of(&service.running.config).rotation().stored().await.unwrap().keys;
    let ahead = keys[1].window.signs_from.since(keys[1].created);
    assert!((90..=91).contains(&ahead.as_secs()), "{ahead:?}");
    assert!(machine::now() < keys[1].window.signs_from, "who waits no more leaves it as it is");
}
