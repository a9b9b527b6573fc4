//! What the service stands on: DynamoDB, KMS, SES, CloudWatch's log, and the machine itself.
//!
//! The platform layer calls the SDKs, and reads the environment, the clock and the random number generator; the layers
//! above ask it, but for the command line, which reads a person's AWS profile. It stores and fetches what the domain
//! defines, and decides nothing about it. It may import the domain.

pub mod aws;
mod http;
pub mod journal;
pub mod kms;
pub mod machine;
pub mod ses;
pub mod store;
pub mod tries;
