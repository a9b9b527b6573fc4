//! The table of mails that are to be sent. Its stream leads to the function that sends them.

use std::time::Duration;

use super::{
    Store, StoreError,
    item::{seconds, text},
};
use crate::{account::Email, ids::hexadecimal, mail::MailKind, time::Timestamp};

/// How long an item stays that was handled, or never was.
pub const KEPT_FOR: Duration = Duration::from_hours(1);

impl Store {
    /// Has a mail sent. What cannot be an email is written as a text that is none, so that it costs the same call.
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
            .item("email", text(if email.is_possible() { email.as_str() } else { "-" }))
            .item("expires_at", seconds(now.plus(KEPT_FOR)));
        put.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error))
    }
}
