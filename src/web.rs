//! What a request is on its way: the gateway's event, the carrier of its token, where it comes from, and who it comes
//! from.
//!
//! The web layer knows HTTP and the events of API Gateway. It decides nothing about accounts and asks nobody: it reads
//! and writes headers, contexts and pages. It may import the domain.

pub mod carrier;
pub mod event;
pub mod identity;
pub mod origin;
pub mod pages;
