//! The Lambda functions: events in, answers out, and what their environment says.
//!
//! This layer translates between the gateway, or a stream, and the use cases, and puts the parts together. It knows
//! statuses, bodies and configuration; it decides nothing about accounts. It may import every layer below.

pub mod app;
pub mod authorizer;
pub mod config;
pub mod logon;
pub mod mailer;
pub mod rotator;
