//! Events, dead letters, ports and use cases.
//!
//! This crate knows no AWS and no environment. Its only clock is the [`ports::Clock`] that is passed to it.
//! It has every step that an event can go through. [`usecases::accept`] accepts it, and [`usecases::store`]
//! puts it into the event store. [`usecases::archive`] keeps failed events, and [`usecases::replay`] puts
//! them back. [`Pipeline`] is the set of a pipeline's ports, and [`worker`] the shell around each batch.

mod causes;
pub mod dead_letter;
pub mod event;
pub mod explain;
pub mod failure;
pub mod ids;
pub mod ledger;
pub mod message;
pub mod metric;
pub mod names;
pub mod pipeline;
pub mod ports;
pub mod queue;
pub mod replay;
pub mod retry;
pub mod schema;
pub mod settings;
pub mod trace;
pub mod usecases;
pub mod worker;

pub use causes::one_line;
pub use pipeline::Pipeline;

/// A point in time, in UTC. What crosses a wire or reaches a disk is RFC 3339 or Unix milliseconds.
pub type Timestamp = jiff::Timestamp;
