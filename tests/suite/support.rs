//! What many tests take: the service under test and what its owners, operators and clients do with it, what stands between it
//! and what it depends on, events, what is logged, and the repository. No file of tests takes anything from another.

#[expect(dead_code, reason = "the tests beside the verifier spoil what it says, and not all of that is spoiled here")]
#[path = "../../src/domain/webauthn/tests/authenticator.rs"]
pub mod authenticator;
pub mod backend;
pub mod client;
pub mod documents;
pub mod event;
pub mod examples;
pub mod factor;
pub mod imports;
pub mod log;
pub mod mails;
pub mod my_email;
pub mod outcomes;
pub mod owner;
pub mod passkeys;
pub mod program;
pub mod proxy;
pub mod repository;
#[expect(dead_code, reason = "the benchmark of the functions measures with it too")]
pub mod runtime_api;
pub mod service;
pub mod serving;
pub mod template;
