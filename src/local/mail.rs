//! Mails on one machine: SES's one operation, which writes each mail into a file, and the stream that leads to the
//! mailer.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use dynoxide::{
    Database,
    actions::{
        get_records::GetRecordsRequest, get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
    },
};
use mail_builder::{
    MessageBuilder,
    headers::raw::Raw,
    mime::{BodyPart, MimePart},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{folder, server::until};
use crate::{
    domain::{
        account::Email,
        ids::hexadecimal,
        time::{Clock, Timestamp},
    },
    functions::mailer::{MailerFunction, Records},
    platform::machine,
};

/// How long between two looks at the stream. Lambda looks once a second.
const LOOKS: Duration = Duration::from_millis(100);
/// How many records are handed over at once.
const RECORDS: usize = 10;

/// Where mails go.
#[derive(Clone)]
pub(super) struct Mailbox {
    /// The folder of their files, if they are to be kept.
    pub(super) folder: Option<PathBuf>,
    /// All mails since the start, as they would be sent (RFC 5322).
    pub(super) mails: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(super) clock: Clock,
}

/// The request of `SendEmail` (SES API v2 Reference), as far as the mailer uses it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Simple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Text,
    body: Body,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
}

/// Answers `SendEmail` as the API does.
pub(super) fn router(mailbox: Mailbox) -> Router {
    Router::new().route("/v2/email/outbound-emails", post(send)).with_state(mailbox)
}

async fn send(State(mailbox): State<Mailbox>, body: Bytes) -> Response {
    let Ok(email) = serde_json::from_slice::<SendEmail>(&body) else {
        return refused("no mail of this kind is sent here");
    };
    if !email.destination.to_addresses.iter().all(|to| Email::canonical(to).can_be_mailed()) {
        return refused("Illegal address");
    }
    let now = (mailbox.clock)();
    let id = hexadecimal(&machine::random());
    let subject = email.content.simple.subject.data.clone();
    let Some(message) = email.message(&id, now) else {
        return refused("no mail can be made of this");
    };
    match &mailbox.folder {
        None => {
            let text = String::from_utf8_lossy(&message).replace('\r', "");
            tracing::info!("a mail, which is kept nowhere else:\n\n{text}");
        }
        Some(folder) => {
            // Newest last.
            let file = folder.join(format!("{:013}-{}.eml", now.millis(), id.get(..8).unwrap_or_default()));
            let written = folder::make(folder).and_then(|()| folder::write_whole(&file, &message));
            if let Err(error) = written {
                tracing::error!(%error, file = %file.display(), "a mail was not written");
                return answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({"message": "not written"}));
            }
            tracing::info!(subject, file = %file.display(), "a mail");
        }
    }
    mailbox.mails.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    answer(StatusCode::OK, &json!({"MessageId": id}))
}

impl SendEmail {
    /// The mail as a file (RFC 5322). Its text is not encoded, so that a person can read it there and take a link out
    /// of it.
    fn message(self, id: &str, now: Timestamp) -> Option<Vec<u8>> {
        let Self { from_email_address, destination, content: Content { simple } } = self;
        let text = simple.body.text.data.replace('\n', "\r\n");
        let encoding = if text.is_ascii() { "7bit" } else { "8bit" };
        let body = MimePart::new("text/plain", BodyPart::Text(text.into())).transfer_encoding(encoding);
        let message = MessageBuilder::new()
            .message_id(format!("{id}@localhost"))
            .date(i64::try_from(now.seconds()).ok()?)
            .header("From", Raw::new(from_email_address))
            .to(destination.to_addresses)
            .subject(simple.subject.data);
        let headers = simple.headers.into_iter();
        let message = headers.fold(message, |message, Header { name, value }| message.header(name, Raw::new(value)));
        message.body(body).write_to_vec().ok()
    }
}

/// A refusal of the mail itself, as SES words its own (SES API v2 Reference, errors of `SendEmail`).
fn refused(message: &str) -> Response {
    let answer = answer(StatusCode::BAD_REQUEST, &json!({"message": message}));
    ([("x-amzn-errortype", "BadRequestException")], answer).into_response()
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Hands what is written into the table of mails over to the mailer, in the form in which Lambda does, until the stop.
/// The file `position`, if there is one, keeps how far it got, so that the next start goes on from there.
pub(super) async fn pump(
    database: Database,
    table: String,
    mailer: MailerFunction,
    position: Option<PathBuf>,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let mut after = position.as_deref().and_then(read_position);
    loop {
        tokio::select! {
            () = until(stopped.clone()) => return Ok(()),
            () = tokio::time::sleep(LOOKS) => {}
        }
        let records = read(&database, &table, after.as_deref())?;
        let handled = mailer.handle(&records, "local").await;
        if let Some(done) = records.done(&handled) {
            after = Some(done.to_owned());
            if let Some(file) = &position
                && let Err(error) = folder::write_whole(file, done.as_bytes())
            {
                tracing::error!(%error, file = %file.display(), "the next start may send mails again");
            }
        }
        if handled.failed().is_some() {
            tokio::time::sleep(LOOKS * 10).await;
        }
    }
}

/// The sequence number in the file; none if there is no such file, or something else in it.
fn read_position(file: &Path) -> Option<String> {
    let number = fs::read_to_string(file).ok()?;
    // As the API wants it (DynamoDB Streams API Reference, GetShardIterator).
    ((21..=40).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// The next records of the table's stream.
fn read(database: &Database, table: &str, after: Option<&str>) -> Result<Records, String> {
    let failed = |error: dynoxide::DynoxideError| error.to_string();
    let list = ListStreamsRequest { table_name: Some(table.to_owned()), ..ListStreamsRequest::default() };
    let streams = database.list_streams(list).map_err(failed)?.streams;
    let stream = streams.first().ok_or("the table of mails has no stream")?;
    let described = dynoxide::actions::describe_stream::DescribeStreamRequest {
        stream_arn: stream.stream_arn.clone(),
        ..Default::default()
    };
    let shards = database.describe_stream(described).map_err(failed)?.stream_description.shards;
    let Some(shard) = shards.first() else { return Ok(Records::default()) };
    let iterator = GetShardIteratorRequest {
        stream_arn: stream.stream_arn.clone(),
        shard_id: shard.shard_id.clone(),
        shard_iterator_type: if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" }.to_owned(),
        sequence_number: after.map(str::to_owned),
    };
    let iterator = database.get_shard_iterator(iterator).map_err(failed)?.shard_iterator;
    let Some(shard_iterator) = iterator else { return Ok(Records::default()) };
    let got = database.get_records(GetRecordsRequest { shard_iterator, limit: Some(RECORDS) }).map_err(failed)?;
    let event = serde_json::to_value(&got).map_err(|error| error.to_string())?;
    serde_json::from_value(event).map_err(|error| error.to_string())
}
