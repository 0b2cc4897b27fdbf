//! Waiting for what a system does in its own time.

use std::fmt::Debug;
use std::time::Duration;
use tokio::time::Instant;

/// How long anything may take that ought to happen at once. Far above what it takes, for a machine that is busy.
pub const SOON: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Waits until a condition is met, and returns what met it. The condition returns `Err` with what it saw as long as
/// it is not.
///
/// # Panics
/// When it is not met within [`SOON`]; the message has what was seen last.
pub async fn eventually<T, E: Debug>(what: &str, condition: impl AsyncFnMut() -> Result<T, E>) -> T {
    eventually_within(SOON, what, condition).await
}

/// The same with a time of one's own.
///
/// # Panics
/// When it is not met in time.
pub async fn eventually_within<T, E: Debug>(
    limit: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = Instant::now() + limit;
    loop {
        match condition().await {
            Ok(met) => return met,
            Err(seen) if Instant::now() >= end => {
                panic!("not within {limit:?}: {what}; seen last: {seen:#?}")
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}
