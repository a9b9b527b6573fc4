//! The table of mails that are to be sent. Its stream leads to the function that sends them.

use std::time::Duration;

use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;

use super::{
    Store, StoreError,
    item::{seconds, text},
};
use crate::domain::{account::Email, ids::hexadecimal, mail::MailKind, time::Timestamp};

/// How long an item stays that was handled, or never was.
pub const KEPT_FOR: Duration = Duration::from_hours(1);

impl Store {
    /// Whether mails are switched on: the template makes the table only then.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, or does not let one look.
    pub async fn takes_mails(&self) -> Result<bool, StoreError> {
        match self.client.describe_table().table_name(&self.tables.outbox).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) => {
                Ok(false)
            }
            Err(error) => Err(StoreError::call("DescribeTable", error)),
        }
    }

    /// Has a mail sent to an email that an account can have.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; the mail may be sent all the same.
    pub async fn send_mail(
        &self,
        id: &[u8; 16],
        kind: MailKind,
        email: &Email,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.outbox)
            .item("id", text(&hexadecimal(id)))
            .item("kind", text(kind.name()))
            .item("email", text(email.as_str()))
            .item("expires_at", seconds(now.plus(KEPT_FOR)));
        put.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error))
    }
}
