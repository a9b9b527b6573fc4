//! Configuration: what the environment says, checked.

use std::{ops::RangeInclusive, time::Duration};

use lambda_http::http::StatusCode;

use crate::{
    api::Features,
    domain::{
        account::{DOMAIN_MAX_BYTES, Email, is_host, is_unseen},
        enrolment::{ROLE_MAX_CHARACTERS, RequireFactor},
        mail::Sender,
        session::Lifetimes,
        signing_key::TOKEN_LIFE_MAX,
        throttle::{Pace, Paces, WAIT_MAX},
        token::{ISSUER_MAX_BYTES, Issuer, TokenRules},
        webauthn::{InvalidRelyingParty, RelyingParty},
    },
    functions::logon::{Site, TokenDelivery},
    platform::{
        aws::{Aws, Limits, StaticCredentials},
        journal::Journal,
        machine::environment,
    },
    web::origin::TrustedOrigins,
};

/// Name of the stack where nothing else is said; prefix of its tables and its KMS alias.
pub const DEFAULT_STACK: &str = "jea-auth";

/// Longest audience, in bytes.
pub const AUDIENCE_MAX_BYTES: usize = ISSUER_MAX_BYTES;

/// Longest address that mails come from, in bytes: as long as the part before its `@` may be, which the pattern of a
/// parameter cannot count by itself.
pub const MAIL_FROM_MAX_BYTES: usize = 64;

/// Configuration of a Lambda function.
#[derive(Debug)]
pub struct Config {
    /// The stack's name.
    pub stack: String,
    /// Where AWS is.
    pub aws: Aws,
    /// What tokens say.
    pub tokens: TokenRules,
    /// How to answer.
    pub site: Site,
    /// Who sends mails, if anybody does.
    pub sender: Option<Sender>,
    /// How often passwords may be tried.
    pub paces: Paces,
    /// Whose accounts must have a second factor.
    pub require_factor: RequireFactor,
    /// Who passkeys are for, if there are any.
    pub passkeys: Option<RelyingParty>,
    /// How long the authorizer remembers a session.
    pub session_memory: Duration,
    /// Where the lines of the journal go.
    pub journal: Journal,
}

/// The configuration is wrong: a sentence for each variable that is missing or malformed, all of them at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad configuration: {}", .0.join("; "))]
pub struct BadConfig(Vec<String>);

/// A variable that the service reads: its name, and its default if it has one.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value where it is not set.
    pub default: Option<&'static str>,
}

/// The variables that the template sets: the stack's name, the service's URL, and what an operator chooses by
/// parameters.
pub const VARIABLES: [Variable; 20] = [
    Variable { name: "STACK_NAME", default: Some(DEFAULT_STACK) },
    Variable { name: "ISSUER", default: None },
    Variable { name: "AUDIENCE", default: Some("") },
    Variable { name: "TOKEN_DELIVERY", default: Some("cookie") },
    Variable { name: "FAILED_LOGON_STATUS", default: Some("401") },
    Variable { name: "TOKEN_SECONDS", default: Some("43200") },
    Variable { name: "SESSION_SECONDS", default: Some("604800") },
    Variable { name: "SESSION_MEMORY_SECONDS", default: Some("5") },
    Variable { name: "ACCOUNT_BURST", default: Some("10") },
    Variable { name: "ACCOUNT_SECONDS", default: Some("30") },
    Variable { name: "ADDRESS_BURST", default: Some("100") },
    Variable { name: "ADDRESS_SECONDS", default: Some("1") },
    Variable { name: "ALLOWED_ORIGINS", default: Some("") },
    Variable { name: "COOKIE_DOMAIN", default: Some("") },
    Variable { name: "MAIL_FROM", default: Some("") },
    Variable { name: "PAGES", default: Some("off") },
    Variable { name: "SERVICE_NAME", default: Some(DEFAULT_STACK) },
    Variable { name: "REQUIRE_FACTOR", default: Some("off") },
    Variable { name: "PASSKEYS", default: Some("off") },
    Variable { name: "PASSKEY_RP_ID", default: Some("") },
];

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    /// [`BadConfig`], with everything that is wrong.
    pub fn from_env() -> Result<Self, BadConfig> {
        Self::from(environment)
    }

    /// Reads variables from anywhere.
    ///
    /// # Errors
    /// [`BadConfig`], with everything that is wrong.
    pub fn from(read: impl Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut reader = Reader { read, wrong: Vec::new() };
        let issuer = reader.take(
            "ISSUER",
            |text| Issuer::parse(text).ok(),
            "an http(s) URL with a host in lower case and without a slash at its end, of at most 512 characters",
        );
        let audience = reader.take("AUDIENCE", audience, "at most 512 printable ASCII characters");
        let stack = reader.take("STACK_NAME", |text| (!text.is_empty()).then(|| text.to_owned()), "a stack's name");
        let delivery = reader.take("TOKEN_DELIVERY", TokenDelivery::named, "cookie or body");
        let failed_logon_status = reader.take("FAILED_LOGON_STATUS", failed_logon_status, "401 or 200");
        let token = reader.take("TOKEN_SECONDS", |text| seconds(text, 60..=TOKEN_LIFE_MAX.as_secs()), "60 to 604800");
        let session = reader.take("SESSION_SECONDS", |text| seconds(text, 60..=31_536_000), "60 to 31536000");
        let session_memory = reader.take("SESSION_MEMORY_SECONDS", |text| seconds(text, 0..=300), "0 to 300");
        let configured =
            reader.take("ALLOWED_ORIGINS", origins, "origins like https://app.example.org, with commas between");
        let account = reader.pace("ACCOUNT_BURST", "ACCOUNT_SECONDS");
        let address = reader.pace("ADDRESS_BURST", "ADDRESS_SECONDS");
        let cookie_domain = reader.take("COOKIE_DOMAIN", domain, "a domain name");
        let mail_from = reader.take("MAIL_FROM", mail_from, "an email in ASCII of at most 64 characters, or nothing");
        let service_name = reader.take("SERVICE_NAME", service_name, "1 to 64 printable characters without a colon");
        let pages = reader.take("PAGES", on_or_off, "on or off");
        let require_factor = reader.take(
            "REQUIRE_FACTOR",
            RequireFactor::parse,
            &format!("off, all, or the name of a role, of at most {ROLE_MAX_CHARACTERS} characters"),
        );
        let passkeys = reader.take("PASSKEYS", on_or_off, "on or off");
        let rp_id = reader.take("PASSKEY_RP_ID", domain, "a domain name, or nothing");
        let party = match (&issuer, passkeys, &rp_id) {
            (Some(issuer), Some(true), Some(id)) => reader.party(issuer, id),
            _ => None,
        };
        // A page keeps no token, so a token in an answer's body would be lost with the page.
        if pages == Some(true) && delivery == Some(TokenDelivery::Body) {
            reader.wrong.push("PAGES must be off if TOKEN_DELIVERY is body".to_owned());
        }
        let aws = reader.aws();
        let read = (issuer, audience, stack, delivery, failed_logon_status, token, session, session_memory);
        let (
            (
                Some(issuer),
                Some(audience),
                Some(stack),
                Some(delivery),
                Some(failed_logon_status),
                Some(token),
                Some(session),
                Some(session_memory),
            ),
            (Some(configured), Some(cookie_domain), Some(aws), Some(account), Some(address)),
            (Some(mail_from), Some(service), Some(pages), Some(require_factor), Some(passkeys)),
            true,
        ) = (
            read,
            (configured, cookie_domain, aws, account, address),
            (mail_from, service_name, pages, require_factor, passkeys),
            reader.wrong.is_empty(),
        )
        else {
            return Err(BadConfig(reader.wrong));
        };
        let scheme = issuer.scheme();
        Ok(Self {
            journal: Journal::Metrics { stack: stack.clone() },
            stack,
            aws,
            tokens: TokenRules {
                issuer: issuer.clone(),
                audience: if audience.is_empty() { issuer.as_str().to_owned() } else { audience },
                lifetimes: Lifetimes { token, session },
            },
            sender: (!mail_from.is_empty()).then(|| Sender {
                from: mail_from.clone(),
                service: service.clone(),
                issuer: issuer.clone(),
                pages,
            }),
            site: Site {
                features: Features { mail: !mail_from.is_empty(), pages, passkeys },
                issuer,
                delivery,
                failed_logon_status,
                cookie_domain: (!cookie_domain.is_empty()).then_some(cookie_domain),
                origins: TrustedOrigins { scheme, configured },
                service,
            },
            paces: Paces { account, address },
            require_factor,
            passkeys: party,
            session_memory,
        })
    }
}

struct Reader<R> {
    read: R,
    wrong: Vec<String>,
}

impl<R: Fn(&str) -> Option<String>> Reader<R> {
    fn take<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        let default = VARIABLES.iter().find(|variable| variable.name == name).and_then(|variable| variable.default);
        let Some(text) = (self.read)(name).or_else(|| default.map(str::to_owned)) else {
            self.wrong.push(format!("{name} is not set; it must be {expected}"));
            return None;
        };
        let value = parse(&text);
        if value.is_none() {
            self.wrong.push(format!("{name} must be {expected}"));
        }
        value
    }

    fn pace(&mut self, burst: &str, interval: &str) -> Option<Pace> {
        let burst =
            self.take(burst, |text| whole(text, 1..=10_000).and_then(|burst| u32::try_from(burst).ok()), "1 to 10000");
        // A wait is one interval at the most, and must not be longer than a quarter of an hour.
        let interval = self.take(interval, |text| seconds(text, 1..=WAIT_MAX.as_secs()), "1 to 900");
        Some(Pace { burst: burst?, interval: interval? })
    }

    /// Who passkeys are for: the issuer's host, or the domain above it that `id` names.
    fn party(&mut self, issuer: &Issuer, id: &str) -> Option<RelyingParty> {
        match RelyingParty::new(issuer, Some(id).filter(|id| !id.is_empty())) {
            Ok(party) => Some(party),
            Err(error @ InvalidRelyingParty::NoName(_)) => {
                self.wrong.push(format!("PASSKEYS must be off, or ISSUER another one: {error}"));
                None
            }
            Err(error @ InvalidRelyingParty::NotAbove { .. }) => {
                self.wrong.push(format!("PASSKEY_RP_ID must be empty, or another one: {error}"));
                None
            }
        }
    }

    /// What Lambda itself sets, and the endpoints that every AWS SDK knows.
    fn aws(&mut self) -> Option<Aws> {
        let region = self.take("AWS_REGION", |text| Some(text.to_owned()), "a region's name");
        let key = self.take("AWS_ACCESS_KEY_ID", |text| Some(text.to_owned()), "an access key id");
        let secret = self.take("AWS_SECRET_ACCESS_KEY", |text| Some(text.to_owned()), "a secret access key");
        Some(Aws {
            sdk: Aws::fixed(StaticCredentials {
                region: region?,
                access_key_id: key?,
                secret_access_key: secret?,
                session_token: (self.read)("AWS_SESSION_TOKEN"),
            }),
            limits: Limits::FUNCTION,
            dynamodb_endpoint: (self.read)("AWS_ENDPOINT_URL_DYNAMODB"),
            kms_endpoint: (self.read)("AWS_ENDPOINT_URL_KMS"),
            ses_endpoint: (self.read)("AWS_ENDPOINT_URL_SESV2"),
        })
    }
}

fn audience(text: &str) -> Option<String> {
    let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (is_printable && text.len() <= AUDIENCE_MAX_BYTES).then(|| text.to_owned())
}

fn failed_logon_status(text: &str) -> Option<StatusCode> {
    match text {
        "401" => Some(StatusCode::UNAUTHORIZED),
        "200" => Some(StatusCode::OK),
        _ => None,
    }
}

/// A parameter of the type `Number` takes fractions too (`CloudFormation` User Guide, "Parameters"). What is below one
/// is dropped.
fn whole(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    let number = Duration::try_from_secs_f64(text.parse().ok()?).ok()?;
    Some(number.as_secs()).filter(|number| range.contains(number))
}

fn seconds(text: &str, range: RangeInclusive<u64>) -> Option<Duration> {
    whole(text, range).map(Duration::from_secs)
}

/// Whether the text is an origin, as a browser writes it: `https://app.example.org` (WHATWG URL, "host serializing": in
/// lower case).
#[must_use]
pub fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| {
        (1..=5).contains(&port.len()) && !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    is_host(host) && !host.bytes().any(|byte| byte.is_ascii_uppercase()) && port.is_none_or(is_port)
}

fn origins(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.replace(", ", ",").split(',').map(|origin| is_origin(origin).then(|| origin.to_owned())).collect()
}

fn on_or_off(text: &str) -> Option<bool> {
    [("on", true), ("off", false)].into_iter().find(|(name, _)| *name == text).map(|(_, is_on)| is_on)
}

/// It stands in a header as it is written here.
fn mail_from(text: &str) -> Option<String> {
    let is_address = || {
        text.len() <= MAIL_FROM_MAX_BYTES
            && text.is_ascii()
            && text == text.trim()
            && Email::canonical(text).can_be_mailed()
    };
    (text.is_empty() || is_address()).then(|| text.to_owned())
}

/// It stands in the subject of mails, and in the label of a second factor, where a colon ends it ("Key Uri Format" of
/// Google Authenticator, "Label").
fn service_name(text: &str) -> Option<String> {
    let is_name = (1..=64).contains(&text.chars().count()) && !text.contains(':') && !text.chars().any(is_unseen);
    is_name.then(|| text.to_owned())
}

fn domain(text: &str) -> Option<String> {
    (text.is_empty() || (text.len() <= DOMAIN_MAX_BYTES && is_host(text))).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
