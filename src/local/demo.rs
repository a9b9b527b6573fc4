//! The account that an empty store gets, so that whoever tries the service can log on.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::LocalError;
use crate::{
    domain::{
        account::{Account, Email, Name},
        ids::AccountId,
        password::{Hasher, Password, PasswordHash, UnusableHash},
        time::Clock,
    },
    platform::{machine, store::Store},
};

/// Email of the account that an empty store gets.
pub const DEMO_EMAIL: &str = "demo@example.org";
/// Its password. It is printed, it exists on loopback addresses only, and only where nobody has an account.
pub const DEMO_PASSWORD: &str = "one-machine-demo-only";

/// Adds the demo account to an empty store. Tells whether it is there, now or since an earlier start.
pub(super) async fn demo_account(store: &Store, clock: &Clock) -> Result<bool, LocalError> {
    let email = Email::parse(DEMO_EMAIL)?;
    if store.has_accounts().await? {
        return Ok(store.account(&email).await?.is_some());
    }
    let name = Name::parse("Demo")?;
    let mut account = Account::new(DEMO_EMAIL, name, AccountId::new(&machine::random()), clock())?;
    account.password_hash = Some(hash()?);
    account.profile = [("country".to_owned(), "GB".to_owned())].into();
    let _ = store.add_account(&account).await?;
    Ok(true)
}

/// The hash of its password, which a process that starts many stacks, as the tests do, computes once.
fn hash() -> Result<PasswordHash, UnusableHash> {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash.clone());
    }
    let password = Password::new(&Zeroizing::new(DEMO_PASSWORD.to_owned()));
    let hash = Hasher::default().hash(&password, machine::random())?;
    Ok(HASH.get_or_init(|| hash).clone())
}
