//! A session and its account, read together.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use super::{Store, StoreError, account_item, accounts, item::Item, sessions};
use crate::{
    domain::{
        access_key::{AccessKeyId, StoredKey},
        account::{Account, Email, Holder, Name, Role, Status},
        ids::{AccountId, SessionId},
        session::{Life, Session},
        time::Timestamp,
    },
    platform::tries::{GENERATIONS, UNPROCESSED},
};

const BATCH: &str = "BatchGetItem";

/// What an authorization reads of an account, and all that the authorizer may read of one: no hash of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    /// The account's opaque id.
    pub sub: AccountId,
    /// Whether it may log on.
    pub status: Status,
    /// Its generation.
    pub generation: u64,
    /// Its access keys.
    pub access_keys: BTreeMap<AccessKeyId, StoredKey>,
    /// What the person is called.
    pub name: Name,
    /// The name of its role, if it has one.
    pub role: Option<Role>,
}

/// An account, or a part of one, that tells which sessions live.
pub trait ReadOfAccount: Sized {
    /// The attributes that are read; all, if there is nothing.
    const ATTRIBUTES: Option<&'static [&'static str]>;

    /// What an item of the table is.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if it is not an account.
    fn of_item(item: HashMap<String, AttributeValue>) -> Result<Self, StoreError>;

    /// What sessions live by.
    fn holder(&self) -> Holder<'_>;
}

impl ReadOfAccount for Account {
    const ATTRIBUTES: Option<&'static [&'static str]> = None;

    fn of_item(item: HashMap<String, AttributeValue>) -> Result<Self, StoreError> {
        account_item::account(item)
    }

    fn holder(&self) -> Holder<'_> {
        Account::holder(self)
    }
}

impl ReadOfAccount for AccountSummary {
    const ATTRIBUTES: Option<&'static [&'static str]> =
        Some(&["email", "sub", "status", "generation", "access_keys", "name", "role"]);

    fn of_item(item: HashMap<String, AttributeValue>) -> Result<Self, StoreError> {
        let item = Item::new(account_item::TABLE, item);
        Ok(Self {
            sub: item.parsed("sub", AccountId::parse)?,
            status: account_item::status(&item)?,
            generation: item.number("generation")?,
            access_keys: account_item::access_keys(&item)?,
            name: item.parsed("name", Name::stored)?,
            role: item.parsed_or_none("role", Role::stored)?,
        })
    }

    fn holder(&self) -> Holder<'_> {
        let Self { sub, status, generation, access_keys, .. } = self;
        Holder { sub, status: *status, generation: *generation, access_keys }
    }
}

impl Store {
    /// A session that is alive now, with its account, by consistent reads: a log-off and an end of sessions anywhere
    /// are seen here. Both are read at once where the account's `email` is known, and one after the other where it is
    /// not.
    ///
    /// The two reads are no snapshot, as DynamoDB reads single items: an owner who ends all other sessions moves the
    /// account and the own session to the next generation in one transaction, and a read in between sees two
    /// generations. So what is of another generation is read again, until two reads in a row show the same.
    ///
    /// # Errors
    /// [`StoreError::Call`] if DynamoDB fails, [`StoreError::Undone`] if it does not get to it,
    /// [`StoreError::Malformed`] if an item is no session or no account.
    pub async fn living<A: ReadOfAccount>(
        &self,
        ids: (&AccountId, &SessionId),
        email: Option<&Email>,
        now: Timestamp,
    ) -> Result<Option<(Session, A)>, StoreError> {
        let (mut seen, mut tries) = (None, self.tries(GENERATIONS));
        loop {
            let Some((session, account)) = self.session_and_account::<A>(ids, email).await? else { return Ok(None) };
            match session.life(account.as_ref().map(A::holder), now) {
                Life::Alive => return Ok(account.map(|account| (session, account))),
                Life::Ended => return Ok(None),
                Life::OtherGeneration => {
                    let generations = (session.generation, account.map(|account| account.holder().generation));
                    if seen.replace(generations) == Some(generations) {
                        return Ok(None);
                    }
                }
            }
            if !tries.again().await {
                return Err(StoreError::Overtaken { operation: BATCH });
            }
        }
    }

    async fn session_and_account<A: ReadOfAccount>(
        &self,
        (sub, sid): (&AccountId, &SessionId),
        email: Option<&Email>,
    ) -> Result<Option<(Session, Option<A>)>, StoreError> {
        let session_key = sessions::key(sub, sid);
        let (session, account) = match email {
            Some(email) => self.read_both::<A>(session_key, accounts::key(email)).await?,
            None => (self.read_one(&self.tables.sessions, session_key, None).await?, None),
        };
        let session = session.map(|item| sessions::session(&Item::new(sessions::TABLE, item))).transpose()?.flatten();
        let Some(session) = session else { return Ok(None) };
        let email_of_session = Email::canonical(&session.email);
        let account = if email == Some(&email_of_session) {
            account
        } else {
            self.read_one(&self.tables.accounts, accounts::key(&email_of_session), A::ATTRIBUTES).await?
        };
        Ok(Some((session, account.map(A::of_item).transpose()?)))
    }

    async fn read_one(
        &self,
        table: &str,
        key: HashMap<String, AttributeValue>,
        attributes: Option<&[&str]>,
    ) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let mut get = self.client.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
        if let Some(attributes) = attributes {
            let (names, expression) = projection(attributes);
            get = get.set_expression_attribute_names(Some(names)).projection_expression(expression);
        }
        Ok(get.send().await.map_err(|error| StoreError::call("GetItem", error))?.item)
    }

    /// Reads a session and an account in one call. What DynamoDB leaves unprocessed is asked for again (Amazon DynamoDB
    /// API Reference, `BatchGetItem`).
    async fn read_both<A: ReadOfAccount>(
        &self,
        session: HashMap<String, AttributeValue>,
        account: HashMap<String, AttributeValue>,
    ) -> Result<(Option<HashMap<String, AttributeValue>>, Option<HashMap<String, AttributeValue>>), StoreError> {
        let incomplete = |error| StoreError::build(BATCH, error);
        let sessions = KeysAndAttributes::builder().keys(session).consistent_read(true).build().map_err(incomplete)?;
        let mut accounts = KeysAndAttributes::builder().keys(account).consistent_read(true);
        if let Some(attributes) = A::ATTRIBUTES {
            let (names, expression) = projection(attributes);
            accounts = accounts.set_expression_attribute_names(Some(names)).projection_expression(expression);
        }
        let accounts = accounts.build().map_err(incomplete)?;
        let mut asked =
            HashMap::from([(self.tables.sessions.clone(), sessions), (self.tables.accounts.clone(), accounts)]);
        let (mut session, mut account, mut tries) = (None, None, self.tries(UNPROCESSED));
        loop {
            let batch = self.client.batch_get_item().set_request_items(Some(asked));
            let output = batch.send().await.map_err(|error| StoreError::call(BATCH, error))?;
            let mut found = output.responses.unwrap_or_default();
            let mut first_of = |table: &str| found.remove(table).and_then(|items| items.into_iter().next());
            session = session.or(first_of(&self.tables.sessions));
            account = account.or(first_of(&self.tables.accounts));
            asked = output.unprocessed_keys.unwrap_or_default();
            if asked.is_empty() {
                return Ok((session, account));
            }
            if !tries.again().await {
                return Err(StoreError::Undone { operation: BATCH });
            }
        }
    }
}

/// Names behind placeholders, as some of them are reserved words.
fn projection(attributes: &[&str]) -> (HashMap<String, String>, String) {
    let names: HashMap<String, String> =
        attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
    let expression = attributes.iter().map(|name| format!("#{name}")).collect::<Vec<_>>().join(", ");
    (names, expression)
}
