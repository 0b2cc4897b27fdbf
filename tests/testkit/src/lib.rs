//! Code that tests share. No product depends on it: it is a dev-dependency only, and `tests/tests/architecture` checks
//! that.
//!
//! * [`MemoryPipeline`] has every port of a pipeline in memory. A test sets its content and its faults.
//! * [`contract`] has a suite of cases for each port. Each adapter passes it, and so does the pipeline in memory.
//!   Feature `telemetry` adds the suites of what the dashboard reads beside: alarms, metrics, queues and traces.
//! * [`letters`] builds dead letters.
//! * `FunctionHarness` (feature `functions`) invokes a Lambda function and reads its output. `RuntimeApi` does so with a
//!   function's program.
//! * `ScriptedAlarms` (feature `alarms`) are alarms whose states follow scripted changes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking, as they do")]

#[cfg(feature = "alarms")]
mod alarms;
mod clock;
pub mod contract;
#[cfg(feature = "functions")]
mod function;
pub mod letters;
mod memory;
#[cfg(feature = "functions")]
mod runtime_api;

#[cfg(feature = "alarms")]
pub use alarms::ScriptedAlarms;
pub use clock::{ManualClock, SettableClock};
#[cfg(feature = "functions")]
pub use function::FunctionHarness;
pub use memory::{Background, MemoryPipeline, QueuedMessage, State};
#[cfg(feature = "functions")]
pub use runtime_api::{INVOCATION_TRACE, Request, RuntimeApi};

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future that must not wait.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in this test waits"),
    }
}
