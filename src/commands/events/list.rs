//! `spillway events list`.

use super::selection::{COSTS, Filters, cut, read};
use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::Console;
use crate::listing::{Column, Field, Sorting};
use crate::text::number;
use crate::values;
use crate::watch::Watch;
use clap::Args;
use serde::Serialize;
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventSource, EventType, MessageId};
use spillway_core::ports::{StoredEvent, StoredOrder};

const LONG_HELP: &str = "\
With --json: {\"items\": [{\"id\", \"source\", \"type\", \"accepted_at\", \"stored_at\", \"message_id\", \"bytes\"}], \"next\"}. \"next\" is \
for --after; null after the last event. \"spillway events export\" has the events themselves, and \"spillway get ID\" one.";

/// Options of `events list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = format!("{LONG_HELP}\n\n{COSTS}"))]
pub struct Options {
    /// Maximum number of events; 10000 at most
    #[arg(long, default_value = "20", value_name = "N", value_parser = values::within::<u32>(values::LIMIT))]
    limit: u32,
    /// Continue where another list ended
    #[arg(long, value_name = "NEXT", value_parser = values::some_text)]
    after: Option<String>,
    /// List the oldest first
    #[arg(long)]
    oldest_first: bool,
    #[command(flatten)]
    sorting: Sorting,
    #[command(flatten)]
    pub watch: Watch,
    #[command(flatten)]
    filters: Filters,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct List {
    items: Vec<Item>,
    next: Option<String>,
}

/// One stored event in a list.
#[derive(Debug, Serialize)]
struct Item {
    id: EventId,
    source: EventSource,
    #[serde(rename = "type")]
    event_type: EventType,
    accepted_at: Timestamp,
    stored_at: Timestamp,
    message_id: MessageId,
    bytes: usize,
}

impl From<StoredEvent> for Item {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.key.id,
            source: event.key.source,
            event_type: event.event_type,
            accepted_at: event.accepted_at,
            stored_at: event.stored_at,
            message_id: event.message_id,
            bytes: event.body.len(),
        }
    }
}

const COLUMNS: &[Column<Item>] = &[
    Column { name: "id", title: Some("id"), field: |item| Field::text(&item.id) },
    Column { name: "stored_at", title: Some("stored"), field: |item| Field::Time(item.stored_at) },
    Column { name: "accepted_at", title: None, field: |item| Field::Time(item.accepted_at) },
    Column { name: "bytes", title: Some("bytes"), field: |item| Field::number(item.bytes) },
    Column { name: "message_id", title: None, field: |item| Field::text(&item.message_id) },
    Column { name: "source", title: Some("source"), field: |item| Field::text(&item.source) },
    Column { name: "type", title: Some("type"), field: |item| Field::text(&item.event_type) },
];

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let order = if options.oldest_first { StoredOrder::OldestFirst } else { StoredOrder::NewestFirst };
    let mut items: Vec<Item> = Vec::new();
    let limit = options.limit as usize;
    let end = read(&options.filters, order, options.after.as_deref(), limit, backend, |part| {
        items.extend(part.into_iter().map(Item::from));
        Ok(())
    })
    .await?;
    options.sorting.sort(COLUMNS, &mut items)?;
    let list = List { items, next: end.next };
    if console.json() {
        console.document(&list)?;
    } else if list.items.is_empty() && console.is_for_people() {
        console.line(if end.is_cut {
            "No event that was read matches"
        } else {
            "No stored event matches"
        })?;
    } else {
        console.items(COLUMNS, &list.items, backend.pipeline.clock.now())?;
    }
    match &list.next {
        Some(next) if end.is_cut => return Ok(cut(&options.filters, next, console)),
        Some(next) if console.is_for_people() => {
            console.line("")?;
            console.line(&format!("{} shown; the next: --after {next}", number(list.items.len())))?;
        }
        _ => {}
    }
    Ok(ExitStatus::Ok)
}
