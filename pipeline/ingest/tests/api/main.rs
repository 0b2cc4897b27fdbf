//! The HTTP API as a sender sees it.

#![expect(clippy::unwrap_used, reason = "test code")]

mod accepted;
mod any_input;
mod documented;
mod refused;
mod support;
