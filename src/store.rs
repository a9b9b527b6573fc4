//! The store: four DynamoDB tables. Nothing else in the crate knows DynamoDB.
//!
//! | Table | Key | Holds |
//! |---|---|---|
//! | accounts | `email` | who can log on |
//! | sessions | `sub`, `sid` | who is logged on |
//! | attempts | `key` | how often a password was tried lately |
//! | signing-keys | `kid` | the keys of tokens, private halves sealed |

mod accounts;
mod attempts;
mod item;
mod log_on;
mod sessions;
mod signing_keys;
mod tables;

use aws_sdk_dynamodb::{
    Client,
    error::{BoxError, ProvideErrorMetadata, SdkError},
};

pub use accounts::{ADDED_AT_ONCE, AccountPages, Added, Change};
pub use log_on::Opened;
pub use signing_keys::{SECRET_KID, StoredKeys, VerifyingKey};

/// The names of the tables: the stack's name and what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tables {
    accounts: String,
    sessions: String,
    attempts: String,
    signing_keys: String,
}

impl Tables {
    fn of_stack(stack: &str) -> Self {
        Self {
            accounts: format!("{stack}-accounts"),
            sessions: format!("{stack}-sessions"),
            attempts: format!("{stack}-attempts"),
            signing_keys: format!("{stack}-signing-keys"),
        }
    }
}

/// The tables of one stack.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Tables,
}

impl Store {
    /// The tables of `stack`, through `client`.
    #[must_use]
    pub fn new(client: Client, stack: &str) -> Self {
        Self { client, tables: Tables::of_stack(stack) }
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
    /// Others wrote the same items all the time.
    #[error("DynamoDB {operation} met conflicting writes at every try")]
    Conflict {
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
}

/// Tries of a write that meets other writes on the same items. The SDK does not repeat these itself.
const CONFLICT_TRIES: u32 = 4;
/// Wait before the next such try; each one waits this much longer.
const CONFLICT_WAIT: std::time::Duration = std::time::Duration::from_millis(20);
