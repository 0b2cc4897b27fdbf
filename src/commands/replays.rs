//! `spillway replays`: the results of replays.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::{Backend, Site};
use crate::commands::dlq;
use crate::console::{BOLD, Console, paint};
use crate::text::{self, Cell, Table, number};
use clap::Args;
use serde_json::{Value, json};
use spillway_core::Timestamp;
use spillway_core::ids::ReplayId;
use spillway_core::replay::{Replay, ReplayItem, ReplayItemState, ReplayState};

/// The number of messages in one read.
const AT_ONCE: usize = 1000;

const LONG_HELP: &str = "\
With --json: {\"replays\": [replay]}, or for one {\"replay\": replay, \"items\": [{\"dead_letter\", \"state\", \"at\"}]}; \
a replay is {\"id\", \"by\", \"started_at\", \"ended_at\", \"state\", \"total\", \"waiting\", \"sent\", \"stored\", \
\"returned\", \"trouble\"}.";

/// Options of `replays`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Only this replay, with its messages
    id: Option<String>,
    /// Maximum number of replays, the newest first
    #[arg(long, default_value = "20", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Put back messages that are still waiting, of this replay or of all. In AWS nothing else does so after an
    /// interruption
    #[arg(long)]
    resume: bool,
}

/// A replay as JSON, with the total number of its messages.
pub fn document(replay: &Replay) -> Value {
    let mut document = json!(replay);
    document["total"] = replay.total().into();
    document
}

pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    if options.resume {
        resume(options, backend, console).await?;
    }
    match &options.id {
        Some(id) => one(&ReplayId::new(id.as_str()), backend, console).await,
        None => list(options.limit as usize, backend, console).await,
    }
}

async fn resume(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<()> {
    let Site::Aws(_) = backend.site else {
        let what = "on this machine the running pipeline continues replays automatically: leave --resume out";
        return Err(CommandError::Usage(what.to_owned()).into());
    };
    let ids = match &options.id {
        Some(id) => vec![ReplayId::new(id.as_str())],
        None => backend.pipeline.replays.unfinished().await?,
    };
    for id in &ids {
        dlq::carry_on(id, backend, console).await?;
    }
    Ok(())
}

async fn list(limit: usize, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let replays = backend.pipeline.replays.list(limit).await?;
    if console.json() {
        let replays: Vec<_> = replays.iter().map(document).collect();
        console.document(&json!({"replays": replays}))?;
        return Ok(ExitStatus::Ok);
    }
    if replays.is_empty() {
        console.line("Nothing has been replayed yet")?;
        return Ok(ExitStatus::Ok);
    }
    let now = backend.pipeline.clock.now();
    let mut table = Table::with_header(&["id", "state", "stored", "back", "started"]);
    for replay in &replays {
        table.row(vec![
            Cell::text(&replay.id),
            Cell::text(state(replay)),
            Cell::text(format!("{} of {}", number(replay.stored), number(replay.total()))),
            Cell::number(replay.returned),
            Cell::text(text::relative(now, replay.started_at)),
        ]);
    }
    console.table(&table)?;
    Ok(ExitStatus::Ok)
}

async fn one(id: &ReplayId, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let replay = dlq::read_replay(id, backend).await?;
    let mut items: Vec<ReplayItem> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = backend.pipeline.replays.items(id, after.as_deref(), AT_ONCE).await?;
        items.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if console.json() {
        console.document(&json!({"replay": document(&replay), "items": items}))?;
    } else {
        print(&replay, &items, (&backend.site, backend.pipeline.clock.now()), console)?;
    }
    Ok(ExitStatus::Ok)
}

fn print(
    replay: &Replay,
    items: &[ReplayItem],
    (site, now): (&Site, Timestamp),
    console: &mut Console,
) -> anyhow::Result<()> {
    let total = text::count(replay.total(), "dead letter");
    console.line(&paint(BOLD, &format!("Replay {} of {total}: {}", replay.id, state(replay))))?;
    let mut fields = vec![
        ("started", format!("{} by {}", text::time(now, replay.started_at), replay.by)),
        ("waiting", number(replay.waiting)),
        ("sent", number(replay.sent)),
        ("stored", number(replay.stored)),
        ("back", number(replay.returned)),
    ];
    if let Some(at) = replay.ended_at {
        fields.insert(1, ("ended", text::time(now, at)));
    }
    if let Some(error) = &replay.error {
        let goes_on = match site {
            Site::Local(_) => "it continues automatically".to_owned(),
            Site::Aws(_) => format!("continue with spillway replays {} --resume", replay.id),
        };
        fields.push(("trouble", format!("{error}; {goes_on}")));
    }
    console.fields(&fields)?;
    let back: Vec<_> = items.iter().filter(|item| item.state == ReplayItemState::Returned).collect();
    if !back.is_empty() {
        console.line("")?;
        let mut table = Table::with_header(&["back in the archive", "since"]);
        for item in back {
            table.row(vec![Cell::text(&item.dead_letter), Cell::text(text::time(now, item.at))]);
        }
        console.table(&table)?;
    }
    Ok(())
}

fn state(replay: &Replay) -> &'static str {
    match (replay.state, &replay.error) {
        (ReplayState::Ended, _) => "ended",
        (ReplayState::Running, None) => "running",
        (ReplayState::Running, Some(_)) => "blocked",
    }
}
