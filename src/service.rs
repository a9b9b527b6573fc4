//! The use cases: what owners, clients and operators do, and the keys that it takes.
//!
//! The service layer decides: it asks the platform for what is stored, the domain for what it means, and says what is
//! to be written. It knows no SDK, no HTTP status and no event; whom a request comes from it is told as an identity. It
//! may import the platform, the web layer, the domain and the table of routes.

pub mod access;
pub mod administration;
pub mod keyring;
pub mod operations;
pub mod rotation;
