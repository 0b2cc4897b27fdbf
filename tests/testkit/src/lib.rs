//! What tests share. No product depends on it: it is a dev-dependency only, and `tests/tests/architecture.rs` checks that.
//!
//! * [`MemoryPipeline`] has every port of a pipeline in memory. A test sets what is in it and what fails.
//! * [`contract`] has a suite of cases for each port. Each adapter passes it, and the memory does.
//! * [`letters`] builds dead letters.
//! * `FunctionHarness` (feature `functions`) invokes a Lambda function and reads what it emitted.
//! * `ScriptedAlarms` (feature `alarms`) are alarms whose states follow from scripted changes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as they do")]

#[cfg(feature = "alarms")]
mod alarms;
mod clock;
pub mod contract;
#[cfg(feature = "functions")]
mod function;
pub mod letters;
mod memory;

#[cfg(feature = "alarms")]
pub use alarms::ScriptedAlarms;
pub use clock::ManualClock;
#[cfg(feature = "functions")]
pub use function::FunctionHarness;
pub use memory::{Background, MemoryPipeline, QueuedMessage, State};

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future that never has to wait.
///
/// # Panics
/// It waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in this test waits"),
    }
}
