//! The HTTP API that accepts events: one handler for one machine and for AWS, on plain `http` types.
//!
//! * `POST /events` takes a CloudEvent 1.0 in structured, binary or batch mode, or a plain JSON object. It answers 202
//!   only after the queue has accepted the events, and otherwise problem details (RFC 9457).
//! * `GET /health` answers 200.
//!
//! A request can't make it fail: for any bytes and headers the answer is 2xx or 4xx. 503 means that the queue
//! is unavailable. No answer carries an error text from behind the queue port.

mod answer;
mod headers;
mod mode;
mod problem;
mod read;
mod telemetry;

pub use headers::{IncomingTrace, TRACE_HEADER, incoming_trace};
pub use problem::{Problem, ProblemKind};
pub use read::request_too_large;
pub use telemetry::{Work, flag};

use bytes::Bytes;
use http::{Method, Request, Response};
use read::Offer;
use spillway_core::Timestamp;
use spillway_core::event::{Event, Wrapping};
use spillway_core::ids::{EventKey, EventSource, EventType};
use spillway_core::ports::{Clock, EventQueue, QueueError};
use spillway_core::settings::PipelineSettings;
use spillway_core::trace::TraceHeader;
use spillway_core::usecases;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The path that accepts events.
pub const EVENTS_PATH: &str = "/events";
/// The path of the health check.
pub const HEALTH_PATH: &str = "/health";

/// The handler with its ports.
pub struct Ingest {
    /// Where events go.
    pub queue: Arc<dyn EventQueue>,
    /// For the time and the id of events that have none.
    pub clock: Arc<dyn Clock>,
    /// Limits and defaults.
    pub settings: IngestSettings,
    /// Second of the last warning about the queue. One a second is enough: the metrics have the number.
    warned_at_s: AtomicI64,
}

impl Ingest {
    /// A handler in front of a queue.
    pub fn new(
        queue: Arc<dyn EventQueue>,
        clock: Arc<dyn Clock>,
        settings: impl Into<IngestSettings>,
    ) -> Self {
        Self { queue, clock, settings: settings.into(), warned_at_s: AtomicI64::new(i64::MIN) }
    }

    fn warn(&self, error: &QueueError, now: Timestamp) {
        let second = now.as_second();
        if self.warned_at_s.swap(second, Ordering::Relaxed) != second {
            tracing::warn!(error = %error, "the queue did not accept an event");
        }
    }
}

/// The part of the pipeline's settings that the handler uses.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// `source` and `type` of plain JSON.
    pub wrapping: Wrapping,
    /// Largest event in bytes, as CloudEvents JSON.
    pub max_event_bytes: usize,
    /// Largest body of a request in bytes.
    pub max_request_bytes: usize,
    /// Most events in a batch.
    pub max_batch_events: usize,
}

impl From<&PipelineSettings> for IngestSettings {
    fn from(settings: &PipelineSettings) -> Self {
        Self {
            wrapping: Wrapping {
                source: EventSource::new(settings.default_source.as_str()),
                event_type: EventType::new(settings.default_type.as_str()),
            },
            max_event_bytes: settings.max_event_bytes,
            max_request_bytes: settings.max_request_bytes,
            max_batch_events: settings.max_batch_events,
        }
    }
}

/// How a request ended, for metrics and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Outcome {
    /// Everything in it was accepted.
    Accepted,
    /// The queue accepted only some of a batch.
    PartlyAccepted,
    /// It was invalid; nothing was accepted.
    Refused,
    /// It was valid, but the queue accepted nothing.
    Unavailable,
    /// It had no event and asked for something else.
    Answered,
}

impl Outcome {
    /// The value of the annotation `outcome`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A request that was handled.
#[derive(Debug)]
pub struct Handled {
    /// The answer.
    pub response: Response<Bytes>,
    /// How it ended.
    pub outcome: Outcome,
    /// The acknowledged events, in the order of the request.
    pub promised: Vec<(EventKey, EventType)>,
    /// The call of the queue, if there was one.
    pub sending: Option<Sending>,
}

/// A call of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Messages offered.
    pub messages: usize,
    /// Of them, those that the queue did not confirm and may have nevertheless.
    pub in_doubt: usize,
}

/// Handles a request, with the trace that its own header names.
pub async fn handle(deps: &Ingest, request: Request<Bytes>) -> Response<Bytes> {
    let trace = incoming_trace(request.headers()).map(|incoming| incoming.header);
    run(deps, &request, trace.as_ref()).await.response
}

/// Handles a request. Each message carries `trace`, so that the consumer continues the trace.
pub async fn run(deps: &Ingest, request: &Request<Bytes>, trace: Option<&TraceHeader>) -> Handled {
    match route(request) {
        Ok(Route::Health) => Handled {
            response: answer::healthy(),
            outcome: Outcome::Answered,
            promised: Vec::new(),
            sending: None,
        },
        Ok(Route::Events) => take(deps, request, trace).await,
        Err(problem) => refused(problem),
    }
}

enum Route {
    Events,
    Health,
}

fn route(request: &Request<Bytes>) -> Result<Route, Problem> {
    let not_allowed = |methods| {
        let detail = format!("{} takes {methods}", request.uri().path());
        Err(Problem::new(ProblemKind::MethodNotAllowed, detail).with_allow(methods))
    };
    match request.uri().path() {
        EVENTS_PATH if request.method() == Method::POST => Ok(Route::Events),
        EVENTS_PATH => not_allowed("POST"),
        HEALTH_PATH if matches!(*request.method(), Method::GET | Method::HEAD) => Ok(Route::Health),
        HEALTH_PATH => not_allowed("GET, HEAD"),
        _ => Err(Problem::new(ProblemKind::NotFound, "send events to POST /events")),
    }
}

async fn take(deps: &Ingest, request: &Request<Bytes>, trace: Option<&TraceHeader>) -> Handled {
    let started = deps.clock.now();
    let (events, is_batch) = match read::offer(&deps.settings, request, started) {
        Ok(Offer::One(event)) => (vec![event], false),
        Ok(Offer::Batch(events)) => (events, true),
        Err(problem) => return refused(problem),
    };
    if events.is_empty() {
        // An empty batch is valid (CloudEvents, "JSON batch format"), and has nothing to send.
        return Handled {
            response: answer::per_item(&[], &[]),
            outcome: Outcome::Accepted,
            promised: Vec::new(),
            sending: None,
        };
    }
    let mut sent =
        usecases::accept::accept(&*deps.queue, &events, trace, deps.settings.max_event_bytes).await;
    let ended = deps.clock.now();
    // A queue that reports nothing about an event has not accepted it.
    sent.resize_with(events.len(), || {
        Err(QueueError::Unavailable { reason: "no answer for this event".to_owned() })
    });
    if let Some(error) = sent.iter().find_map(|sent| sent.as_ref().err()) {
        deps.warn(error, ended);
    }
    let taken = sent.iter().filter(|sent| sent.is_ok()).count();
    let (outcome, response) = match &events[..] {
        [event] if !is_batch && taken == 1 => (Outcome::Accepted, answer::accepted(event)),
        all if taken == all.len() => (Outcome::Accepted, answer::per_item(all, &sent)),
        _ if taken == 0 => {
            let response = answer::nothing_accepted(&sent);
            let refused = response.status().is_client_error();
            (if refused { Outcome::Refused } else { Outcome::Unavailable }, response)
        }
        some => (Outcome::PartlyAccepted, answer::per_item(some, &sent)),
    };
    let messages = events.len();
    let in_doubt = sent.iter().filter(|sent| matches!(sent, Err(QueueError::InDoubt { .. }))).count();
    Handled {
        response,
        outcome,
        promised: promised(events, &sent),
        sending: Some(Sending { started, ended, messages, in_doubt }),
    }
}

fn promised(events: Vec<Event>, sent: &answer::Sent) -> Vec<(EventKey, EventType)> {
    events
        .into_iter()
        .zip(sent)
        .filter(|(_, sent)| sent.is_ok())
        .map(|(event, _)| (event.key, event.event_type))
        .collect()
}

fn refused(problem: Problem) -> Handled {
    Handled {
        response: problem.into_response(),
        outcome: Outcome::Refused,
        promised: Vec::new(),
        sending: None,
    }
}
