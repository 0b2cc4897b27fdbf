//! Load: events at a fixed rate. Each is sent until the API promises it, and every promise is recorded.

mod engine;
mod latency;
mod promises;
mod tally;

pub use engine::{Plan, Progress, run};
pub use promises::{Promises, read_promises};
pub use tally::Report;
#[cfg(test)]
pub use tally::Tally;
