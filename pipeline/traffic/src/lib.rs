//! Realistic mixed events of a shop, for load, the demo and tests.
//!
//! No I/O and no clock: the same seed and the same times give the same events. [`Generator`] makes events,
//! [`rhythm`] gives the rate at a time of day and week. [`schemas`] has the JSON Schemas: good
//! events conform to them, and orders of a [`Deployment::AmountAsText`] violate them.

mod generator;
mod payload;
pub mod rhythm;
mod schemas;

pub use generator::{Deployment, EVENT_TYPES, Generator, Sample};
pub use schemas::{schema_files, schemas};
