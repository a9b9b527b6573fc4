//! The functions as they are deployed, and what is told of their times.

use std::{path::PathBuf, process::Command, time::Duration};

/// Builds the functions as they are deployed, without what the terminal program needs.
pub fn build() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/functions");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--no-default-features", "--features", "benchmark", "--bins"])
        .arg("--target-dir")
        .arg(&folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the functions are built");
    folder.join("release")
}

/// A quantile, in milliseconds.
pub fn quantile(times: &mut [Duration], of: f64) -> f64 {
    times.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = ((times.len() - 1) as f64 * of).round() as usize;
    times[place].as_secs_f64() * 1000.0
}
