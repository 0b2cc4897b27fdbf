//! `spillway load --verify FILE`: is each promised id somewhere in the ledger?

use super::{BOLD, Console, ExitStatus, GREEN, RED, number, paint};
use crate::answer::CommandError;
use crate::backend::{Backend, Site};
use crate::load::read_promises;
use crate::text::{self, Cell, Table};
use serde::Serialize;
use spillway_core::ids::EventId;
use spillway_core::ledger::Place;
use spillway_core::one_line;
use std::collections::BTreeMap;
use std::path::Path;

/// The number of ids in one look-up: on one machine, each look-up reads the whole queue.
const AT_ONCE: usize = 20_000;
/// The same in AWS, where each id needs a separate call.
const AT_ONCE_IN_AWS: usize = 1_000;
/// Maximum number of missing ids that are printed.
const SHOWN: usize = 20;

/// The JSON document that `--verify --json` prints.
#[derive(Debug, Serialize)]
struct Verdict {
    /// Distinct ids in the file.
    promised: u64,
    /// Lines in the file; more than `promised` if an id was recorded twice.
    lines: u64,
    /// Ids that are in the ledger.
    found: u64,
    /// Number of ids by place.
    places: BTreeMap<&'static str, u64>,
    /// Ids that were not found.
    missing: Vec<EventId>,
    /// Messages in queues that no program can search, which may include missing ids; 0 if no id is missing.
    in_queues: u64,
}

/// Runs the command.
pub async fn run(file: &Path, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let read = read_promises(file).map_err(|error| CommandError::Usage(one_line(&error)));
    let (ids, lines) = read?;
    let mut places = BTreeMap::new();
    let bar = console.progress(ids.len() as u64);
    let mut missing = look_up(&ids, backend, &mut places, |count| bar.inc(count)).await?;
    if !missing.is_empty() {
        // A second read finds events that moved during the first.
        missing = look_up(&missing, backend, &mut places, |_| {}).await?;
    }
    bar.finish_and_clear();
    let promised = ids.len() as u64;
    let in_queues = if missing.is_empty() { 0 } else { out_of_sight(backend).await? };
    let found = promised - missing.len() as u64;
    let verdict = Verdict { promised, lines, found, places, missing, in_queues };
    if console.json() {
        console.document(&verdict)?;
    } else {
        print(&verdict, console)?;
    }
    Ok(if verdict.missing.is_empty() { ExitStatus::Ok } else { ExitStatus::No })
}

/// The number of messages that cannot be searched: SQS has no search for messages.
async fn out_of_sight(backend: &Backend) -> anyhow::Result<u64> {
    if matches!(backend.site, Site::Local(_)) {
        return Ok(0);
    }
    let ledger = backend.pipeline.ledger.ledger().await?;
    Ok(ledger.queued + ledger.in_flight + ledger.in_dlq)
}

async fn look_up(
    ids: &[EventId],
    backend: &Backend,
    places: &mut BTreeMap<&'static str, u64>,
    done: impl Fn(u64),
) -> anyhow::Result<Vec<EventId>> {
    let mut missing = Vec::new();
    let at_once = match backend.site {
        Site::Local(_) => AT_ONCE,
        Site::Aws(_) => AT_ONCE_IN_AWS,
    };
    for chunk in ids.chunks(at_once) {
        for (id, place) in chunk.iter().zip(backend.pipeline.events.places(chunk).await?) {
            match place {
                Some(place) => *places.entry(Place::as_str(place)).or_default() += 1,
                None => missing.push(id.clone()),
            }
        }
        done(chunk.len() as u64);
    }
    Ok(missing)
}

fn print(verdict: &Verdict, console: &mut Console) -> anyhow::Result<()> {
    let promised = text::count(verdict.promised, "promised event");
    let headline = match (verdict.missing.len(), verdict.promised) {
        (0, 0) => paint(BOLD, "The file has no ids: nothing was promised"),
        (0, 1) => paint(GREEN, "The one promised event is accounted for"),
        (0, _) => paint(GREEN, &format!("All {promised} are accounted for")),
        (1, _) => paint(RED, &format!("1 of {promised} was not found")),
        (missing, _) => paint(RED, &format!("{} of {promised} were not found", number(missing))),
    };
    console.line(&headline)?;
    let mut table = Table::default();
    for (place, count) in &verdict.places {
        table.row(vec![Cell::text(text::state(place)), Cell::number(*count)]);
    }
    console.table(&table)?;
    for id in verdict.missing.iter().take(SHOWN) {
        console.line(&format!("  missing: {}", text::clean(id.as_str())))?;
    }
    if verdict.in_queues > 0 {
        let waiting = text::count(verdict.in_queues, "message");
        console.line(&format!(
            "The queues have {waiting}. SQS queues cannot be searched: run this again when they are empty"
        ))?;
    }
    if verdict.missing.len() > SHOWN {
        console
            .line(&format!("  and {} more; --json lists them all", number(verdict.missing.len() - SHOWN)))?;
    }
    Ok(())
}
