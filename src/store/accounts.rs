//! The table of accounts.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::AttributeValue};

use super::{
    Store, StoreError,
    item::{Item, seconds, text},
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

    /// All accounts, in no order.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if an item is not an account.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut items = self.client.scan().table_name(&self.tables.accounts).into_paginator().items().send();
        let mut accounts = Vec::new();
        while let Some(item) = items.next().await {
            accounts.push(account(item.map_err(|error| StoreError::call("Scan", error))?)?);
        }
        Ok(accounts)
    }
}

pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
    }
}

fn account(attributes: HashMap<String, AttributeValue>) -> Result<Account, StoreError> {
    let item = Item::new(TABLE, attributes);
    let status = match item.text("status")? {
        "active" => Status::Active,
        "disabled" => Status::Disabled,
        _ => return Err(item.malformed("status")),
    };
    Ok(Account {
        email: Email::parse(item.text("email")?).map_err(|_| item.malformed("email"))?,
        registered_email: item.text("registered_email")?.to_owned(),
        sub: item.text("sub")?.to_owned(),
        name: item.text("name")?.to_owned(),
        role: item.text_or_none("role")?.map(str::to_owned),
        status,
        password_hash: PasswordHash::parse(item.text("password_hash")?).map_err(|_| item.malformed("password_hash"))?,
        created: item.seconds("created")?,
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
        ("status".to_owned(), text(status_name(account.status))),
        ("password_hash".to_owned(), text(account.password_hash.as_str())),
        ("created".to_owned(), seconds(account.created)),
        ("profile".to_owned(), AttributeValue::M(profile)),
    ]);
    if let Some(role) = &account.role {
        attributes.insert("role".to_owned(), text(role));
    }
    attributes
}
