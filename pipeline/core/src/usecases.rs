//! What the pipeline does, one module each, in the order of an event's way.

pub mod accept;
pub mod archive;
pub mod replay;
pub mod store;
