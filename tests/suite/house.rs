//! The repository: its shape, its documents and its checks.

mod architecture;
mod checks;
mod docs;
mod secrets;
