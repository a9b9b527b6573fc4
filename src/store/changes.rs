//! Changes of accounts: each is one conditional write.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};

use super::{
    CONDITION_FAILED, Store, StoreError,
    account_item::{account, attributes},
    cancellation_codes,
    item::{number, seconds, text},
    meets_transaction, meets_writes, until_alone,
};
use crate::{
    access_key::AccessKeyId,
    account::{Account, Email},
    ids::SessionId,
    password::PasswordHash,
    time::Timestamp,
};

/// How often a change that was overtaken by another one starts over. Each time one of those at the same moment gets through.
const CHANGE_TRIES: u8 = 16;
/// Longest wait before the second try; each later one may be this much longer.
const CHANGE_WAIT: Duration = Duration::from_millis(5);

const TRANSACTION: &str = "TransactWriteItems";

/// What came of a transaction on two items. If a condition failed, neither is written.
enum Both {
    Written,
    FirstRefused,
    SecondRefused,
}

/// A part of a transaction lacks what it must have.
fn incomplete(error: BuildError) -> StoreError {
    StoreError::Call { operation: TRANSACTION, source: error.into() }
}

impl Store {
    /// Changes an account as `change` says, and gives it back before and after; nothing if there is none. What is written asks
    /// for the generation and for the old values of all that it replaces: of changes at the same moment each is made on top of
    /// the one before, and a copy that arrives late changes nothing.
    ///
    /// # Errors
    /// What `change` refuses, [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an
    /// account, [`StoreError::Overtaken`] if others change the account at every try.
    pub async fn change_account<E: From<StoreError>>(
        &self,
        email: &Email,
        change: impl Fn(&Account) -> Result<Account, E>,
    ) -> Result<Option<Changed>, E> {
        for tried in 1..=CHANGE_TRIES {
            let Some(before) = self.account(email).await? else { return Ok(None) };
            let after = change(&before)?;
            if after == before || self.replace(&before, &after).await? {
                return Ok(Some(Changed { before, after }));
            }
            // Random, or those that met would meet again.
            tokio::time::sleep(CHANGE_WAIT.mul_f32(fastrand::f32() * f32::from(tried))).await;
        }
        Err(StoreError::Overtaken { operation: "UpdateItem" }.into())
    }

    /// Makes an account that is as `before` one that is as `after`. Tells whether it is.
    async fn replace(&self, before: &Account, after: &Account) -> Result<bool, StoreError> {
        let update = self.update_by(&before.email, Difference::of(before, after));
        match until_alone(meets_transaction, || update.clone().send()).await {
            Ok(_) => Ok(true),
            // The same as wanted, if the SDK sent it twice and the first copy got through.
            Err(error) => Ok(found_instead(error)?.is_some_and(|found| found == *after)),
        }
    }

    /// Changes an account, and carries one of its sessions over into the new generation, in one transaction: an owner who ends
    /// all other sessions keeps the own one. Of the session `confirmed_at` and all else stays.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then neither was changed, or both were.
    pub async fn change_account_and_keep(
        &self,
        before: &Account,
        after: &Account,
        sid: &SessionId,
    ) -> Result<Kept, StoreError> {
        let Difference { update, condition, names, values } = Difference::of(before, after);
        let account = Update::builder()
            .table_name(&self.tables.accounts)
            .key("email", text(before.email.as_str()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(incomplete)?;
        let session = Update::builder()
            .table_name(&self.tables.sessions)
            .key("sub", text(before.sub.as_str()))
            .key("sid", text(sid.as_str()))
            .update_expression("SET generation = :generation")
            .condition_expression("attribute_exists(sid)")
            .expression_attribute_values(":generation", number(after.generation))
            .build()
            .map_err(incomplete)?;
        let account = TransactWriteItem::builder().update(account).build();
        let session = TransactWriteItem::builder().update(session).build();
        Ok(match self.write_both(account, session).await? {
            Both::Written => Kept::Changed,
            Both::FirstRefused => Kept::AccountChanged,
            Both::SecondRefused => Kept::SessionEnded,
        })
    }

    /// Moves an account to another email, in one transaction: it is never at both, and never at none.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then the account is where it was, or where it should be.
    pub async fn rename_account(&self, before: &Account, after: &Account) -> Result<Renamed, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.accounts)
            .set_item(Some(attributes(after)))
            .condition_expression("attribute_not_exists(email)")
            .build()
            .map_err(incomplete)?;
        let unchanged = Difference::unchanged(before);
        let delete = Delete::builder()
            .table_name(&self.tables.accounts)
            .key("email", text(before.email.as_str()))
            .condition_expression(unchanged.condition)
            .set_expression_attribute_names(Some(unchanged.names))
            .set_expression_attribute_values(Some(unchanged.values))
            .build()
            .map_err(incomplete)?;
        let put = TransactWriteItem::builder().put(put).build();
        let delete = TransactWriteItem::builder().delete(delete).build();
        Ok(match self.write_both(put, delete).await? {
            Both::Written => Renamed::Renamed,
            Both::FirstRefused => Renamed::Exists,
            Both::SecondRefused => Renamed::Changed,
        })
    }

    /// Writes two items in one transaction.
    async fn write_both(&self, first: TransactWriteItem, second: TransactWriteItem) -> Result<Both, StoreError> {
        let write = self.client.transact_write_items().transact_items(first).transact_items(second);
        let Err(error) = until_alone(meets_writes, || write.clone().send()).await else { return Ok(Both::Written) };
        let codes: Vec<&str> = error.as_service_error().into_iter().flat_map(cancellation_codes).collect();
        match codes.as_slice() {
            [CONDITION_FAILED, _] => Ok(Both::FirstRefused),
            [_, CONDITION_FAILED] => Ok(Both::SecondRefused),
            _ => Err(StoreError::call(TRANSACTION, error)),
        }
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
            .condition_expression(format!("{UNCHANGED} AND password_hash = :hash"))
            .expression_attribute_values(":hash", text(weaker.as_str()))
            .expression_attribute_values(":stronger", text(stronger.as_str()));
        self.look_again(update).await
    }

    /// Writes down the day of a key's last use, if the account is still as it was `read` and has the key. Gives back the
    /// account as it is then, or nothing if it is gone.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an account.
    pub async fn mark_used(
        &self,
        read: &Account,
        key: &AccessKeyId,
        day: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let update = self
            .update_of(read)
            .update_expression("SET access_keys.#key.last_used = :day")
            .condition_expression(format!("{UNCHANGED} AND attribute_exists(access_keys.#key)"))
            .expression_attribute_names("#key", key.as_str())
            .expression_attribute_values(":day", seconds(day));
        self.look_again(update).await
    }

    /// Uses a code up: makes an account that is as it was `read` one that is as `after`, if its name, role and status are as they
    /// were too. Gives back the account as it is then, or nothing if it is gone.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an account.
    pub async fn use_code(&self, read: &Account, after: &Account) -> Result<Option<Account>, StoreError> {
        let difference = Difference::of(read, after).and_as_read(read, &["name", "role", "status"]);
        self.look_again(self.update_by(&read.email, difference).return_values(ReturnValue::AllNew)).await
    }

    /// An update of an account that gives back what it found where its condition failed.
    fn update_by(&self, email: &Email, difference: Difference) -> UpdateItemFluentBuilder {
        let Difference { update, condition, names, values } = difference;
        self.client
            .update_item()
            .table_name(&self.tables.accounts)
            .key("email", text(email.as_str()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn look_again(&self, update: UpdateItemFluentBuilder) -> Result<Option<Account>, StoreError> {
        match until_alone(meets_transaction, || update.clone().send()).await {
            Ok(output) => output.attributes.map(account).transpose(),
            Err(error) => found_instead(error),
        }
    }

    /// A change that a log-on makes, on condition that the account is as it was read.
    fn update_of(&self, read: &Account) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.accounts)
            .key("email", text(read.email.as_str()))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":sub", text(read.sub.as_str()))
            .expression_attribute_values(":generation", number(read.generation))
            .expression_attribute_values(":status", text(read.status.name()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
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

/// The account is the one that was read, and no session of it has been ended since.
const UNCHANGED: &str = "#sub = :sub AND generation = :generation AND #status = :status";

/// An account before and after a change.
pub struct Changed {
    /// Before.
    pub before: Account,
    /// After.
    pub after: Account,
}

/// What came of a change that keeps a session.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Both are changed.
    Changed,
    /// Neither is: the account is another one by now.
    AccountChanged,
    /// Neither is: the session has ended.
    SessionEnded,
}

/// What came of a change of email.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It is at its new email.
    Renamed,
    /// Another account has that email.
    Exists,
    /// The account is another one by now.
    Changed,
}

/// The attributes that an account can be without.
const OPTIONAL: [&str; 5] = ["password_hash", "role", "access_keys", "factor", "begun_factor"];

/// What an update says to make one account another one, attribute by attribute.
struct Difference {
    update: String,
    condition: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Difference {
    /// Asks for every attribute of an account as it was read, and for none that it has got since.
    fn unchanged(account: &Account) -> Self {
        let (mut names, mut values, mut conditions) = (HashMap::new(), HashMap::new(), Vec::new());
        let present = attributes(account);
        let absent = OPTIONAL.iter().filter(|name| !present.contains_key(**name));
        for (at, name) in absent.enumerate() {
            conditions.push(format!("attribute_not_exists(#n{at})"));
            names.insert(format!("#n{at}"), (*name).to_owned());
        }
        for (at, (name, value)) in present.into_iter().enumerate() {
            conditions.push(format!("#a{at} = :old{at}"));
            names.insert(format!("#a{at}"), name);
            values.insert(format!(":old{at}"), value);
        }
        Self { update: String::new(), condition: conditions.join(" AND "), names, values }
    }

    /// Asks for these attributes too, as they were read.
    fn and_as_read(mut self, read: &Account, asked: &[&str]) -> Self {
        let mut read = attributes(read);
        let mut conditions = vec![self.condition];
        for name in asked {
            self.names.insert(format!("#{name}"), (*name).to_owned());
            conditions.push(match read.remove(*name) {
                Some(value) => {
                    self.values.insert(format!(":{name}"), value);
                    format!("#{name} = :{name}")
                }
                None => format!("attribute_not_exists(#{name})"),
            });
        }
        Self { condition: conditions.join(" AND "), ..self }
    }

    fn of(before: &Account, after: &Account) -> Self {
        let (mut old, mut new) = (attributes(before), attributes(after));
        let mut names = HashMap::from([("#sub".to_owned(), "sub".to_owned())]);
        let mut values = HashMap::from([
            (":sub".to_owned(), text(before.sub.as_str())),
            (":generation".to_owned(), number(before.generation)),
        ]);
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        let mut conditions = vec!["#sub = :sub AND generation = :generation".to_owned()];
        // In one order, so that the same change is the same request.
        let changed: BTreeSet<String> =
            old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).cloned().collect();
        for (at, name) in changed.iter().enumerate() {
            names.insert(format!("#a{at}"), name.clone());
            match new.remove(name) {
                Some(value) => {
                    sets.push(format!("#a{at} = :new{at}"));
                    values.insert(format!(":new{at}"), value);
                }
                None => removes.push(format!("#a{at}")),
            }
            match old.remove(name) {
                Some(value) => {
                    conditions.push(format!("#a{at} = :old{at}"));
                    values.insert(format!(":old{at}"), value);
                }
                None => conditions.push(format!("attribute_not_exists(#a{at})")),
            }
        }
        let part = |verb: &str, items: Vec<String>| {
            if items.is_empty() { String::new() } else { format!("{verb} {} ", items.join(", ")) }
        };
        let update = part("SET", sets) + &part("REMOVE", removes);
        Self { update, condition: conditions.join(" AND "), names, values }
    }
}
