//! The pipeline on one machine: the ports on SQLite, and the runtime that plays queue, functions and gateway.

pub mod alarms;
pub mod archive;
pub mod clock;
pub mod costs;
pub mod db;
pub mod faults;
pub mod flow;
pub mod gateway;
pub mod ops;
pub mod pipeline;
pub mod queue;
pub mod runtime;
pub mod sign_ins;
pub mod simulate;
pub mod store;
pub mod telemetry;

pub use clock::{FastClock, RealClock, VirtualClock};
pub use db::OpenError;
pub use pipeline::{Attached, Options, Pipeline};
