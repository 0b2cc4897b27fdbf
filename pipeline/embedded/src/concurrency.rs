//! How many copies of a function run at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of invocations that are under way.
#[derive(Default)]
pub(crate) struct Concurrency(AtomicUsize);

impl Concurrency {
    /// An invocation begins. It ends when the answer is dropped, whatever became of it: an answer, a timeout, a panic, or
    /// a client that went away.
    pub(crate) fn begin(&self) -> Running<'_> {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Running { running: &self.0, count }
    }
}

/// An invocation under way.
pub(crate) struct Running<'c> {
    running: &'c AtomicUsize,
    count: usize,
}

impl Running<'_> {
    /// How many were under way when it began, itself included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}
