//! Accounts of many people, for benchmarks in which more than one logs on.

use jea_auth::{
    domain::{
        access_key::{AccessKey, day_of},
        account::{Account, Email, Name},
        ids::AccountId,
    },
    local::{DEMO_EMAIL, Running},
    platform::{
        machine,
        store::{ADDED_AT_ONCE, Store},
    },
};
use zeroize::Zeroizing;

/// Adds accounts `user-0@example.org` and so on, all with the demo account's password and [`key`], which was used today.
pub async fn add_accounts(running: &Running, count: usize) {
    let store = Store::new(running.config.aws.dynamodb(), &running.config.stack);
    let demo = store.account(&Email::canonical(DEMO_EMAIL)).await.unwrap().unwrap();
    let (key, now) = (key(), machine::now());
    let mut stored = key.to_store(Name::parse("script").unwrap(), now, 90);
    stored.last_used = Some(day_of(now));
    let accounts: Vec<_> = (0..count)
        .map(|number| {
            let email = user(number);
            let (email, registered_email) = (Email::canonical(&email), email);
            let access_keys = [(key.id.clone(), stored.clone())].into();
            let sub = AccountId::new(&machine::random());
            Account { email, registered_email, sub, access_keys, ..demo.clone() }
        })
        .collect();
    for batch in accounts.chunks(ADDED_AT_ONCE) {
        store.add_accounts(batch).await.unwrap();
    }
}

/// The access key of each of them.
pub fn key() -> AccessKey {
    AccessKey::new(&[1; 16], &Zeroizing::new([2; 32]))
}

/// The email of one of them.
pub fn user(number: usize) -> String {
    format!("user-{number}@example.org")
}
