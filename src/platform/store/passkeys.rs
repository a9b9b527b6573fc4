//! What passkeys ask of the tables: an account by its handle, a challenge that is spent, and the day of a use.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::ReturnValuesOnConditionCheckFailure};

use super::{
    Store, StoreError,
    account_item::{HANDLE, TABLE},
    item::{Item, bytes, flag, number, seconds, text},
};
use crate::domain::{
    account::{Account, Email},
    passkey::{UsedPasskey, UserHandle},
    time::Timestamp,
    webauthn::PresentedChallenge,
};

/// The index on the table of accounts: its key is the handle, and it holds the table's key.
pub(super) const BY_HANDLE: &str = "by-handle";
/// The attribute that says which request has spent a challenge.
const SPENT_BY: &str = "spent_by";

/// Whether a challenge was there to be spent.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It is spent now.
    Now,
    /// It was spent before, by another request.
    Before,
}

impl Store {
    /// The account with this handle. The index is a hint, as DynamoDB brings it up to date after the item and reads it
    /// without consistency (DynamoDB Developer Guide, "Using Global Secondary Indexes in DynamoDB"); a consistent read
    /// of the item decides. Both calls are made for a handle that nobody has, too.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Malformed`] if an item is not an account.
    pub async fn account_of_handle(&self, handle: &UserHandle) -> Result<Option<Account>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.accounts)
            .index_name(BY_HANDLE)
            .key_condition_expression("#handle = :handle")
            .expression_attribute_names("#handle", HANDLE)
            .expression_attribute_values(":handle", text(&handle.text()))
            .limit(1);
        let found = query.send().await.map_err(|error| StoreError::call("Query", error))?.items.unwrap_or_default();
        let email = match found.into_iter().next() {
            Some(entry) => Item::new(TABLE, entry).parsed("email", Email::parse)?,
            // Nobody's, and read all the same.
            None => Email::canonical(""),
        };
        Ok(self.account(&email).await?.filter(|account| account.handle.as_ref() == Some(handle)))
    }

    /// Spends a challenge, for the request with this random id. A copy of the write that the SDK sends because an
    /// answer was lost finds the request's own id there.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails; then the challenge may be spent.
    pub async fn spend_challenge(
        &self,
        challenge: &PresentedChallenge,
        request: &[u8; 16],
    ) -> Result<Spent, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.attempts)
            .key("key", text(&challenge.key))
            .update_expression("SET #spent_by = :request, expires_at = :expires_at")
            .condition_expression("attribute_not_exists(#spent_by)")
            .expression_attribute_names("#spent_by", SPENT_BY)
            .expression_attribute_values(":request", bytes(request))
            .expression_attribute_values(":expires_at", seconds(challenge.forgotten))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(Spent::Now) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                let is_own = failed.item().and_then(|item| item.get(SPENT_BY)) == Some(&bytes(request));
                Ok(if is_own { Spent::Now } else { Spent::Before })
            }
            Some(_) | None => Err(StoreError::call("UpdateItem", error)),
        }
    }

    /// Writes down the use of a passkey, if the account is still as it was `read` and has the passkey. Nothing is
    /// written where nothing is new: most passkeys have no counter, and were used on the same day before.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails.
    pub async fn mark_passkey_used(
        &self,
        read: &Account,
        used: &UsedPasskey,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(before) = read.passkeys.get(&used.id) else { return Ok(()) };
        let after = before.after(used, now);
        let Some(day) = after.last_used.filter(|_| after != *before) else { return Ok(()) };
        let update = self
            .update_as_read(read, "attribute_exists(passkeys.#id)")
            .update_expression(
                "SET passkeys.#id.last_used = :day, passkeys.#id.sign_count = :count, passkeys.#id.backed_up = :backed_up",
            )
            .expression_attribute_names("#id", used.id.text())
            .expression_attribute_values(":day", seconds(day))
            .expression_attribute_values(":count", number(after.sign_count.into()))
            .expression_attribute_values(":backed_up", flag(after.backed_up));
        self.if_as_read(update).await
    }
}
