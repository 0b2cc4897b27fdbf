//! `spillway dlq replay`: check in advance (preflight), start, and follow to the end.

use super::selection::{Selected, Selection};
use crate::answer::{CommandError, ExitStatus};
use crate::backend::{Backend, Site};
use crate::commands::replays;
use crate::console::{BOLD, Console, GREEN, RED, YELLOW, paint};
use crate::target::Actor;
use crate::text::{self, Cell, Table, number};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use spillway_core::dead_letter::DeadLetterStatus;
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::replay::{Replay, ReplayState};
use spillway_core::usecases::replay::{Forecast, StartError, Started};
use spillway_dashboard_model::flow::{Passage, ReplayPath};
use spillway_dashboard_words::duration;
use std::time::Duration;

/// The number of dead letters in one preflight request.
const AT_ONCE: usize = 200;
/// How often the state of a followed replay is read.
const POLL: Duration = Duration::from_millis(250);
/// If the replay makes no progress for this time, the command prints a note.
const STANDSTILL: Duration = Duration::from_secs(15);

const LONG_HELP: &str = "\
First the consumer's own checks run on each dead letter, and the path is checked: table, consumer, queue and alarms (preflight). \
While nothing would be stored, the command refuses, unless --anyway insists. Then the dead letters are marked as replaying, and the running pipeline puts them back at its rate, also after a crash. A replay ends for a dead letter when its event is stored or back in the archive. In AWS this command puts them back itself before it ends; if it is interrupted, \"spillway replays --resume\" continues.

With --json: {\"preflight\": {\"checked\", \"would_pass\", \"would_fail\", \"reasons\": [{\"reason\", \"count\"}]}, \
\"path\": {\"passage\": \"open\" | \"doubtful\" | \"closed\", \"reasons\"}, \
\"left_out\", \"refused\", \"replay\": null | {\"id\", \"by\", \"started_at\", \"ended_at\", \"state\", \"total\", \
\"waiting\", \"sent\", \"stored\", \"returned\", \"trouble\"}}. \"refused\" are those that were no longer in the archive.

Exit code 1: nothing was replayed, with --wait some came back, with --dry-run some would fail or the path is closed.";

/// Options of `dlq replay`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Only run the consumer's checks; put nothing back
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Leave dead letters in the archive if they are certain to fail again
    #[arg(long)]
    skip_failing: bool,
    /// Replay although nothing would be stored now: messages are retried until that works again
    #[arg(long, conflicts_with = "dry_run")]
    anyway: bool,
    /// Follow until each message is stored or back in the archive
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    selection: Selection,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Outcome {
    preflight: Preflight,
    path: ReplayPath,
    left_out: u64,
    refused: u64,
    replay: Option<Value>,
}

#[derive(Debug, Default, Serialize)]
struct Preflight {
    checked: u64,
    would_pass: u64,
    would_fail: u64,
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    reason: String,
    count: u64,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let path = backend.replay_path().await;
    let is_closed = path.passage == Passage::Closed;
    let starts = !options.dry_run && (!is_closed || options.anyway);
    let Selected { mut ids, named } = options.selection.resolve(DeadLetterStatus::Archived, backend).await?;
    if named && starts {
        let reopened = backend.pipeline.replayer().reopen(&ids, &options.actor.name()).await?;
        if !reopened.is_empty() {
            let of_them = text::count(reopened.len() as u64, "dead letter");
            console.note(&format!("{of_them} had been stored, and the event store no longer has the event."));
        }
    }
    let forecasts = preflight(&ids, backend, console).await?;
    let preflight = summary(&forecasts);
    if !console.json() {
        print_preflight(&preflight, console)?;
        print_path(&path, console)?;
    }
    if options.dry_run {
        let passes = preflight.would_fail == 0 && !is_closed;
        let status = if passes { ExitStatus::Ok } else { ExitStatus::No };
        return finish(Outcome { preflight, path, left_out: 0, refused: 0, replay: None }, status, console);
    }
    if !starts {
        if !console.json() {
            console.line("Nothing was replayed. Replay when that works again, or insist with --anyway")?;
        }
        let outcome = Outcome { preflight, path, left_out: 0, refused: 0, replay: None };
        return finish(outcome, ExitStatus::No, console);
    }
    let asked_for = ids.len() as u64;
    if options.skip_failing {
        ids = forecasts.into_iter().filter(|f| f.would_fail.is_none()).map(|f| f.id).collect();
    }
    let left_out = asked_for - ids.len() as u64;
    let started = match backend.pipeline.replayer().start(&ids, &options.actor.name()).await {
        Ok(started) => started,
        Err(StartError::Nothing) => {
            let refused = ids.len() as u64;
            if !console.json() {
                console.line(&nothing(refused, left_out))?;
            }
            let outcome = Outcome { preflight, path, left_out, refused, replay: None };
            return finish(outcome, ExitStatus::No, console);
        }
        Err(error) => return Err(error.into()),
    };
    if !console.json() {
        print_started(&started, left_out, options.wait, console)?;
    }
    if let Site::Aws(_) = backend.site {
        super::carry_on(&started.id, backend, console).await?;
    }
    let replay = match options.wait {
        true => follow(&started.id, backend, console).await?,
        false => read(&started.id, backend).await?,
    };
    let status = if options.wait && replay.returned > 0 { ExitStatus::No } else { ExitStatus::Ok };
    if options.wait && !console.json() {
        print_end(&replay, console)?;
    }
    let replay = Some(replays::document(&replay));
    finish(Outcome { preflight, path, left_out, refused: started.refused, replay }, status, console)
}

fn finish(outcome: Outcome, status: ExitStatus, console: &mut Console) -> anyhow::Result<ExitStatus> {
    if console.json() {
        console.document(&outcome)?;
    }
    Ok(status)
}

async fn preflight(ids: &[MessageId], backend: &Backend, console: &Console) -> anyhow::Result<Vec<Forecast>> {
    let replayer = backend.pipeline.replayer();
    let bar = console.progress(ids.len() as u64).with_message("checked");
    let mut forecasts = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(AT_ONCE) {
        forecasts.extend(replayer.preflight(chunk).await?);
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    Ok(forecasts)
}

fn summary(forecasts: &[Forecast]) -> Preflight {
    let checked = forecasts.len() as u64;
    let reason = |(reason, count): (&str, u64)| Reason { reason: reason.to_owned(), count };
    let reasons: Vec<_> = Forecast::reasons(forecasts).into_iter().map(reason).collect();
    let would_fail = reasons.iter().map(|reason| reason.count).sum();
    Preflight { checked, would_pass: checked - would_fail, would_fail, reasons }
}

fn print_preflight(preflight: &Preflight, console: &mut Console) -> anyhow::Result<()> {
    let checked = text::count(preflight.checked, "dead letter");
    if preflight.would_fail == 0 {
        return console.line(&format!("Preflight: {checked} would pass"));
    }
    let failing = paint(YELLOW, &format!("{} would fail again", number(preflight.would_fail)));
    console
        .line(&format!("Preflight of {checked}: {} would pass, {failing}", number(preflight.would_pass)))?;
    let mut table = Table::default().wrapping();
    for reason in &preflight.reasons {
        table.row(vec![Cell::number(reason.count), Cell::text(&reason.reason)]);
    }
    console.table(&table)
}

/// Whether the path is open. An open one needs no word.
fn print_path(path: &ReplayPath, console: &mut Console) -> anyhow::Result<()> {
    let style = match path.passage {
        Passage::Open => return Ok(()),
        Passage::Doubtful => YELLOW,
        Passage::Closed => RED,
    };
    console.line(&paint(style, &path.sentence().to_string()))
}

fn nothing(refused: u64, left_out: u64) -> String {
    match (refused, left_out) {
        (0, 0) => "Nothing to replay: no dead letter in the archive matches".to_owned(),
        (0, _) => "Nothing was replayed: all of them would fail again".to_owned(),
        _ => "Nothing was replayed: none of them is in the archive now (replayed or discarded already?)"
            .to_owned(),
    }
}

fn print_started(started: &Started, left_out: u64, wait: bool, console: &mut Console) -> anyhow::Result<()> {
    let taken = text::count(started.taken, "dead letter");
    console.line(&paint(BOLD, &format!("Replay {} puts back {taken}", started.id)))?;
    if started.refused > 0 {
        console.line(&format!("  {} no longer in the archive", number(started.refused)))?;
    }
    if left_out > 0 {
        console.line(&format!("  {} left out, because they would fail again", number(left_out)))?;
    }
    if !wait {
        console.hint(&format!("  Follow it with: spillway replays {}", started.id))?;
    }
    Ok(())
}

fn print_end(replay: &Replay, console: &mut Console) -> anyhow::Result<()> {
    let stored = format!("{} stored", number(replay.stored));
    if replay.returned == 0 {
        return console.line(&paint(GREEN, &stored));
    }
    let back = paint(YELLOW, &format!("{} back in the archive", number(replay.returned)));
    console.hint(&format!("{stored}, {back}: see spillway replays {}", replay.id))
}

pub async fn read(id: &ReplayId, backend: &Backend) -> anyhow::Result<Replay> {
    let replay = backend.pipeline.replays.get(id).await?;
    replay.ok_or_else(|| {
        CommandError::NotFound(format!("the replay {id} is not known: see spillway replays")).into()
    })
}

/// Waits until each message of a replay is stored or back in the archive. That may take as long as all retries of a
/// message.
async fn follow(id: &ReplayId, backend: &Backend, console: &mut Console) -> anyhow::Result<Replay> {
    let mut replay = read(id, backend).await?;
    let bar = console.progress(replay.total());
    let (mut moved_at, mut said) = (backend.pipeline.clock.now(), false);
    while replay.state != ReplayState::Ended {
        bar.set_position(replay.stored + replay.returned);
        bar.set_message(format!("stored or back; {} in progress", number(replay.sent)));
        backend.pipeline.clock.sleep(POLL).await;
        let before = std::mem::replace(&mut replay, read(id, backend).await?);
        if before != replay {
            (moved_at, said) = (backend.pipeline.clock.now(), false);
        } else if !said
            && backend.pipeline.clock.now().duration_since(moved_at)
                >= jiff::SignedDuration::try_from(STANDSTILL)?
        {
            said = true;
            bar.suspend(|| console.note(&standstill(&replay)));
        }
    }
    bar.finish_and_clear();
    Ok(replay)
}

fn standstill(replay: &Replay) -> String {
    let span = duration(STANDSTILL.as_secs_f64());
    match (&replay.error, replay.waiting) {
        (Some(error), _) => format!("No progress for {span}: {error}. The replay continues automatically."),
        (None, 0) => format!(
            "No progress for {span}: {} in the queue until the next attempt. Still waiting; Ctrl-C \
             stops the waiting, not the replay.",
            text::count(replay.sent, "message")
        ),
        (None, _) => format!(
            "No progress for {span}: is the pipeline running? Still waiting; Ctrl-C stops the waiting, not \
             the replay."
        ),
    }
}
