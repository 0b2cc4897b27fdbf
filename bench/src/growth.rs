//! Reads and writes beside a large backlog: a million stored events, queued events and dead letters, compared with a
//! thousand of each: reads over the ports, pages, commands, and accepting an event. Then a large replay and discard by a second process, beside a pipeline that accepts events.

mod beside;
mod programs;
mod rows;

use crate::Setting;
use crate::load;
use crate::table::{Results, Row, Target, median};
use anyhow::{Context, Result};
use rows::Rows;
use serde_json::json;
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use spillway_core::ids::{EventId, Fingerprint};
use std::time::Duration;
use tokio::time::Instant;

/// The small data folder has this number of each kind.
const FEW: u64 = 1_000;
/// Number of times that each read is done; the median counts.
const TIMES: usize = 9;
/// What may become slower only a little with the backlog: at most by this factor.
const FLAT: f64 = 1.5;
/// Reads that look at every row have a limit in seconds instead.
const FLOW_LIMIT_S: f64 = 0.3;
const SEARCH_LIMIT_S: f64 = 1.0;

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    load::runtime()?.block_on(measure(setting))
}

async fn measure(setting: &Setting) -> Result<Results> {
    let folder = tempfile::tempdir_in(&setting.data)?;
    let mut measured = Vec::new();
    for number in [FEW, setting.growth_rows] {
        setting.say(&format!("growth: {number} stored events, queued events and dead letters"));
        let data = folder.path().join(number.to_string());
        let rows = Rows::write(&data, number).await?;
        let ids = [rows.stored(), rows.queued(), rows.dead()].map(EventId::into_string);
        let (reads, accept) = (reads(&rows).await?, rows.accept(setting.rounds * 100).await?);
        drop(rows);
        setting.say(&format!("growth: pages and commands with {number}"));
        let asked = programs::measure(setting, &data, ids).await?;
        measured.push((reads, accept, asked));
    }
    let [(few, few_accept, few_asked), (many, many_accept, many_asked)] =
        <[_; 2]>::try_from(measured).ok().context("two sizes")?;
    let against = format!("with {FEW}");
    let mut rows: Vec<Row> = few
        .iter()
        .zip(&many)
        .map(|(few, many)| match many.limit_s {
            Some(limit) => Row::new(many.what, many.took_s, "limit", limit, "s").target(Target::AtMost(1.0)),
            // The time of a read that is this short is mostly that of the call.
            None => Row::new(many.what, many.took_s * 1e3, &*against, few.took_s.max(SHORTEST_S) * 1e3, "ms")
                .target(Target::AtMost(FLAT)),
        })
        .collect();
    rows.push(
        Row::new("accept", many_accept * 1e3, &*against, few_accept * 1e3, "ms").target(Target::AtMost(FLAT)),
    );
    rows.extend(programs::rows(&few_asked, &many_asked, &against));
    setting.say("growth: replay and discard beside a running pipeline");
    rows.extend(beside::measure(setting, folder.path()).await?);
    let notes = vec![format!(
        "growth: medians of {TIMES} reads over the ports, of pages and of commands, in {} stored events, queued events and dead \
         letters. A page and `flow` may take {FLOW_LIMIT_S} s longer than with few, a search {SEARCH_LIMIT_S} s.",
        setting.growth_rows
    )];
    Ok(Results { benchmark: "growth", rows, details: json!({ "rows": setting.growth_rows }), notes })
}

/// Shorter times count as this one.
const SHORTEST_S: f64 = 0.000_5;

/// One read and its time.
struct Read {
    what: &'static str,
    took_s: f64,
    limit_s: Option<f64>,
}

/// Reads as pages and commands do them.
async fn reads(rows: &Rows) -> Result<Vec<Read>> {
    let ports = &rows.ports;
    let archived =
        DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() };
    let of_rare_type = DeadLetterFilter { event_type: Some(rows::RARE.to_owned()), ..archived.clone() };
    let of_no_type = DeadLetterFilter { event_type: Some("no.such.type".to_owned()), ..archived.clone() };
    let of_group = DeadLetterFilter { fingerprint: Some(Fingerprint::new("f3")), ..archived.clone() };
    let with_words = DeadLetterFilter { contains: Some("no such words".to_owned()), ..archived.clone() };
    let mut reads = vec![
        read("flow", Some(FLOW_LIMIT_S), ports, async |ports| ports.ledger.ledger().await.map(drop)).await?,
    ];
    for (what, id) in [
        ("get of a stored event", rows.stored()),
        ("get of a queued event", rows.queued()),
        ("get of a dead letter", rows.dead()),
    ] {
        let locate = async |ports: &Pipeline| ports.events.locate(&id, None).await.map(drop);
        reads.push(read(what, None, ports, locate).await?);
    }
    for (what, filter, limit) in [
        ("list of dead letters", &archived, None),
        ("list of a rare type", &of_rare_type, None),
        ("list of a group", &of_group, None),
        ("list of all dead letters", &DeadLetterFilter::default(), None),
        ("list of a type without any", &of_no_type, None),
        ("list by words that none has", &with_words, Some(SEARCH_LIMIT_S)),
    ] {
        let list = async |ports: &Pipeline| ports.archive.list(filter, None, 50).await.map(drop);
        reads.push(read(what, limit, ports, list).await?);
    }
    for (what, filter, limit) in [
        ("groups", &archived, None),
        ("groups of all", &DeadLetterFilter::default(), None),
        ("groups by words that none has", &with_words, Some(SEARCH_LIMIT_S)),
    ] {
        let groups = async |ports: &Pipeline| ports.archive.groups(filter, None, 20).await.map(drop);
        reads.push(read(what, limit, ports, groups).await?);
    }
    let subject = rows::dead_letter_id(0).to_string();
    let audit = async |ports: &Pipeline| ports.ops.entries(Some(&subject), 100).await.map(drop);
    reads.push(read("audit entries about a dead letter", None, ports, audit).await?);
    let overdue = async |ports: &Pipeline| ports.replays.overdue(ports.clock.now(), 1_000).await.map(drop);
    reads.push(read("messages of replays that are overdue", None, ports, overdue).await?);
    let replays = async |ports: &Pipeline| ports.replays.list(1).await.map(drop);
    reads.push(read("newest replay", None, ports, replays).await?);
    Ok(reads)
}

/// The median time of a read.
async fn read<E: std::error::Error + Send + Sync + 'static>(
    what: &'static str,
    limit_s: Option<f64>,
    ports: &Pipeline,
    work: impl AsyncFn(&Pipeline) -> Result<(), E>,
) -> Result<Read> {
    work(ports).await.context(what)?;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        work(ports).await.context(what)?;
        took.push(begun.elapsed().as_secs_f64());
    }
    Ok(Read { what, took_s: median(took), limit_s })
}

/// How long a measurement beside a running pipeline may take at most.
const LONGEST: Duration = Duration::from_secs(600);
