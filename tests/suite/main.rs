//! The tests of the running service: the contract, the events, the binaries, the template and the command line.
//!
//! One binary, because each would link the embedded database and the AWS SDK once more.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails, and says where; it times and waits for real"
)]

mod support;

mod access_keys;
mod administration;
mod architecture;
mod backend;
mod calls;
mod checks;
mod clients;
mod command_line;
mod contract;
mod cross_site;
mod delivery;
mod dependencies;
mod docs;
mod doctor;
mod emulators;
mod events;
mod factor;
mod factor_faults;
mod factor_owner;
mod hostile_tokens;
mod import;
mod import_files;
mod import_layouts;
mod import_safe;
mod import_systems;
mod import_whole;
mod journey;
mod key_files;
mod keys;
mod lambda_binaries;
mod living;
mod local_mails;
mod local_ports;
mod log_on_model;
mod lost_answers;
mod mail_faults;
mod mails;
mod malformed;
mod malformed_items;
mod migrating;
mod my_email;
mod my_email_races;
mod names;
mod objects;
mod openapi;
mod openapi_tools;
mod operator_accounts;
mod operator_factor;
mod operator_hints;
mod operator_keys;
mod operator_mails;
mod operator_passkeys;
mod operator_passwords;
mod owner;
mod owner_faults;
mod owner_races;
mod pages;
mod pages_browser;
mod passkeys;
mod passkeys_refused;
mod passwords;
mod pasted;
mod permissions;
mod prices;
mod reach;
mod reasons;
mod required_factor;
mod secrets;
mod sessions;
mod stored_passkeys;
mod template;
mod template_alarms;
mod template_build;
mod template_kept;
mod template_parameters;
mod template_rates;
mod temporary_passwords;
mod terminal;
mod throttle;
