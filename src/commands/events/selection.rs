//! Selects stored events, and reads them part by part.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::Console;
use crate::text::number;
use crate::values::{self, When};
use clap::Args;
use spillway_core::Timestamp;
use spillway_core::ids::{EventSource, EventType};
use spillway_core::ports::{StoredEvent, StoredEventFilter, StoredOrder};

/// Events that are read at once.
const AT_ONCE: usize = 500;

/// What a list of stored events costs, for the help of each command that lists them.
pub const COSTS: &str = "\
On one machine all stored events are searched, with no limit. In AWS the table has no index of times, types or sources, because \
such an index would double what each write costs. There the command scans the table: in no order, and each event that it reads \
costs half a read unit for each 4 KB, whether it matches or not (a scan of 1 GB: 131,000 read units, some cents). So it stops \
after --examine events, says so, and ends with exit code 1. --after continues. It needs the permission dynamodb:Scan, \
which the operator policy has.";

/// Filters; an event has to match all that are given.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = values::some_text)]
    event_type: Option<String>,
    /// Only events from this source
    #[arg(long, value_parser = values::some_text)]
    source: Option<String>,
    /// Only events stored since then: 2h for two hours ago, or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only events stored before then
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// In AWS: events to read at most, whether they match or not
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u64).range(1..))]
    examine: u64,
}

impl Filters {
    fn filter(&self, now: Timestamp) -> StoredEventFilter {
        StoredEventFilter {
            event_type: self.event_type.as_deref().map(EventType::new),
            source: self.source.as_deref().map(EventSource::new),
            from: self.since.map(|since| since.resolve(now)),
            to: self.until.map(|until| until.resolve(now)),
        }
    }
}

/// How reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Where to continue; `None` after the last event.
    pub next: Option<String>,
    /// Whether the limit of what may be read was reached first.
    pub is_cut: bool,
}

/// Reads up to `limit` events that match, and passes each part on as it arrives.
pub async fn read(
    filters: &Filters,
    order: StoredOrder,
    after: Option<&str>,
    limit: usize,
    backend: &Backend,
    mut part: impl FnMut(Vec<StoredEvent>) -> anyhow::Result<()>,
) -> anyhow::Result<End> {
    let filter = filters.filter(backend.pipeline.clock.now());
    let (mut next, mut left, mut charged) = (after.map(str::to_owned), limit, 0);
    loop {
        let at_once = left.min(AT_ONCE);
        let page = backend.pipeline.stored.list(&filter, order, next.as_deref(), at_once).await?;
        left -= page.items.len().min(left);
        charged += page.charged;
        next = page.next;
        part(page.items)?;
        if next.is_none() || left == 0 {
            return Ok(End { next, is_cut: false });
        }
        if charged >= filters.examine {
            return Ok(End { next, is_cut: true });
        }
    }
}

/// Says that events were left out, and where to continue.
pub fn cut(filters: &Filters, next: &str, console: &mut Console) -> ExitStatus {
    console.note(&format!(
        "Not all events were read, because {} were examined (--examine): continue with --after {next}",
        number(filters.examine)
    ));
    ExitStatus::No
}
