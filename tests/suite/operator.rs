//! `jea-auth` on one machine, and what an operator does with it.

mod accounts;
mod command_line;
mod doctor;
mod factor;
mod hints;
mod journey;
mod key_files;
mod keys;
mod local_mails;
mod local_ports;
mod mails;
mod passkeys;
mod passwords;
mod terminal;
