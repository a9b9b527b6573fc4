//! The Lambda functions as they are deployed: events, calls and keys.

mod binaries;
mod calls;
mod events;
mod keys;
