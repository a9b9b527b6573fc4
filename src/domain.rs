//! What the service is about: accounts, sessions, passwords, passkeys, keys, tokens, throttles, links and mails.
//!
//! The domain calls no AWS, handles no request of HTTP, and reads no environment and no clock. What a token, a cookie
//! or a link says is decided here; how it travels is for the layers above. Time and random bytes are arguments; key
//! pairs alone draw randomness of their own, inside AWS-LC. It may import [`crate::api`], whose paths stand in mails,
//! and which says what sessions may reach, and nothing else of the crate.

pub mod access_key;
pub mod account;
pub mod details;
pub mod device;
pub(crate) mod email;
pub mod email_change;
pub mod email_link;
pub mod enrolment;
pub mod factor;
pub mod ids;
pub mod json;
pub mod link;
pub mod mail;
pub(crate) mod name;
pub mod passkey;
pub mod password;
pub mod random;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod throttle;
pub mod time;
pub mod token;
pub mod webauthn;
