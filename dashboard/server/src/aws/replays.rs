//! Carrying replays on while the dashboard runs. The archiver does it every few minutes; a replay that was started on a page
//! here does not wait for that.

use spillway_core::usecases::replay::{Carrier, Scope};
use std::time::Duration;

/// Between two looks for replays that no program carries on. A program that does moves ten messages several times a second.
const LOOK: Duration = Duration::from_secs(5);

/// Puts back what waits, at this rate, of each replay that did not move between two looks: one that was started on a page
/// here, or one whose starter has died. Runs until it is dropped.
pub async fn carry_on(carrier: &Carrier, per_second: f64) {
    loop {
        carrier.clock.sleep(LOOK).await;
        if let Err(error) = carrier.carry_on(Scope::Idle(LOOK), per_second, None, &mut |_| {}).await {
            tracing::warn!(%error, "replays can't be read; it is tried again");
        }
    }
}
