//! Carrying a replay on where no runtime does: in AWS, whoever starts a replay puts its messages back.

use crate::answer::Trouble;
use crate::backend::Backend;
use crate::console::Console;
use spillway_core::ids::ReplayId;
use std::time::Duration;

/// Messages in a step: what one `SendMessageBatch` carries.
const STEP: usize = 10;
/// The first wait while the queue takes nothing; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// After so many waits in a row (17 minutes) somebody has to look at the queue first.
const MOST_WAITS: u32 = 10;

/// Puts a replay's messages back at this rate, until none waits any more. One that was interrupted goes on where it was.
pub async fn carry_on(
    id: &ReplayId,
    per_second: f64,
    backend: &Backend,
    console: &mut Console,
) -> anyhow::Result<()> {
    let replayer = backend.replayer();
    let replay = super::replay::read(id, backend).await?;
    let bar = console.progress(replay.total()).with_message("put back");
    let (mut waiting, mut waits) = (replay.waiting, 0);
    loop {
        let sent = replayer.advance(id, STEP).await?;
        if sent > 0 {
            (waiting, waits) = (waiting.saturating_sub(sent as u64), 0);
            bar.inc(sent as u64);
            backend.clock.sleep(Duration::from_secs_f64(sent as f64 / per_second)).await;
            continue;
        }
        let replay = super::replay::read(id, backend).await?;
        if replay.waiting == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
        if replay.waiting < waiting {
            // The queue will never take these, so they are archived again; the others still have their turn.
            (waiting, waits) = (replay.waiting, 0);
            continue;
        }
        let why = replay.trouble.unwrap_or_else(|| "nothing was put back".to_owned());
        let resume = format!("spillway replays {id} --resume");
        if waits == MOST_WAITS {
            bar.finish_and_clear();
            let what = format!(
                "{} dead letters still wait to be put back ({why}): go on with {resume}",
                replay.waiting
            );
            return Err(Trouble::Unreachable(what).into());
        }
        if waits == 0 {
            bar.suspend(|| {
                console.note(&format!("{why}. It is tried again; after Ctrl-C, go on with {resume}"))
            });
        }
        backend.clock.sleep(FIRST_WAIT * 2_u32.pow(waits)).await;
        waits += 1;
    }
}
