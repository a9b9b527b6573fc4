//! The tests of the running service and of what comes with it, in a folder for each kind.
//!
//! One binary, because each would link the embedded database and the AWS SDK once more.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails, and says where; it times and waits for real"
)]

mod client;
mod deployment;
mod faults;
mod functions;
mod house;
mod imports;
mod operator;
mod programs;
mod support;
