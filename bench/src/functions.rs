//! What Lambda gives a function, on this machine: a Runtime API, an environment, and AWS services that answer at once.
//!
//! Ours and the peers run as separate processes, as they would in Lambda, with the same settings.

pub mod aws;
pub mod emulator;
pub mod events;
pub mod programs;
mod runtime_api;
pub mod sandbox;
pub mod used;
