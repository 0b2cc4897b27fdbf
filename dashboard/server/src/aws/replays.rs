//! Carrying replays on: in AWS no function does, so the dashboard does as long as it runs.

use spillway_core::ids::ReplayId;
use spillway_core::ports::ArchiveError;
use spillway_core::usecases::replay::Replayer;
use std::collections::HashMap;
use std::time::Duration;

/// How often is looked for replays that nobody carries on. Whoever does moves ten messages several times a second.
const LOOK: Duration = Duration::from_secs(5);
/// Messages in a step: what one `SendMessageBatch` carries.
const STEP: usize = 10;

/// Puts back what waits, at this rate, of each replay that did not move between two looks: one that was started on a page
/// here, or one whose starter has died. If two programs carry the same one on, some messages are sent twice, which the
/// store's condition makes harmless. Runs until it is dropped.
pub async fn carry_on(replayer: &Replayer, per_second: f64) {
    let mut seen = HashMap::new();
    loop {
        replayer.clock.sleep(LOOK).await;
        match idle(replayer, &mut seen).await {
            Ok(replays) => {
                for replay in replays {
                    if let Err(error) = put_back(replayer, &replay, per_second).await {
                        tracing::warn!(%replay, %error, "a replay can't be carried on; it is tried again");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "replays can't be looked at; it is tried again"),
        }
    }
}

/// Replays with messages that wait, as many as at the last look.
async fn idle(replayer: &Replayer, seen: &mut HashMap<ReplayId, u64>) -> Result<Vec<ReplayId>, ArchiveError> {
    let mut now = HashMap::new();
    for id in replayer.replays.unfinished().await? {
        if let Some(replay) = replayer.replays.get(&id).await? {
            now.insert(id, replay.waiting);
        }
    }
    let before = std::mem::replace(seen, now);
    let mut idle: Vec<_> = seen.iter().filter(|(id, waiting)| before.get(*id) == Some(*waiting)).collect();
    // Ids of later replays sort after earlier ones.
    idle.sort();
    Ok(idle.into_iter().map(|(id, _)| id.clone()).collect())
}

async fn put_back(replayer: &Replayer, replay: &ReplayId, per_second: f64) -> Result<(), ArchiveError> {
    loop {
        match replayer.advance(replay, STEP).await? {
            // None waits, or the queue takes none: the next look finds out.
            0 => return Ok(()),
            sent => replayer.clock.sleep(Duration::from_secs_f64(sent as f64 / per_second)).await,
        }
    }
}
