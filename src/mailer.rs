//! The mailer function: sends what the table of mails says, from its stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::{
    account::Email,
    causes::Causes,
    journal::{Entry, Journal, Measure, Metric},
    kms::{Kms, KmsError},
    link::Link,
    mail::{MailKind, Sender},
    secret::ServiceSecret,
    ses::{Ses, SesError},
    store::{SECRET_KID, Store, StoreError},
    time::{Clock, Timestamp},
};

/// The mailer function.
pub struct MailerFunction {
    /// The tables.
    pub store: Store,
    /// Opens the service secret.
    pub kms: Kms,
    /// Sends.
    pub ses: Ses,
    /// For whom.
    pub sender: Sender,
    /// Tells the time.
    pub clock: Clock,
    /// Remembers each mail.
    pub journal: Journal,
    /// The service secret, once it was needed.
    pub secret: OnceCell<Arc<ServiceSecret>>,
}

/// Records of a stream (Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB").
#[derive(Debug, Default, Deserialize)]
pub struct Records {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    /// What was removed has none.
    new_image: Option<Map<String, Value>>,
}

/// The record from which the stream is to be read again, if one failed (the same guide, "Reporting batch item failures").
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

impl Handled {
    /// The sequence number of the first record that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.batch_item_failures.first().map(|failed| failed.item_identifier.as_str())
    }
}

/// A mail could not be sent yet.
#[derive(Debug, thiserror::Error)]
enum NotSent {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kms(#[from] KmsError),
    #[error(transparent)]
    Ses(#[from] SesError),
    #[error("there is no service secret yet")]
    NoSecret,
}

/// What came of an item.
#[derive(Clone, Copy)]
enum Outcome {
    Sent,
    /// No account has this email, or it is disabled.
    Nobody,
    /// It is too old to be of use.
    TooLate,
    /// A later release wrote it, or somebody else.
    Unknown,
    /// SES will never send it.
    Refused,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Nobody => "nobody",
            Self::TooLate => "too late",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}

impl MailerFunction {
    /// Sends the mails of some records, in their order. At the first that cannot be sent it stops: that one and those after it
    /// come again. A record that comes twice is sent twice, which harms nobody: a link can be used once.
    pub async fn handle(&self, records: &Records, request_id: &str) -> Handled {
        for record in &records.records {
            let Some(image) = &record.dynamodb.new_image else { continue };
            let now = (self.clock)();
            match self.send(image, now).await {
                Ok(outcome) => self.note(now, outcome.name(), outcome_metric(outcome), request_id),
                Err(error) => {
                    tracing::error!(error = %Causes(&error), "a mail is not sent yet");
                    self.note(now, "failed", Some(Metric::MailsFailed), request_id);
                    let item_identifier = record.dynamodb.sequence_number.clone();
                    return Handled { batch_item_failures: vec![Failed { item_identifier }] };
                }
            }
        }
        Handled::default()
    }

    async fn send(&self, image: &Map<String, Value>, now: Timestamp) -> Result<Outcome, NotSent> {
        let text = |name: &str, kind: &str| image.get(name)?.get(kind)?.as_str();
        let kind = text("kind", "S").and_then(MailKind::named);
        let expires_at = text("expires_at", "N").and_then(|seconds| seconds.parse().ok());
        let (Some(kind), Some(email), Some(expires_at)) = (kind, text("email", "S"), expires_at) else {
            return Ok(Outcome::Unknown);
        };
        if Timestamp::from_seconds(expires_at) <= now {
            return Ok(Outcome::TooLate);
        }
        let Ok(email) = Email::parse(email) else { return Ok(Outcome::Nobody) };
        let token = match kind.link_life() {
            None => None,
            Some(life) => {
                let account = self.store.account(&email).await?;
                let link = account.map(|account| (Link::of(&account), account));
                let Some((link, _)) = link.filter(|(link, account)| link.is_of(account)) else {
                    return Ok(Outcome::Nobody);
                };
                Some(link.token(&*self.secret().await?, now.plus(life)))
            }
        };
        let mail = self.sender.write(kind, token.as_deref());
        match self.ses.send(&self.sender, email.as_str(), &mail).await {
            Ok(()) => Ok(Outcome::Sent),
            // It would keep all later mails waiting, and never be sent.
            Err(error @ SesError::Refused(_)) => {
                tracing::error!(error = %Causes(&error), kind = kind.name(), "a mail will not be sent");
                Ok(Outcome::Refused)
            }
            Err(error @ SesError::Call(_)) => Err(error.into()),
        }
    }

    async fn secret(&self) -> Result<Arc<ServiceSecret>, NotSent> {
        let secret = self.secret.get_or_try_init(|| async {
            let sealed = self.store.service_secret().await?.ok_or(NotSent::NoSecret)?;
            let secret = self.kms.unseal(SECRET_KID, &sealed).await?;
            Ok::<_, NotSent>(Arc::new(ServiceSecret::new(&secret)))
        });
        secret.await.map(Arc::clone)
    }

    fn note(&self, now: Timestamp, outcome: &str, metric: Option<Metric>, request_id: &str) {
        let entry = Entry { event: "mail", outcome, reason: None, request_id, account: None };
        let measures: Vec<Measure> = metric.into_iter().map(Measure::Count).collect();
        self.journal.write(now, &entry, &measures);
    }
}

fn outcome_metric(outcome: Outcome) -> Option<Metric> {
    match outcome {
        Outcome::Sent => Some(Metric::MailsSent),
        Outcome::Refused | Outcome::TooLate => Some(Metric::MailsFailed),
        Outcome::Nobody | Outcome::Unknown => None,
    }
}
