//! The table of sessions.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::{BoxError, ProvideErrorMetadata},
    operation::{query::builders::QueryFluentBuilder, update_item::UpdateItemError},
    types::{AttributeValue, DeleteRequest, ReturnValue, Select, WriteRequest},
};
use tokio::task::JoinSet;

use super::{
    Malformed, Store, StoreError,
    item::{Item, number, seconds, text, well_formed},
};
use crate::{
    account::{Account, Name, Role},
    ids::{AccountId, SessionId},
    session::Session,
    time::Timestamp,
};

const TABLE: &str = "sessions";
const BATCH_OPERATION: &str = "BatchWriteItem";
/// The most that one batch may hold (DynamoDB API Reference, `BatchWriteItem`).
const BATCH: usize = 25;
/// How many sessions are read before they are deleted. The first ones end without waiting for a megabyte to be read.
const PAGE: i32 = 1_000;
/// How many batches are under way at once. The items of one account take 1000 writes a second (DynamoDB Developer Guide,
/// "Best practices for designing and using partition keys effectively"); so many use that up, and what is too much waits.
const BATCHES_AT_ONCE: usize = 8;
/// How often what a batch left undone is sent again.
const BATCH_TRIES: u32 = 10;
/// Wait before the second try; each later one waits this much longer.
const BATCH_WAIT: Duration = Duration::from_millis(50);

impl Store {
    /// The session with these ids, by a consistent read: a log-off anywhere is seen here.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not a session.
    pub async fn session(&self, sub: &AccountId, sid: &SessionId) -> Result<Option<Session>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub.as_str()))
            .key("sid", text(sid.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::call("GetItem", error))?;
        output.item.map(|item| session(&Item::new(TABLE, item))).transpose()
    }

    /// Adds a session, under a `sid` that no other try has used. The SDK does not try again: of a write that seems to have
    /// failed a copy can arrive late, after a log-off has deleted the session, and would bring it back. So the caller signs
    /// only for a `sid` whose write was acknowledged, and tries again with another one.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; the session may be there or come yet, and nobody has a token of it.
    pub async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        let put = self.once().put_item().table_name(&self.tables.sessions).set_item(Some(attributes(session)));
        let put = put.condition_expression("attribute_not_exists(sid)");
        put.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error))
    }

    /// Moves the end of a session that is alive now, and writes who the account is now into it. A session that is gone
    /// stays gone, whoever came first.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not a session.
    pub async fn extend_session(
        &self,
        account: &Account,
        sid: &SessionId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(account.sub.as_str()))
            .key("sid", text(sid.as_str()))
            .condition_expression("expires_at > :now")
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":expires_at", seconds(expires_at))
            .expression_attribute_values(":name", text(account.name.as_str()))
            .expression_attribute_values(":now", seconds(now))
            .return_values(ReturnValue::AllNew);
        let update = match &account.role {
            Some(role) => update
                .update_expression("SET expires_at = :expires_at, #name = :name, #role = :role")
                .expression_attribute_values(":role", text(role.as_str())),
            None => update.update_expression("SET expires_at = :expires_at, #name = :name REMOVE #role"),
        };
        match update.send().await {
            Ok(output) => output.attributes.map(|item| session(&Item::new(TABLE, item))).transpose(),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::call("UpdateItem", error)),
        }
    }

    /// All sessions of an account, by a consistent read, those included that have expired and are not removed yet. A
    /// malformed one is left out and logged by its key.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn sessions(&self, sub: &AccountId) -> Result<Vec<Session>, StoreError> {
        let mut items = self.sessions_of(sub.as_str()).into_paginator().items().send();
        let mut sessions = Vec::new();
        while let Some(item) = items.next().await {
            let attributes = item.map_err(|error| StoreError::call("Query", error))?;
            sessions.extend(well_formed(TABLE, &["sub", "sid"], attributes, session).inspect_err(Malformed::log));
        }
        Ok(sessions)
    }

    /// Ends a session. Tells whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn end_session(&self, sub: &AccountId, sid: &SessionId) -> Result<bool, StoreError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub.as_str()))
            .key("sid", text(sid.as_str()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| StoreError::call("DeleteItem", error))?;
        Ok(output.attributes.is_some())
    }

    /// Ends all sessions of an account that a consistent read finds, malformed and expired ones too, many at once. Gives
    /// back how many there were.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Overtaken`] if it goes on leaving deletes undone. Some may
    /// have ended then; doing it again ends the others.
    pub async fn end_sessions(&self, sub: &str) -> Result<usize, StoreError> {
        let query = self.sessions_of(sub).projection_expression("#sub, sid").limit(PAGE);
        let mut pages = query.into_paginator().send();
        let mut ended = 0;
        while let Some(page) = pages.next().await {
            let keys = page.map_err(|error| StoreError::call("Query", error))?.items.unwrap_or_default();
            ended += keys.len();
            let mut deletes = keys.into_iter().map(delete).collect::<Result<Vec<_>, _>>()?.into_iter();
            let mut running = JoinSet::new();
            loop {
                while running.len() < BATCHES_AT_ONCE {
                    let batch: Vec<_> = deletes.by_ref().take(BATCH).collect();
                    if batch.is_empty() {
                        break;
                    }
                    running.spawn(self.clone().delete_batch(batch));
                }
                match running.join_next().await {
                    Some(done) => done.map_err(|error| failed(error.into()))??,
                    None => break,
                }
            }
        }
        Ok(ended)
    }

    /// How many sessions an account has, malformed and expired ones included.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn count_sessions(&self, sub: &str) -> Result<usize, StoreError> {
        if sub.is_empty() {
            return Ok(0);
        }
        let mut pages = self.sessions_of(sub).select(Select::Count).into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StoreError::call("Query", error))?;
            count += usize::try_from(page.count).unwrap_or_default();
        }
        Ok(count)
    }

    fn sessions_of(&self, sub: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.sessions)
            .key_condition_expression("#sub = :sub")
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":sub", text(sub))
            .consistent_read(true)
    }

    /// What a table has no capacity for at the moment comes back undone, or is refused as a whole if that is all of it.
    async fn delete_batch(self, mut batch: Vec<WriteRequest>) -> Result<(), StoreError> {
        for tried in 1..=BATCH_TRIES {
            let write = self.client.batch_write_item().request_items(&self.tables.sessions, batch.clone());
            match write.send().await {
                Ok(output) => {
                    let undone = output.unprocessed_items.and_then(|mut undone| undone.remove(&self.tables.sessions));
                    batch = undone.unwrap_or_default();
                }
                Err(error)
                    if error.as_service_error().and_then(ProvideErrorMetadata::code).is_some_and(is_throttled) => {}
                Err(error) => return Err(StoreError::call(BATCH_OPERATION, error)),
            }
            if batch.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(BATCH_WAIT * tried).await;
        }
        Err(StoreError::Overtaken { operation: BATCH_OPERATION })
    }
}

fn is_throttled(code: &str) -> bool {
    matches!(code, "ProvisionedThroughputExceededException" | "RequestLimitExceeded" | "ThrottlingException")
}

fn delete(key: HashMap<String, AttributeValue>) -> Result<WriteRequest, StoreError> {
    let delete = DeleteRequest::builder().set_key(Some(key)).build().map_err(|error| failed(error.into()))?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}

fn failed(source: BoxError) -> StoreError {
    StoreError::Call { operation: BATCH_OPERATION, source }
}

fn session(item: &Item) -> Result<Session, StoreError> {
    Ok(Session {
        sub: item.parsed("sub", AccountId::parse)?,
        sid: item.parsed("sid", SessionId::parse)?,
        email: item.text("email")?.to_owned(),
        name: item.parsed("name", Name::parse)?,
        role: item.parsed_or_none("role", Role::parse)?,
        auth_time: item.seconds("auth_time")?,
        expires_at: item.seconds("expires_at")?,
        // An earlier release wrote none; then it is that of an account whose sessions were never ended.
        generation: item.number_or_none("generation")?.unwrap_or_default(),
    })
}

fn attributes(session: &Session) -> HashMap<String, AttributeValue> {
    let mut attributes = HashMap::from([
        ("sub".to_owned(), text(session.sub.as_str())),
        ("sid".to_owned(), text(session.sid.as_str())),
        ("email".to_owned(), text(&session.email)),
        ("name".to_owned(), text(session.name.as_str())),
        ("auth_time".to_owned(), seconds(session.auth_time)),
        ("expires_at".to_owned(), seconds(session.expires_at)),
        ("generation".to_owned(), number(session.generation)),
    ]);
    if let Some(role) = &session.role {
        attributes.insert("role".to_owned(), text(role.as_str()));
    }
    attributes
}
