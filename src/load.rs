//! Load: events at a rate, each sent until the API promises it, and every promise noted.

mod engine;
mod latency;
mod promises;
mod tally;

pub use engine::{Plan, Progress, run};
pub use promises::{Promises, read_promises};
pub use tally::Report;
