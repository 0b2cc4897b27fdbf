//! What the pipeline does, one module for each step, in the order of the event path.

pub mod accept;
mod admit;
pub mod archive;
pub mod replay;
pub mod store;
