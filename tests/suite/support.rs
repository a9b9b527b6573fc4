//! What many tests take: the service under test, what stands between it and what it depends on, events, and what is logged.

pub mod client;
pub mod event;
pub mod log;
pub mod proxy;
#[expect(dead_code, reason = "the benchmark of the functions measures with it too")]
pub mod runtime_api;
pub mod service;
