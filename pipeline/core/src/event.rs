//! Events: CloudEvents 1.0, kept exactly as the sender sent them.

mod cloudevent;
pub mod json;
mod peek;
pub mod raw;
mod rfc3339;

pub use cloudevent::{Attributes, Event, EventProblem, Wrapping};
pub use peek::peek;
