//! Traces: what X-Ray shows of an invocation, and of the events in it.
//!
//! [ADR 12](../../../docs/adr/0012-segments-to-the-daemon.md) says why this is our own.

mod calls;
mod daemon;

pub use calls::{Calls, Interceptor};
pub use daemon::Daemon;
