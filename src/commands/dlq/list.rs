//! `spillway dlq list`.

use super::selection::Filters;
use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, RED, paint};
use crate::text::{self, Cell, Table, number};
use clap::{Args, ValueEnum};
use serde::Serialize;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterGroup, DeadLetterStatus, Page};
use spillway_core::failure::{FailureClass, shortened};
use spillway_core::ids::{EventId, EventSource, EventType, Fingerprint, MessageId};

/// States to list by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// In the archive, waiting for an operator
    Archived,
    /// Being replayed: neither stored nor back in the archive yet
    Replaying,
    /// Stored after a replay
    Stored,
    /// Discarded by an operator
    Discarded,
    /// Any state
    All,
}

impl State {
    fn states(self) -> &'static [DeadLetterStatus] {
        match self {
            Self::Archived => &[DeadLetterStatus::Archived],
            Self::Replaying => &[DeadLetterStatus::Replaying],
            Self::Stored => &[DeadLetterStatus::Stored],
            Self::Discarded => &[DeadLetterStatus::Discarded],
            Self::All => &[],
        }
    }
}

const LONG_HELP: &str = "\
With --json: {\"total\", \"group_total\", \"groups\": [{\"fingerprint\", \"class\", \"message\", \"event_type\", \"count\", \"first_at\", \
\"last_at\", \"example\"}], \"items\": [{\"id\", \"event_id\", \"source\", \"type\", \"state\", \"class\", \"reason\", \
\"fingerprint\", \"receive_count\", \"generation\", \"first_sent_at\", \"archived_at\", \"is_lost\"}], \"next\"}. \"next\" is for \
--after; null on the last page.";

/// Bytes of a group's message. `dlq show` prints all of it.
const MAX_FAILURE: usize = 300;

/// Options of `dlq list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Only dead letters in this state
    #[arg(long, value_enum, default_value = "archived")]
    state: State,
    /// Maximum number of dead letters, and of groups
    #[arg(long, default_value = "20", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Continue where another list ended
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct List {
    total: u64,
    group_total: u64,
    groups: Vec<DeadLetterGroup>,
    items: Vec<Item>,
    next: Option<String>,
}

/// One dead letter in a list.
#[derive(Debug, Serialize)]
struct Item {
    id: MessageId,
    event_id: Option<EventId>,
    source: Option<EventSource>,
    #[serde(rename = "type")]
    event_type: Option<EventType>,
    state: &'static str,
    class: Option<FailureClass>,
    reason: Option<String>,
    fingerprint: Fingerprint,
    receive_count: u32,
    generation: u32,
    first_sent_at: Timestamp,
    archived_at: Timestamp,
    is_lost: bool,
}

impl From<DeadLetter> for Item {
    fn from(dead_letter: DeadLetter) -> Self {
        let failure = dead_letter.last_failure().cloned();
        let (source, event_id) = dead_letter.key.map(|key| (key.source, key.id)).unzip();
        Self {
            id: dead_letter.id,
            event_id,
            source,
            event_type: dead_letter.event_type,
            state: dead_letter.state.name(),
            class: failure.as_ref().map(|failure| failure.class),
            reason: failure.map(|failure| failure.message),
            fingerprint: dead_letter.fingerprint,
            receive_count: dead_letter.receive_count,
            generation: dead_letter.generation,
            first_sent_at: dead_letter.first_sent_at,
            archived_at: dead_letter.archived_at,
            is_lost: dead_letter.is_lost,
        }
    }
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let now = backend.pipeline.clock.now();
    let filter = options.filters.filter(options.state.states(), now);
    let groups = backend.pipeline.archive.groups(&filter, None, options.limit as usize).await?;
    let page =
        backend.pipeline.archive.list(&filter, options.after.as_deref(), options.limit as usize).await?;
    let Page { items, total, next } = page;
    let Page { items: groups, total: group_total, .. } = groups;
    let list = List { total, group_total, groups, items: items.into_iter().map(Item::from).collect(), next };
    if console.json() {
        console.document(&list)?;
    } else {
        print(&list, options.state, now, console)?;
    }
    Ok(ExitStatus::Ok)
}

fn print(list: &List, state: State, now: Timestamp, console: &mut Console) -> anyhow::Result<()> {
    let in_state = state.states().first().map(|state| format!("{} ", state.as_str())).unwrap_or_default();
    if list.total == 0 {
        return console.line(&format!("No {in_state}dead letters match"));
    }
    let groups = text::count(list.group_total, "group");
    let headline = format!("{} in {groups}", text::count(list.total, &format!("{in_state}dead letter")));
    console.line(&paint(BOLD, &headline))?;
    let mut table = Table::with_header(&["count", "class", "type", "last", "group"]);
    for group in &list.groups {
        let cells = vec![
            Cell::number(group.count),
            Cell::text(group.class.as_str()),
            Cell::text(group.event_type.as_ref().map_or("*", EventType::as_str)),
            Cell::text(text::relative(now, group.last_at)),
            Cell::text(&group.fingerprint),
        ];
        table.row_with_note(cells, &shortened(&group.message, MAX_FAILURE));
    }
    console.table(&table)?;
    if (list.groups.len() as u64) < list.group_total {
        let shown = number(list.groups.len());
        console.line(&format!(
            "{shown} of {} groups shown, the largest: see --limit",
            number(list.group_total)
        ))?;
    }
    console.line("")?;
    // Ids are not shortened, so that they can be copied. The reason for each failure is in its group above.
    let mut table = Table::with_header(&["id", "archived", "class", "type"]);
    for item in &list.items {
        table.row(vec![
            Cell::text(&item.id),
            Cell::text(text::relative(now, item.archived_at)),
            Cell::text(item.class.map_or("unknown", FailureClass::as_str)),
            Cell::text(item.event_type.as_ref().map_or("unknown", EventType::as_str)),
        ]);
    }
    console.table(&table)?;
    let lost: Vec<_> = list.items.iter().filter(|item| item.is_lost).collect();
    if !lost.is_empty() {
        console.line("")?;
        let ids: Vec<_> = lost.iter().map(|item| item.id.as_str()).collect();
        let content = format!("The content of {} of these is gone from the archive", number(ids.len()));
        console
            .line(&paint(RED, &text::clean(&format!("{content}: spillway dlq recover {}", ids.join(" ")))))?;
    }
    if let Some(next) = &list.next {
        console.line("")?;
        let shown = number(list.items.len());
        console.line(&format!("{shown} of {} shown; the next: --after {next}", number(list.total)))?;
    }
    Ok(())
}
