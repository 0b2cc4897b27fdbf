//! The pipeline on one machine: the ports on SQLite, and the runtime that simulates queue, functions and
//! gateway.

pub mod alarms;
pub mod archive;
pub mod clock;
mod concurrency;
pub mod costs;
pub mod db;
pub mod faults;
pub mod gateway;
pub mod https;
pub mod jump;
pub mod ledger;
pub mod listener;
pub mod locate;
pub mod loops;
pub mod ops;
pub mod pipeline;
pub mod queue;
pub mod runtime;
pub mod schemas;
pub mod simulate;
pub mod store;
pub mod telemetry;

pub use clock::{FastClock, RealClock, VirtualClock};
pub use db::OpenError;
pub use jump::Jump;
pub use pipeline::{Local, Options, Pipeline};

#[cfg(test)]
mod tests;
