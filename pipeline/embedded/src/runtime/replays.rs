//! Carries replays on, at their rate, also those that another process started or a crash interrupted.

use spillway_core::Pipeline;
use spillway_core::usecases::replay::{End, Scope};
use std::time::Duration;

/// Between two tries if replays can't continue.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Between two searches for messages that no longer exist.
const RELEASE_EVERY: Duration = Duration::from_secs(3600);
/// Messages that one search releases at most.
const RELEASED_AT_ONCE: usize = 1000;

/// Looks for replays and carries them on until dropped. It also releases messages that can't exist any more.
pub async fn run(ports: Pipeline, poll: Duration) {
    let carrier = ports.carrier();
    let mut searched_at = None;
    loop {
        let now = ports.clock.now();
        if searched_at.is_none_or(|at| now >= at + RELEASE_EVERY || now < at) {
            searched_at = Some(now);
            match carrier.release_overdue(ports.settings.retention_s, RELEASED_AT_ONCE).await {
                Ok(0) => {}
                Ok(released) => tracing::warn!(released, "dead letters left replays whose messages are gone"),
                Err(error) => tracing::warn!(%error, "messages that are gone could not be searched"),
            }
        }
        let rate = ports.settings.replay_rate_per_s;
        let pause = match carrier.carry_on(Scope::All, rate, None, &mut |_| {}).await {
            Ok(carried) if carried.end == End::Done => poll,
            Ok(_) => RETRY_PAUSE,
            Err(error) => {
                tracing::warn!(%error, "replays could not be read");
                poll
            }
        };
        ports.clock.sleep(pause).await;
    }
}
