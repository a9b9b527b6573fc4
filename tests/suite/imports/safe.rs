//! Who was kept out elsewhere is kept out here, nothing is lost without a word, and no mark for nothing becomes something.

use serde_json::Value;

use crate::support::{
    imports::{HASH, Importer},
    service::assert_refused,
};

/// Of `an imported password`, with few rounds.
const BCRYPT: &str = "$2a$05$DDDDDDDDDDDDDDDDDDDDD.cZcrdXjQoC6kGhTtRy2aeGFqYJ/8ZkO";

/// Some of the files have no names.
fn import(importer: &Importer, name: &str, text: &str, more: &[&str]) -> (String, Value, i32) {
    importer.import(name, text, &[&["--name-from-email"], more].concat())
}

// Check 94.
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_says_whether_somebody_may_log_on_stops_an_import_until_it_is_said_what_it_means() {
    let importer = Importer::start().await;
    for (number, (column, map, in_, out)) in [
        ("is_active", "status", "1", "0"),
        ("active", "status", "true", "false"),
        ("IsActive", "status", "t", "f"),
        ("enabled", "status", "yes", "no"),
        ("is_authorized", "status", "1", "0"),
        ("is_approved", "status", "1", ""),
        ("state", "status", "active", "deactivated"),
        ("account_status", "status", "ACTIVE", "suspended"),
        ("accountNonLocked", "status", "true", "false"),
        ("disabled", "disabled", "0", "1"),
        ("blocked", "disabled", "false", "true"),
        ("isBlocked", "disabled", "", "1"),
        ("banned", "disabled", "f", "t"),
        ("banned_at", "disabled", "", "2024-03-01 10:00:00"),
        ("suspended", "disabled", "0", "1"),
        ("deactivated", "disabled", "no", "whatever"),
        ("locked_at", "disabled", "NULL", "2024-03-01"),
        ("banned_until", "disabled_until", "2024-03-01", "infinity"),
        ("lock_until", "disabled_until", "", "2999-01-01T00:00:00Z"),
        ("deleted_at", "deleted", "\\N", "2024-03-01 10:00:00"),
        ("discarded_at", "deleted", "0000-00-00 00:00:00", "2024-03-01 10:00:00"),
        ("is_deleted", "deleted", "0", "1"),
        ("approved_at", "permitted", "2024-03-01", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let (ann, off) = (format!("ann-{number}@example.org"), format!("off-{number}@example.org"));
        let csv = format!("email,password_hash,{column}\n{ann},{BCRYPT},{in_}\n{off},{BCRYPT},{out}\n");
        let (told, _, code) = import(&importer, "users.csv", &csv, &[]);
        assert_eq!(code, 1, "{column}");
        assert!(told.contains(&format!("the column {column} says by its name whether somebody may log on")), "{told}");
        assert!(told.contains(&format!("say --map {map}={column}")), "{told}");
        let (told, summary, code) = import(&importer, "users.csv", &csv, &["--map", &format!("{map}={column}")]);
        assert_eq!((code, &summary["left_out"]), (0, &u64::from(map == "deleted").into()), "{column}: {told}");
        assert_eq!(told.contains("left out: 1, because they were deleted there"), map == "deleted", "{told}");
        assert!(importer.logs_on(&ann).await, "{column}");
        assert_refused(importer.service.log_on(&off, "an imported password").await, 401).await;
        assert_eq!(importer.shown(&ann)["profile"], serde_json::json!({}), "{column}");
    }
    let csv = format!("email,password_hash,is_active,State\na@example.org,{BCRYPT},0,\n");
    let (told, _, code) = import(&importer, "skipped.csv", &csv, &["--skip", "is_active,state"]);
    assert!(code == 0 && importer.logs_on("a@example.org").await, "{told}");
    let (told, _, code) = import(&importer, "profile.csv", &csv, &["--skip", "state", "--map", "motto=is_active"]);
    assert!(code == 1 && told.contains("says by its name"), "a profile is no place for it: {told}");
    let csv = format!("email,password_hash,state\nb@example.org,{BCRYPT},asleep\n");
    let (told, _, code) = import(&importer, "word.csv", &csv, &["--map", "status=state"]);
    assert!(code == 1 && told.contains("line 2: status: a word for whether somebody may log on is expected"), "{told}");
    let json = format!(r#"{{"email": "c@example.org", "password_hash": "{BCRYPT}", "blocked": true}}"#);
    let (told, _, code) = import(&importer, "blocked.json", &json, &[]);
    assert!(
        code == 1 && told.contains("unknown member blocked: say what it means with --map disabled=blocked"),
        "{told}"
    );
    let (told, _, code) = import(&importer, "blocked.json", &json, &["--map", "disabled=blocked"]);
    assert!(code == 0 && !importer.logs_on("c@example.org").await, "{told}");
}

// Check 94.
#[tokio::test(flavor = "multi_thread")]
async fn whom_another_system_keeps_out_its_export_keeps_out() {
    let importer = Importer::start().await;
    for (system, hash, columns, out) in [
        ("laravel", "password", "is_active", "0"),
        ("laravel", "password", "blocked_at", "2024-03-01 10:00:00"),
        ("laravel", "password", "status", "inactive"),
        ("devise", "encrypted_password", "state", "blocked"),
        ("devise", "encrypted_password", "disabled", "t"),
        ("devise", "encrypted_password", "banned_at", "2024-03-01 10:00:00"),
        ("devise", "encrypted_password", "locked_at", "2024-03-01 10:00:00"),
        ("devise", "encrypted_password", "approved", "f"),
        ("django", "password", "active", "f"),
        ("django", "password", "is_active", "0"),
        ("fastapi-users", "hashed_password", "is_active", "0"),
        ("flask-appbuilder", "password", "active", "0"),
        ("better-auth", "password", "banned", "1"),
        ("symfony", "password", "enabled", "0"),
        ("wordpress", "user_pass", "spam", "1"),
    ] {
        let email = format!("off-{columns}@{system}.example");
        let mail = if system == "wordpress" { "user_email" } else { "email" };
        let stored = if system == "django" { format!("bcrypt${BCRYPT}") } else { BCRYPT.to_owned() };
        let csv = format!("{mail},{hash},{columns}\n{email},{stored},{out}\n");
        let (told, summary, code) = import(&importer, "users.csv", &csv, &["--from", system]);
        assert_eq!((code, &summary["added"]), (0, &1.into()), "{system} {columns}: {told}");
        assert_eq!(importer.shown(&email)["status"], "disabled", "{system} {columns}");
        assert!(!importer.logs_on(&email).await, "{system} {columns}");
    }
}

// Check 94.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_s_mark_for_nothing_is_nothing_and_in_quotes_a_text() {
    let importer = Importer::start().await;
    for (number, mark) in ["NULL", "null", "\\N", "[NULL]", "0000-00-00 00:00:00"].into_iter().enumerate() {
        let csv = format!(
            "id,email,encrypted_password,locked_at,deleted_at,name\n7,a-{number}@example.org,{BCRYPT},{mark},{mark},{mark}\n"
        );
        let (told, summary, code) = import(&importer, "devise.csv", &csv, &["--from", "devise"]);
        assert_eq!((code, &summary["added"], &summary["left_out"]), (0, &1.into(), &0.into()), "{mark}: {told}");
        assert!(importer.logs_on(&format!("a-{number}@example.org")).await, "{mark}");
        let csv = format!(
            "email,name,role,country,password_hash\nb-{number}@example.org,{mark},{mark},{mark},{mark}\n\
             c-{number}@example.org,\"{mark}\",,\"{mark}\",\n"
        );
        let (told, summary, code) = import(&importer, "plain.csv", &csv, &[]);
        assert_eq!((code, &summary["without_password"]), (0, &2.into()), "{mark}: {told}");
        let (bare, quoted) =
            (importer.shown(&format!("b-{number}@example.org")), importer.shown(&format!("c-{number}@example.org")));
        assert_eq!(
            (&bare["name"], &bare["role"], &bare["profile"]),
            (&format!("b-{number}").into(), &Value::Null, &serde_json::json!({}))
        );
        assert_eq!((&quoted["name"], &quoted["profile"]["country"]), (&mark.into(), &mark.into()));
    }
    // Where everybody was deleted, that is said, and the exit code says that nothing came in.
    let csv = "email,password,deleted_at\na@example.org,,2024-03-01\nb@example.org,,2024-03-01\n";
    for more in [&["--from", "laravel"][..], &["--from", "laravel", "--dry-run"]] {
        let (told, summary, code) = import(&importer, "gone.csv", csv, more);
        assert_eq!((code, &summary["lines"], &summary["left_out"]), (1, &2.into(), &2.into()), "{told}");
        assert!(told.contains("left out: 2, because they were deleted there"), "{told}");
        assert!(told.contains("error: no account came in"), "{told}");
    }
    let (told, _, code) = import(&importer, "empty.csv", "email,name\n", &[]);
    assert!(code == 1 && told.contains("error: no account came in"), "{told}");
}

// Check 94.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_an_address_that_nobody_proved_stays_behind() {
    let importer = Importer::start().await;
    let bcrypt = |email: &str, proof: &str| format!("{email},{BCRYPT},{proof}\n");
    let keycloak = |email: &str, more: &str| {
        let secret =
            r#"{\"value\":\"RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw=\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}"#;
        let data = r#"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha256\"}"#;
        format!(
            r#"{{"username": "x", "email": "{email}", "enabled": true, {more}, "credentials": [{{"type": "password", "secretData": "{secret}", "credentialData": "{data}"}}]}}"#
        )
    };
    let realm =
        |verifies: &str, one: &str, two: &str| format!(r#"{{"users": [{one}, {two}], "verifyEmail": {verifies}}}"#);
    let both = |domain: &str| (format!("in@{domain}.example"), format!("out@{domain}.example"));
    for (domain, name, text, from) in [
        (
            "supa",
            "s.csv",
            {
                let (yes, no) = both("supa");
                format!(
                    "email,encrypted_password,email_confirmed_at\n{}{}",
                    bcrypt(&yes, "2024-03-01 10:00:00+00"),
                    bcrypt(&no, "")
                )
            },
            "supabase",
        ),
        (
            "devise",
            "d.csv",
            {
                let (yes, no) = both("devise");
                format!(
                    "email,encrypted_password,confirmed_at\n{}{}",
                    bcrypt(&yes, "2024-03-01 10:00:00"),
                    bcrypt(&no, "NULL")
                )
            },
            "devise",
        ),
        (
            "keycloak",
            "k.json",
            {
                let (yes, no) = both("keycloak");
                realm("true", &keycloak(&yes, r#""emailVerified": true"#), &keycloak(&no, r#""emailVerified": false"#))
            },
            "keycloak",
        ),
        (
            "action",
            "a.json",
            {
                let (yes, no) = both("action");
                realm(
                    "false",
                    &keycloak(&yes, r#""emailVerified": false"#),
                    &keycloak(&no, r#""requiredActions": ["VERIFY_EMAIL"]"#),
                )
            },
            "keycloak",
        ),
    ] {
        let (proved, unproved) = both(domain);
        let (told, summary, code) = import(&importer, name, &text, &["--from", from]);
        assert_eq!(
            (code, &summary["added"], &summary["without_password"]),
            (0, &2.into(), &1.into()),
            "{domain}: {told}"
        );
        assert!(told.contains("hashes left behind: 1, because their owners have not proved their addresses"), "{told}");
        assert!(importer.logs_on(&proved).await && !importer.logs_on(&unproved).await, "{domain}");
        assert_eq!(importer.shown(&unproved)["status"], "active", "an invitation lets its owner in");
        let trusted =
            text.replace(&unproved, &format!("trusted-{unproved}")).replace(&proved, &format!("trusted-{proved}"));
        let (told, summary, code) = import(&importer, name, &trusted, &["--from", from, "--trust-emails"]);
        assert_eq!((code, &summary["without_password"]), (0, &0.into()), "{domain}: {told}");
        assert!(importer.logs_on(&format!("trusted-{unproved}")).await, "{domain}");
    }
    let (yes, no) = both("update");
    let actions = r#""emailVerified": true, "requiredActions": ["UPDATE_PASSWORD"]"#;
    let text = realm("true", &keycloak(&yes, r#""emailVerified": true"#), &keycloak(&no, actions));
    let (told, summary, _) = import(&importer, "u.json", &text, &["--from", "keycloak", "--trust-emails"]);
    assert_eq!(summary["without_password"], 1, "{told}");
    assert!(
        told.contains("hashes left behind: 1, because they are of passwords that were to be changed first"),
        "{told}"
    );
    let (told, _, code) = import(
        &importer,
        "s.csv",
        &format!("email,encrypted_password\n{}", bcrypt("x@example.org", "")),
        &["--from", "supabase"],
    );
    assert!(code == 1 && told.contains("no column email_confirmed_at"), "{told}");
}

// Check 94.
#[tokio::test(flavor = "multi_thread")]
async fn a_factor_that_was_begun_and_is_not_on_is_none() {
    let importer = Importer::start().await;
    let csv = format!(
        "email,password_hash,has_2fa,otp_secret\noff@example.org,{HASH},0,DHXE6GCU7V6SNOVY\non@example.org,{HASH},1,dhxe 6gcu 7v6s novy\n"
    );
    let map = ["--map", "totp_secret=otp_secret", "--with-factors"];
    let (told, _, code) = import(&importer, "users.csv", &csv, &[&map[..], &["--skip", "has_2fa"]].concat());
    assert!(code == 1 && told.contains("say --map totp_on=COLUMN"), "{told}");
    let (told, _, code) =
        import(&importer, "users.csv", &csv, &["--map", "totp_secret=otp_secret,totp_on=has_2fa", "--with-factors"]);
    assert_eq!(code, 0, "{told}");
    let factor = |email: &str| importer.operator.json(&["user", "factor", email])[0].clone();
    assert!(importer.logs_on("off@example.org").await && !importer.logs_on("on@example.org").await);
    assert_ne!(factor("off@example.org"), factor("on@example.org"));
    let csv = format!(
        "email,encrypted_password,otp_secret,otp_required_for_login\noff@devise.example,{BCRYPT},DHXE6GCU7V6SNOVY,f\n"
    );
    let (told, _, code) = import(&importer, "devise.csv", &csv, &["--from", "devise", "--with-factors"]);
    assert!(code == 0 && importer.logs_on("off@devise.example").await, "{told}");
}
