//! What the parameters of template.yaml take, compared with what the functions take of their variables: a value that only
//! `CloudFormation` takes would be a stack that is there, and answers 5xx to everything.

use std::{collections::BTreeSet, fs};

use jea_auth::functions::config::{Config, VARIABLES};
use proptest::{
    string::string_regex,
    test_runner::{Config as Cases, TestCaseError, TestRunner},
};
use regex::Regex;
use serde_yaml_ng::Value;

use crate::support::template::{at, template, text};

/// A parameter, values that it takes, and values that it refuses.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const TABLE: [Row; 19] = [
    (
        "Issuer",
        &["https://auth.example.org", "https://auth.example.org:8443", "https://auth.example.org/Prod"],
        &[
            "https://auth.example.org/",
            "https://",
            "https:///a",
            "https://a b",
            "https://a\u{fc}",
            "auth.example.org",
            "https://Auth.example.org",
        ],
    ),
    ("Audience", &["", "my api", "~"], &["caf\u{e9}", "a\tb", "a\nb"]),
    ("TokenDelivery", &["cookie", "body"], &["", "Cookie"]),
    ("FailedLogonStatus", &["401", "200"], &["", "403"]),
    ("TokenSeconds", &["60", "604800", "90.5"], &["59", "604801", "-1", "", "NaN", "a"]),
    ("SessionSeconds", &["60", "31536000"], &["59", "31536001"]),
    ("SessionMemorySeconds", &["0", "300", "0.5"], &["301", "-1"]),
    ("AccountBurst", &["1", "10000"], &["0", "10001"]),
    ("AccountSeconds", &["1", "900"], &["0", "901"]),
    ("AddressBurst", &["1", "10000", "2e3"], &["0", "10001"]),
    ("AddressSeconds", &["1", "900"], &["0", "901"]),
    (
        "AllowedOrigins",
        &["", "https://app.example.org", "http://localhost:5173", "https://a.example.org, https://b.example.org:8443"],
        &[
            "app.example.org",
            "https://app.example.org/",
            "https://App.example.org",
            "https://*.example.org",
            "*",
            " ",
            " https://a.org",
            "https://a.org ",
            "https://a.org,",
            "https://a.org,,https://b.org",
            "https://a.org https://b.org",
            "https://a.org:0443",
            "https://a.org:",
            "https://-a.org",
            "https://a..org",
            "null",
        ],
    ),
    (
        "CookieDomain",
        &["", "example.org", "A-b.example.org"],
        &[
            "https://example.org",
            ".example.org",
            "example.org.",
            "a b",
            "a_b.org",
            "-a.org",
            "a-.org",
            "example.org/",
            "*",
        ],
    ),
    (
        "MailFrom",
        &["", "No-Reply@example.org", "a.b+c@x-y.example.org"],
        &[
            "Ann <ann@example.org>",
            "ann<ann@example.org",
            "ann",
            "a..b@example.org",
            ".a@example.org",
            "a@-b.org",
            "a@b..org",
            " a@b.org",
            "a@b.org,c@d.org",
            "j\u{f6}rg@example.org",
        ],
    ),
    (
        "ServiceName",
        &["jea-auth", "J\u{f6}rg's \u{4e2d}\u{6587} service", " "],
        &["", "a\nb", "a\u{202e}b", "a\u{ad}b", "a: b"],
    ),
    ("Pages", &["on", "off"], &["", "yes"]),
    ("Passkeys", &["on", "off"], &["", "yes"]),
    (
        "PasskeyRpId",
        &["", "example.org", "Auth.Example.org"],
        &["https://example.org", ".example.org", "example.org.", "a b", "a_b.org", "-a.org", "example.org/", "*"],
    ),
    (
        "RequireFactor",
        &["off", "all", "All", "none", "editor", "J\u{f6}rg's \u{4e2d}\u{6587} editors"],
        &["", " ", "a\nb", "a\u{202e}b", "\u{200b}", "\u{3164}", "\u{2800}"],
    ),
];

/// Whether `CloudFormation` takes the value.
fn takes(parameter: &Value, value: &str) -> bool {
    let limit = |name: &str| parameter.get(name).and_then(Value::as_f64);
    if let Some(allowed) = parameter.get("AllowedValues") {
        return allowed.as_sequence().unwrap().iter().any(|allowed| text(allowed) == value);
    }
    if text(&parameter["Type"]) == "Number" {
        let Ok(number) = value.parse::<f64>() else { return false };
        return number >= limit("MinValue").unwrap() && number <= limit("MaxValue").unwrap();
    }
    let characters = f64::from(u32::try_from(value.chars().count()).unwrap());
    Regex::new(text(&parameter["AllowedPattern"])).unwrap().is_match(value)
        && characters >= limit("MinLength").unwrap_or(0.0)
        && characters <= limit("MaxLength").unwrap_or(4096.0)
}

/// Whether a function starts with the value in the variable.
fn starts_with(variable: &str, value: &str) -> bool {
    Config::from(|name| match name {
        _ if name == variable => Some(value.to_owned()),
        "ISSUER" => Some("https://auth.example.org".to_owned()),
        "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".to_owned()),
        _ => None,
    })
    .is_ok()
}

/// The variables with the parameter that each is set by.
fn set_by_parameters() -> Vec<(&'static str, String)> {
    let template = template();
    let variables = at(&template, &["Globals", "Function", "Environment", "Variables"]);
    let parameter = |name: &str| match name {
        // One of three.
        "ISSUER" => "Issuer".to_owned(),
        _ => text(at(variables, &[name])).to_owned(),
    };
    let named = VARIABLES.iter().map(|variable| (variable.name, parameter(variable.name)));
    named.filter(|(_, parameter)| parameter != "AWS::StackName").collect()
}

// Check 92.
#[test]
fn a_parameter_takes_what_the_functions_take_and_nothing_else() {
    let (template, set) = (template(), set_by_parameters());
    let named: BTreeSet<&str> = set.iter().map(|(_, parameter)| parameter.as_str()).collect();
    assert_eq!(TABLE.iter().map(|(parameter, ..)| *parameter).collect::<BTreeSet<_>>(), named);
    for (name, taken, refused) in TABLE {
        let parameter = at(&template, &["Parameters", name]);
        let variable = set.iter().find(|(_, parameter)| parameter == name).unwrap().0;
        for value in taken {
            assert!(takes(parameter, value), "{name}={value:?} is refused");
            assert!(starts_with(variable, value), "{variable}={value:?} keeps every function from starting");
        }
        for value in refused {
            assert!(!takes(parameter, value), "{name}={value:?} is taken");
            assert!(!starts_with(variable, value), "{variable}={value:?} is taken");
        }
        // At the longest, where a length is given.
        if let Some(longest) = parameter.get("MaxLength").and_then(Value::as_u64) {
            let begin = match name {
                "Issuer" => "https://a.org/",
                "MailFrom" => "a@b.",
                _ => "",
            };
            let long = |length: u64| {
                let rest = usize::try_from(length).unwrap() - begin.len();
                // Labels of a domain have 63 characters at the most.
                format!("{begin}{}", format!("{}.", "a".repeat(60)).repeat(9).get(..rest).unwrap())
            };
            let fits = long(longest);
            assert!(takes(parameter, &fits) && starts_with(variable, &fits), "{name} of {longest} characters: {fits}");
            assert!(!takes(parameter, &long(longest + 1)) && !starts_with(variable, &long(longest + 1)), "{name}");
        }
    }
}

// Check 92.
#[test]
fn whatever_a_pattern_of_a_parameter_takes_the_functions_start_with() {
    let template = template();
    for (variable, name) in set_by_parameters() {
        let parameter = at(&template, &["Parameters", &name]);
        let Some(pattern) = parameter.get("AllowedPattern").map(text) else { continue };
        let whole = pattern.strip_prefix('^').and_then(|pattern| pattern.strip_suffix('$')).unwrap();
        let values = string_regex(whole).unwrap();
        let mut runner = TestRunner::new(Cases { cases: 200, failure_persistence: None, ..Cases::default() });
        let starts = |value: String| {
            // An empty issuer is the gateway's URL.
            let is_set = !(name == "Issuer" && value.is_empty());
            if is_set && takes(parameter, &value) && !starts_with(variable, &value) {
                return Err(TestCaseError::fail(format!("{name}={value:?}")));
            }
            Ok(())
        };
        runner.run(&values, starts).unwrap();
    }
}

/// The domain of its own is the issuer, where that is not set.
// Check 92.
#[test]
fn a_domain_of_its_own_is_an_issuer() {
    let template = template();
    let parameter = at(&template, &["Parameters", "DomainName"]);
    for (value, is_taken) in [
        ("auth.example.org", true),
        ("Auth.example.org", false),
        ("*.example.org", false),
        ("https://auth.example.org", false),
        ("auth.example.org/", false),
        ("auth.example.org.", false),
        (" auth.example.org", false),
    ] {
        assert_eq!(takes(parameter, value), is_taken, "{value}");
    }
    assert!(starts_with("ISSUER", "https://auth.example.org"));
    let longest = at(parameter, &["MaxLength"]).as_u64().unwrap();
    assert!(usize::try_from(longest).unwrap() + "https://".len() <= jea_auth::domain::token::ISSUER_MAX_BYTES);
}

/// Parameters that no function reads, and that AWS would refuse in the middle of a deployment, or take and never serve.
#[test]
fn rules_refuse_parameters_that_do_not_go_together() {
    let template = template();
    let rule = |name: &str| -> Vec<String> {
        let assertions = at(&template, &["Rules", name, "Assertions"]).as_sequence().unwrap().iter();
        let told = assertions.map(|assertion| {
            assert!(text(&assertion["AssertDescription"]).ends_with('.'), "{name} says what to do");
            format!("{:?}", assertion["Assert"])
        });
        told.collect()
    };
    let told = rule("WholeDomain");
    let expected = [("DomainName", "CertificateArn"), ("CertificateArn", "DomainName"), ("HostedZoneId", "DomainName")];
    assert_eq!(told.len(), expected.len());
    for (assertion, (given, needed)) in told.iter().zip(expected) {
        let at = [given, needed].map(|parameter| assertion.find(&format!("{parameter:?}")).unwrap());
        assert!(at[0] < at[1] && assertion.matches("!Not").count() == 1, "{given} needs {needed}: {assertion}");
    }
    let rate = rule("RateThatWafTakes").concat();
    assert!((1..10).all(|rate_below_ten| rate.contains(&format!("{:?}", rate_below_ten.to_string()))), "{rate}");
    let backend = at(&template, &["Parameters", "BackendUrl"]);
    for (value, is_taken) in [
        ("", true),
        ("https://api.example.org/v1", true),
        ("http://api.example.org", false),
        ("https://api.example.org/", false),
        ("https://api.example.org/?a=b", false),
        ("https://api.example.org/{proxy}", false),
        ("https://", false),
    ] {
        assert_eq!(takes(backend, value), is_taken, "{value}");
    }
}

#[test]
fn no_condition_takes_an_element_of_a_list_that_may_be_empty() {
    let template = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).unwrap();
    let conditions = template.split("\nConditions:\n").nth(1).unwrap().split("\nGlobals:").next().unwrap();
    assert!(conditions.contains("HasOneOrigin") && !conditions.contains("Select"));
}
