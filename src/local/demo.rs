//! The account that is there where nobody has one.

use zeroize::Zeroizing;

use super::LocalError;
use crate::{
    domain::{
        account::{Account, Email, Name},
        ids::AccountId,
        password::{Hasher, Password},
        time::Clock,
    },
    platform::{machine, store::Store},
};

/// Email of the account that an empty store gets.
pub const DEMO_EMAIL: &str = "demo@example.org";
/// Its password. It is printed, it exists on loopback addresses only, and only where nobody has an account.
pub const DEMO_PASSWORD: &str = "one-machine-demo-only";

/// Adds the demo account to an empty store. Tells whether it is there, now or since an earlier start.
pub(super) async fn account(store: &Store, clock: &Clock) -> Result<bool, LocalError> {
    let email = Email::parse(DEMO_EMAIL)?;
    if store.has_accounts().await? {
        return Ok(store.account(&email).await?.is_some());
    }
    let password = Password::new(&Zeroizing::new(DEMO_PASSWORD.to_owned()));
    let name = Name::parse("Demo")?;
    let mut account = Account::new(DEMO_EMAIL, name, AccountId::new(&machine::random()), clock())?;
    account.password_hash = Some(Hasher::default().hash(&password, machine::random())?);
    account.profile = [("country".to_owned(), "GB".to_owned())].into();
    let _ = store.add_account(&account).await?;
    Ok(true)
}
