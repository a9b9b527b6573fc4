//! Secrets cannot be printed and clear themselves. The compiler holds both: what is wrong here does not build.

use std::fmt::{Debug, Display};

use jea_auth::{
    domain::{
        access_key::AccessKey,
        account::Account,
        factor::{Otp, RecoveryCode, TotpSecret},
        password::{Password, PasswordHash},
        secret::ServiceSecret,
        signing_key::{KeyMaterial, PrivateKey},
        token::Token,
    },
    functions::logon::Answer,
    service::{
        keyring::{Signer, Unsealed},
        operations::{BegunFactor, Context, Credential, Issued, MadeKey, NewPasswordByLink, PasswordChange},
    },
};
use serde::Serialize;
use static_assertions::assert_not_impl_any;
use zeroize::ZeroizeOnDrop;

// Check 9.
#[test]
fn types_that_hold_secrets_cannot_be_printed() {
    macro_rules! cannot_be_printed {
        ($($secret:ty)+) => { $(assert_not_impl_any!($secret: Debug, Display, Serialize);)+ };
    }
    cannot_be_printed! {
        AccessKey Account Answer BegunFactor Context<'static> Credential Issued KeyMaterial MadeKey PasswordChange NewPasswordByLink Otp Password
        PasswordHash PrivateKey RecoveryCode ServiceSecret Signer Token TotpSecret Unsealed
    }
}

// Check 9.
#[test]
fn secrets_that_others_see_clear_themselves() {
    fn clears_itself(_: &impl ZeroizeOnDrop) {}
    let _ = |key: &MadeKey| clears_itself(&key.text);
    let _ = |key: &KeyMaterial| clears_itself(&key.private);
}
