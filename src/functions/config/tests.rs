use std::collections::HashMap;

use super::*;

const LAMBDA: [(&str, &str); 4] = [
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("ISSUER", "https://api.example.org/prod"),
];

fn with(changes: &[(&str, &str)]) -> Result<Config, BadConfig> {
    let mut variables: HashMap<&str, &str> = LAMBDA.into_iter().collect();
    variables.extend(changes.iter().copied());
    Config::from(|name| variables.get(name).map(ToString::to_string))
}

#[test]
fn what_is_not_set_has_the_documented_default() {
    let config = with(&[]).unwrap();
    assert_eq!(config.stack, "jea-auth");
    assert_eq!(config.tokens.audience, "https://api.example.org/prod");
    assert_eq!(config.tokens.lifetimes.token, Duration::from_hours(12));
    assert_eq!(config.tokens.lifetimes.session, Duration::from_hours(168));
    assert_eq!(config.session_memory, Duration::from_secs(5));
    let (account, address) = (config.paces.account, config.paces.address);
    assert_eq!((account.burst, account.interval), (10, Duration::from_secs(30)));
    assert_eq!((address.burst, address.interval), (100, Duration::from_secs(1)));
    assert_eq!(config.site.delivery, TokenDelivery::Cookie);
    assert_eq!(config.site.failed_logon_status, StatusCode::UNAUTHORIZED);
    assert_eq!((config.site.cookie_domain, config.site.origins.configured), (None, vec![]));
    assert_eq!(config.require_factor, RequireFactor::Off);
    assert_eq!((config.passkeys, config.site.features.passkeys), (None, false));
}

// One message lists every problem.
// Check 55.
#[test]
fn everything_that_is_wrong_is_told_at_once_by_name() {
    let error = with(&[
        ("ISSUER", "api.example.org"),
        ("TOKEN_DELIVERY", "carrier pigeon"),
        ("FAILED_LOGON_STATUS", "403"),
        ("TOKEN_SECONDS", "604801"),
        ("SESSION_SECONDS", "0"),
        ("SESSION_MEMORY_SECONDS", "-1"),
        ("ACCOUNT_BURST", "0"),
        ("ADDRESS_SECONDS", "901"),
        ("ALLOWED_ORIGINS", "https://app.example.org/"),
        ("COOKIE_DOMAIN", "a; b"),
        ("SERVICE_NAME", "a: b"),
        ("REQUIRE_FACTOR", ""),
    ])
    .unwrap_err()
    .to_string();
    for name in ["ISSUER", "TOKEN_DELIVERY", "FAILED_LOGON_STATUS", "TOKEN_SECONDS", "SESSION_SECONDS"] {
        assert!(error.contains(name), "{name} in {error}");
    }
    for name in [
        "SESSION_MEMORY_SECONDS",
        "ALLOWED_ORIGINS",
        "COOKIE_DOMAIN",
        "ACCOUNT_BURST",
        "ADDRESS_SECONDS",
        "SERVICE_NAME",
    ] {
        assert!(error.contains(name), "{name} in {error}");
    }
    assert!(error.contains("REQUIRE_FACTOR must be off, all, or the name of a role"), "{error}");
    let empty = Config::from(|_| None).unwrap_err().to_string();
    for name in ["ISSUER", "AWS_REGION", "AWS_ACCESS_KEY_ID"] {
        assert!(empty.contains(&format!("{name} is not set")), "{name} in {empty}");
    }
}

#[test]
fn passkeys_are_for_a_domain_that_the_issuer_is_in() {
    let id = |changes: &[(&str, &str)]| {
        let config = with(&[&[("PASSKEYS", "on")], changes].concat())?;
        assert!(config.site.features.passkeys);
        Ok::<_, BadConfig>(config.passkeys.map(|party| party.id().to_owned()))
    };
    assert_eq!(id(&[]).unwrap().as_deref(), Some("api.example.org"));
    assert_eq!(id(&[("PASSKEY_RP_ID", "Example.org")]).unwrap().as_deref(), Some("example.org"));
    let error = id(&[("PASSKEY_RP_ID", "example.com")]).unwrap_err().to_string();
    assert!(error.contains("PASSKEY_RP_ID must be empty, or another one"), "{error}");
    let error = id(&[("ISSUER", "http://127.0.0.1:3000")]).unwrap_err().to_string();
    assert!(error.contains("PASSKEYS must be off, or ISSUER another one"), "{error}");
    assert_eq!(with(&[("PASSKEY_RP_ID", "example.com")]).unwrap().passkeys, None, "nothing where they are off");
}

#[test]
fn origins_are_a_list_with_commas() {
    let config = with(&[("ALLOWED_ORIGINS", "https://a.example.org, http://localhost:5173")]).unwrap();
    assert_eq!(config.site.origins.configured, ["https://a.example.org", "http://localhost:5173"]);
}

#[test]
fn mails_come_from_an_address_that_a_header_can_hold() {
    let sender = |from: &str| with(&[("MAIL_FROM", from)]).map(|config| config.sender.map(|sender| sender.from));
    assert_eq!(sender("").unwrap(), None);
    for from in ["No-Reply@example.org", "jea-auth@localhost"] {
        assert_eq!(sender(from).unwrap().as_deref(), Some(from), "as SES has verified it");
    }
    for from in ["Ann <ann@example.org>", "ann<ann@example.org>", "ann@m\u{fc}ller.example", " ann@example.org", "ann"]
    {
        assert!(sender(from).unwrap_err().to_string().contains("MAIL_FROM"), "{from}");
    }
}
