//! The store: five DynamoDB tables. Every call of DynamoDB's SDK is made here; [`super::aws`] builds the client that
//! makes them, and a test holds that no other module names the SDK.
//!
//! | Table | Key | Holds |
//! |---|---|---|
//! | accounts | `email`; an index by `handle` | who can log on |
//! | sessions | `sub`, `sid` | who is logged on |
//! | attempts | `key` | what was tried lately, and how often: passwords, keys, codes, mails, changes; used challenges |
//! | outbox | `id` | mails that are to be sent |
//! | signing-keys | `kid` | the keys of tokens, private halves sealed |

mod account_item;
mod accounts;
mod attempts;
mod changes;
mod item;
mod living;
mod outbox;
mod passkeys;
mod sessions;
mod signing_keys;
mod tables;

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{BoxError, BuildError, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::TransactWriteItem,
};

use super::{
    aws::Limits,
    tries::{CONFLICT, Policy, Tries},
};
use crate::causes::Causes;
pub use accounts::{ADDED_AT_ONCE, AccountPages, Added};
pub use changes::{ChangedAccount, Kept, KeptSession, Renamed};
pub use living::{AccountSummary, ReadOfAccount};
pub use outbox::{ACCOUNT, KEPT_FOR};
pub use passkeys::Spent;
pub use signing_keys::{SECRET_KID, StoredKeys, VerifyingKey};

/// The names of the tables: the stack's name and what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tables {
    accounts: String,
    sessions: String,
    attempts: String,
    outbox: String,
    signing_keys: String,
}

impl Tables {
    fn of_stack(stack: &str) -> Self {
        Self {
            accounts: format!("{stack}-accounts"),
            sessions: format!("{stack}-sessions"),
            attempts: format!("{stack}-attempts"),
            outbox: format!("{stack}-outbox"),
            signing_keys: format!("{stack}-signing-keys"),
        }
    }
}

/// The tables of one stack.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    /// The same client, for calls of which a second copy would change something.
    sends_once: Arc<OnceLock<Client>>,
    /// The same, for calls of which a third copy would.
    sends_twice: Arc<OnceLock<Client>>,
    tables: Tables,
}

impl Store {
    /// The tables of `stack`, through `client`.
    #[must_use]
    pub fn new(client: Client, stack: &str) -> Self {
        let (sends_once, sends_twice) = (Arc::default(), Arc::default());
        Self { client, sends_once, sends_twice, tables: Tables::of_stack(stack) }
    }

    /// A client that sends a call once, whatever becomes of it.
    fn once(&self) -> &Client {
        self.sends_once.get_or_init(|| self.sending(1))
    }

    /// A client that sends a call twice at the most.
    fn twice(&self) -> &Client {
        self.sends_twice.get_or_init(|| self.sending(2))
    }

    /// Made when it is needed, as a start should not wait for it, and kept, as a log-on should not make one for each
    /// call.
    fn sending(&self, tries: u32) -> Client {
        let config = self.client.config();
        let retries = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard).with_max_attempts(tries);
        Client::from_conf(config.to_builder().retry_config(retries).build())
    }

    /// A sequence of tries that begins now, and begins none when the time that the client gives one operation has
    /// passed.
    #[must_use]
    pub fn tries(&self, policy: Policy) -> Tries {
        let limit = self.client.config().timeout_config().and_then(TimeoutConfig::operation_timeout);
        Tries::new(policy, limit.unwrap_or(Limits::FUNCTION.operation))
    }

    /// Writes items in one transaction. If nothing is written as a condition does not hold, it gives back the place of
    /// the first item of such a one.
    async fn write_together(
        &self,
        items: impl IntoIterator<Item = TransactWriteItem>,
    ) -> Result<Option<usize>, StoreError> {
        let write = self.client.transact_write_items().set_transact_items(Some(items.into_iter().collect()));
        let Err(error) = self.until_alone(meets_writes, || write.clone().send()).await else { return Ok(None) };
        let refused = error
            .as_service_error()
            .and_then(|error| cancellation_codes(error).position(|code| code == CONDITION_FAILED));
        if refused.is_some() { Ok(refused) } else { Err(StoreError::call(TRANSACTION, error)) }
    }

    /// Sends a write again while DynamoDB refuses it because a transaction writes the same items at that moment. The
    /// SDK does not send these again itself (DynamoDB Developer Guide, "Transaction conflict handling in DynamoDB").
    async fn until_alone<T, E, F>(
        &self,
        is_conflict: fn(&E) -> bool,
        mut send: impl FnMut() -> F,
    ) -> Result<T, SdkError<E>>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let mut tries = self.tries(CONFLICT);
        loop {
            let outcome = send().await;
            let meets = matches!(&outcome, Err(error) if error.as_service_error().is_some_and(is_conflict));
            if !meets || !tries.again().await {
                return outcome;
            }
        }
    }
}

/// The store could not do what it was asked. Nothing is known to be half done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB did not answer in time, refused, or failed.
    #[error("DynamoDB {operation} failed")]
    Call {
        /// The API's name of the call.
        operation: &'static str,
        /// What the SDK says.
        source: BoxError,
    },
    /// Others wrote the same item between the two parts of every try.
    #[error("DynamoDB {operation} was overtaken at every try")]
    Overtaken {
        /// The API's name of the call.
        operation: &'static str,
    },
    /// A condition failed, and the item that it failed on did not come with the answer. DynamoDB sends it (API
    /// Reference, `ReturnValuesOnConditionCheckFailure`); what else answers at its address may not.
    #[error("DynamoDB {operation} gave back no item with a condition that failed: is it DynamoDB?")]
    WithoutItem {
        /// The API's name of the call.
        operation: &'static str,
    },
    /// DynamoDB did not get to a part of what it was asked, at any try.
    #[error("DynamoDB {operation} left a part undone at every try")]
    Undone {
        /// The API's name of the call.
        operation: &'static str,
    },
    /// An item is not as this service writes it.
    #[error("attribute {attribute} of an item in {table} is missing or malformed")]
    Malformed {
        /// The table's name without the stack.
        table: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
}

impl StoreError {
    fn call<E>(operation: &'static str, error: SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        Self::Call { operation, source: error.into() }
    }

    /// A part of a request lacks what it must have.
    fn build(operation: &'static str, error: BuildError) -> Self {
        Self::Call { operation, source: error.into() }
    }
}

/// An item that is not as this service writes it: made by hand, or by a later version before a rollback.
#[derive(Debug)]
pub struct Malformed {
    /// The values of its key.
    pub key: String,
    /// What is wrong with it.
    pub error: StoreError,
}

impl Malformed {
    fn log(&self) {
        let Self { key, error } = self;
        tracing::warn!(key, error = %Causes(error), "a malformed item is left out");
    }
}

/// Whether a write of one item met a transaction that writes it.
fn meets_transaction<E: ProvideErrorMetadata>(error: &E) -> bool {
    error.code() == Some("TransactionConflictException")
}

/// Whether a transaction was cancelled for what passes by itself, and for no condition.
fn meets_writes(error: &TransactWriteItemsError) -> bool {
    let codes: Vec<&str> = cancellation_codes(error).collect();
    let passes =
        |code: &&str| matches!(*code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded");
    codes.iter().any(passes) && !codes.contains(&CONDITION_FAILED)
}

const TRANSACTION: &str = "TransactWriteItems";

/// A part of a transaction lacks what it must have.
fn incomplete(error: BuildError) -> StoreError {
    StoreError::build(TRANSACTION, error)
}

/// What a cancelled transaction says of each of its items, in their order.
fn cancellation_codes(error: &TransactWriteItemsError) -> impl Iterator<Item = &str> {
    let reasons = if let TransactWriteItemsError::TransactionCanceledException(cancelled) = error {
        cancelled.cancellation_reasons()
    } else {
        &[]
    };
    reasons.iter().map(|reason| reason.code().unwrap_or_default())
}

/// An item's code in a cancelled transaction if its condition did not hold.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::platform::aws::tests::aws;

    // Check 53.
    #[test]
    fn a_client_that_sends_a_call_less_often_has_the_same_limits() {
        let store = Store::new(aws().dynamodb(), "jea-auth");
        let of = |client: &Client| (client.config().retry_config().cloned(), client.config().timeout_config().cloned());
        let (retries, timeouts) = of(&store.client);
        for (client, tries) in [(store.once(), 1), (store.twice(), 2)] {
            assert_eq!(of(client), (retries.clone().map(|retries| retries.with_max_attempts(tries)), timeouts.clone()));
        }
        assert_eq!(retries.unwrap().max_backoff(), Duration::from_millis(50), "and the limits are those of a function");
    }
}
