//! Reads the data of one event's page.

use crate::{
    components::{Step, Tone, attempt, steps},
    context::Page,
    ports::Ports,
};
use jiff::SignedDuration;
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
/// How long after the acceptance of an event to search for its traces. Replays have separate traces.
const TRACED_FOR: SignedDuration = SignedDuration::from_hours(24);

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
        for location in ports.pipeline.events.locate(&id, source.as_ref()).await? {
            let letter = ports.pipeline.archive.get(&location.message_id).await?;
            let steps = match &letter {
                Some(letter) => {
                    steps(letter, &ports.pipeline.ops.entries(Some(letter.id.as_str()), DECISIONS).await?)
                }
                None => straight(&location),
            };
            found.push(Found { location, letter, steps });
        }
        let traces = match found.iter().map(|found| found.location.accepted_at).min() {
            Some(accepted) => traces_of(&*ports.traces, &id, accepted, page.now).await,
            None => Some(Vec::new()),
        };
        let sees_queues = ports.pipeline.events.sees_queues();
        Ok(Self { id, found, traces, most_receives: ports.pipeline.settings.max_receive_count, sees_queues })
    }
}

async fn traces_of(
    reader: &dyn TraceReader,
    id: &EventId,
    accepted: jiff::Timestamp,
    now: jiff::Timestamp,
) -> Option<Vec<Trace>> {
    let to = (accepted + TRACED_FOR).min(now);
    let range = TimeRange::last(to.duration_since(accepted) + SignedDuration::from_mins(1), to);
    let filter = TraceFilter { event_id: Some(id.to_string()), ..TraceFilter::default() };
    match reader.list(range, &filter, TRACES).await {
        Ok(list) => Some(list.traces),
        Err(error) => {
            tracing::warn!(error = %error, "the traces of an event could not be read");
            None
        }
    }
}

/// The history of an event that was never dead-lettered.
fn straight(location: &Location) -> Vec<Step> {
    let mut steps = vec![Step::new(location.accepted_at, Tone::Neutral, "Accepted")];
    steps.extend(location.failure.as_ref().map(attempt));
    steps.extend(location.stored_at.map(|at| Step::new(at, Tone::Good, "Stored")));
    steps
}
