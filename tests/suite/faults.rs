//! What fails, comes late, is hostile, or meets something else at the same moment.

mod administration;
mod dependencies;
mod ends;
mod enrolment;
mod factor;
mod hostile_tokens;
mod log_on_model;
mod lost_answers;
mod mails;
mod malformed;
mod malformed_items;
mod my_email_races;
mod owner;
mod owner_races;
mod passkeys;
mod passkeys_refused;
mod throttle;
