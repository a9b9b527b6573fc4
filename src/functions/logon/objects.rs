//! The JSON objects that answers of several operations share.

use std::borrow::Cow;

use aws_smithy_types::{DateTime, date_time::Format};
use serde::Serialize;

use super::Reason;
use crate::domain::time::Timestamp;

/// Every refusal and every error.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct Failed<'a> {
    pub(crate) ok: bool,
    pub(crate) status: &'a str,
    #[serde(flatten)]
    pub(crate) lacks: Lacks,
    /// What is wrong, in a word that never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "terminal", schemars(with = "Reason"))]
    pub(crate) reason: Option<Reason>,
}

/// What is still needed beside a right password.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct Lacks {
    /// `otp`: a code of the second factor; `enrol`: a second factor must be set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<&'static str>,
    /// `password`: another password must come with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
}

impl Lacks {
    pub(super) const NOTHING: Self = Self { factor: None, change: None };
    pub(super) const CODE: Self = Self { factor: Some("otp"), change: None };
    pub(super) const FACTOR: Self = Self { factor: Some("enrol"), change: None };
    pub(super) const ANOTHER_PASSWORD: Self = Self { factor: None, change: Some("password") };
}

/// The answer of an operation that has nothing to give back.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema))]
pub(crate) struct Succeeded {
    ok: bool,
    status: Cow<'static, str>,
}

impl Succeeded {
    pub(super) fn new(status: impl Into<Cow<'static, str>>) -> Self {
        Self { ok: true, status: status.into() }
    }
}

/// The answer of an operation that gives back `data`.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(rename = "{T}Included"))]
pub(crate) struct Included<T> {
    ok: bool,
    status: &'static str,
    data: T,
}

impl<T: Serialize> Included<T> {
    pub(super) fn new(status: &'static str, data: T) -> Self {
        Self { ok: true, status, data }
    }
}

// What a date is, a schema says by its format.
#[derive(Serialize)]
#[cfg_attr(feature = "terminal", derive(schemars::JsonSchema), schemars(inline))]
pub(super) struct Date(#[cfg_attr(feature = "terminal", schemars(extend("format" = "date-time")))] String);

/// A second as RFC 3339 writes it, in UTC: `2026-11-25T22:59:22Z`.
pub(super) fn date(at: Timestamp) -> Date {
    let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    // The year 10,000 and later has no form there.
    Date(DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_written_as_a_date() {
        for (seconds, written) in [(0, "1970-01-01T00:00:00Z"), (1_795_647_562, "2026-11-25T22:59:22Z"), (u64::MAX, "")]
        {
            assert_eq!(date(Timestamp::from_seconds(seconds)).0, written);
        }
    }
}
