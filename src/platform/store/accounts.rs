//! The table of accounts.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::SdkError,
    operation::{
        delete_item::DeleteItemError,
        put_item::PutItemError,
        scan::{ScanError, ScanOutput},
    },
    types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use aws_smithy_async::future::pagination_stream::PaginationStream;

use super::{
    CONDITION_FAILED, Malformed, Store, StoreError,
    account_item::{TABLE, account, account_of, attributes},
    cancellation_codes,
    item::{Item, text, well_formed},
    meets_transaction, meets_writes,
};
use crate::{
    domain::account::{Account, Email},
    platform::tries::OPERATOR,
};

/// Looked up for a text that cannot be an email, so that one costs the same call. It has no `@`, so it is nobody's.
const NO_EMAIL: &str = "-";

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
        let get = self.client.get_item().table_name(&self.tables.accounts).set_key(Some(key(email)));
        let output = get.consistent_read(true).send().await.map_err(|error| StoreError::call("GetItem", error))?;
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
        let scan = self.client.scan().table_name(&self.tables.accounts).consistent_read(true);
        AccountPages(scan.limit(ACCOUNTS_AT_ONCE).into_paginator().send())
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
            let Err(error) = self.until_alone(meets_writes, || write.clone().send()).await else { return Ok(results) };
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

    /// The id of the account at exactly this key, also if the rest of its item is malformed. Nothing comes back if
    /// there is no item; an empty text if it has no id.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn sub_at(&self, key: &str) -> Result<Option<String>, StoreError> {
        let get =
            self.client.get_item().table_name(&self.tables.accounts).key("email", text(key)).consistent_read(true);
        let output = get.send().await.map_err(|error| StoreError::call("GetItem", error))?;
        Ok(output.item.map(|attributes| Item::new(TABLE, attributes).text("sub").unwrap_or_default().to_owned()))
    }

    /// Removes the account at exactly this key, whatever its item holds. Tells whether there was one. It asks for the
    /// id and the generation that were read: a copy of the delete that arrives late removes no account that was added
    /// since.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Overtaken`] if others change the account at every try.
    pub async fn remove_account(&self, key: &str) -> Result<bool, StoreError> {
        let mut tries = self.tries(OPERATOR);
        loop {
            let get = self.client.get_item().table_name(&self.tables.accounts).key("email", text(key));
            let output = get.consistent_read(true).send().await.map_err(|error| StoreError::call("GetItem", error))?;
            let Some(mut found) = output.item else { return Ok(false) };
            let mut delete = self
                .client
                .delete_item()
                .table_name(&self.tables.accounts)
                .key("email", text(key))
                .expression_attribute_names("#email", "email")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let mut conditions = vec!["attribute_exists(#email)".to_owned()];
            for name in ["sub", "generation"] {
                delete = delete.expression_attribute_names(format!("#{name}"), name);
                conditions.push(match found.remove(name) {
                    Some(value) => {
                        delete = delete.expression_attribute_values(format!(":{name}"), value);
                        format!("#{name} = :{name}")
                    }
                    None => format!("attribute_not_exists(#{name})"),
                });
            }
            let delete = delete.condition_expression(conditions.join(" AND "));
            let Err(error) = self.until_alone(meets_transaction, || delete.clone().send()).await else {
                return Ok(true);
            };
            match error.as_service_error() {
                // Gone by an earlier copy of the same delete.
                Some(DeleteItemError::ConditionalCheckFailedException(failed)) if failed.item().is_none() => {
                    return Ok(true);
                }
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => {}
                Some(_) | None => return Err(StoreError::call("DeleteItem", error)),
            }
            if !tries.again().await {
                return Err(StoreError::Overtaken { operation: "DeleteItem" });
            }
        }
    }
}

/// The key of the account with this email.
pub(super) fn key(email: &Email) -> HashMap<String, AttributeValue> {
    HashMap::from([("email".to_owned(), text(if email.is_possible() { email.as_str() } else { NO_EMAIL }))])
}

/// How many accounts are added by one call: half of what a transaction may hold. All together are to be below its 4 MB.
pub const ADDED_AT_ONCE: usize = 50;

/// The most accounts of a page. DynamoDB's own limit of 1 MB lets thousands through, which take thirty times their size
/// while the SDK reads them.
const ACCOUNTS_AT_ONCE: i32 = 500;

/// All accounts, page by page.
pub struct AccountPages(PaginationStream<Result<ScanOutput, SdkError<ScanError, HttpResponse>>>);

impl AccountPages {
    /// The next page; nothing after the last. A malformed item is one of the page, by its key.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Result<Account, Malformed>>>, StoreError> {
        let Some(page) = self.0.next().await else { return Ok(None) };
        let items = page.map_err(|error| StoreError::call("Scan", error))?.items.unwrap_or_default();
        Ok(Some(items.into_iter().map(|item| well_formed(TABLE, &["email"], item, account_of)).collect()))
    }
}
