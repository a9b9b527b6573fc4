//! The tests of the running service: the contract, the events, the binaries, the template and the command line.
//!
//! One binary, because each would link the embedded database and the AWS SDK once more.

mod runtime_api;
mod service;

mod architecture;
mod backend;
mod clients;
mod command_line;
mod contract;
mod cross_site;
mod delivery;
mod events;
mod lambda_binaries;
mod malformed;
mod sessions;
mod template;
mod throttle;
