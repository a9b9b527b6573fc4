//! Log-on for serverless APIs.
//!
//! # One log-on
//!
//! 1. [`web::event`] takes method, path, headers and body out of the gateway's event; [`functions::logon`] finds the
//!    operation in the table of [`api`], refuses cross-site requests by [`web::origin`], and reads the body as the
//!    type that the operation's handler takes, a [`service::operations::Credential`].
//! 2. [`service::operations`] asks the [`service::keyring`] for the key that signs, then the [`platform::store`] for
//!    three things at once: one attempt of the account's bucket and one of the address's ([`domain::throttle`]), or one
//!    of a known [`domain::device`]'s, and the [`domain::account`].
//! 3. [`domain::password`] computes one Argon2id hash: that of the account, or a decoy of the same cost. An
//!    [`domain::access_key`], which a script gives in the place of a password, is compared without one, and takes from
//!    a bucket of its own. An account with a second [`domain::factor`] needs a code too, which a write uses up.
//! 4. The [`domain::session`] is written, with the generation that the account had when it was read. Beside it the
//!    attempt is given back, and [`domain::token`] signs.
//! 5. [`functions::logon`] answers: the Auth object, and the cookie.
//!
//! Every other request meets [`functions::authorizer`], which asks [`service::access`]: one token ([`web::carrier`]),
//! of one exact shape, signed with a key of ours ([`domain::signing_key`]), and a session that its account keeps alive.
//!
//! # The layers, from the top down
//!
//! | Folder | Is |
//! |---|---|
//! | `cli`, `local` | the command line, and the whole stack on one machine |
//! | [`functions`] | the Lambda functions, their configuration, and what puts the parts together |
//! | [`service`] | the use cases |
//! | [`platform`] | DynamoDB, KMS, SES, CloudWatch, and the machine itself |
//! | [`web`] | the gateway's events, tokens on their way, origins, identities, pages |
//! | [`domain`] | accounts, sessions, passwords, keys, tokens: no calls of AWS, no requests, no environment, no clock |
//! | [`api`], [`causes`] | the table of operations, and how errors are written down |
//!
//! A file imports from its own layer and from those below it, and no two files import each other by way of others; a
//! test holds both. Each folder's parent file says what its layer may know.

pub mod api;
pub mod causes;
#[cfg(feature = "terminal")]
pub mod cli;
pub mod domain;
pub mod functions;
#[cfg(feature = "terminal")]
pub mod local;
pub mod platform;
pub mod service;
pub mod web;
