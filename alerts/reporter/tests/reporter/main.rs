//! What the function does with a payload, with ports that are in memory, and the program as Lambda starts it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod measures;
mod morning;
mod overlapping;
mod program;
mod recorded;
mod support;
