//! Reads the data of one event's page.

use crate::{
    components::{Step, Tone, attempt, steps},
    context::Page,
    ports::Ports,
};
use jiff::{SignedDuration, Timestamp};
use spillway_core::{
    dead_letter::DeadLetter,
    ids::{EventId, EventSource},
    ports::{ArchiveError, LedgerError, Location},
};
use spillway_dashboard_model::{
    TimeRange,
    traces::{Trace, TraceFilter, TraceReader},
};
use thiserror::Error;

/// Maximum number of listed decisions about one message.
const DECISIONS: usize = 100;
/// Maximum number of listed traces.
const TRACES: usize = 10;
/// How long after an event's acceptance, and before its end, to search for its traces.
const TRACED_AROUND: SignedDuration = SignedDuration::from_mins(30);
/// Traces begin before the acceptance, and clocks differ.
const AROUND: SignedDuration = SignedDuration::from_mins(1);

#[derive(Debug, Error)]
pub(super) enum LineageError {
    #[error(transparent)]
    Flow(#[from] LedgerError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// One event with its history.
pub(super) struct Found {
    pub(super) location: Location,
    pub(super) letter: Option<DeadLetter>,
    pub(super) steps: Vec<Step>,
}

/// All events with an id.
pub(super) struct Lineage {
    pub(super) id: EventId,
    pub(super) found: Vec<Found>,
    /// `None` if the traces could not be read.
    pub(super) traces: Option<Vec<Trace>>,
    pub(super) most_receives: u32,
    /// Whether the search includes queues.
    pub(super) sees_queues: bool,
}

impl Lineage {
    /// Reads the events with an id.
    ///
    /// # Errors
    /// The pipeline's data cannot be read. Traces that cannot be read are no error.
    pub(super) async fn read(ports: &Ports, page: &Page, id: EventId) -> Result<Self, LineageError> {
        let source = page.parameter("source").map(EventSource::new);
        let mut found = Vec::new();
        for location in ports.reads.locate(&id, source.as_ref()).await?.iter().cloned() {
            let letter = Option::clone(&*ports.reads.letter(&location.message_id).await?);
            let steps = match &letter {
                Some(letter) => steps(letter, &ports.reads.audit(letter.id.as_str(), DECISIONS).await?),
                None => straight(&location),
            };
            found.push(Found { location, letter, steps });
        }
        let ranges = searched(&found, page.now);
        let traces = traces_of(&*ports.traces, &id, &ranges).await;
        let sees_queues = ports.pipeline.events.sees_queues();
        Ok(Self { id, found, traces, most_receives: ports.pipeline.settings.max_receive_count, sees_queues })
    }
}

/// Where to search for the traces of events: around their acceptance, and around the end of each. What lies between is a
/// wait, and a search costs by the traces of all events in its range.
fn searched(found: &[Found], now: Timestamp) -> Vec<TimeRange> {
    let mut ranges: Vec<TimeRange> = Vec::new();
    for found in found {
        let accepted = found.location.accepted_at;
        let archived = found.letter.as_ref().map(|letter| letter.archived_at);
        let end = found.location.stored_at.or(archived).unwrap_or(now).max(accepted);
        let mut add = |from: Timestamp, to: Timestamp| {
            let to = to.min(now).max(from + AROUND);
            let range = TimeRange::last(to.duration_since(from), to);
            if !ranges.iter().any(|known| known.from() <= range.from() && known.to() >= range.to()) {
                ranges.push(range);
            }
        };
        if end.duration_since(accepted) <= TRACED_AROUND {
            add(accepted - AROUND, end + AROUND);
        } else {
            add(accepted - AROUND, accepted + TRACED_AROUND);
            add(end - TRACED_AROUND, end + AROUND);
        }
    }
    ranges
}

async fn traces_of(reader: &dyn TraceReader, id: &EventId, ranges: &[TimeRange]) -> Option<Vec<Trace>> {
    let filter = TraceFilter { event_id: Some(id.to_string()), ..TraceFilter::default() };
    let mut traces: Vec<Trace> = Vec::new();
    for range in ranges {
        match reader.list(*range, &filter, TRACES).await {
            Ok(list) => traces.extend(list.traces),
            Err(error) => {
                tracing::warn!(error = %error, "the traces of an event could not be read");
                return None;
            }
        }
    }
    traces.sort_by(|a, b| b.start_time().total_cmp(&a.start_time()).then_with(|| a.id.cmp(&b.id)));
    traces.dedup_by(|a, b| a.id == b.id);
    traces.truncate(TRACES);
    Some(traces)
}

/// The history of an event that was never dead-lettered.
fn straight(location: &Location) -> Vec<Step> {
    let mut steps = vec![Step::new(location.accepted_at, Tone::Neutral, "Accepted")];
    steps.extend(location.failure.as_ref().map(attempt));
    steps.extend(location.stored_at.map(|at| Step::new(at, Tone::Good, "Stored")));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::ids::EventKey;
    use spillway_core::ledger::Place;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(1_773_000_000 + second).unwrap()
    }

    fn stored(accepted: i64, stored_at: Option<i64>) -> Found {
        let location = Location {
            key: EventKey::new("/s", "1"),
            event_type: "t".into(),
            place: Place::Stored,
            message_id: "m".into(),
            accepted_at: second(accepted),
            stored_at: stored_at.map(second),
            receive_count: None,
            visible_at: None,
            failure: None,
            body: String::new(),
        };
        Found { location, letter: None, steps: Vec::new() }
    }

    fn seconds(found: &[Found], now: i64) -> Vec<i64> {
        searched(found, second(now)).iter().map(|range| range.seconds()).collect()
    }

    #[test]
    fn traces_are_searched_only_around_the_beginning_and_the_end_of_an_event() {
        let day = 86_400;
        assert_eq!(seconds(&[stored(0, Some(2))], day), [122], "stored at once, long ago");
        assert_eq!(seconds(&[stored(0, Some(day))], 9 * day), [1_860, 1_860], "a replay stored it later");
        assert_eq!(seconds(&[stored(0, None)], 600), [660], "still under way");
        assert_eq!(seconds(&[stored(0, Some(2)), stored(0, Some(2))], day), [122], "each range once");
        assert_eq!(seconds(&[], day), [0; 0]);
    }
}
