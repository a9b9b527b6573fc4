//! HTTP/1.1 for the SDK's clients: with TLS, or without to a local endpoint.
//!
//! The SDK has a client of its own, `aws-smithy-http-client`, which can do more: HTTP/2, of which a service has no use
//! that asks for a few answers at once, and proxies. Both are a tenth of the log-on function, and nobody can leave them
//! out. The command line has that client, for its proxies.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

/// A client whose connections are made within a limit; the handshake of TLS is part of the try that waits for it.
/// `is_plain` says that no certificates are needed: to read them takes a start some time.
#[must_use]
pub fn client(connect_within: Duration, is_plain: bool) -> SharedHttpClient {
    let tls = if is_plain { trusting(RootCertStore::empty()) } else { ClientConfig::clone(&TLS) };
    client_with(connect_within, tls)
}

fn client_with(connect_within: Duration, tls: ClientConfig) -> SharedHttpClient {
    let mut tcp = connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_within));
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    let pool = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
    let connector = SharedHttpConnector::new(Connector(pool));
    http_client_fn(move |_, _| connector.clone())
}

/// With the system's root certificates, read once for all clients of a process.
static TLS: LazyLock<ClientConfig> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        tracing::error!(errors = ?found.errors, "no root certificate was found, so no call over TLS will succeed");
    }
    trusting(roots)
});

fn trusting(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    #[expect(clippy::expect_used, reason = "the provider has the suites of both versions")]
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("suites");
    versions.with_root_certificates(roots).with_no_client_auth()
}

#[derive(Debug)]
struct Connector(Client<HttpsConnector<connect::HttpConnector>, SdkBody>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = connect::capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            // What the SDK gives up a connection by whose far end is not well: the next try makes another.
            capture.set_connection_retriever(move || {
                let connection = connection.clone();
                let give_up = move || {
                    if let Some(connected) = connection.connection_metadata().as_ref() {
                        connected.poison();
                    }
                };
                Some(ConnectionMetadata::builder().proxied(false).poison_fn(give_up).build())
            });
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            // The request is the SDK's own, so whatever fails is the connection, and may succeed at another try.
            let answer = answer.await.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_sdk_kms::{
        Config,
        config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    };
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const DONE: &str = "200 OK";
    const BROKEN: &str = "500 Internal Server Error";

    /// Answers each request of a connection with the next of `statuses`.
    async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, statuses: &[&str], answered: &AtomicUsize) {
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            // A body of an empty object ends each of them.
            if request.ends_with(b"{}") {
                let status = statuses[answered.fetch_add(1, Ordering::Relaxed)];
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
                request.clear();
            }
        }
    }

    /// KMS at an address: of the services that the SDK calls, the one whose client this layer need not hide.
    fn kms(url: &str, client: SharedHttpClient) -> aws_sdk_kms::Client {
        let credentials = Credentials::builder().access_key_id("id").secret_access_key("secret").provider_name("test");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("local"))
            .credentials_provider(credentials.build())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .endpoint_url(url)
            .http_client(client);
        aws_sdk_kms::Client::from_conf(config.build())
    }

    /// How many keys there are.
    async fn keys(kms: &aws_sdk_kms::Client) -> Result<usize, String> {
        let answer = kms.list_keys().send().await;
        answer.map(|keys| keys.keys().len()).map_err(|error| format!("{error:?}"))
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_trusts_is_refused() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.der().clone(), PrivateKeyDer::try_from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    serve(stream, &[DONE], &AtomicUsize::default()).await;
                });
            }
        });
        let (limit, mut roots) = (Duration::from_secs(5), RootCertStore::empty());
        roots.add(certificate).unwrap();
        let (name, address) = (format!("https://localhost:{port}"), format!("https://127.0.0.1:{port}"));
        let refused = keys(&kms(&name, client(limit, false))).await.unwrap_err();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
        let trusting_it = client_with(limit, trusting(roots));
        let of_another = keys(&kms(&address, trusting_it.clone())).await.unwrap_err();
        assert!(of_another.contains("NotValidForName"), "{of_another}");
        assert_eq!(keys(&kms(&name, trusting_it)).await, Ok(0));
    }

    #[tokio::test]
    async fn a_connection_whose_far_end_fails_is_given_up_and_one_that_works_is_kept() {
        for (statuses, connections) in [([DONE, DONE].as_slice(), 1), ([BROKEN, DONE, DONE].as_slice(), 2)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let made = Arc::new(AtomicUsize::default());
            let counted = Arc::clone(&made);
            tokio::spawn(async move {
                let answered = Arc::new(AtomicUsize::default());
                while let Ok((stream, _)) = listener.accept().await {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let answered = Arc::clone(&answered);
                    tokio::spawn(async move { serve(stream, statuses, &answered).await });
                }
            });
            let kms = kms(&url, client(Duration::from_secs(5), true));
            for _ in 0..2 {
                assert_eq!(keys(&kms).await, Ok(0));
            }
            assert_eq!(made.load(Ordering::Relaxed), connections, "{statuses:?}");
        }
    }
}
