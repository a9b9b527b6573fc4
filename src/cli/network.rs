//! How the program gets to AWS and to a service: by the proxy and with the root certificates that the environment names
//! for AWS's own tools too (AWS CLI User Guide, "Using an HTTP proxy for the AWS CLI", "Environment variables").

use std::{fs, time::Duration};

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use reqwest::{Certificate, Url};
use serde_json::Value;

use super::Failure;
use crate::{
    api::Operation,
    causes::Causes,
    platform::{
        aws::{RuntimeComponents, SharedHttpClient},
        machine::environment,
    },
};

const BUNDLE: &str = "AWS_CA_BUNDLE";
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Root certificates in the place of the system's.
pub(super) struct Roots {
    /// The file, in PEM.
    bundle: Vec<u8>,
    certificates: Vec<Certificate>,
}

/// The root certificates that the environment names, if it names any.
///
/// # Errors
/// The file cannot be read, or holds no certificates.
pub(super) fn roots() -> Result<Option<Roots>, Failure> {
    const HINT: &str = "name a file of root certificates in PEM with AWS_CA_BUNDLE, or unset it";
    let Some(path) = environment(BUNDLE) else { return Ok(None) };
    let bundle = fs::read(&path).map_err(|error| Failure::new(format!("{BUNDLE} names {path}: {error}"), HINT))?;
    match Certificate::from_pem_bundle(&bundle) {
        Ok(certificates) if !certificates.is_empty() => Ok(Some(Roots { bundle, certificates })),
        Ok(_) | Err(_) => Err(Failure::new(format!("{BUNDLE} names {path}, which holds no certificates"), HINT)),
    }
}

/// For the AWS SDK. A function has neither proxy nor bundle, so that its start reads nothing of the kind.
pub(super) fn for_aws() -> SharedHttpClient {
    let roots = roots().ok().flatten().map(|roots| TrustStore::empty().with_pem_certificate(roots.bundle));
    let context = TlsContext::builder().with_trust_store(roots.unwrap_or_default()).build().unwrap_or_default();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        let connector = connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context.clone());
        connector.proxy_config(ProxyConfig::from_env()).build()
    })
}

/// Asks a URL. This machine is asked directly: a proxy elsewhere has another loopback.
pub(super) async fn get(url: &str) -> Result<reqwest::Response, reqwest::Error> {
    let mut client = reqwest::Client::builder().timeout(TIMEOUT);
    if let Some(Roots { certificates, .. }) = roots().ok().flatten() {
        client = client.tls_certs_only(certificates);
    }
    if Url::parse(url).is_ok_and(|url| is_loopback(&url)) {
        client = client.no_proxy();
    }
    client.build()?.get(url).send().await
}

/// What an operation of the service answers that anybody may ask for; else, what was found.
pub(super) async fn object(url: &str, operation: Operation) -> Result<Value, String> {
    let url = format!("{}{}", url.trim_end_matches('/'), operation.route().path);
    let answer = get(&url).await;
    let answer = answer.map_err(|error| format!("{url} does not answer: {}", Causes(&error).deepest()))?;
    let status = answer.status();
    if status != reqwest::StatusCode::OK {
        return Err(format!("{url} answers {status}"));
    }
    Ok(answer.json().await.unwrap_or_default())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_loopback_addresses() {
        for (url, is) in [
            ("http://127.0.0.1:3000/a", true),
            ("http://127.1.2.3", true),
            ("http://localhost:3000", true),
            ("http://[::1]:3000", true),
            ("https://localhost.example.org", false),
            ("https://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), is, "{url}");
        }
    }
}
