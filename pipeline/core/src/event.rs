//! Events: CloudEvents 1.0, kept exactly as the sender sent them.

mod cloudevent;
pub mod json;

pub use cloudevent::{Attributes, Event, EventProblem, Wrapping};
