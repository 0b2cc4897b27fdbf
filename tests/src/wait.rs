//! Waits for results that a system produces after a delay.

use std::fmt::Debug;
use std::time::Duration;
use tokio::time::Instant;

/// Time limit for anything that should happen at once. It is far longer than usual, for busy machines.
pub const SOON: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Waits until a condition is met, and returns its value. Until then the condition returns `Err` with what it observed.
pub async fn eventually<T, E: Debug>(what: &str, condition: impl AsyncFnMut() -> Result<T, E>) -> T {
    eventually_within(SOON, what, condition).await
}

/// The same with a different time limit.
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
                panic!("not within {limit:?}: {what}; last observation: {seen:#?}")
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}
