//! The one transaction of a log-on.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};

use super::{
    CONDITION_FAILED, Store, StoreError, cancellation_codes,
    item::{number, text},
    meets_writes, sessions, until_alone,
};
use crate::{
    account::{Account, Status},
    password::PasswordHash,
    session::Session,
    throttle::BucketKey,
};

/// What came of opening a session.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The session is there.
    Opened,
    /// The account is not as it was read: disabled, deleted, or with another password hash. Nothing was written.
    AccountChanged,
}

impl Store {
    /// Opens a session, on condition that the account is still active and its hash unchanged; replaces the hash by
    /// `stronger` if there is one; forgets the account's attempts. All of it happens, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn open_session(
        &self,
        account: &Account,
        stronger: Option<&PasswordHash>,
        session: &Session,
        attempts: &BucketKey,
    ) -> Result<Opened, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let items = self.log_on_items(account, stronger, session, attempts);
        let items = items.map_err(|error| StoreError::Call { operation: OPERATION, source: error.into() })?;
        let write = self.client.transact_write_items().set_transact_items(Some(items.into()));
        let Err(error) = until_alone(meets_writes, || write.clone().send()).await else { return Ok(Opened::Opened) };
        // The account is the first item.
        let account = error.as_service_error().and_then(|error| cancellation_codes(error).next());
        if account == Some(CONDITION_FAILED) {
            return Ok(Opened::AccountChanged);
        }
        Err(StoreError::call(OPERATION, error))
    }

    fn log_on_items(
        &self,
        account: &Account,
        stronger: Option<&PasswordHash>,
        session: &Session,
        attempts: &BucketKey,
    ) -> Result<[TransactWriteItem; 3], aws_sdk_dynamodb::error::BuildError> {
        // Without a stronger hash the old one is written again: one kind of item instead of two.
        let account_item =
            Update::builder().table_name(&self.tables.accounts).key("email", text(account.email.as_str()));
        let account_item = match &account.password_hash {
            Some(hash) => account_item
                .update_expression("SET password_hash = :new_hash")
                .condition_expression(
                    "#status = :active AND password_hash = :hash AND #sub = :sub AND generation = :generation",
                )
                .expression_attribute_values(":hash", text(hash.as_str()))
                .expression_attribute_values(":new_hash", text(stronger.unwrap_or(hash).as_str())),
            None => account_item.update_expression("SET generation = :generation").condition_expression(
                "#status = :active AND attribute_not_exists(password_hash) AND #sub = :sub AND generation = :generation",
            ),
        };
        let account_item = account_item
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":active", text(Status::Active.name()))
            .expression_attribute_values(":sub", text(&account.sub))
            .expression_attribute_values(":generation", number(account.generation))
            .build()?;
        let session_item = Put::builder()
            .table_name(&self.tables.sessions)
            .set_item(Some(sessions::attributes(session)))
            .condition_expression("attribute_not_exists(sid)")
            .build()?;
        let attempts_item =
            Delete::builder().table_name(&self.tables.attempts).key("key", text(attempts.as_str())).build()?;
        Ok([
            TransactWriteItem::builder().update(account_item).build(),
            TransactWriteItem::builder().put(session_item).build(),
            TransactWriteItem::builder().delete(attempts_item).build(),
        ])
    }
}
