//! Whole files: one account that cannot come in stops no other if an operator says so, and what stands in a file is read.

use serde_json::json;

use crate::support::imports::{HASH, Importer};

// Check 94.
#[tokio::test(flavor = "multi_thread")]
async fn one_account_that_cannot_come_in_stops_no_other_if_it_is_said_so() {
    let importer = Importer::start().await;
    let csv = format!(
        "email,name,password_hash\na@example.org,Ann,{HASH}\nb@example.org,Bob,$1$salt$aaaaaaaaaaaaaaaaaaaaaa\n,Nobody,{HASH}\n\
         c@example.org,Cat,!\nd@example.org,Dan,!aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcD\n"
    );
    let (told, summary, code) = importer.import("users.csv", csv.as_bytes(), &[]);
    assert_eq!((code, &summary["bad"], &summary["added"]), (1, &2.into(), &0.into()), "{told}");
    assert!(
        told.contains("line 3: password_hash is MD5-crypt, of Unix") && told.contains("by --unusable drop-hash"),
        "{told}"
    );
    assert!(told.contains("line 4: email is missing: say --no-email skip"), "{told}");
    let both = &["--unusable", "drop-hash", "--no-email", "skip"];
    let (told, summary, code) = importer.import("users.csv", csv.as_bytes(), both);
    assert_eq!(
        (code, &summary["added"], &summary["left_out"], &summary["without_password"]),
        (0, &4.into(), &1.into(), &3.into())
    );
    for line in [
        "line 3 (b@example.org): comes in without its hash: password_hash is MD5-crypt, of Unix",
        "line 4: left out: it has no email",
        "left out: 1, because they have no email",
        "hashes left behind: 1, because they cannot be taken",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(importer.logs_on("a@example.org").await);
    // An array on one line names the element and whose it is.
    let array = json!([
        {"email": "e@example.org", "name": "Eve", "password_hash": HASH},
        {"email": "f@example.org", "name": "Fay", "password_hash": "$1$x$y"},
        {"name": "Gus"},
    ]);
    let (told, _, code) = importer.import("array.json", array.to_string().as_bytes(), &[]);
    assert!(code == 1 && told.contains("line 1, element 2 (f@example.org): password_hash is MD5-crypt"), "{told}");
    assert!(told.contains("line 1, element 3: email is missing"), "{told}");
    let (told, summary, code) = importer.import("array.json", array.to_string().as_bytes(), both);
    assert_eq!((code, &summary["added"], &summary["left_out"]), (0, &2.into(), &1.into()), "{told}");
    let (told, _, code) = importer.import("none.csv", b"email,name\n,Nobody\n", both);
    assert!(code == 1 && told.contains("no account came in"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_json_are_mapped_and_skipped_also_with_a_system() {
    let importer = Importer::start().await;
    let django = json!([{"model": "people.person", "pk": 1, "fields": {
        "password": "pbkdf2_sha256$1000$seasaltseasalt$rDhZrcCuuxNIxNofxe25s9t53sXMqiE0ePhFMun6wOg=",
        "mail": "a@example.org", "called": "Ann Archer", "is_active": true, "last_name": "x"}}]);
    let options = &["--from", "django", "--map", "email=mail,name=called", "--skip", "last_name"];
    let (told, _, code) = importer.import("django.json", django.to_string().as_bytes(), options);
    assert_eq!(code, 0, "{told}");
    assert_eq!(importer.shown("a@example.org")["name"], "Ann Archer");
    assert!(importer.logs_on("a@example.org").await);
    let nested = json!([{"id": "b@example.org", "profile": {"motto": "x"}, "auth": {"hash": {"value": HASH}}, "user": {"nick": "Bob"}}]);
    let options = &["--map", "email=id,password_hash=auth.hash.value,name=user.nick"];
    let (told, _, code) = importer.import("nested.json", nested.to_string().as_bytes(), options);
    assert_eq!(code, 0, "{told}");
    assert_eq!(importer.shown("b@example.org")["name"], "Bob");
    assert!(importer.logs_on("b@example.org").await);
    // A full name is a name, where there is no other.
    for (number, member) in ["full_name", "display_name", "displayName"].into_iter().enumerate() {
        let (csv, json) = (format!("c{number}@example.org"), format!("j{number}@example.org"));
        let text = format!("email,{member}\n{csv},Cat Cole\n");
        let (told, _, code) = importer.import("full.csv", text.as_bytes(), &[]);
        assert_eq!(code, 0, "{told}");
        let text = json!({"email": json, member: "Cat Cole"}).to_string();
        let (told, _, code) = importer.import("full.json", text.as_bytes(), &[]);
        assert_eq!(code, 0, "{told}");
        assert_eq!(
            (importer.shown(&csv)["name"].clone(), importer.shown(&json)["name"].clone()),
            ("Cat Cole".into(), "Cat Cole".into())
        );
    }
    let (told, _, code) = importer.import("two.csv", b"email,name,full_name\nk@example.org,Kim,Kim King\n", &[]);
    assert_eq!((code, importer.shown("k@example.org")["name"].clone()), (0, "Kim".into()), "{told}");
    assert_eq!(importer.operator.json(&["user", "show", "k@example.org"])[0]["profile"]["full_name"], "Kim King");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_in_the_forms_that_tools_write() {
    let importer = Importer::start().await;
    let realm = |name: &str| {
        let credential = json!({"type": "password",
            "secretData": json!({"value": "RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw=", "salt": "MDEyMzQ1Njc4OWFiY2RlZg=="}).to_string(),
            "credentialData": json!({"hashIterations": 1000, "algorithm": "pbkdf2-sha256"}).to_string()});
        json!({"realm": name, "clients": [{"users": [1]}], "users": [
            {"username": format!("ann-{name}"), "email": format!("ann@{name}.example"), "enabled": true, "emailVerified": false, "credentials": [credential]}
        ], "verifyEmail": name == "strict", "groups": []})
    };
    let realms = json!([realm("open"), {"realm": "empty"}, realm("strict")]);
    let (told, summary, code) = importer.import("realms.json", realms.to_string().as_bytes(), &["--from", "keycloak"]);
    assert_eq!((code, &summary["added"], &summary["without_password"]), (0, &2.into(), &1.into()), "{told}");
    assert!(importer.logs_on("ann@open.example").await && !importer.logs_on("ann@strict.example").await);
    let pretty =
        serde_json::to_string_pretty(&json!({"email": "p@example.org", "name": "Pam", "password_hash": HASH})).unwrap();
    let (told, _, code) = importer.import("pretty.json", pretty.as_bytes(), &[]);
    assert!(code == 0 && importer.logs_on("p@example.org").await, "{told}");
    let two = format!("{}\n{}\n", pretty.replace("p@", "q@"), pretty.replace("p@", "r@"));
    let (told, summary, code) = importer.import("two.json", two.as_bytes(), &[]);
    assert_eq!((code, &summary["added"]), (0, &2.into()), "{told}");
    let latin = b"email,name\na@example.org,Andr\xe9 \x80\n";
    let (told, _, code) = importer.import("latin.csv", latin, &[]);
    assert!(
        code == 1 && told.contains("it is not UTF-8: save the file as that, or say --encoding windows-1252"),
        "{told}"
    );
    let (told, _, code) = importer.import("latin.csv", latin, &["--encoding", "windows-1252"]);
    assert_eq!((code, importer.shown("a@example.org")["name"].clone()), (0, "Andr\u{e9} \u{20ac}".into()), "{told}");
    let auth0 = json!([
        {"email": "b@example.org", "email_verified": true, "given_name": "Bob", "name": "Bob Bell",
            "password_hash": "$2a$05$DDDDDDDDDDDDDDDDDDDDD.cZcrdXjQoC6kGhTtRy2aeGFqYJ/8ZkO"},
        {"email": "c@example.org", "nickname": "cat", "blocked": true, "custom_password_hash": {"algorithm": "pbkdf2", "hash": {"value": HASH}}},
        {"email": "d@example.org", "custom_password_hash": {"algorithm": "bcrypt",
            "hash": {"value": "$2a$05$DDDDDDDDDDDDDDDDDDDDD.cZcrdXjQoC6kGhTtRy2aeGFqYJ/8ZkO"}}},
    ]);
    let (told, summary, code) =
        importer.import("auth0.json", auth0.to_string().as_bytes(), &["--from", "auth0", "--name-from-email"]);
    assert_eq!((code, &summary["added"], &summary["without_password"]), (0, &3.into(), &0.into()), "{told}");
    assert!(importer.logs_on("b@example.org").await && importer.logs_on("d@example.org").await);
    // In parts, as its import takes them; made with Python's hashlib.
    let parts = json!([
        {"email": "s@example.org", "custom_password_hash": {"algorithm": "scrypt", "cost": 1024, "blockSize": 8, "parallelization": 1,
            "keylen": 64, "salt": {"value": "seasaltseasalt", "encoding": "utf8"}, "hash": {"encoding": "hex", "value": "39b6b9418ceb5f0bbbb7a1f1fc79c5599f187c40154ceae6d8118ed0465187d40406f445d02bcec2065a845bae80633b667395e3cebec2a5c98d7d25c8efc7d9"}}},
        {"email": "t@example.org", "custom_password_hash": {"algorithm": "sha256",
            "salt": {"value": "saltsalt", "position": "suffix"}, "hash": {"encoding": "hex", "value": "5f0c8bb1d0b62417cb9014648915548d5c805f310bafbe236b3773f7bc284a24"}}},
    ]);
    let (told, _, code) =
        importer.import("parts.json", parts.to_string().as_bytes(), &["--from", "auth0", "--name-from-email"]);
    assert!(code == 0 && importer.logs_on("s@example.org").await && importer.logs_on("t@example.org").await, "{told}");
    let other = parts.to_string().replace("sha256", "hmac").replace('@', "2@");
    let (told, _, code) = importer.import("other.json", other.as_bytes(), &["--from", "auth0", "--name-from-email"]);
    assert!(
        code == 1 && told.contains("element 2 (t2@example.org): password_hash is Auth0's custom_password_hash, hmac"),
        "{told}"
    );
    assert!(!importer.logs_on("c@example.org").await, "it is blocked there");
    assert_eq!(importer.shown("b@example.org")["name"], "Bob Bell");
}

#[tokio::test(flavor = "multi_thread")]
async fn layouts_tell_log_ons_of_others_and_names_of_old_software() {
    let importer = Importer::start().await;
    let key = "472983a68826b288f2b17389afa8917c95d21aebd079168b412493d2d19a8f21b38336d2ad08e8de42a68ef3f3fdba733385e53315b6ffa2f5187d0b565c941a";
    let csv = format!(
        "id,name,email,banned,id,providerId,password\n1,Ann,a@example.org,,7,credential,aeb37742edd0860e2732ac6da1ad8501:{key}\n\
         1,Ann,a@example.org,,8,google,\n2,Bob,b@example.org,,9,google,\n"
    );
    let (told, summary, code) = importer.import("better.csv", csv.as_bytes(), &["--from", "better-auth"]);
    assert_eq!((code, &summary["added"], &summary["left_out"]), (0, &1.into(), &2.into()), "{told}");
    assert!(told.contains("left out: 2, because they are log-ons by other services"), "{told}");
    let wordpress = json!([
        {"ID": "1", "user_login": "ann", "user_email": "a@wp.example", "user_pass": "$P$B3Qy9FdHgrnkeX6HV1Z21XPWYcLjAw0",
            "user_status": "0", "display_name": "Ann", "user_registered": "2024-03-01 10:00:00"},
        {"ID": "2", "user_login": "old", "user_email": "o@wp.example", "user_pass": "", "user_status": "0", "deleted": "1"},
    ]);
    let (told, summary, code) = importer.import("wp.json", wordpress.to_string().as_bytes(), &["--from", "wordpress"]);
    assert_eq!((code, &summary["added"], &summary["left_out"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(importer.operator.json(&["user", "show", "a@wp.example"])[0]["status"], "active");
}
