//! Realistic mixed events of a shop, for load, the demo and tests.
//!
//! No I/O and no clock: the same seed and the same times give the same events. [`Generator`] makes events,
//! [`rhythm`] says how many there should be at a time of day and week, and [`schemas`] has the JSON Schemas that good
//! events keep and those of a [`Deployment::AmountAsText`] break.

mod generator;
mod payload;
pub mod rhythm;
mod schemas;

pub use generator::{Deployment, EVENT_TYPES, Generator, Sample};
pub use schemas::{schema_files, schemas};
