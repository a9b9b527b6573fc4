//! The table of sessions.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue},
};

use super::{
    Malformed, Store, StoreError,
    item::{Item, number, seconds, text, well_formed},
    meets_transaction,
};
use crate::domain::{
    ids::{AccountId, SessionId},
    session::{By, Session},
    time::Timestamp,
};

pub(super) const TABLE: &str = "sessions";

/// An attribute that is there if it is so.
pub(super) const LIMITED: &str = "limited";

/// How many sessions of an account are read at once.
const PAGE: i32 = 1_000;

impl Store {
    /// Adds a session, under a `sid` that no other try has used. The SDK does not try again: of a write that seems to
    /// have failed a copy can arrive late, after a log-off has deleted the session, and would bring it back. So the
    /// caller signs only for a `sid` whose write was acknowledged, and tries again with another one.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; the session may be there or come yet, and nobody has a token of it.
    pub async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        let put = self.once().put_item().table_name(&self.tables.sessions).set_item(Some(attributes(session)));
        let put = put.condition_expression("attribute_not_exists(sid)");
        put.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error))
    }

    /// Moves the end of a session that is there and has not expired. One that is gone stays gone, whoever came first.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not a session.
    pub async fn extend_session(
        &self,
        (sub, sid): (&AccountId, &SessionId),
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(sub, sid)))
            .update_expression("SET expires_at = :expires_at")
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":expires_at", seconds(expires_at))
            .expression_attribute_values(":now", seconds(now))
            .return_values(ReturnValue::AllNew);
        match self.until_alone(meets_transaction, || update.clone().send()).await {
            Ok(output) => Ok(output.attributes.map(|item| session(&Item::new(TABLE, item))).transpose()?.flatten()),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::call("UpdateItem", error)),
        }
    }

    /// Those sessions of an account, by a consistent read, that are of this generation and have not expired: no others
    /// can be alive. A malformed one is left out and logged by its key.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn sessions(&self, sub: &AccountId, generation: u64, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.sessions)
            .key_condition_expression("#sub = :sub")
            // DynamoDB reads the others too, and does not send them.
            .filter_expression("generation = :generation AND expires_at > :now")
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":sub", text(sub.as_str()))
            .expression_attribute_values(":generation", number(generation))
            .expression_attribute_values(":now", seconds(now))
            .consistent_read(true)
            .limit(PAGE);
        let mut items = query.into_paginator().items().send();
        let mut sessions = Vec::new();
        while let Some(item) = items.next().await {
            let attributes = item.map_err(|error| StoreError::call("Query", error))?;
            let well_formed = well_formed(TABLE, &["sub", "sid"], attributes, session).inspect_err(Malformed::log);
            sessions.extend(well_formed.ok().flatten());
        }
        Ok(sessions)
    }

    /// Deletes a session, also one that is malformed.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn end_session(&self, sub: &AccountId, sid: &SessionId) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.tables.sessions).set_key(Some(key(sub, sid)));
        let deleted = self.until_alone(meets_transaction, || delete.clone().send()).await;
        deleted.map(drop).map_err(|error| StoreError::call("DeleteItem", error))
    }

    /// Whether a session with these ids is there, alive or not, well formed or not.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn has_session(&self, sub: &AccountId, sid: &SessionId) -> Result<bool, StoreError> {
        let get = self.client.get_item().table_name(&self.tables.sessions).consistent_read(true);
        let get = get.set_key(Some(key(sub, sid))).projection_expression("sid");
        Ok(get.send().await.map_err(|error| StoreError::call("GetItem", error))?.item.is_some())
    }
}

pub(super) fn key(sub: &AccountId, sid: &SessionId) -> HashMap<String, AttributeValue> {
    HashMap::from([("sub".to_owned(), text(sub.as_str())), ("sid".to_owned(), text(sid.as_str()))])
}

/// The session that an item is; none if it is of the form that the service wrote before sessions lived by their
/// accounts: it has a copy of the account's name, and its generation is a count.
pub(super) fn session(item: &Item) -> Result<Option<Session>, StoreError> {
    if item.text_or_none("name")?.is_some() {
        return Ok(None);
    }
    Ok(Some(Session {
        sub: item.parsed("sub", AccountId::parse)?,
        sid: item.parsed("sid", SessionId::parse)?,
        email: item.text("email")?.to_owned(),
        auth_time: item.seconds("auth_time")?,
        expires_at: item.seconds("expires_at")?,
        generation: item.number("generation")?,
        confirmed_at: item.seconds_or_none("confirmed_at")?,
        by: item.parsed("by", By::parse)?,
        limited: item.is_set(LIMITED)?,
        agent: item.text("agent")?.to_owned(),
        address: item.text("address")?.to_owned(),
    }))
}

pub(super) fn attributes(session: &Session) -> HashMap<String, AttributeValue> {
    let mut attributes = HashMap::from([
        ("sub".to_owned(), text(session.sub.as_str())),
        ("sid".to_owned(), text(session.sid.as_str())),
        ("email".to_owned(), text(&session.email)),
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
    if session.limited {
        attributes.insert(LIMITED.to_owned(), AttributeValue::Bool(true));
    }
    attributes
}
