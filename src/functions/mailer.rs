//! The mailer function: sends what the table of mails says, from its stream.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::{
    causes::Causes,
    domain::{
        access_key::{AccessKeyId, StoredKey},
        account::Email,
        email_link::EmailLink,
        link::Link,
        mail::{About, MailKind, Sender},
        secret::ServiceSecret,
        time::{Clock, Timestamp},
    },
    platform::{
        journal::{Entry, Journal, Measure, Metric},
        kms::{Kms, KmsError},
        ses::{Ses, SesError},
        store::{ACCOUNT, KEPT_FOR, SECRET_KID, Store, StoreError},
    },
};

/// How long after it was written down a mail is still tried. A link is good for half an hour, and whoever waits has
/// asked again; the template has the stream's records given up at the same age.
pub const GIVEN_UP_AFTER: Duration = Duration::from_mins(15);
/// How many records an instance remembers: ten batches.
const HANDLED_MAX: usize = 100;

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
    /// The sequence numbers of the records that it was done with last, oldest first.
    pub handled: Mutex<VecDeque<String>>,
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

/// The records that failed. From the first of them on the stream is read again (the same guide, "Reporting batch item
/// failures").
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

impl Handled {
    /// The sequence number of the first record that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.batch_item_failures.first().map(|failed| failed.item_identifier.as_str())
    }
}

impl Records {
    /// The sequence number of the last record before the first that failed.
    #[must_use]
    pub fn done(&self, handled: &Handled) -> Option<&str> {
        let numbers = self.records.iter().map(|record| record.dynamodb.sequence_number.as_str());
        numbers.take_while(|number| handled.failed() != Some(number)).last()
    }
}

impl Record {
    /// Whether it is a mail with a link.
    fn has_link(&self) -> bool {
        let kind =
            self.dynamodb.new_image.as_ref().and_then(|image| text(image, "kind", "S")).and_then(MailKind::named);
        kind.and_then(MailKind::link_life).is_some()
    }
}

/// The text of an attribute of this type (DynamoDB API Reference, "`AttributeValue`").
fn text<'a>(image: &'a Map<String, Value>, name: &str, kind: &str) -> Option<&'a str> {
    image.get(name)?.get(kind)?.as_str()
}

/// A mail could not be sent yet: what failed may pass by itself.
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

/// What was found that a mail is about.
enum Found {
    Nothing,
    /// A link, and how long it is good.
    Link(Link, Duration),
    EmailLink(EmailLink),
    Key(AccessKeyId, StoredKey),
}

/// What came of an item.
#[derive(Clone, Copy)]
enum MailOutcome {
    Sent,
    /// No account has this email, or it is disabled.
    Nobody,
    /// It could not be sent in time.
    TooLate,
    /// A later release wrote it, or somebody else.
    Unknown,
    /// SES will never send it.
    Refused,
    /// The account is not as this service writes one, or the secret that makes links is not.
    Malformed,
}

impl MailOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Nobody => "nobody",
            Self::TooLate => "too late",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}

impl MailerFunction {
    /// Sends the mails of some records. Those with links go first: who waits for one shall not wait for what others are
    /// told. A record that fails keeps none of the others from being sent; the stream brings it again with those behind
    /// it, and those that are done are known by then. Another instance knows nothing of them and sends a mail twice,
    /// which harms nobody: a link can be used once.
    pub async fn handle(&self, records: &Records, request_id: &str) -> Handled {
        let (links, notices): (Vec<&Record>, Vec<&Record>) =
            records.records.iter().partition(|record| record.has_link());
        let mut failed = Vec::new();
        for Record { dynamodb: Change { sequence_number, new_image } } in links.into_iter().chain(notices) {
            let Some(image) = new_image else { continue };
            if self.is_handled(sequence_number) {
                continue;
            }
            let now = (self.clock)();
            match self.send(image, now).await {
                Ok(outcome) => {
                    self.remember(sequence_number);
                    self.note(now, outcome.name(), outcome_metric(outcome), request_id);
                }
                Err(error) => {
                    tracing::error!(error = %Causes(&error), "a mail is not sent yet");
                    self.note(now, "failed", Some(Metric::MailsFailed), request_id);
                    failed.push(sequence_number);
                }
            }
        }
        let numbers = records.records.iter().map(|record| &record.dynamodb.sequence_number);
        let failed = numbers.filter(|number| failed.contains(number)).cloned();
        Handled { batch_item_failures: failed.map(|item_identifier| BatchItemFailure { item_identifier }).collect() }
    }

    async fn send(&self, image: &Map<String, Value>, now: Timestamp) -> Result<MailOutcome, NotSent> {
        match self.try_to_send(image, now).await {
            // It would keep all later mails waiting, and not mend itself.
            Err(NotSent::Store(error @ StoreError::Malformed { .. })) => {
                tracing::error!(error = %Causes(&error), "a mail will not be sent; `jea-auth doctor` names what is malformed");
                Ok(MailOutcome::Malformed)
            }
            Err(NotSent::Ses(error @ SesError::Refused(_))) => {
                tracing::error!(error = %Causes(&error), "a mail will not be sent");
                Ok(MailOutcome::Refused)
            }
            result => result,
        }
    }

    async fn try_to_send(&self, image: &Map<String, Value>, now: Timestamp) -> Result<MailOutcome, NotSent> {
        let kind = text(image, "kind", "S").and_then(MailKind::named);
        let expires_at = text(image, "expires_at", "N").and_then(|seconds| seconds.parse().ok());
        let (Some(kind), Some(email), Some(expires_at)) = (kind, text(image, "email", "S"), expires_at) else {
            return Ok(MailOutcome::Unknown);
        };
        let written = Timestamp::from_seconds(expires_at).minus(KEPT_FOR);
        if now.since(written) >= GIVEN_UP_AFTER {
            return Ok(MailOutcome::TooLate);
        }
        let Ok(email) = Email::parse(email) else { return Ok(MailOutcome::Nobody) };
        let found = match kind.link_life() {
            // In a box: the compiler does not take one that is as deep as this whole.
            Some(_) if kind.mailbox().is_some() => match Box::pin(self.email_link(kind, &email, image)).await? {
                Some(link) => Found::EmailLink(link),
                None => return Ok(MailOutcome::Nobody),
            },
            Some(life) => {
                let account = self.store.account(&email).await?;
                let link = account.map(|account| (Link::of(&account), account));
                let Some((link, _)) = link.filter(|(link, account)| link.is_of(account)) else {
                    return Ok(MailOutcome::Nobody);
                };
                Found::Link(link, life)
            }
            None if kind == MailKind::KeyEnds => {
                let Some(id) = text(image, "key", "S").and_then(|id| AccessKeyId::parse(id).ok()) else {
                    return Ok(MailOutcome::Unknown);
                };
                let key = self.store.account(&email).await?.and_then(|mut account| account.access_keys.remove(&id));
                // One that was ended meanwhile is not told of.
                let Some(key) = key else { return Ok(MailOutcome::Nobody) };
                Found::Key(id, key)
            }
            None => Found::Nothing,
        };
        if !email.can_be_mailed() {
            tracing::error!(kind = kind.name(), "a mail will not be sent: SES takes no such address");
            return Ok(MailOutcome::Refused);
        }
        let mail = match found {
            Found::Nothing => self.sender.write(kind, About::Nothing),
            Found::Link(link, life) => {
                let token = link.token(&*self.secret().await?, now.plus(life));
                self.sender.write(kind, About::Link(&token))
            }
            Found::EmailLink(link) => self.sender.write(kind, About::Link(&link.token(&*self.secret().await?))),
            Found::Key(id, key) => self.sender.write(kind, About::Key(&id, &key)),
        };
        self.ses.send(&self.sender, email.as_str(), &mail).await?;
        Ok(MailOutcome::Sent)
    }

    /// The link that confirms a change of email, to one of its addresses. To the new one there is none if another
    /// account has it: its owner is not bothered, and whoever asked hears nothing of it.
    async fn email_link(
        &self,
        kind: MailKind,
        to: &Email,
        image: &Map<String, Value>,
    ) -> Result<Option<EmailLink>, StoreError> {
        let present = text(image, ACCOUNT, "S").map_or_else(|| to.clone(), Email::canonical);
        let Some(account) = self.store.account(&present).await? else { return Ok(None) };
        let link = kind.mailbox().and_then(|mailbox| EmailLink::of(&account, mailbox));
        // A newer request may be for another address.
        let Some(link) = link.filter(|link| link.goes_to() == to) else { return Ok(None) };
        let there = if to == &present { None } else { self.store.sub_at(to.as_str()).await? };
        Ok(there.is_none().then_some(link))
    }

    fn is_handled(&self, sequence_number: &String) -> bool {
        self.handled.lock().unwrap_or_else(PoisonError::into_inner).contains(sequence_number)
    }

    fn remember(&self, sequence_number: &str) {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        if handled.len() >= HANDLED_MAX {
            handled.pop_front();
        }
        handled.push_back(sequence_number.to_owned());
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

fn outcome_metric(outcome: MailOutcome) -> Option<Metric> {
    match outcome {
        MailOutcome::Sent => Some(Metric::MailsSent),
        MailOutcome::Refused | MailOutcome::TooLate | MailOutcome::Malformed => Some(Metric::MailsFailed),
        MailOutcome::Nobody | MailOutcome::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 89.
    #[test]
    fn every_mail_that_somebody_waits_for_in_vain_is_counted() {
        for outcome in [MailOutcome::TooLate, MailOutcome::Refused, MailOutcome::Malformed] {
            assert_eq!(outcome_metric(outcome), Some(Metric::MailsFailed), "{}", outcome.name());
        }
        // What a stranger can have written down.
        for outcome in [MailOutcome::Nobody, MailOutcome::Unknown] {
            assert_eq!(outcome_metric(outcome), None, "{}", outcome.name());
        }
    }
}
