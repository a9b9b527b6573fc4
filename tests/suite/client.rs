//! What a client sees: operations, sessions and refusals, through HTTP.

mod access_keys;
mod backend;
mod contract;
mod cross_site;
mod delivery;
mod factor;
mod factor_owner;
mod mails;
mod my_email;
mod names;
mod objects;
mod owner;
mod pages;
mod passkeys;
mod passwords;
mod reach;
mod reasons;
mod required_factor;
mod sessions;
mod stored_passkeys;
mod temporary_passwords;
