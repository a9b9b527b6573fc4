//! The table of mails that are to be sent. Its stream leads to the function that sends them.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::describe_table::DescribeTableError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};

use super::{
    Store, StoreError,
    account_item::END_TOLD,
    accounts, incomplete,
    item::{number, seconds, text},
};
use crate::domain::{
    access_key::AccessKeyId,
    account::{Account, Email},
    ids::hexadecimal,
    mail::MailKind,
    time::Timestamp,
};

/// How long an item stays that was handled, or never was.
pub const KEPT_FOR: Duration = Duration::from_hours(1);

/// The attribute that names the account that a mail to another address is of.
pub const ACCOUNT: &str = "account";

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
        let put = self.client.put_item().table_name(&self.tables.outbox).set_item(Some(item(id, kind, email, now)));
        put.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error))
    }

    /// Has a mail sent to the email that the account with the `present` one is to have.
    ///
    /// # Errors
    /// As [`Self::send_mail`].
    pub async fn send_mail_to_new(
        &self,
        id: &[u8; 16],
        present: &Email,
        new: &Email,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.tables.outbox);
        let put = put.set_item(Some(item(id, MailKind::EmailNew, new, now))).item(ACCOUNT, text(present.as_str()));
        put.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error))
    }

    /// Has the owner of an account told that this access key ends, and writes down that this was done, both or neither:
    /// nothing is done if it was done before, or the account is not as it was `read` any more.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then neither is done, or both are.
    pub async fn tell_of_end(
        &self,
        id: &[u8; 16],
        read: &Account,
        key: &AccessKeyId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let told = Update::builder()
            .table_name(&self.tables.accounts)
            .set_key(Some(accounts::key(&read.email)))
            .update_expression(format!("SET access_keys.#key.{END_TOLD} = :true"))
            .condition_expression(format!(
                "#sub = :sub AND generation = :generation AND attribute_exists(access_keys.#key) AND \
                 attribute_not_exists(access_keys.#key.{END_TOLD})"
            ))
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_names("#key", key.as_str())
            .expression_attribute_values(":sub", text(read.sub.as_str()))
            .expression_attribute_values(":generation", number(read.generation))
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        let mut mail = item(id, MailKind::KeyEnds, &read.email, now);
        mail.insert("key".to_owned(), text(key.as_str()));
        let told = TransactWriteItem::builder().update(told.build().map_err(incomplete)?).build();
        self.write_together([told, self.mail(mail)?]).await.map(drop)
    }

    /// A mail as a part of a transaction.
    pub(super) fn mail(&self, item: HashMap<String, AttributeValue>) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.tables.outbox).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(put.build().map_err(incomplete)?).build())
    }
}

pub(super) fn item(id: &[u8; 16], kind: MailKind, email: &Email, now: Timestamp) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("id".to_owned(), text(&hexadecimal(id))),
        ("kind".to_owned(), text(kind.name())),
        ("email".to_owned(), text(email.as_str())),
        ("expires_at".to_owned(), seconds(now.plus(KEPT_FOR))),
    ])
}
