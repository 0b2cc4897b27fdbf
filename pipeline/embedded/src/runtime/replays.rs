//! Carries replays on, at their rate, also those that another process started or a crash interrupted.

use spillway_core::Pipeline;
use spillway_core::usecases::replay::{End, Scope};
use std::time::Duration;

/// Between two tries if replays can't continue.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Looks for replays and carries them on until dropped.
pub async fn run(ports: Pipeline, poll: Duration) {
    let carrier = ports.carrier();
    loop {
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
