//! Whether the service answers at its URL, with the keys of the table and the release of this program.

use serde_json::Value;

use super::{Finding, State};
use crate::{
    api::Operation,
    cli::{network, output},
    domain::{signing_key::SigningKey, time::Timestamp},
};

const KEYS: &str = "public keys";
const RELEASE: &str = "release";
const URL: &str = "give the stack's output Url; without a domain of its own it ends in /prod";

/// Regions in which the public suffix list does not have `execute-api` (list of October 2026): a stranger's API there
/// can set a cookie for the domain of all of them.
const WITHOUT_PUBLIC_SUFFIX: [&str; 5] =
    ["ap-east-2", "ap-southeast-6", "ap-southeast-7", "eusc-de-east-1", "mx-central-1"];

pub(super) async fn check(keys: &[SigningKey], now: Timestamp, url: Option<&str>) -> Vec<Finding> {
    let Some(url) = url.map(|url| url.trim_end_matches('/')) else {
        let todo = "give the service's URL with --url, or in ISSUER";
        return vec![Finding::not(State::Skipped, KEYS, "no URL to ask", todo)];
    };
    let mut findings = match network::object(url, Operation::Jwks).await {
        Ok(set) => match set.get("keys").and_then(Value::as_array) {
            Some(published) => vec![compared(published, keys, now), release(url).await],
            None => vec![Finding::not(State::Error, KEYS, format!("{url} publishes no key set"), URL)],
        },
        Err(found) => vec![Finding::not(State::Error, KEYS, found, URL)],
    };
    findings.extend(neighbours(url));
    findings
}

fn compared(published: &[Value], keys: &[SigningKey], now: Timestamp) -> Finding {
    let mut published: Vec<&str> = published.iter().filter_map(|key| key.get("kid")?.as_str()).collect();
    let mut stored: Vec<&str> =
        keys.iter().filter(|key| key.window.verifies_at(now)).map(|key| key.jwk.key_id().as_str()).collect();
    published.sort_unstable();
    stored.sort_unstable();
    if published == stored {
        Finding::ok(KEYS, format!("as in the table: {}", output::count(stored.len(), "key")))
    } else {
        let todo = "ask again in six minutes, when caches are over";
        Finding::not(State::Warning, KEYS, "other keys than in the table", todo)
    }
}

async fn release(url: &str) -> Finding {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    match network::object(url, Operation::Info).await {
        Ok(info) => match info.get("Release").and_then(Value::as_str) {
            Some(OWN) => Finding::ok(RELEASE, format!("{OWN}, as this program")),
            other => {
                let found = format!("the service is {}, this program {OWN}", other.unwrap_or("of no release"));
                let todo = "use the program of the release that is deployed, or a later one";
                Finding::not(State::Warning, RELEASE, found, todo)
            }
        },
        Err(found) => Finding::not(State::Error, RELEASE, found, URL),
    }
}

/// Whether strangers' APIs can set cookies for this one.
fn neighbours(url: &str) -> Option<Finding> {
    let region = url.split_once(".execute-api.")?.1.split('.').next()?;
    WITHOUT_PUBLIC_SUFFIX.contains(&region).then(|| {
        let found = format!("any API in {region} can plant a session_token here, which no log-on clears");
        Finding::not(State::Warning, "cookies", found, "deploy with a DomainName of your own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_set_cookies_only_where_the_public_suffix_list_has_a_gap() {
        for (host, is_warned_of) in [
            ("abc.execute-api.mx-central-1.amazonaws.com", true),
            ("abc.execute-api.eusc-de-east-1.amazonaws.eu", true),
            ("abc.execute-api.eu-west-1.amazonaws.com", false),
            ("auth.example.org", false),
        ] {
            assert_eq!(neighbours(&format!("https://{host}/prod")).is_some(), is_warned_of, "{host}");
        }
    }
}
