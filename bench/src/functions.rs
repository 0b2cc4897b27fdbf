//! Lambda's environment for a function, on this machine. It has a Runtime API, environment variables, and AWS
//! services that answer at once.
//!
//! Our functions and the peers run as separate processes, as they would in Lambda, with the same settings.

pub mod aws;
pub mod emulator;
pub mod events;
pub mod programs;
mod runtime_api;
pub mod sandbox;
pub mod used;
