//! What many tests take: the service under test, what stands between it and what it depends on, events, and what is logged.

#[expect(dead_code, reason = "the tests beside the verifier spoil what it says, and not all of that is spoiled here")]
#[path = "../../src/domain/webauthn/tests/authenticator.rs"]
pub mod authenticator;
pub mod client;
pub mod event;
pub mod log;
pub mod proxy;
#[expect(dead_code, reason = "the benchmark of the functions measures with it too")]
pub mod runtime_api;
pub mod service;
