//! The journal: one line for each event, with its measures, in CloudWatch's Embedded Metric Format. CloudWatch makes
//! metrics of it without a call from here.
//!
//! No line holds an email, a password or a token. An account is named by the keyed hash that the throttle knows it by.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::domain::time::Timestamp;

/// The namespace of all metrics. Their dimensions are the stack; those that count something have the stack with the
/// reason of a refusal as well. Each combination that occurs is a metric that CloudWatch bills, so a time has none of
/// the latter.
pub const NAMESPACE: &str = "jea-auth";

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Journal {
    /// To stdout, as CloudWatch reads them, for the metrics of this stack.
    Metrics {
        /// The stack's name.
        stack: String,
    },
    /// To the log, for a person.
    Log,
}

/// What one event came to.
pub struct Entry<'a> {
    /// The kind of event.
    pub event: &'static str,
    /// What came of it.
    pub outcome: &'a str,
    /// Why, if it was refused.
    pub reason: Option<&'a str>,
    /// The gateway's id of the request; it is in the access log too.
    pub request_id: &'a str,
    /// The keyed hash of the email, if a log-on got that far.
    pub account: Option<&'a str>,
}

/// What is counted or measured. The template's alarms, its dashboard and the documentation name these; tests compare
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Log-ons that succeeded.
    LogOns,
    /// Log-ons that were refused, and failed confirmations.
    LogOnsRefused,
    /// Log-ons that had to wait.
    LogOnsThrottled,
    /// Changes of accounts and ends of sessions by their owners.
    AccountChanges,
    /// Those that were refused, but for a wrong password.
    AccountChangesRefused,
    /// Answers with 503.
    Unavailable,
    /// The time of a log-on's hash.
    HashTime,
    /// Log-ons that were asked for a code: the password was right, and none came.
    CodesAsked,
    /// Wrong codes of a second factor, after a right password.
    FactorRefused,
    /// The time of a log-on's calls of DynamoDB.
    StoreTime,
    /// Mails that SES took.
    MailsSent,
    /// Tries to send a mail that failed, and mails that were given up.
    MailsFailed,
    /// Requests that the authorizer let pass.
    Allowed,
    /// Requests that it refused.
    Denied,
    /// Requests that it could not decide.
    Undecided,
    /// Its time.
    AuthorizerTime,
    /// Since the newest key was made.
    KeyAge,
    /// Until no key signs.
    SigningDaysLeft,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::LogOns,
        Self::LogOnsRefused,
        Self::LogOnsThrottled,
        Self::AccountChanges,
        Self::AccountChangesRefused,
        Self::Unavailable,
        Self::CodesAsked,
        Self::FactorRefused,
        Self::HashTime,
        Self::StoreTime,
        Self::MailsSent,
        Self::MailsFailed,
        Self::Allowed,
        Self::Denied,
        Self::Undecided,
        Self::AuthorizerTime,
        Self::KeyAge,
        Self::SigningDaysLeft,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LogOns => "LogOns",
            Self::LogOnsRefused => "LogOnsRefused",
            Self::LogOnsThrottled => "LogOnsThrottled",
            Self::AccountChanges => "AccountChanges",
            Self::AccountChangesRefused => "AccountChangesRefused",
            Self::Unavailable => "Unavailable",
            Self::CodesAsked => "CodesAsked",
            Self::FactorRefused => "FactorRefused",
            Self::HashTime => "HashTime",
            Self::StoreTime => "StoreTime",
            Self::MailsSent => "MailsSent",
            Self::MailsFailed => "MailsFailed",
            Self::Allowed => "Allowed",
            Self::Denied => "Denied",
            Self::Undecided => "Undecided",
            Self::AuthorizerTime => "AuthorizerTime",
            Self::KeyAge => "KeyAge",
            Self::SigningDaysLeft => "SigningDaysLeft",
        }
    }
}

/// One measure of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// It happened once more.
    Count(Metric),
    /// How long something took.
    Time(Metric, Duration),
    /// How many days something lasts.
    Days(Metric, Duration),
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Self::Count(metric) | Self::Time(metric, _) | Self::Days(metric, _) => metric.name(),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Count(_) => "Count",
            Self::Time(..) => "Milliseconds",
            Self::Days(..) => "None",
        }
    }

    fn value(self) -> f64 {
        match self {
            Self::Count(_) => 1.0,
            // Microseconds are as fine as anybody looks.
            Self::Time(_, time) => (time.as_secs_f64() * 1e6).round() / 1e3,
            Self::Days(_, time) => (time.as_secs_f64() / 864.0).round() / 100.0,
        }
    }
}

/// How long the parts of checking a credential took; nothing of a part that it did not get to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The password hash.
    pub hash: Option<Duration>,
    /// The calls of DynamoDB.
    pub store: Option<Duration>,
}

impl Journal {
    /// Writes one line. A line that cannot be written is lost: no request fails for its journal.
    pub fn write(&self, now: Timestamp, entry: &Entry<'_>, measures: &[Measure]) {
        match self {
            Self::Metrics { stack } => {
                if let Ok(mut line) = serde_json::to_vec(&Line { stack, now, entry, measures }) {
                    line.push(b'\n');
                    let _ = std::io::stdout().lock().write_all(&line);
                }
            }
            Self::Log => {
                let Entry { event, outcome, reason, request_id, account } = *entry;
                tracing::info!(outcome, reason, request_id, account, "{event}");
            }
        }
    }
}

/// One line (CloudWatch User Guide, "Specification: Embedded metric format").
struct Line<'a> {
    stack: &'a str,
    now: Timestamp,
    entry: &'a Entry<'a>,
    measures: &'a [Measure],
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Entry { event, outcome, reason, request_id, account } = *self.entry;
        let (counts, others): (Vec<&Measure>, Vec<&Measure>) =
            self.measures.iter().partition(|measure| matches!(measure, Measure::Count(_)));
        let by_reason: &[&[&str]] = if reason.is_some() { &[&["stack"], &["stack", "reason"]] } else { &[&["stack"]] };
        let groups = [(by_reason, counts), (&[&["stack"]], others)].map(|(dimensions, measures)| {
            let described =
                measures.iter().map(|measure| MetricDefinition { name: measure.name(), unit: measure.unit() });
            Group { namespace: NAMESPACE, dimensions, metrics: described.collect() }
        });
        let groups = groups.into_iter().filter(|group| !group.metrics.is_empty()).collect();
        let directive = Directive { timestamp: self.now.millis(), cloud_watch_metrics: groups };
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("_aws", &directive)?;
        line.serialize_entry("level", "INFO")?;
        let texts = [
            ("stack", Some(self.stack)),
            ("event", Some(event)),
            ("outcome", Some(outcome)),
            ("reason", reason),
            ("request_id", Some(request_id)),
            ("account", account),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                line.serialize_entry(name, text)?;
            }
        }
        for measure in self.measures {
            line.serialize_entry(measure.name(), &measure.value())?;
        }
        line.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    timestamp: u64,
    cloud_watch_metrics: Vec<Group<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Group<'a> {
    namespace: &'static str,
    dimensions: &'a [&'a [&'a str]],
    metrics: Vec<MetricDefinition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricDefinition {
    name: &'static str,
    unit: &'static str,
}

/// Measures how long something takes, for the journal, and to answer no sooner than after a fixed time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "it is no date: nothing that is stored or signed comes from it")]
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(entry: &Entry<'_>, measures: &[Measure]) -> serde_json::Value {
        let now = Timestamp::from_millis(1_750_000_000_123);
        serde_json::to_value(Line { stack: "jea-auth", now, entry, measures }).unwrap()
    }

    #[test]
    fn a_line_is_what_cloudwatch_makes_metrics_of() {
        let entry = Entry {
            event: "log-on",
            outcome: "401",
            reason: Some("wrong password"),
            request_id: "r",
            account: Some("account:x"),
        };
        let measures = [
            Measure::Count(Metric::LogOnsRefused),
            Measure::Time(Metric::HashTime, Duration::from_micros(13_579)),
            Measure::Days(Metric::KeyAge, Duration::from_hours(36)),
        ];
        assert_eq!(
            line(&entry, &measures),
            json!({
                "_aws": {
                    "Timestamp": 1_750_000_000_123_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "jea-auth",
                        "Dimensions": [["stack"], ["stack", "reason"]],
                        "Metrics": [{"Name": "LogOnsRefused", "Unit": "Count"}],
                    }, {
                        "Namespace": "jea-auth",
                        "Dimensions": [["stack"]],
                        "Metrics": [
                            {"Name": "HashTime", "Unit": "Milliseconds"},
                            {"Name": "KeyAge", "Unit": "None"},
                        ],
                    }],
                },
                "level": "INFO", "stack": "jea-auth", "event": "log-on", "outcome": "401", "reason": "wrong password",
                "request_id": "r", "account": "account:x", "LogOnsRefused": 1.0, "HashTime": 13.579, "KeyAge": 1.5,
            })
        );
    }

    #[test]
    fn a_line_without_a_reason_has_one_dimension() {
        let entry = Entry { event: "e", outcome: "o", reason: None, request_id: "r", account: None };
        let line = line(&entry, &[Measure::Count(Metric::LogOns)]);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["stack"]]));
        assert_eq!((line.get("reason"), line.get("account")), (None, None));
    }
}
