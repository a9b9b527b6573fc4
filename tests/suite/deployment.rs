//! The template, what it costs and what it permits, compared with the code.

mod alarms;
mod build;
mod kept;
mod parameters;
mod permissions;
mod prices;
mod rates;
mod template;
