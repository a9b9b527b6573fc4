//! Other people's programs: clients, generators, browsers, shells, emulators.

mod clients;
mod emulators;
mod openapi;
mod openapi_tools;
mod pages_browser;
mod pasted;
