//! The composition root. It reads the clock, draws random bytes, and puts the parts together; nothing else does.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::{Layer, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::{
    access::Access,
    authorizer::AuthorizerFunction,
    causes::Causes,
    config::{Config, environment},
    event::Event,
    http::LogonFunction,
    journal::{Entry, Journal, Measure},
    keyring::{Keyring, KeyringError},
    kms::Kms,
    operations::{Fresh, Operations},
    signing_key::{self, KeyId},
    store::Store,
    time::{Clock, Timestamp},
};

/// Runs the log-on function until Lambda ends it.
///
/// # Errors
/// [`crate::config::BadConfig`], or what the Runtime API says.
pub async fn run_logon() -> Result<(), Error> {
    start_log();
    let function = &logon(&Config::from_env()?, system_clock());
    function.operations.warm_up(now()).await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await.for_gateway(&event.payload))
    }))
    .await
}

/// Runs the authorizer function until Lambda ends it.
///
/// # Errors
/// [`crate::config::BadConfig`], or what the Runtime API says.
pub async fn run_authorizer() -> Result<(), Error> {
    start_log();
    let function = &authorizer(&Config::from_env()?, system_clock());
    function.access.warm_up().await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        function.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}

/// Runs the rotator function until Lambda ends it: each invocation, whatever its event, makes the key that is due.
///
/// # Errors
/// [`crate::config::BadConfig`], or what the Runtime API says.
pub async fn run_rotator() -> Result<(), Error> {
    start_log();
    let config = Config::from_env()?;
    let (keyring, journal) = (&keyring(&config), &config.journal);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<serde::de::IgnoredAny>| async move {
        let made = look_after_keys(keyring, journal, &event.context.request_id).await.inspect_err(|error| {
            tracing::error!(error = %Causes(error), "the keys were not looked after");
        })?;
        Ok::<_, Error>(serde_json::json!({"made": made.map(String::from)}))
    }))
    .await
}

/// Makes the key that is due, and tells the journal how the keys stand.
async fn look_after_keys(
    keyring: &Keyring,
    journal: &Journal,
    request_id: &str,
) -> Result<Option<KeyId>, KeyringError> {
    let now = now();
    let made = keyring.make_due(now, &random()).await?;
    let keys = keyring.stored().await?;
    let newest = signing_key::chain(&keys, now).iter().map(|key| key.created).max();
    let signs_through = signing_key::signs_through(&keys, now);
    let measures = [
        Measure::Days("KeyAge", newest.map_or(Duration::ZERO, |created| now.since(created))),
        Measure::Days("SigningDaysLeft", signs_through.map_or(Duration::ZERO, |until| until.since(now))),
    ];
    let outcome = if made.is_some() { "a key was made" } else { "no key was due" };
    journal.write(now, &Entry { event: "rotation", outcome, reason: None, request_id, account: None }, &measures);
    Ok(made)
}

/// Starts the log on stderr, in the form and from the level that Lambda is told ("Log and monitor" in its Developer
/// Guide). Other crates are heard from warnings on: at lower levels the SDK would write down what it sends.
pub fn start_log() {
    let level = environment("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let targets =
        Targets::new().with_default(LevelFilter::WARN.min(level)).with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match environment("AWS_LAMBDA_LOG_FORMAT").as_deref() {
        Some("JSON") => lines.json().flatten_event(true).boxed(),
        Some(_) | None => lines.boxed(),
    };
    // An error means that a log runs already, as in a test.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
}

/// The log-on function.
#[must_use]
pub fn logon(config: &Config, clock: Clock) -> LogonFunction {
    LogonFunction {
        operations: Operations::new(
            Store::new(config.aws.dynamodb(), &config.stack),
            keyring(config),
            config.tokens.clone(),
            config.paces,
        ),
        site: config.site.clone(),
        clock,
        fresh,
        journal: config.journal.clone(),
    }
}

/// The authorizer function.
#[must_use]
pub fn authorizer(config: &Config, clock: Clock) -> AuthorizerFunction {
    let store = Store::new(config.aws.dynamodb(), &config.stack);
    let access = Access::new(store, config.tokens.clone(), config.site.origins.clone(), config.session_memory);
    AuthorizerFunction { access, clock, journal: config.journal.clone() }
}

/// The keys of the stack.
#[must_use]
pub fn keyring(config: &Config) -> Keyring {
    let store = Store::new(config.aws.dynamodb(), &config.stack);
    Keyring::new(store, Kms::new(config.aws.kms(), &config.stack))
}

/// The time of this machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(now)
}

/// Now, by the clock of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0).plus(since_epoch)
}

/// Random bytes for one operation.
#[must_use]
pub fn fresh() -> Fresh {
    let sids = [[random(), random()], [random(), random()]];
    Fresh { sids, jti: random(), salt: random(), device: random() }
}

/// Random bytes.
///
/// # Panics
/// If AWS-LC has none to give, in which case nothing may go on.
#[expect(clippy::disallowed_methods, reason = "this is the place that draws random bytes")]
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let drawn = aws_lc_rs::rand::fill(&mut bytes);
    assert!(drawn.is_ok(), "the random number generator failed");
    bytes
}
