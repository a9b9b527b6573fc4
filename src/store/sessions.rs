//! The table of sessions.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue},
};

use super::{
    Store, StoreError,
    item::{Item, seconds, text},
};
use crate::{session::Session, time::Timestamp};

const TABLE: &str = "sessions";

impl Store {
    /// The session with these ids, by a consistent read: a log-off anywhere is seen here.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not a session.
    pub async fn session(&self, sub: &str, sid: &str) -> Result<Option<Session>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub))
            .key("sid", text(sid))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::call("GetItem", error))?;
        output.item.map(session).transpose()
    }

    /// Moves the end of a session that is alive now. One that is gone stays gone, whoever came first.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not a session.
    pub async fn extend_session(
        &self,
        sub: &str,
        sid: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub))
            .key("sid", text(sid))
            .update_expression("SET expires_at = :expires_at")
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":expires_at", seconds(expires_at))
            .expression_attribute_values(":now", seconds(now))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(output) => output.attributes.map(session).transpose(),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::call("UpdateItem", error)),
        }
    }

    /// All sessions of an account, by a consistent read, those included that have expired and are not removed yet.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if an item is not a session.
    pub async fn sessions(&self, sub: &str) -> Result<Vec<Session>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.sessions)
            .key_condition_expression("#sub = :sub")
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":sub", text(sub))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut sessions = Vec::new();
        while let Some(item) = items.next().await {
            sessions.push(session(item.map_err(|error| StoreError::call("Query", error))?)?);
        }
        Ok(sessions)
    }

    /// Ends a session. Gives it back if it was there.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item was not a session.
    pub async fn end_session(&self, sub: &str, sid: &str) -> Result<Option<Session>, StoreError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .key("sub", text(sub))
            .key("sid", text(sid))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| StoreError::call("DeleteItem", error))?;
        output.attributes.map(session).transpose()
    }
}

fn session(attributes: HashMap<String, AttributeValue>) -> Result<Session, StoreError> {
    let item = Item::new(TABLE, attributes);
    Ok(Session {
        sub: item.text("sub")?.to_owned(),
        sid: item.text("sid")?.to_owned(),
        email: item.text("email")?.to_owned(),
        name: item.text("name")?.to_owned(),
        role: item.text_or_none("role")?.map(str::to_owned),
        auth_time: item.seconds("auth_time")?,
        expires_at: item.seconds("expires_at")?,
    })
}

pub(super) fn attributes(session: &Session) -> HashMap<String, AttributeValue> {
    let mut attributes = HashMap::from([
        ("sub".to_owned(), text(&session.sub)),
        ("sid".to_owned(), text(&session.sid)),
        ("email".to_owned(), text(&session.email)),
        ("name".to_owned(), text(&session.name)),
        ("auth_time".to_owned(), seconds(session.auth_time)),
        ("expires_at".to_owned(), seconds(session.expires_at)),
    ]);
    if let Some(role) = &session.role {
        attributes.insert("role".to_owned(), text(role));
    }
    attributes
}
