//! x
pub mod access;
pub mod account;
pub mod app;
pub mod authorizer;
pub mod aws;
pub mod carrier;
#[cfg(feature = "terminal")]
pub mod cli;
pub mod config;
pub mod credential;
pub mod event;
pub mod http;
mod json;
pub mod keyring;
pub mod kms;
#[cfg(feature = "terminal")]
pub mod local;
pub mod operations;
pub mod origin;
pub mod password;
pub mod routes;
pub mod session;
pub mod signing_key;
pub mod store;
pub mod throttle;
pub mod time;
pub mod token;
