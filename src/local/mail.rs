//! Mails on one machine: SES's one operation, which writes each mail into a file, and the stream that leads to the mailer.

use std::{
    path::PathBuf,
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
use mail_builder::MessageBuilder;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{folder, server::until};
use crate::{
    ids::hexadecimal,
    machine,
    mailer::{MailerFunction, Records},
    time::Clock,
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
        return answer(StatusCode::BAD_REQUEST, &json!({"message": "no mail of this kind is sent here"}));
    };
    let SendEmail { from_email_address, destination, content } = email;
    let now = (mailbox.clock)();
    let id = hexadecimal(&machine::random());
    let date = i64::try_from(now.seconds()).unwrap_or_default();
    let message = MessageBuilder::new()
        .message_id(format!("{id}@localhost"))
        .date(date)
        .from(from_email_address)
        .to(destination.to_addresses)
        .subject(content.simple.subject.data.as_str())
        .text_body(content.simple.body.text.data);
    let Ok(message) = message.write_to_vec() else {
        return answer(StatusCode::BAD_REQUEST, &json!({"message": "no mail can be made of this"}));
    };
    let subject = content.simple.subject.data;
    match &mailbox.folder {
        None => tracing::info!(subject, "a mail; it is not kept, as nothing is"),
        Some(folder) => {
            // Newest last.
            let file = folder.join(format!("{:013}-{}.eml", now.millis(), id.get(..8).unwrap_or_default()));
            let written = folder::make(folder).and_then(|()| folder::write_private(&file, &message));
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

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Hands what is written into the table of mails over to the mailer, in the form in which Lambda does, until the stop. What was
/// written before the start comes again; it is too old then, or sent twice.
pub(super) async fn pump(
    database: Database,
    table: String,
    mailer: MailerFunction,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let mut after = None;
    loop {
        tokio::select! {
            () = until(stopped.clone()) => return Ok(()),
            () = tokio::time::sleep(LOOKS) => {}
        }
        let (records, last) = read(&database, &table, after.as_deref())?;
        let Some(last) = last else { continue };
        let handled = mailer.handle(&records, "local").await;
        if handled.failed().is_none() {
            after = Some(last);
        } else {
            // From the start of the batch: what was sent is sent twice, as it can be on AWS.
            tokio::time::sleep(LOOKS * 10).await;
        }
    }
}

/// The next records of the table's stream, and the sequence number of the last of them.
fn read(database: &Database, table: &str, after: Option<&str>) -> Result<(Records, Option<String>), String> {
    let failed = |error: dynoxide::DynoxideError| error.to_string();
    let list = ListStreamsRequest { table_name: Some(table.to_owned()), ..ListStreamsRequest::default() };
    let streams = database.list_streams(list).map_err(failed)?.streams;
    let stream = streams.first().ok_or("the table of mails has no stream")?;
    let described = dynoxide::actions::describe_stream::DescribeStreamRequest {
        stream_arn: stream.stream_arn.clone(),
        ..Default::default()
    };
    let shards = database.describe_stream(described).map_err(failed)?.stream_description.shards;
    let Some(shard) = shards.first() else { return Ok((Records::default(), None)) };
    let iterator = GetShardIteratorRequest {
        stream_arn: stream.stream_arn.clone(),
        shard_id: shard.shard_id.clone(),
        shard_iterator_type: if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" }.to_owned(),
        sequence_number: after.map(str::to_owned),
    };
    let iterator = database.get_shard_iterator(iterator).map_err(failed)?.shard_iterator;
    let Some(shard_iterator) = iterator else { return Ok((Records::default(), None)) };
    let got = database.get_records(GetRecordsRequest { shard_iterator, limit: Some(RECORDS) }).map_err(failed)?;
    let newest = got.records.last().map(|record| record.dynamodb.sequence_number.clone());
    let event = serde_json::to_value(&got).map_err(|error| error.to_string())?;
    Ok((serde_json::from_value(event).map_err(|error| error.to_string())?, newest))
}
