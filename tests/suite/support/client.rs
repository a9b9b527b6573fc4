//! HTTP clients of the tests.

use reqwest::{Client, ClientBuilder};

/// What is under test listens for plain http, so no root certificate is read: a client that reads the system's takes longer for
/// that than a log-on takes.
pub fn builder() -> ClientBuilder {
    Client::builder().tls_certs_only([])
}

/// A client that keeps nothing.
pub fn plain() -> Client {
    builder().build().unwrap()
}
