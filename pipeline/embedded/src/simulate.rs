//! Virtual time: the same code, with a clock that jumps to whatever is due next.

use crate::clock::VirtualClock;
use spillway_core::Timestamp;

/// Runs work in virtual time that starts at `start`. Whenever nothing is left to do, time jumps to the next timer, so
/// that a day of traffic takes seconds. Everything happens on the calling thread, in an order that is the same each time.
///
/// # Errors
/// The operating system refused a runtime.
pub fn in_virtual_time<T>(start: Timestamp, work: impl AsyncFnOnce(VirtualClock) -> T) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(async { work(VirtualClock::starting_at(start)).await }))
}
