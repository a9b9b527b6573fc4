//! Accounts from files, of this service and of other systems.

mod files;
mod layouts;
mod migrating;
mod round_trip;
mod safe;
mod systems;
mod whole;
