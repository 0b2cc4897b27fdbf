//! The consumer function: what it answers, and the program as Lambda starts it.

#![expect(clippy::unwrap_used, reason = "test code")]

mod batch;
mod program;
