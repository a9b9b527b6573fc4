//! What the machine gives: the time, random bytes, the environment, and a place for the log. A lint (`.clippy.toml`)
//! keeps other modules from asking for these themselves; each exception says why.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::{Layer, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::domain::{
    random::Random,
    time::{Clock, Timestamp},
};

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

/// Random bytes of this machine.
///
/// # Panics
/// If AWS-LC has none to give, in which case nothing may go on.
pub const RANDOM: Random = Random(fill);

/// So many random bytes of this machine.
///
/// # Panics
/// As [`RANDOM`].
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    RANDOM.bytes()
}

#[expect(clippy::disallowed_methods, reason = "this is the place that draws random bytes")]
fn fill(bytes: &mut [u8]) {
    let drawn = aws_lc_rs::rand::fill(bytes);
    assert!(drawn.is_ok(), "the random number generator failed");
}

/// One variable of the process's environment; an empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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
