//! Log-on for serverless APIs.
//!
//! # One log-on
//!
//! 1. [`event`] takes method, path, headers and body out of the gateway's event; [`logon`] finds the operation in the
//!    table of [`api`], refuses cross-site requests by [`origin`], and parses the [`credential`].
//! 2. [`operations`] asks the [`keyring`] for the key that signs, then the [`store`] for three things at once: one
//!    attempt of the account's bucket and one of the address's ([`throttle`]), or one of a known [`device`]'s, and the
//!    [`account`].
//! 3. [`password`] computes one Argon2id hash: that of the account, or a decoy of the same cost. An [`access_key`], which a
//!    script gives in the place of a password, is compared without one. An account with a second [`factor`] needs a code too.
//! 4. The [`session`] is written, and beside it the attempt is given back. Then the account is looked at again: if somebody
//!    has ended its sessions meanwhile, the session is deleted, and the log-on starts over. With a code this look is the write that
//!    uses it up.
//! 5. [`token`] signs, and [`logon`] answers: the Auth object, and the cookie.
//!
//! Every other request meets [`authorizer`], which asks [`access`]: one token ([`carrier`]), of one exact shape, signed
//! with a key of ours ([`signing_key`]), and a session that is alive.
//!
//! # The modules, from the top down
//!
//! | Modules | Do |
//! |---|---|
//! | [`app`], `cli`, `local` | put the parts together: as Lambda functions, as a command line, as a whole stack on one machine |
//! | [`logon`], [`authorizer`], [`rotator`], [`mailer`], [`config`] | the functions, and what their environment says |
//! | [`operations`], [`access`], [`administration`] | the use cases |
//! | [`keyring`], [`rotation`] | the keys in memory; making and revoking them |
//! | [`store`], [`kms`], [`ses`], [`aws`], [`event`], [`journal`], [`machine`] | DynamoDB, KMS, SES, API Gateway, CloudWatch, and the machine itself; nothing else knows them |
//! | all others | the domain: no AWS, no HTTP, no environment, no clock; no randomness of its own but that of key pairs, which AWS-LC makes |
//!
//! A module imports from its own row and from those below it; a test holds that.

pub mod access;
pub mod access_key;
pub mod account;
pub mod administration;
pub mod api;
pub mod app;
pub mod authorizer;
pub mod aws;
pub mod carrier;
pub mod causes;
#[cfg(feature = "terminal")]
pub mod cli;
pub mod config;
pub mod credential;
pub mod details;
pub mod device;
pub mod event;
pub mod factor;
pub mod identity;
pub mod ids;
pub mod journal;
mod json;
pub mod keyring;
pub mod kms;
pub mod link;
#[cfg(feature = "terminal")]
pub mod local;
pub mod logon;
pub mod machine;
pub mod mail;
pub mod mailer;
mod name;
pub mod operations;
pub mod origin;
pub mod pages;
pub mod password;
pub mod rotation;
pub mod rotator;
pub mod secret;
pub mod ses;
pub mod session;
pub mod signing_key;
pub mod store;
pub mod throttle;
pub mod time;
pub mod token;
