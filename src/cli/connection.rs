//! The store and the keys that a command works on.

use std::time::Duration;

use aws_config::{BehaviorVersion, identity::IdentityCache};

use super::{Failure, Target, network};
use crate::{
    functions::app::Stack,
    local::{self, Endpoints},
    platform::{
        aws::{Aws, Limits},
        machine::environment,
        store::StoreError,
    },
};

/// Where `serve` listens if it is not told otherwise.
const LOCAL_DYNAMODB: &str = "http://127.0.0.1:8000";
const LOCAL_KMS: &str = "http://127.0.0.1:8001";
const LOCAL_SERVICE: &str = "http://localhost:3000";

/// How long credentials may take, from a program that asks its user for a code.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(55);

/// A stack, and where it is.
pub(super) struct Connection {
    pub(super) stack: Stack,
    /// The services that it is made of.
    pub(super) services: Aws,
    /// Where DynamoDB answers, if the region has one that the SDK knows.
    pub(super) dynamodb_url: Option<String>,
    /// Where the service answers, if that is known: a server with another database is not the one that listens where it
    /// does by itself.
    pub(super) service_url: Option<String>,
}

impl Target {
    /// Connects to AWS, with the environment and profiles that every AWS tool takes, or to this machine.
    pub(super) async fn connect(&self) -> Connection {
        let dynamodb_endpoint = environment("AWS_ENDPOINT_URL_DYNAMODB");
        let kms_endpoint = environment("AWS_ENDPOINT_URL_KMS");
        let service_url = (self.local && dynamodb_endpoint.is_none()).then(|| LOCAL_SERVICE.to_owned());
        let services = if self.local {
            let services = local::aws(Endpoints {
                dynamodb: dynamodb_endpoint.unwrap_or_else(|| LOCAL_DYNAMODB.to_owned()),
                kms: kms_endpoint.unwrap_or_else(|| LOCAL_KMS.to_owned()),
            });
            Aws { limits: Limits::PERSON, ..services }
        } else {
            let credentials = IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build();
            let config = aws_config::defaults(BehaviorVersion::latest()).http_client(network::for_aws());
            let sdk = config.identity_cache(credentials).load().await;
            let ses_endpoint = environment("AWS_ENDPOINT_URL_SESV2");
            Aws { sdk, limits: Limits::PERSON, dynamodb_endpoint, kms_endpoint, ses_endpoint }
        };
        let dynamodb_url = services.dynamodb_url().await;
        Connection { stack: Stack::new(&services, &self.stack), services, dynamodb_url, service_url }
    }

    /// What to do when the stack cannot be reached, or has an item that cannot be read.
    pub(super) fn unreachable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Failure {
        let cause: Box<dyn std::error::Error + Send + Sync> = Box::new(cause);
        let hint = if let Some(StoreError::Malformed { table, .. }) = cause.downcast_ref() {
            self.mended(table)
        } else if self.local {
            "is `jea-auth serve` running? With other ports, set AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL_KMS"
                .to_owned()
        } else {
            format!(
                "check region and credentials (`aws sts get-caller-identity`) and that there is a stack named {}; \
                 for a server on this machine add --local. HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE are taken",
                self.stack
            )
        };
        Failure { cause, hint: Some(hint) }
    }

    /// What to do about an item that is not as this version writes it.
    fn mended(&self, table: &str) -> String {
        if table == "accounts" {
            format!("mend the item in the table {}-{table}, or remove it with `jea-auth user delete EMAIL`", self.stack)
        } else {
            "`jea-auth doctor` names the item, and the command that removes it".to_owned()
        }
    }
}
