//! `spillway replays`: the results of replays.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::{Backend, Site};
use crate::commands::dlq;
use crate::console::{BOLD, Console, paint};
use crate::listing::{Column, Field, Sorting};
use crate::text::{self, Cell, Table, number};
use crate::values;
use crate::watch::Watch;
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
\"returned\", \"trouble\"}. With -o tsv: the replays, or the items of one.";

/// Options of `replays`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Only this replay, with its messages
    #[arg(value_parser = values::some_text)]
    id: Option<String>,
    /// Maximum number of replays, the newest first; 10000 at most
    #[arg(long, default_value = "20", value_name = "N", conflicts_with = "id",
        value_parser = values::within::<u32>(values::LIMIT))]
    limit: u32,
    /// Put back messages that are still waiting, of this replay or of all. In AWS nothing else does so after an
    /// interruption
    #[arg(long, conflicts_with = "watch")]
    resume: bool,
    #[command(flatten)]
    sorting: Sorting,
    #[command(flatten)]
    pub watch: Watch,
}

/// A replay as JSON, with the total number of its messages.
pub fn document(replay: &Replay) -> Value {
    let mut document = json!(replay);
    document["total"] = replay.total().into();
    document
}

const COLUMNS: &[Column<Replay>] = &[
    Column { name: "id", title: Some("id"), field: |replay| Field::text(&replay.id) },
    Column { name: "state", title: Some("state"), field: |replay| Field::text(state(replay)) },
    Column { name: "stored", title: Some("stored"), field: |replay| Field::number(replay.stored) },
    Column { name: "total", title: Some("of"), field: |replay| Field::number(replay.total()) },
    Column { name: "returned", title: Some("back"), field: |replay| Field::number(replay.returned) },
    Column { name: "waiting", title: None, field: |replay| Field::number(replay.waiting) },
    Column { name: "sent", title: None, field: |replay| Field::number(replay.sent) },
    Column { name: "started_at", title: Some("started"), field: |replay| Field::Time(replay.started_at) },
    Column {
        name: "ended_at",
        title: None,
        field: |replay| replay.ended_at.map_or(Field::Nothing, Field::Time),
    },
    Column { name: "by", title: Some("by"), field: |replay| Field::text(&replay.by) },
    Column { name: "trouble", title: None, field: |replay| Field::maybe(replay.error.as_ref()) },
];

const ITEM_COLUMNS: &[Column<ReplayItem>] = &[
    Column { name: "dead_letter", title: None, field: |item| Field::text(&item.dead_letter) },
    Column { name: "state", title: None, field: |item| Field::text(item.state.as_str()) },
    Column { name: "at", title: None, field: |item| Field::Time(item.at) },
];

pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    if options.resume {
        resume(options, backend, console).await?;
    }
    match &options.id {
        Some(id) => one(&ReplayId::new(id.as_str()), options, backend, console).await,
        None => list(options, backend, console).await,
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

async fn list(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let mut replays = backend.pipeline.replays.list(options.limit as usize).await?;
    options.sorting.sort(COLUMNS, &mut replays)?;
    if console.json() {
        let replays: Vec<_> = replays.iter().map(document).collect();
        console.document(&json!({"replays": replays}))?;
    } else if replays.is_empty() && console.is_for_people() {
        console.line("Nothing has been replayed yet")?;
    } else {
        console.items(COLUMNS, &replays, backend.pipeline.clock.now())?;
    }
    Ok(ExitStatus::Ok)
}

async fn one(
    id: &ReplayId,
    options: &Options,
    backend: &Backend,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
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
    options.sorting.sort(ITEM_COLUMNS, &mut items)?;
    if console.json() {
        console.document(&json!({"replay": document(&replay), "items": items}))?;
    } else if console.tsv() {
        console.items(ITEM_COLUMNS, &items, backend.pipeline.clock.now())?;
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
            Site::Aws(_) => {
                console.addressed(&format!("continue with spillway replays {} --resume", replay.id))
            }
        };
        fields.push(("blocked", format!("{error}; {goes_on}")));
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
