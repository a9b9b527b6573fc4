//! Changes of accounts: each is one conditional write.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};

use super::{
    Store, StoreError,
    account_item::{FACTOR, HANDLE, PASSKEYS, account, attributes},
    incomplete,
    item::{number, seconds, text},
    meets_transaction, outbox, sessions,
};
use crate::{
    domain::{
        access_key::AccessKeyId,
        account::{Account, Email},
        ids::SessionId,
        mail::MailKind,
        password::PasswordHash,
        session::Session,
        time::Timestamp,
    },
    platform::tries::{CHANGE, Tries},
};

impl Store {
    /// Changes an account as `change` says, and gives it back before and after; nothing if there is none.
    ///
    /// # Errors
    /// As [`Self::change_in_generation`].
    pub async fn change_account<E: From<StoreError>>(
        &self,
        email: &Email,
        change: impl Fn(&Account) -> Result<Account, E>,
    ) -> Result<Option<ChangedAccount>, E> {
        let mut tries = self.tries(CHANGE);
        loop {
            let Some(before) = self.account(email).await? else { return Ok(None) };
            if let Some(changed) = self.change_in_generation(before, &change, &mut tries).await? {
                return Ok(Some(changed));
            }
        }
    }

    /// Changes an account that was read as `change` says. What is written asks for the generation and for the old
    /// values of all that it replaces, so of changes at the same moment each is made on top of the one before: one that
    /// was overtaken reads again, and ends with nothing if the account has moved on to another generation, or is gone.
    /// A copy that arrives late changes nothing. Each write is one of the `tries`, and when there is nothing the next
    /// of them has begun: whoever reads the account once more goes on with it.
    ///
    /// # Errors
    /// What `change` refuses, [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if the item is not an
    /// account, [`StoreError::Overtaken`] if others change the account at every try.
    pub async fn change_in_generation<E: From<StoreError>>(
        &self,
        mut before: Account,
        change: impl Fn(&Account) -> Result<Account, E>,
        tries: &mut Tries,
    ) -> Result<Option<ChangedAccount>, E> {
        loop {
            let after = change(&before)?;
            if after == before || self.replace(&before, &after).await? {
                return Ok(Some(ChangedAccount { before, after }));
            }
            if !tries.again().await {
                return Err(StoreError::Overtaken { operation: "UpdateItem" }.into());
            }
            let is_same = |read: &Account| (&read.sub, read.generation) == (&before.sub, before.generation);
            let Some(read) = self.account(&before.email).await?.filter(is_same) else { return Ok(None) };
            before = read;
        }
    }

    /// Makes an account that is as `before` one that is as `after`. Tells whether it is.
    async fn replace(&self, before: &Account, after: &Account) -> Result<bool, StoreError> {
        let Difference { update, condition, names, values } = Difference::of(before, after, &[]);
        let update = self
            .update_account(&before.email)
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = self.until_alone(meets_transaction, || update.clone().send()).await else { return Ok(true) };
        match error.as_service_error() {
            // The same as wanted, if the SDK sent it twice and the first copy got through.
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(failed.item().cloned().map(account).transpose()?.is_some_and(|found| found == *after))
            }
            Some(_) | None => Err(StoreError::call("UpdateItem", error)),
        }
    }

    /// Changes an account into the next generation, and has one session there: a new one, or one that is carried over.
    /// Both are written in one transaction, or a failure between them would end the session of whoever asks.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then neither was changed, or both were.
    pub async fn change_account_and_keep(
        &self,
        before: &Account,
        after: &Account,
        kept: KeptSession<'_>,
    ) -> Result<Kept, StoreError> {
        // The session may do everything by the first factor alone, of whichever kind.
        let held: &[&str] = if matches!(kept, KeptSession::Lifted(_)) { &[FACTOR, PASSKEYS] } else { &[] };
        let Difference { update, condition, names, values } = Difference::of(before, after, held);
        let account = Update::builder()
            .table_name(&self.tables.accounts)
            .key("email", text(before.email.as_str()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(incomplete)?;
        let account = TransactWriteItem::builder().update(account).build();
        let session = match kept {
            KeptSession::New(session) => {
                let session = &Session { generation: after.generation, ..session.clone() };
                let put = Put::builder()
                    .table_name(&self.tables.sessions)
                    .set_item(Some(sessions::attributes(session)))
                    .condition_expression("attribute_not_exists(sid)");
                TransactWriteItem::builder().put(put.build().map_err(incomplete)?)
            }
            KeptSession::Carried(sid) | KeptSession::Lifted(sid) => {
                let mut update = Update::builder()
                    .table_name(&self.tables.sessions)
                    .set_key(Some(sessions::key(&before.sub, sid)))
                    .update_expression("SET generation = :generation")
                    .condition_expression("attribute_exists(sid)")
                    .expression_attribute_values(":generation", number(after.generation));
                if matches!(kept, KeptSession::Lifted(_)) {
                    // Its name is a reserved word.
                    update = update
                        .update_expression("SET generation = :generation REMOVE #limited")
                        .expression_attribute_names("#limited", sessions::LIMITED);
                }
                TransactWriteItem::builder().update(update.build().map_err(incomplete)?)
            }
        };
        Ok(match self.write_together([account, session.build()]).await? {
            None => Kept::Changed,
            Some(0) => Kept::AccountChanged,
            Some(_) => Kept::SessionEnded,
        })
    }

    /// Moves an account to another email, in one transaction: it is never at both, and never at none. If `mail` is
    /// given, an id for a mail and the time, the email that the account had is told by that transaction, too: whoever
    /// sends the request again after a lost answer does not come here again.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then the account is where it was, or where it should be.
    pub async fn rename_account(
        &self,
        before: &Account,
        after: &Account,
        mail: Option<(&[u8; 16], Timestamp)>,
    ) -> Result<Renamed, StoreError> {
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
        let mail = mail.map(|(id, now)| self.mail(outbox::item(id, MailKind::EmailChanged, &before.email, now)));
        let mail = mail.transpose()?;
        Ok(match self.write_together([put, delete].into_iter().chain(mail)).await? {
            None => Renamed::Renamed,
            Some(0) => Renamed::Exists,
            Some(_) => Renamed::Changed,
        })
    }

    /// Replaces the hash of an account by a `stronger` one of the same password, if the account is still as it was
    /// `read` and has still the `weaker` one.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn strengthen(
        &self,
        read: &Account,
        weaker: &PasswordHash,
        stronger: &PasswordHash,
    ) -> Result<(), StoreError> {
        let update = self
            .update_as_read(read, "password_hash = :hash")
            .update_expression("SET password_hash = :stronger")
            .expression_attribute_values(":hash", text(weaker.as_str()))
            .expression_attribute_values(":stronger", text(stronger.as_str()));
        self.if_as_read(update).await
    }

    /// Writes down the day of a key's last use, if the account is still as it was `read` and has the key.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn mark_used(&self, read: &Account, key: &AccessKeyId, day: Timestamp) -> Result<(), StoreError> {
        let update = self
            .update_as_read(read, "attribute_exists(access_keys.#key)")
            .update_expression("SET access_keys.#key.last_used = :day")
            .expression_attribute_names("#key", key.as_str())
            .expression_attribute_values(":day", seconds(day));
        self.if_as_read(update).await
    }

    /// Sends a change that is not needed any more where its condition fails.
    pub(super) async fn if_as_read(&self, update: UpdateItemFluentBuilder) -> Result<(), StoreError> {
        match self.until_alone(meets_transaction, || update.clone().send()).await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::call("UpdateItem", error)),
        }
    }

    fn update_account(&self, email: &Email) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.tables.accounts).key("email", text(email.as_str()))
    }

    /// A change that a log-on makes beside its session, on condition that the account is the one that was read and its
    /// sessions have not been ended since.
    pub(super) fn update_as_read(&self, read: &Account, condition: &str) -> UpdateItemFluentBuilder {
        self.update_account(&read.email)
            .condition_expression(format!("#sub = :sub AND generation = :generation AND {condition}"))
            .expression_attribute_names("#sub", "sub")
            .expression_attribute_values(":sub", text(read.sub.as_str()))
            .expression_attribute_values(":generation", number(read.generation))
    }
}

/// An account before and after a change.
pub struct ChangedAccount {
    /// Before.
    pub before: Account,
    /// After.
    pub after: Account,
}

/// The session that is there after a change into the next generation.
#[derive(Clone, Copy)]
pub enum KeptSession<'a> {
    /// A new one, which gets the next generation.
    New(&'a Session),
    /// The one with this id, which is carried over.
    Carried(&'a SessionId),
    /// The one with this id, which is limited no more. The account may stay in its generation.
    Lifted(&'a SessionId),
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
const OPTIONAL: [&str; 10] = [
    "password_hash",
    "temporary_until",
    "role",
    "access_keys",
    FACTOR,
    "begun_factor",
    "email_change",
    "used_link",
    HANDLE,
    PASSKEYS,
];

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

    /// Makes an account of another, if it still has the old values of all that changes and of what is `held`.
    fn of(before: &Account, after: &Account, held: &[&str]) -> Self {
        let (mut old, mut new) = (attributes(before), attributes(after));
        let mut names = HashMap::from([("#sub".to_owned(), "sub".to_owned())]);
        let mut values = HashMap::from([
            (":sub".to_owned(), text(before.sub.as_str())),
            (":generation".to_owned(), number(before.generation)),
        ]);
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        let mut conditions = vec!["#sub = :sub AND generation = :generation".to_owned()];
        // In one order, so that the same change is the same request.
        let is_asked = |name: &&String| old.get(*name) != new.get(*name) || held.contains(&name.as_str());
        let held_names: Vec<String> = held.iter().map(|name| (*name).to_owned()).collect();
        let asked: BTreeSet<String> =
            old.keys().chain(new.keys()).chain(&held_names).filter(is_asked).cloned().collect();
        for (at, name) in asked.iter().enumerate() {
            names.insert(format!("#a{at}"), name.clone());
            match new.remove(name) {
                same if same.as_ref() == old.get(name) => {}
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
