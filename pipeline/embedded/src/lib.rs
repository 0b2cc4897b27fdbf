//! The pipeline on one machine: the ports on SQLite, and the runtime that plays queue, functions and gateway.

pub mod gateway;
pub mod telemetry;
