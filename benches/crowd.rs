//! Accounts of many people, for benchmarks in which more than one logs on.

use jea_auth::{
    account::{Account, Email},
    ids::AccountId,
    local::{DEMO_EMAIL, Running},
    machine,
    store::{ADDED_AT_ONCE, Store},
};

/// Adds accounts `user-0@example.org` and so on, all with the demo account's password.
pub async fn add_accounts(running: &Running, count: usize) {
    let store = Store::new(running.config.aws.dynamodb(), &running.config.stack);
    let demo = store.account(&Email::canonical(DEMO_EMAIL)).await.unwrap().unwrap();
    let accounts: Vec<_> = (0..count)
        .map(|number| {
            let email = user(number);
            let (email, registered_email) = (Email::canonical(&email), email);
            Account { email, registered_email, sub: AccountId::new(&machine::random()), ..demo.clone() }
        })
        .collect();
    for batch in accounts.chunks(ADDED_AT_ONCE) {
        store.add_accounts(batch).await.unwrap();
    }
}

/// The email of one of them.
pub fn user(number: usize) -> String {
    format!("user-{number}@example.org")
}
