//! Carries replays on, at their rate, also those that another process started or a crash interrupted.

use crate::pipeline::Attached;
use std::time::Duration;

/// Messages that one call puts back, as many as one `SendMessageBatch` takes.
const AT_ONCE: f64 = 10.0;

/// Looks for replays and carries them on until dropped.
pub async fn run(ports: Attached, poll: Duration) {
    let replayer = ports.replayer();
    let rate = ports.settings.replay_rate_per_s.max(0.1);
    let (limit, pause) = if rate < AT_ONCE { (1, 1.0 / rate) } else { (AT_ONCE as usize, AT_ONCE / rate) };
    loop {
        let unfinished = match ports.replays.unfinished().await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::warn!(%error, "replays could not be read");
                Vec::new()
            }
        };
        let Some(replay) = unfinished.first() else {
            ports.clock.sleep(poll).await;
            continue;
        };
        match replayer.advance(replay, limit).await {
            Ok(0) => ports.clock.sleep(Duration::from_secs(1)).await,
            Ok(_) => ports.clock.sleep(Duration::from_secs_f64(pause)).await,
            Err(error) => {
                tracing::warn!(%error, %replay, "the replay can't go on; it will be tried again");
                ports.clock.sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
