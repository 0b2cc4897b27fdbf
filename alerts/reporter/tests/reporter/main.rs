//! What the function does with a payload, with ports that are in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod measures;
mod morning;
mod overlapping;
mod recorded;
mod support;
