//! `spillway dlq list`.

use super::selection::Filters;
use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, Format, RED, paint};
use crate::listing::{Column, Field, Sorting};
use crate::text::{self, Cell, Table, number};
use crate::values;
use crate::watch::Watch;
use clap::{Args, ValueEnum};
use serde::Serialize;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterGroup, DeadLetterStatus, Glance, Page};
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
The groups are the largest of those whose dead letters match, and the dead letters the newest, both as many as --limit. A group's \
fingerprint is for --group of this and other commands.

With --json: {\"total\", \"group_total\", \"groups\": [{\"fingerprint\", \"class\", \"message\", \"event_type\", \"count\", \
\"first_at\", \"last_at\", \"example\"}], \"items\": [{\"id\", \"event_id\", \"source\", \"type\", \"state\", \"class\", \"reason\", \
\"fingerprint\", \"receive_count\", \"generation\", \"first_sent_at\", \"archived_at\", \"is_lost\", \
\"subject\", \"place\", \"value\"}], \"next\"}. \"place\" is where the body fails, and \"value\" the beginning of what is there. \
\"next\" is for --after; null on the last page. With -o tsv: the items, or with --groups the groups.";

/// Bytes of a group's message. `dlq show` prints all of it.
const MAX_FAILURE: usize = 300;

/// Options of `dlq list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Only dead letters in this state
    #[arg(long, value_enum, default_value = "archived")]
    state: State,
    /// Maximum number of groups, and of dead letters; 10000 at most
    #[arg(long, default_value = "20", value_name = "N", value_parser = values::within::<u32>(values::LIMIT))]
    limit: u32,
    /// Continue where another list ended
    #[arg(long, value_name = "NEXT", value_parser = values::some_text)]
    after: Option<String>,
    /// Only the groups
    #[arg(long, conflicts_with = "after")]
    groups: bool,
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
    subject: Option<String>,
    place: Option<String>,
    value: Option<String>,
}

impl From<DeadLetter> for Item {
    fn from(dead_letter: DeadLetter) -> Self {
        let failure = dead_letter.last_failure().cloned();
        let Glance { subject, place, value, .. } = dead_letter.glance();
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
            subject,
            place,
            value,
        }
    }
}

/// The columns of dead letters. The table has the state only if it can be another one for each.
fn columns(of_all_states: bool) -> [Column<Item>; 16] {
    [
        // Ids are not shortened, so that they can be copied. The reason for each failure is in its group above.
        Column { name: "id", title: Some("id"), field: |item| Field::text(&item.id) },
        Column { name: "archived_at", title: Some("archived"), field: |item| Field::Time(item.archived_at) },
        Column {
            name: "state",
            title: of_all_states.then_some("state"),
            field: |item| Field::text(item.state),
        },
        Column {
            name: "class",
            title: Some("class"),
            field: |item| Field::maybe(item.class.map(FailureClass::as_str)),
        },
        Column { name: "event_id", title: None, field: |item| Field::maybe(item.event_id.as_ref()) },
        Column { name: "source", title: None, field: |item| Field::maybe(item.source.as_ref()) },
        Column { name: "type", title: Some("type"), field: |item| Field::maybe(item.event_type.as_ref()) },
        Column { name: "fingerprint", title: None, field: |item| Field::text(&item.fingerprint) },
        Column { name: "receive_count", title: None, field: |item| Field::number(item.receive_count) },
        Column { name: "generation", title: None, field: |item| Field::number(item.generation) },
        Column { name: "first_sent_at", title: None, field: |item| Field::Time(item.first_sent_at) },
        Column { name: "subject", title: None, field: |item| Field::maybe(item.subject.as_ref()) },
        Column { name: "place", title: None, field: |item| Field::maybe(item.place.as_ref()) },
        Column { name: "value", title: None, field: |item| Field::maybe(item.value.as_ref()) },
        Column { name: "is_lost", title: None, field: |item| Field::text(item.is_lost) },
        Column { name: "reason", title: None, field: |item| Field::maybe(item.reason.as_ref()) },
    ]
}

const GROUP_COLUMNS: &[Column<DeadLetterGroup>] = &[
    Column { name: "fingerprint", title: None, field: |group| Field::text(&group.fingerprint) },
    Column { name: "count", title: None, field: |group| Field::number(group.count) },
    Column { name: "class", title: None, field: |group| Field::text(group.class) },
    Column { name: "event_type", title: None, field: |group| Field::maybe(group.event_type.as_ref()) },
    Column { name: "first_at", title: None, field: |group| Field::Time(group.first_at) },
    Column { name: "last_at", title: None, field: |group| Field::Time(group.last_at) },
    Column { name: "example", title: None, field: |group| Field::text(&group.example) },
    Column { name: "message", title: None, field: |group| Field::text(&group.message) },
];

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let now = backend.pipeline.clock.now();
    let filter = options.filters.filter(options.state.states(), now);
    let limit = options.limit as usize;
    // Lines have either groups or items, and the other is not read.
    let mut groups = match console.tsv() && !options.groups {
        true => Page::of(Vec::new(), None, 0),
        false => backend.pipeline.archive.groups(&filter, None, limit).await?,
    };
    let at_most = if options.groups { 0 } else { limit };
    // A search looks at every dead letter. If it found no group, a second look finds nothing.
    let found_none =
        options.after.is_none() && filter.contains.is_some() && !console.tsv() && groups.total == 0;
    let page = match found_none {
        true => Page { items: Vec::new(), total: 0, next: None },
        false => backend.pipeline.archive.list(&filter, options.after.as_deref(), at_most).await?,
    };
    let Page { items, total, next } = page;
    let mut items: Vec<_> = items.into_iter().map(Item::from).collect();
    let columns = columns(options.state == State::All);
    if options.groups {
        options.sorting.sort(GROUP_COLUMNS, &mut groups.items)?;
    } else {
        options.sorting.sort(&columns, &mut items)?;
    }
    let Page { items: groups, total: group_total, .. } = groups;
    let list = List { total, group_total, groups, items, next };
    match console.format() {
        Format::Json => console.document(&list)?,
        Format::Tsv if options.groups => console.items(GROUP_COLUMNS, &list.groups, now)?,
        Format::Tsv => console.items(&columns, &list.items, now)?,
        Format::Table => print(&list, &columns, options, now, console)?,
    }
    Ok(ExitStatus::Ok)
}

fn print(
    list: &List,
    columns: &[Column<Item>],
    options: &Options,
    now: Timestamp,
    console: &mut Console,
) -> anyhow::Result<()> {
    let state = options.state.states().first();
    let in_state = state.map(|state| format!("{} ", state.as_str())).unwrap_or_default();
    if list.total == 0 {
        return console.line(&format!("No {in_state}dead letters match"));
    }
    let groups = text::count(list.group_total, "group");
    let headline = format!("{} in {groups}", text::count(list.total, &format!("{in_state}dead letter")));
    console.line(&paint(BOLD, &headline))?;
    // Only a table's last column is cut. A fingerprint is copied, so it comes first.
    let mut table = Table::with_header(&["group", "count", "class", "last", "type"]);
    for group in &list.groups {
        let cells = vec![
            Cell::text(&group.fingerprint),
            Cell::number(group.count),
            Cell::text(group.class.as_str()),
            Cell::text(text::relative(now, group.last_at)),
            Cell::text(group.event_type.as_ref().map_or("*", EventType::as_str)),
        ];
        table.row_with_note(cells, &shortened(&group.message, MAX_FAILURE));
    }
    console.table(&table)?;
    if (list.groups.len() as u64) < list.group_total {
        let shown = number(list.groups.len());
        let of = number(list.group_total);
        console.line(&format!("{shown} of {of} groups shown, the largest; more with --limit"))?;
    }
    if options.groups {
        return Ok(());
    }
    console.line("")?;
    console.items(columns, &list.items, now)?;
    let lost: Vec<_> = list.items.iter().filter(|item| item.is_lost).collect();
    if !lost.is_empty() {
        console.line("")?;
        let ids: Vec<_> = lost.iter().map(|item| item.id.as_str()).collect();
        let content = format!("The content of {} of these is gone from the archive", number(ids.len()));
        console
            .hint(&paint(RED, &text::clean(&format!("{content}: spillway dlq recover {}", ids.join(" ")))))?;
    }
    if let Some(next) = &list.next {
        console.line("")?;
        let shown = number(list.items.len());
        console.line(&format!("{shown} of {} shown; the next: --after {next}", number(list.total)))?;
    }
    Ok(())
}
