//! The table of accounts.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::SdkError,
    operation::{
        put_item::PutItemError,
        scan::{ScanError, ScanOutput},
        update_item::UpdateItemError,
    },
    types::{AttributeValue, Put, ReturnValue, TransactWriteItem},
};
use aws_smithy_async::future::pagination_stream::PaginationStream;

use super::{
    CONDITION_FAILED, Store, StoreError, cancellation_codes,
    item::{Item, number, seconds, text},
    meets_transaction, meets_writes, until_alone,
};
use crate::{
    account::{Account, Email, Status},
    password::PasswordHash,
};

const TABLE: &str = "accounts";

/// Looked up for a text that cannot be an email, so that one costs the same call. It has no `@`, so it is nobody's.
const NOBODY: &str = "-";

/// What came of adding an account.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there now.
    Added,
    /// There was one with that email, and it is unchanged.
    Exists,
}

impl Store {
    /// The account with this email, by a consistent read.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an account.
    pub async fn account(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let key = if email.is_possible() { email.as_str() } else { NOBODY };
        let output = self
            .client
            .get_item()
            .table_name(&self.tables.accounts)
            .key("email", text(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::call("GetItem", error))?;
        output.item.map(account).transpose()
    }

    /// Adds an account, unless there is one with its email.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn add_account(&self, account: &Account) -> Result<Added, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.accounts)
            .set_item(Some(attributes(account)))
            .condition_expression("attribute_not_exists(email)");
        match put.send().await {
            Ok(_) => Ok(Added::Added),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Added::Exists)
            }
            Err(error) => Err(StoreError::call("PutItem", error)),
        }
    }

    /// Whether there is any account.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn has_accounts(&self) -> Result<bool, StoreError> {
        let scan = self.client.scan().table_name(&self.tables.accounts).limit(1).consistent_read(true);
        let output = scan.send().await.map_err(|error| StoreError::call("Scan", error))?;
        Ok(!output.items().is_empty())
    }

    /// All accounts, in no order, page by page.
    #[must_use]
    pub fn accounts(&self) -> AccountPages {
        AccountPages(self.client.scan().table_name(&self.tables.accounts).consistent_read(true).into_paginator().send())
    }

    /// Adds several accounts, at most [`ADDED_AT_ONCE`], each unless there is one with its email. What came of each is
    /// given back in their order.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then none of them was added.
    pub async fn add_accounts(&self, accounts: &[Account]) -> Result<Vec<Added>, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        let mut results = vec![Added::Added; accounts.len()];
        loop {
            let pending: Vec<usize> =
                (0..accounts.len()).filter(|at| results.get(*at) == Some(&Added::Added)).collect();
            let puts: Result<Vec<_>, _> = pending
                .iter()
                .filter_map(|at| accounts.get(*at))
                .map(|account| {
                    let put = Put::builder()
                        .table_name(&self.tables.accounts)
                        .set_item(Some(attributes(account)))
                        .condition_expression("attribute_not_exists(email)");
                    put.build().map(|put| TransactWriteItem::builder().put(put).build())
                })
                .collect();
            let puts = puts.map_err(|error| StoreError::Call { operation: OPERATION, source: error.into() })?;
            if puts.is_empty() {
                return Ok(results);
            }
            let write = self.client.transact_write_items().set_transact_items(Some(puts));
            let Err(error) = until_alone(meets_writes, || write.clone().send()).await else { return Ok(results) };
            let codes = error.as_service_error().into_iter().flat_map(cancellation_codes);
            let existing: Vec<usize> =
                pending.iter().zip(codes).filter(|(_, code)| *code == CONDITION_FAILED).map(|(at, _)| *at).collect();
            if existing.is_empty() {
                return Err(StoreError::call(OPERATION, error));
            }
            for at in existing {
                if let Some(result) = results.get_mut(at) {
                    *result = Added::Exists;
                }
            }
        }
    }

    /// Changes an account, and gives it back as it is then; nothing if there is none.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an account.
    pub async fn change_account(&self, email: &Email, change: &Change) -> Result<Option<Account>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.accounts)
            .key("email", text(email.as_str()))
            .condition_expression("attribute_exists(email)")
            .return_values(ReturnValue::AllNew);
        let update = match change {
            Change::Password(hash) => update
                .update_expression("SET password_hash = :hash ADD generation :one")
                .expression_attribute_values(":hash", text(hash.as_str()))
                .expression_attribute_values(":one", number(1)),
            Change::Disable => update
                .update_expression("SET #status = :status ADD generation :one")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", text(Status::Disabled.name()))
                .expression_attribute_values(":one", number(1)),
            Change::Enable => update
                .update_expression("SET #status = :status")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", text(Status::Active.name())),
            Change::EndSessions => {
                update.update_expression("ADD generation :one").expression_attribute_values(":one", number(1))
            }
        };
        match until_alone(meets_transaction, || update.clone().send()).await {
            Ok(output) => output.attributes.map(account).transpose(),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::call("UpdateItem", error)),
        }
    }

    /// Removes an account, and gives it back; nothing if there was none.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item was not an account.
    pub async fn remove_account(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.accounts)
            .key("email", text(email.as_str()))
            .return_values(ReturnValue::AllOld);
        let deleted = until_alone(meets_transaction, || delete.clone().send()).await;
        let output = deleted.map_err(|error| StoreError::call("DeleteItem", error))?;
        output.attributes.map(account).transpose()
    }
}

/// How many accounts are added by one call: half of what a transaction may hold. All together are to be below its 4 MB.
pub const ADDED_AT_ONCE: usize = 50;

/// A change of one account.
pub enum Change {
    /// Another password; its sessions are to end.
    Password(PasswordHash),
    /// No more log-ons; its sessions are to end.
    Disable,
    /// Log-ons again.
    Enable,
    /// Its sessions are to end.
    EndSessions,
}

/// All accounts, page by page.
pub struct AccountPages(PaginationStream<Result<ScanOutput, SdkError<ScanError, HttpResponse>>>);

impl AccountPages {
    /// The next page; nothing after the last.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if an item is not an account.
    pub async fn next(&mut self) -> Result<Option<Vec<Account>>, StoreError> {
        let Some(page) = self.0.next().await else { return Ok(None) };
        let items = page.map_err(|error| StoreError::call("Scan", error))?.items.unwrap_or_default();
        items.into_iter().map(account).collect::<Result<_, _>>().map(Some)
    }
}

fn account(attributes: HashMap<String, AttributeValue>) -> Result<Account, StoreError> {
    let item = Item::new(TABLE, attributes);
    Ok(Account {
        email: Email::parse(item.text("email")?).map_err(|_| item.malformed("email"))?,
        registered_email: item.text("registered_email")?.to_owned(),
        sub: item.text("sub")?.to_owned(),
        name: item.text("name")?.to_owned(),
        role: item.text_or_none("role")?.map(str::to_owned),
        status: Status::named(item.text("status")?).ok_or(item.malformed("status"))?,
        password_hash: item
            .text_or_none("password_hash")?
            .map(PasswordHash::parse)
            .transpose()
            .map_err(|_| item.malformed("password_hash"))?,
        created: item.seconds("created")?,
        generation: item.number("generation")?,
        profile: item.texts("profile")?.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    })
}

fn attributes(account: &Account) -> HashMap<String, AttributeValue> {
    let profile = account.profile.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    let mut attributes = HashMap::from([
        ("email".to_owned(), text(account.email.as_str())),
        ("registered_email".to_owned(), text(&account.registered_email)),
        ("sub".to_owned(), text(&account.sub)),
        ("name".to_owned(), text(&account.name)),
        ("status".to_owned(), text(account.status.name())),
        ("created".to_owned(), seconds(account.created)),
        ("generation".to_owned(), number(account.generation)),
        ("profile".to_owned(), AttributeValue::M(profile)),
    ]);
    if let Some(hash) = &account.password_hash {
        attributes.insert("password_hash".to_owned(), text(hash.as_str()));
    }
    if let Some(role) = &account.role {
        attributes.insert("role".to_owned(), text(role));
    }
    attributes
}
