//! SDK clients: built once per process, and bounded in how long they try.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, IdentityCache, StalledStreamProtectionConfig,
    endpoint::{DefaultResolver, Params, ResolveEndpoint},
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
pub use aws_sdk_dynamodb::config::{RuntimeComponents, SharedHttpClient};
use aws_types::{SdkConfig, region::Region};

use super::{
    http,
    tries::{CALL_TRIES, CALL_WAIT, CALL_WAIT_MAX},
};

/// How long a client tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// One try of one call. The first one fetches the credentials as well.
    pub attempt: Duration,
    /// One call with all its tries.
    pub operation: Duration,
    /// How often it is tried.
    pub attempts: u32,
}

impl Limits {
    /// Of a function, which has its credentials and whose client waits: DynamoDB answers in single-digit milliseconds.
    /// The function's own time limit must be at least twice that of a call, or a client could see a cut connection
    /// instead of a 503.
    pub const FUNCTION: Self = Self {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(500),
        operation: Duration::from_millis(1500),
        attempts: CALL_TRIES,
    };
    /// Of a mail. `SendEmail` is not idempotent: whoever gives up early and tries again sends two, so it has the time
    /// that SES may take, and one try. The stream that the mail came from brings it again.
    pub const MAIL: Self = Self {
        connect: Duration::from_secs(2),
        attempt: Duration::from_secs(10),
        operation: Duration::from_secs(10),
        attempts: 1,
    };
    /// Of a person, over any line, whose credentials may come from a program that asks for a code; and of the stack on
    /// one machine, which may be busy.
    pub const PERSON: Self = Self {
        connect: Duration::from_secs(5),
        attempt: Duration::from_mins(1),
        operation: Duration::from_secs(90),
        attempts: CALL_TRIES,
    };

    fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    fn retries(self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(CALL_WAIT)
            .with_max_backoff(CALL_WAIT_MAX)
    }
}

/// Begins something once the calls that were begun beside it have left. The bytes of a call leave when its thread has
/// nothing else to do, and a function has one thread: the first of three calls would wait until all are made.
pub async fn giving_way<F: Future>(to_calls: u8, other: impl FnOnce() -> F) -> F::Output {
    for _ in 0..to_calls {
        tokio::task::yield_now().await;
    }
    other().await
}

/// Where the services are, and who asks.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Region and credentials, and a client for https if it is not to be a function's. Whatever it says of time limits
    /// and retries is replaced by what is said here.
    pub sdk: SdkConfig,
    /// How long a client tries.
    pub limits: Limits,
    /// DynamoDB's address, if it is not the region's own.
    pub dynamodb_endpoint: Option<String>,
    /// The address of KMS, if it is not the region's own.
    pub kms_endpoint: Option<String>,
    /// The address of SES, if it is not the region's own.
    pub ses_endpoint: Option<String>,
}

/// Region and credentials that do not change while the process lives.
pub struct StaticCredentials {
    /// The region's name.
    pub region: String,
    /// The id of the AWS access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
}

impl Aws {
    /// Region and credentials as AWS Lambda gives them, in environment variables, for the life of the process.
    #[must_use]
    pub fn fixed(fixed: StaticCredentials) -> SdkConfig {
        let StaticCredentials { region, access_key_id, secret_access_key, session_token } = fixed;
        let mut credentials = Credentials::builder().access_key_id(access_key_id).secret_access_key(secret_access_key);
        credentials.set_session_token(session_token);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials.provider_name("environment").build()))
            // They are in memory already.
            .identity_cache(IdentityCache::no_cache())
            .build()
    }

    /// A client for DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.limited(self.dynamodb_endpoint.as_deref(), self.limits))
    }

    /// Where DynamoDB answers: at the address that is said, or that of the region, whose partition has its own domain.
    pub async fn dynamodb_url(&self) -> Option<String> {
        if let Some(url) = &self.dynamodb_endpoint {
            return Some(url.clone());
        }
        let region = Params::builder().region(self.sdk.region()?.as_ref()).build().ok()?;
        Some(DefaultResolver::new().resolve_endpoint(&region).await.ok()?.url().to_owned())
    }

    /// A client for KMS.
    #[must_use]
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.limited(self.kms_endpoint.as_deref(), self.limits))
    }

    /// A client for SES, to ask it what it says of an account and its identities.
    #[must_use]
    pub fn ses(&self) -> aws_sdk_sesv2::Client {
        aws_sdk_sesv2::Client::new(&self.limited(self.ses_endpoint.as_deref(), self.limits))
    }

    /// A client for SES, to send mails.
    #[must_use]
    pub fn ses_for_mails(&self) -> aws_sdk_sesv2::Client {
        aws_sdk_sesv2::Client::new(&self.limited(self.ses_endpoint.as_deref(), Limits::MAIL))
    }

    fn limited(&self, endpoint: Option<&str>, limits: Limits) -> SdkConfig {
        let mut config = self.sdk.to_builder().timeout_config(limits.timeouts()).retry_config(limits.retries());
        // An answer is read to its end within the limit of a try, so nothing need watch how fast it comes.
        config.set_stalled_stream_protection(Some(StalledStreamProtectionConfig::disabled()));
        config.set_endpoint_url(endpoint.map(str::to_owned));
        let is_plain = endpoint.is_some_and(|url| url.starts_with("http://"));
        let given = self.sdk.http_client().filter(|_| !is_plain);
        config.http_client(given.unwrap_or_else(|| http::client(limits.connect, is_plain))).build()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::platform::tries::{BUCKET, CHANGE, CONFLICT, GENERATIONS, OPERATOR, UNPROCESSED};

    pub(in crate::platform) fn aws() -> Aws {
        let sdk = Aws::fixed(StaticCredentials {
            region: "eu-west-1".into(),
            access_key_id: "id".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        });
        let (limits, kms_endpoint) = (Limits::FUNCTION, Some("http://127.0.0.1:1".into()));
        Aws { sdk, limits, dynamodb_endpoint: None, kms_endpoint, ses_endpoint: None }
    }

    #[tokio::test]
    async fn dynamodb_is_in_the_region_s_own_partition() {
        for (region, url) in [
            ("eu-west-1", "https://dynamodb.eu-west-1.amazonaws.com"),
            ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://dynamodb.eusc-de-east-1.amazonaws.eu"),
        ] {
            let sdk = SdkConfig::builder().region(Region::new(region)).build();
            assert_eq!(Aws { sdk, ..aws() }.dynamodb_url().await.as_deref(), Some(url));
        }
    }

    // Check 91.
    #[test]
    fn a_mail_is_sent_once_and_has_the_time_that_ses_may_take() {
        let ses = aws().ses_for_mails();
        let timeouts = ses.config().timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(Duration::from_secs(2)));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(Duration::from_secs(10)));
        assert_eq!(timeouts.operation_timeout(), Some(Duration::from_secs(10)));
        assert_eq!(ses.config().retry_config().unwrap().max_attempts(), 1);
    }

    // Check 53.
    #[test]
    fn every_client_is_bounded_in_how_long_it_tries() {
        let aws = aws();
        let (dynamodb, kms, ses) = (aws.dynamodb(), aws.kms(), aws.ses());
        for timeouts in
            [dynamodb.config().timeout_config(), kms.config().timeout_config(), ses.config().timeout_config()]
        {
            let timeouts = timeouts.unwrap();
            assert_eq!(timeouts.connect_timeout(), Some(Duration::from_millis(500)));
            assert_eq!(timeouts.operation_attempt_timeout(), Some(Duration::from_millis(500)));
            assert_eq!(timeouts.operation_timeout(), Some(Duration::from_millis(1500)));
        }
        for retries in [dynamodb.config().retry_config(), kms.config().retry_config(), ses.config().retry_config()] {
            let retries = retries.unwrap();
            assert_eq!(retries.max_attempts(), 3);
            assert_eq!(retries.initial_backoff(), Duration::from_millis(25));
            assert_eq!(retries.max_backoff(), Duration::from_millis(50));
        }
    }

    // Check 52.
    #[test]
    fn the_waits_of_a_sequence_leave_half_of_its_time_to_the_calls() {
        for policy in [CONFLICT, CHANGE, OPERATOR, UNPROCESSED, GENERATIONS, BUCKET] {
            let waits: Duration = (1..u32::from(policy.tries)).map(|tried| policy.wait * tried).sum();
            assert!(waits * 2 <= Limits::FUNCTION.operation, "{policy:?}: {waits:?}");
        }
        assert!(CALL_WAIT_MAX * CALL_TRIES * 2 <= Limits::FUNCTION.operation);
    }
}
