//! The table of sessions.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::{BoxError, ProvideErrorMetadata},
    operation::{
        query::builders::QueryFluentBuilder,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, DeleteRequest, ReturnValue, Select, WriteRequest},
};
use tokio::task::JoinSet;

use super::{
    Malformed, Store, StoreError,
    item::{Item, number, seconds, text, well_formed},
    meets_transaction, until_alone,
};
use crate::{
    access_key::AccessKeyId,
    account::{Account, Email, Name, Role},
    ids::{AccountId, SessionId},
    session::{By, Session},
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
/// How often a session is written again because its account was changed once more.
const RELABEL_TRIES: u32 = 5;
/// Wait before the second try; each later one waits this much longer.
const BATCH_WAIT: Duration = Duration::from_millis(50);

/// Whether a session is extended because its password was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It was given now.
    Now,
    /// It was given before, or never.
    Before,
}

/// Which sessions of an account end.
#[derive(Clone, Copy, Debug)]
pub enum Ended<'a> {
    /// All, malformed ones too.
    All,
    /// Those of an earlier generation than this.
    Before(u64),
    /// Those that an access key opened.
    OfKey(&'a AccessKeyId),
}

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

    /// Moves the end of a session that is alive now, and writes down when its password was given, if it was given now. A session
    /// that is gone stays gone, whoever came first.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not a session.
    pub async fn extend_session(
        &self,
        (sub, sid): (&AccountId, &SessionId),
        now: Timestamp,
        expires_at: Timestamp,
        confirmed: Confirmed,
    ) -> Result<Option<Session>, StoreError> {
        let update = self
            .session_update(sub, sid)
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":expires_at", seconds(expires_at))
            .expression_attribute_values(":now", seconds(now));
        let update = match confirmed {
            Confirmed::Now => update.update_expression("SET expires_at = :expires_at, confirmed_at = :now"),
            Confirmed::Before => update.update_expression("SET expires_at = :expires_at"),
        };
        self.updated_session(update).await
    }

    /// Writes the account's name and role into those of its sessions that have others.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if an item is no account or no session,
    /// [`StoreError::Overtaken`] if others change the account at every try. Doing it again goes on.
    pub async fn relabel_sessions(&self, account: &Account) -> Result<(), StoreError> {
        let sessions = self.sessions(&account.sub).await?;
        let mut others = sessions.into_iter().filter(|session| !session.is_labelled_as(account));
        let mut running = JoinSet::new();
        loop {
            while running.len() < BATCHES_AT_ONCE
                && let Some(session) = others.next()
            {
                let store = self.clone();
                running.spawn(async move { store.relabel(session).await });
            }
            match running.join_next().await {
                Some(done) => drop(done.map_err(|error| failed(error.into()))??),
                None => return Ok(()),
            }
        }
    }

    /// Writes the account's name and role into a session, and gives it back as it is then; nothing if it is gone. After
    /// every write the account is read once more, so that of two changes at the same moment the later one stays.
    ///
    /// # Errors
    /// As [`Self::relabel_sessions`].
    pub async fn relabel(&self, mut session: Session) -> Result<Option<Session>, StoreError> {
        for _ in 0..RELABEL_TRIES {
            let account = self.account(&Email::canonical(&session.email)).await?;
            // Without an account it is about to end, also where another account has that email by now.
            let of_it = |account: &Account| account.sub == session.sub && !session.is_labelled_as(account);
            let Some(account) = account.filter(of_it) else {
                return Ok(Some(session));
            };
            let written = self.write_label(&session, &account).await?;
            let Some(now) = (match written {
                Some(written) => Some(written),
                None => self.session(&session.sub, &session.sid).await?,
            }) else {
                return Ok(None);
            };
            session = now;
        }
        Err(StoreError::Overtaken { operation: "UpdateItem" })
    }

    /// Writes an account's name and role into a session that has still those of `before`. Nothing comes back if it has not.
    async fn write_label(&self, before: &Session, account: &Account) -> Result<Option<Session>, StoreError> {
        let mut condition = "#name = :old_name AND ".to_owned();
        let mut update = self
            .session_update(&before.sub, &before.sid)
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":old_name", text(before.name.as_str()))
            .expression_attribute_values(":name", text(account.name.as_str()));
        match &before.role {
            Some(role) => {
                condition.push_str("#role = :old_role");
                update = update.expression_attribute_values(":old_role", text(role.as_str()));
            }
            None => condition.push_str("attribute_not_exists(#role)"),
        }
        let update = match &account.role {
            Some(role) => update
                .update_expression("SET #name = :name, #role = :role")
                .expression_attribute_values(":role", text(role.as_str())),
            None => update.update_expression("SET #name = :name REMOVE #role"),
        };
        self.updated_session(update.condition_expression(condition)).await
    }

    fn session_update(&self, sub: &AccountId, sid: &SessionId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub.as_str()))
            .key("sid", text(sid.as_str()))
            .return_values(ReturnValue::AllNew)
    }

    async fn updated_session(&self, update: UpdateItemFluentBuilder) -> Result<Option<Session>, StoreError> {
        match until_alone(meets_transaction, || update.clone().send()).await {
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
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub.as_str()))
            .key("sid", text(sid.as_str()))
            .return_values(ReturnValue::AllOld);
        let output = until_alone(meets_transaction, || delete.clone().send()).await;
        let output = output.map_err(|error| StoreError::call("DeleteItem", error))?;
        Ok(output.attributes.is_some())
    }

    /// Ends those sessions of an account that a consistent read finds, expired ones too, many at once. Gives back how many
    /// there were.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Overtaken`] if it goes on leaving deletes undone. Some may
    /// have ended then; doing it again ends the others.
    pub async fn end_sessions(&self, sub: &str, ended: Ended<'_>) -> Result<usize, StoreError> {
        let query = self.sessions_of(sub).projection_expression("#sub, sid").limit(PAGE);
        let query = match ended {
            Ended::All => query,
            Ended::Before(generation) => query
                .filter_expression("attribute_not_exists(generation) OR generation < :generation")
                .expression_attribute_values(":generation", number(generation)),
            Ended::OfKey(key) => query
                .filter_expression("#by = :key")
                .expression_attribute_names("#by", "by")
                .expression_attribute_values(":key", text(key.as_str())),
        };
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
        name: item.parsed("name", Name::stored)?,
        role: item.parsed_or_none("role", Role::stored)?,
        auth_time: item.seconds("auth_time")?,
        expires_at: item.seconds("expires_at")?,
        // An earlier release wrote none; then it is that of an account whose sessions were never ended.
        generation: item.number_or_none("generation")?.unwrap_or_default(),
        confirmed_at: item.seconds_or_none("confirmed_at")?,
        // Nor these; its sessions were opened by passwords.
        by: item.parsed_or_none("by", By::parse)?.unwrap_or(By::Password),
        agent: item.text_or_none("agent")?.unwrap_or_default().to_owned(),
        address: item.text_or_none("address")?.unwrap_or_default().to_owned(),
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
        ("by".to_owned(), text(session.by.as_str())),
        ("agent".to_owned(), text(&session.agent)),
        ("address".to_owned(), text(&session.address)),
    ]);
    if let Some(at) = session.confirmed_at {
        attributes.insert("confirmed_at".to_owned(), seconds(at));
    }
    if let Some(role) = &session.role {
        attributes.insert("role".to_owned(), text(role.as_str()));
    }
    attributes
}
