//! Continues replays while the dashboard runs. The archiver does so only every few minutes; a replay from the dashboard
//! need not wait for it.

use spillway_core::usecases::replay::{Carrier, Scope};
use std::time::Duration;

/// The interval between two checks for replays that no program continues. A program that continues one moves ten
/// messages several times a second.
const LOOK: Duration = Duration::from_secs(10);

/// Puts back waiting messages, at this rate, of each replay that did not move between two checks. Such a replay was
/// started on a page, or the program that started it has ended. Runs until it is dropped.
pub async fn carry_on(carrier: &Carrier, per_second: f64) {
    loop {
        carrier.clock.sleep(LOOK).await;
        if let Err(error) = carrier.carry_on(Scope::Idle(LOOK), per_second, None, &mut |_| {}).await {
            tracing::warn!(%error, "replays cannot be read; the next attempt follows");
        }
    }
}
