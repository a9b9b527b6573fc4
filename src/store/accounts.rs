//! The table of accounts.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::SdkError,
    operation::{
        put_item::PutItemError,
        scan::{ScanError, ScanOutput},
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use aws_smithy_async::future::pagination_stream::PaginationStream;

use super::{
    CONDITION_FAILED, Malformed, Store, StoreError, cancellation_codes,
    item::{Item, number, seconds, text, well_formed},
    meets_transaction, meets_writes, until_alone,
};
use crate::{
    account::{Account, Email, Name, Role, Status},
    ids::AccountId,
    password::PasswordHash,
};

const TABLE: &str = "accounts";

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
        let key = if email.is_possible() { email.as_str() } else { NO_EMAIL };
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

    /// Changes an account, and gives it back as it is then; nothing if there is none. Every change asks for the generation
    /// that it was made for, so a copy of it that arrives late changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an account,
    /// [`StoreError::Overtaken`] if others change the account at every try.
    pub async fn change_account(&self, email: &Email, change: &Change) -> Result<Option<Account>, StoreError> {
        for _ in 0..CHANGE_TRIES {
            let Some(before) = self.account(email).await? else { return Ok(None) };
            let wanted = change.of(&before);
            let update = self.update_of(&before).return_values(ReturnValue::AllNew);
            let mut set = "SET #status = :status, generation = :next".to_owned();
            let mut update = update
                .condition_expression("#sub = :sub AND generation = :generation")
                .expression_attribute_values(":status", text(wanted.status.name()))
                .expression_attribute_values(":next", number(wanted.generation));
            if let Change::Password(hash) = change {
                set.push_str(", password_hash = :hash");
                update = update.expression_attribute_values(":hash", text(hash.as_str()));
            }
            let update = update.update_expression(set);
            match until_alone(meets_transaction, || update.clone().send()).await {
                Ok(output) => return output.attributes.map(account).transpose(),
                Err(error) => match found_instead(error)? {
                    // The SDK sent it twice, and the first copy got through.
                    Some(found) if found == wanted => return Ok(Some(found)),
                    Some(_) | None => {}
                },
            }
        }
        Err(StoreError::Overtaken { operation: "UpdateItem" })
    }

    /// Replaces the hash of an account by a `stronger` one of the same password, if the account is still as it was `read` and
    /// has still the `weaker` one. Gives back the account as it is then, or nothing if it is gone.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an account.
    pub async fn strengthen(
        &self,
        read: &Account,
        weaker: &PasswordHash,
        stronger: &PasswordHash,
    ) -> Result<Option<Account>, StoreError> {
        let update = self
            .update_of(read)
            .update_expression("SET password_hash = :stronger")
            .condition_expression(
                "#sub = :sub AND generation = :generation AND #status = :status AND password_hash = :hash",
            )
            .expression_attribute_values(":status", text(read.status.name()))
            .expression_attribute_values(":hash", text(weaker.as_str()))
            .expression_attribute_values(":stronger", text(stronger.as_str()))
            .return_values(ReturnValue::AllNew);
        match until_alone(meets_transaction, || update.clone().send()).await {
            Ok(output) => output.attributes.map(account).transpose(),
            Err(error) => found_instead(error),
        }
    }

    fn update_of(&self, read: &Account) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.accounts)
            .key("email", text(read.email.as_str()))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":sub", text(read.sub.as_str()))
            .expression_attribute_values(":generation", number(read.generation))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// The id of the account at exactly this key, also if the rest of its item is malformed. Nothing comes back if there is
    /// no item; an empty text if it has no id.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn sub_at(&self, key: &str) -> Result<Option<String>, StoreError> {
        let get =
            self.client.get_item().table_name(&self.tables.accounts).key("email", text(key)).consistent_read(true);
        let output = get.send().await.map_err(|error| StoreError::call("GetItem", error))?;
        Ok(output.item.map(|attributes| Item::new(TABLE, attributes).text("sub").unwrap_or_default().to_owned()))
    }

    /// Removes the account at exactly this key, whatever its item holds.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn remove_account(&self, key: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.tables.accounts).key("email", text(key));
        let deleted = until_alone(meets_transaction, || delete.clone().send()).await;
        deleted.map(drop).map_err(|error| StoreError::call("DeleteItem", error))
    }
}

/// What a condition found in the place of what it asked for.
fn found_instead(error: SdkError<UpdateItemError>) -> Result<Option<Account>, StoreError> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            failed.item().cloned().map(account).transpose()
        }
        Some(_) | None => Err(StoreError::call("UpdateItem", error)),
    }
}

/// How often a change that was overtaken by another one starts over.
const CHANGE_TRIES: u32 = 5;

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

impl Change {
    /// The account as the change leaves it.
    fn of(&self, account: &Account) -> Account {
        let mut changed = account.clone();
        match self {
            Self::Password(hash) => changed.password_hash = Some(hash.clone()),
            Self::Disable => changed.status = Status::Disabled,
            Self::Enable => changed.status = Status::Active,
            Self::EndSessions => {}
        }
        if !matches!(self, Self::Enable) {
            changed.generation = changed.generation.saturating_add(1);
        }
        changed
    }
}

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

fn account(attributes: HashMap<String, AttributeValue>) -> Result<Account, StoreError> {
    account_of(&Item::new(TABLE, attributes))
}

fn account_of(item: &Item) -> Result<Account, StoreError> {
    Ok(Account {
        email: item.parsed("email", Email::parse)?,
        registered_email: item.text("registered_email")?.to_owned(),
        sub: item.parsed("sub", AccountId::parse)?,
        name: item.parsed("name", Name::parse)?,
        role: item.parsed_or_none("role", Role::parse)?,
        status: Status::named(item.text("status")?).ok_or(item.malformed("status"))?,
        password_hash: item.parsed_or_none("password_hash", PasswordHash::parse)?,
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
        ("sub".to_owned(), text(account.sub.as_str())),
        ("name".to_owned(), text(account.name.as_str())),
        ("status".to_owned(), text(account.status.name())),
        ("created".to_owned(), seconds(account.created)),
        ("generation".to_owned(), number(account.generation)),
        ("profile".to_owned(), AttributeValue::M(profile)),
    ]);
    if let Some(hash) = &account.password_hash {
        attributes.insert("password_hash".to_owned(), text(hash.as_str()));
    }
    if let Some(role) = &account.role {
        attributes.insert("role".to_owned(), text(role.as_str()));
    }
    attributes
}
