//! Drawings, through the crate's public interface.

mod properties;
mod snapshots;
