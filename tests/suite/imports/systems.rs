//! What real systems exported, in the versions that `docs/migrating.md` names, with made-up persons. The files in `tests/imports` are
//! theirs, byte for byte.

use std::fs;

use serde_json::Value;

use crate::support::{
    program::Operator,
    repository::root,
    service::{Service, assert_refused},
};

/// Passwords by the part of an email before the @; all others have the first.
const PASSWORDS: [(&str, &str); 5] = [
    ("", "correct horse battery staple 42"),
    ("nfc", "Zo\u{eb} l\u{e4}uft \u{fc}ber die Br\u{fc}cke 7 mal"),
    ("nfd", "Zoe\u{308} la\u{308}uft u\u{308}ber die Bru\u{308}cke 7 mal"),
    ("lon", "eighty characters make a long pass phrase that goes on past seventy-two bytes ok"),
    ("lig", "\u{fb01}nal answer of \u{fb01}ve words \u{2163}"),
];

/// A file, how it is imported, who logs on then, and who does not.
struct Export {
    file: &'static str,
    options: &'static str,
    log_on: &'static str,
    do_not: &'static str,
    told: &'static str,
}

const EXPORTS: [Export; 13] = [
    Export {
        file: "better-auth.csv",
        options: "--from better-auth",
        log_on: "ann nfc nfd lon lig @ba.example",
        do_not: "off @ba.example",
        told: "",
    },
    Export {
        file: "django-6.1.json",
        options: "--from django --no-email skip",
        log_on: "ann nfc nfd lon argon2-ann scrypt-ann bcrypt_sha256-ann bcrypt-ann upper.case @dj.example",
        do_not: "nopw off @dj.example",
        told: "line 1, element 12 (admin): left out: it has no email\n\
               left out: 1, because they have no email\n\
               accounts without a hash: 1; nobody can log on to them before `jea-auth user passwd --local` sets a password\n",
    },
    Export {
        file: "django-custom-model.csv",
        options: "--map name=full_name,password_hash=password,status=is_active --skip last_login,id",
        log_on: "ann @cu.example",
        do_not: "off @cu.example",
        told: "",
    },
    Export {
        file: "fastapi-users.csv",
        options: "--from fastapi-users --name-from-email",
        log_on: "ann nfc nfd lon @fa.example",
        do_not: "off @fa.example",
        told: "",
    },
    Export {
        file: "flask-appbuilder.csv",
        options: "--from flask-appbuilder",
        log_on: "ann nfc nfd lon @fab.example",
        do_not: "off @fab.example",
        told: "",
    },
    Export {
        file: "mediawiki.csv",
        options: "--from mediawiki --no-email skip",
        log_on: "nfc nfd lon @mw.example",
        do_not: "",
        told: "line 2 (Ann): left out: it has no email\nline 3 (MediaWiki default): left out: it has no email\n\
               left out: 2, because they have no email\n",
    },
    Export {
        file: "medusa-auth-identities.json",
        options: "--from medusa --name-from-email",
        log_on: "ann nfc nfd lon lig off @me.example",
        do_not: "",
        told: "",
    },
    Export {
        file: "nativeauthenticator-sqlite3.csv",
        options: "--map name=username,password_hash=password,status=is_authorized,totp_secret=otp_secret,totp_on=has_2fa \
                  --with-factors",
        log_on: "",
        do_not: "ann nfc nfd lon @na.example",
        told: "",
    },
    Export {
        file: "payload.csv",
        options: "--from payload",
        log_on: "ann nfc nfd lon lig off @pl.example",
        do_not: "",
        told: "",
    },
    Export { file: "symfony-bcrypt.csv", options: "", log_on: "ann lon @sf.example", do_not: "", told: "" },
    // Their hashes need a pepper that is not known here: they go in, and no password fits.
    Export {
        file: "flask-security.csv",
        options: "--map password_hash=password,status=active --name-from-email --skip \
                  fs_webauthn_user_handle,mf_recovery_codes,us_totp_secrets,tf_totp_secret",
        log_on: "",
        do_not: "ann nfc nfd lon off @fs.example",
        told: "",
    },
    Export {
        file: "firebase-emulator.json",
        options: "--from firebase --unusable drop-hash",
        log_on: "",
        do_not: "ann nfc nfd lon lig off @fb.example",
        told: "",
    },
    Export {
        file: "django-custom-model.json",
        options: "--from django",
        log_on: "ann @cu.example",
        do_not: "off @cu.example",
        told: "",
    },
];

fn emails(list: &str) -> Vec<String> {
    let words: Vec<&str> = list.split(' ').collect();
    let (domain, people) = words.split_last().unwrap();
    people.iter().map(|person| format!("{person}{domain}")).collect()
}

fn password(email: &str) -> &'static str {
    let who = email.split('@').next().unwrap();
    PASSWORDS.iter().rev().find(|(name, _)| *name == who || name.is_empty()).unwrap().1
}

// Check 11.
#[tokio::test(flavor = "multi_thread")]
async fn what_systems_really_exported_goes_in_and_its_people_log_on() {
    for Export { file, options, log_on, do_not, told } in EXPORTS {
        let service = Service::start().await;
        let operator = Operator::of(&service);
        let path = root().join("tests/imports").join(file);
        let options: Vec<&str> = options.split_whitespace().collect();
        let import = |more: &[&str]| {
            operator
                .run(&[&["user", "import", path.to_str().unwrap(), "--json"], options.as_slice(), more].concat(), "")
        };
        let dry = import(&["--dry-run"]);
        assert!(dry.status.success(), "{file}: {}", String::from_utf8_lossy(&dry.stderr));
        let output = import(&[]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{file}: {stderr}");
        assert!(told.is_empty() || stderr == told, "{file}: {stderr}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (in_, out) = (emails(log_on), emails(do_not));
        assert_eq!(summary[0]["added"], in_.len() + out.len(), "{file}");
        for email in in_ {
            assert_eq!(service.log_on(&email, password(&email)).await.status(), 200, "{file}: {email}");
            assert_refused(service.log_on(&email, "another password").await, 401).await;
            // With SHA-256, PBKDF2 and scrypt do not tell a password of over 64 bytes from its digest.
            let is_told = ["symfony", "fastapi", "mediawiki"].iter().any(|system| file.starts_with(system));
            let current = operator.json(&["user", "show", &email])[0]["current_hash"] == true;
            assert_eq!(current, is_told || !email.starts_with("lon@"), "{file}: {email}");
            // The hash that took its place knows the same password.
            assert_eq!(service.log_on(&email, password(&email)).await.status(), 200, "{file}: {email}");
        }
        for email in out {
            assert_refused(service.log_on(&email, password(&email)).await, 401).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_come_in_is_refused_by_its_name_and_its_owner_s() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    for (file, options, expected) in [
        (
            "firebase-emulator.json",
            "--from firebase",
            "line 1, element 1 (nfc@fb.example): password_hash is fakeHash, the emulator's",
        ),
        ("django-6.1.json", "--from django", "line 1, element 12 (admin): email is missing: say --no-email skip"),
        (
            "fastapi-users.csv",
            "--map password_hash=hashed_password --name-from-email",
            "the column is_active says by its name",
        ),
        ("flask-appbuilder.csv", "--map password_hash=password,name=username", "the column active says by its name"),
        (
            "nativeauthenticator-python-csv.csv",
            "--map name=username,password_hash=password --skip otp_secret",
            "the column is_authorized says",
        ),
        (
            "django-custom-model.csv",
            "--map name=full_name,password_hash=password",
            "the column is_active says by its name",
        ),
    ] {
        let path = root().join("tests/imports").join(file);
        let options: Vec<&str> = options.split(' ').collect();
        let output = operator.run(&[&["user", "import", path.to_str().unwrap()], options.as_slice()].concat(), "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(expected), "{file}: {told}");
    }
    let xml = root().join("target/users.xml");
    fs::write(&xml, "<django-objects/>").unwrap();
    let told = String::from_utf8(operator.run(&["user", "import", xml.to_str().unwrap()], "").stderr).unwrap();
    assert!(told.contains("hint: export it as JSON"), "{told}");
}

// Check 11.
#[tokio::test(flavor = "multi_thread")]
async fn hashes_that_rest_on_a_secret_are_stored_sealed_and_open_for_their_owners() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let config = file(
        "hash_config",
        "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: wOmqzadMQLYtBjuuJw3zk6P2CLSpQWzWDzM1kPVo05SISUsH7I6CVAMriYCtnBLFvi163/fU50ARCMKiwa7VIQ==,\n  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}\n",
    );
    let users = file(
        "users.json",
        r#"{"users": [{"localId": "x", "email": "ann@fb.example", "displayName": "Ann", "createdAt": "1709287200000",
            "passwordHash": "+7D5+JPvAkBNFk+A3YgLt5IEQbhSW05OHVOZvLTZuSytWNhxPVoQCBGBC5QBOf/sDPg3Jo1v4PvsDCramoaafw==",
            "salt": "MDEyMzQ1Njc4OWFi"}]}"#,
    );
    let pepper = file("pepper", "EVEN_MORE_SECRET\n");
    let synapse = file(
        "synapse.csv",
        "email,name,password_hash\nann@sy.example,Ann,$2b$10$nNh3Gw33NWA4UmFfotO2meXTG2BHGaf2RbtpU1LGJSvzUgj./yQFy\n",
    );
    let words = file("word.csv", "email,name,password_hash\nann@wp.example,Ann,$P$B3Qy9FdHgrnkeX6HV1Z21XPWYcLjAw0\n");
    for arguments in [
        &["user", "import", &users, "--from", "firebase", "--hash-config", &config][..],
        &["user", "import", &synapse, "--pepper-file", &pepper],
        &["user", "import", &words],
    ] {
        let output = operator.run(arguments, "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{told}");
        assert_eq!(
            told.contains("fast hashes: 1; Argon2id is computed over each, which takes about 1 second"),
            arguments[2] == words
        );
    }
    let exported = String::from_utf8(operator.run(&["user", "export"], "").stdout).unwrap();
    assert!(!exported.contains("EVEN_MORE") && !exported.contains("$2b$10$nNh3") && !exported.contains("RVZFTl9NT1JF"));
    assert!(!exported.contains("wOmqzadM") && !exported.contains("$P$"));
    assert_eq!(exported.matches("$sealed$").count(), 2, "{exported}");
    // Another stack cannot open them, and says so; this one can.
    let backup = file("backup.jsonl", &exported);
    let other = Service::start().await;
    let elsewhere = Operator::of(&other);
    let output = elsewhere.run(&["user", "import", &backup], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("hashes left behind: 2, because they rest on a secret that another stack has sealed"),
        "{told}"
    );
    assert!(operator.run(&["user", "delete", "ann@fb.example", "--yes"], "").status.success());
    assert!(operator.run(&["user", "import", &backup], "").status.success());
    for email in ["ann@fb.example", "ann@sy.example", "ann@wp.example"] {
        assert_refused(service.log_on(email, "another password").await, 401).await;
        assert_eq!(service.log_on(email, PASSWORDS[0].1).await.status(), 200, "{email}");
        assert_eq!(operator.json(&["user", "show", email])[0]["current_hash"], true, "{email}");
    }
}
