//! The embedded DynamoDB. Its crate brings a server as well, which lets the pages of every site read what it answers.

use std::{io, path::Path};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};

use super::{LocalError, folder};

/// The largest request that DynamoDB takes (API Reference, `BatchWriteItem`).
pub(super) const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What the name of a call begins with: those on tables, and those on their streams.
const TARGETS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// Opens the database in the data folder, which is made if it is not there, or one in memory.
pub(super) fn open(folder: Option<&Path>) -> Result<Database, LocalError> {
    let opened = match folder {
        None => Database::memory(),
        Some(folder) => {
            let file = folder.join("dynamodb.sqlite");
            prepare(folder, &file).map_err(|source| LocalError::Folder { folder: folder.to_owned(), source })?;
            Database::new(&file.to_string_lossy())
        }
    };
    opened.map_err(|error| LocalError::Database(error.to_string()))
}

fn prepare(folder: &Path, file: &Path) -> io::Result<()> {
    folder::make(folder)?;
    folder::private_file(file)?;
    // SQLite gives what it makes beside a database the database's own permissions.
    folder::take_from_others(&file.with_extension("sqlite-wal"))?;
    folder::take_from_others(&file.with_extension("sqlite-shm"))
}

/// Answers DynamoDB calls as the API does (DynamoDB Developer Guide, "DynamoDB low-level API").
pub(super) fn router(database: Database) -> Router {
    Router::new().fallback(call).with_state(database)
}

async fn call(State(database): State<Database>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    if method == Method::GET {
        return "healthy: dynamodb.us-east-1.amazonaws.com ".into_response();
    }
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = TARGETS.iter().find_map(|prefix| target.strip_prefix(prefix)).unwrap_or_default();
    let (status, json) = match run(&database, operation, &body) {
        Ok(json) => (StatusCode::OK, json),
        Err(error) => (StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST), error.to_json()),
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], json).into_response()
}

fn run(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        "BatchExecuteStatement" => with(body, |request| database.batch_execute_statement(request)),
        "BatchGetItem" => with(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => with(body, |request| database.batch_write_item(request)),
        "CreateTable" => with(body, |request| database.create_table(request)),
        "DeleteItem" => with(body, |request| database.delete_item(request)),
        "DeleteTable" => with(body, |request| database.delete_table(request)),
        "DescribeStream" => with(body, |request| database.describe_stream(request)),
        "DescribeTable" => with(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => with(body, |request| database.describe_time_to_live(request)),
        "ExecuteStatement" => with(body, |request| database.execute_statement(request)),
        "ExecuteTransaction" => with(body, |request| database.execute_transaction(request)),
        "GetItem" => with(body, |request| database.get_item(request)),
        "GetRecords" => with(body, |request| database.get_records(request)),
        "GetShardIterator" => with(body, |request| database.get_shard_iterator(request)),
        "ListStreams" => with(body, |request| database.list_streams(request)),
        "ListTables" => with(body, |request| database.list_tables(request)),
        "ListTagsOfResource" => with(body, |request| database.list_tags_of_resource(request)),
        "PutItem" => with(body, |request| database.put_item(request)),
        "Query" => with(body, |request| database.query(request)),
        "Scan" => with(body, |request| database.scan(request)),
        "TagResource" => with(body, |request| database.tag_resource(request)),
        "TransactGetItems" => with(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => with(body, |request| database.transact_write_items(request)),
        "UntagResource" => with(body, |request| database.untag_resource(request)),
        "UpdateItem" => with(body, |request| database.update_item(request)),
        "UpdateTable" => with(body, |request| database.update_table(request)),
        "UpdateTimeToLive" => with(body, |request| database.update_time_to_live(request)),
        _ => Err(DynoxideError::ValidationException("there is no such operation".to_owned())),
    }
}

fn with<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let answer = call(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The exception that DynamoDB answers for a request which cannot be read. The engine's types begin their messages with
/// marks for the engine's own server, as `VALIDATION:`, and `serde_json` ends them with a position; neither reaches a
/// client of DynamoDB.
fn malformed(message: &str) -> DynoxideError {
    /// What the API finds wrong with the value, and not with its form (API Reference, "Common Error Types").
    const OF_VALUES: [&str; 4] = ["missing field", "unknown variant", "invalid type: null", "Supplied AttributeValue"];
    let (mark, told) = match message.split_once(':') {
        Some((mark, told)) if mark.starts_with("VALIDATION") || mark.starts_with("SERIALIZATION") => (mark, told),
        Some(_) | None => ("", message),
    };
    let told = told.rsplit_once(" at line ").map_or(told, |(told, _)| told).to_owned();
    if mark.starts_with("VALIDATION") || mark.is_empty() && OF_VALUES.iter().any(|sign| told.contains(sign)) {
        DynoxideError::ValidationException(told)
    } else {
        DynoxideError::SerializationException(told)
    }
}
