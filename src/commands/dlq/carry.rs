//! Continues a replay from this process and shows its progress. In AWS the archiver does so every few minutes, but an
//! operator who starts a replay need not wait for that.

use crate::answer::CommandError;
use crate::backend::Backend;
use crate::console::Console;
use crate::text;
use spillway_core::ids::ReplayId;
use spillway_core::usecases::replay::{End, Scope};
use std::time::Duration;

/// The first wait while the queue accepts nothing. Each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// After this number of waits in a row (17 minutes) the operator has to fix the queue first.
const MAX_WAITS: u32 = 10;

/// Puts a replay's messages back at the pipeline's rate, until none is waiting. An interrupted replay continues where
/// it stopped.
pub async fn carry_on(id: &ReplayId, backend: &Backend, console: &mut Console) -> anyhow::Result<()> {
    let carrier = backend.pipeline.carrier();
    let per_second = backend.pipeline.settings.replay_rate_per_s;
    let replay = super::replay::read(id, backend).await?;
    let bar = console.progress(replay.total()).with_message("put back");
    let mut waits = 0;
    loop {
        let carried = carrier.carry_on(Scope::One(id), per_second, None, &mut |sent| bar.inc(sent)).await?;
        if carried.sent + carried.returned > 0 {
            waits = 0;
        }
        if let End::Failed(error) = carried.end {
            return Err(error.into());
        }
        let replay = super::replay::read(id, backend).await?;
        if replay.waiting == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
        let why = match carried.end {
            End::Blocked(why) => why,
            _ => "nothing was put back".to_owned(),
        };
        let resume = console.addressed(&format!("spillway replays {id} --resume"));
        if waits == MAX_WAITS {
            bar.finish_and_clear();
            let what = format!(
                "not all were put back ({why}), and {} left: continue with {resume}",
                text::count(replay.waiting, "dead letter")
            );
            return Err(CommandError::TryAgain(what).into());
        }
        if waits == 0 {
            bar.suspend(|| {
                console.note(&format!("{why}. The command retries; after Ctrl-C, continue with {resume}"))
            });
        }
        backend.pipeline.clock.sleep(FIRST_WAIT * 2_u32.pow(waits)).await;
        waits += 1;
    }
}
