//! From a request to the events in it.

use crate::IngestSettings;
use crate::headers;
use crate::mode::Mode;
use crate::problem::{Problem, ProblemKind};
use bytes::Bytes;
use http::Request;
use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use spillway_core::Timestamp;
use spillway_core::event::json::parse_strict;
use spillway_core::event::{Event, EventProblem};
use spillway_core::ids::EventId;
use std::fmt;

/// The events of a request.
pub(crate) enum Offer {
    /// One event; the answer is about it.
    One(Event),
    /// A batch, which may be empty; the answer has an entry for each.
    Batch(Vec<Event>),
}

/// Reads the events of a request.
///
/// # Errors
/// The problem, ready to be answered. One bad item is enough to refuse a batch.
pub(crate) fn offer(
    settings: &IngestSettings,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Result<Offer, Problem> {
    let body = request.body();
    if body.len() > settings.max_request_bytes {
        return Err(request_too_large(settings.max_request_bytes));
    }
    let event = match Mode::of(request.headers())? {
        Mode::Batch => return batch(settings, body).map(Offer::Batch),
        Mode::Structured => Event::from_structured(body),
        Mode::Binary(content_type) => binary(request, content_type),
        Mode::Plain => {
            let id = headers::idempotency_key(request.headers())?.unwrap_or_else(|| EventId::at(now));
            Event::wrap(body, id, now, &settings.wrapping)
        }
    };
    let event = event.map_err(|error| {
        let detail = "the event breaks CloudEvents 1.0 or is not JSON; nothing was accepted";
        Problem::new(ProblemKind::InvalidEvent, detail).with_errors(vec![error])
    })?;
    if event.body.len() > settings.max_event_bytes {
        return Err(event_too_large(settings, vec![oversize(&event, String::new())]));
    }
    Ok(Offer::One(event))
}

/// The answer to a request over the limit.
pub fn request_too_large(limit: usize) -> Problem {
    let detail = format!("a request may have {limit} bytes; send less at once");
    Problem::new(ProblemKind::RequestTooLarge, detail).with_limit(limit)
}

fn event_too_large(settings: &IngestSettings, errors: Vec<EventProblem>) -> Problem {
    let limit = settings.max_event_bytes;
    let detail = format!("an event may have {limit} bytes as CloudEvents JSON; nothing was accepted");
    Problem::new(ProblemKind::EventTooLarge, detail).with_limit(limit).with_errors(errors)
}

fn oversize(event: &Event, pointer: String) -> EventProblem {
    EventProblem { pointer, detail: format!("has {} bytes as CloudEvents JSON", event.body.len()) }
}

fn binary(request: &Request<Bytes>, content_type: Option<&str>) -> Result<Event, EventProblem> {
    let attributes = headers::attributes(request.headers())?;
    Event::from_binary(&attributes, content_type, request.body()).map_err(|mut error| {
        if error.pointer == "#/header/ce-datacontenttype" {
            "#/header/content-type".clone_into(&mut error.pointer);
        }
        error
    })
}

/// Reads a batch item by item, so that the answer names each bad one. It reads only the allowed number, so a
/// request of a million empty items is cheap.
fn batch(settings: &IngestSettings, body: &Bytes) -> Result<Vec<Event>, Problem> {
    let most = settings.max_batch_events;
    let items = split(body, most)?;
    if items.len() > most {
        let detail = format!("a batch may have {most} events; nothing was accepted");
        return Err(Problem::new(ProblemKind::BatchTooLarge, detail).with_limit(most));
    }
    let mut events = Vec::with_capacity(items.len());
    let mut errors = Vec::new();
    for (position, item) in items.iter().enumerate() {
        match Event::from_structured(item.get().as_bytes()) {
            Ok(event) => events.push(event),
            Err(error) => {
                let pointer = format!("/{position}{}", error.pointer);
                errors.push(EventProblem { pointer, detail: error.detail });
            }
        }
    }
    if !errors.is_empty() {
        let detail =
            format!("{} of {} events are not valid; nothing was accepted", errors.len(), items.len());
        return Err(Problem::new(ProblemKind::InvalidBatch, detail).with_errors(errors));
    }
    let large: Vec<_> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.body.len() > settings.max_event_bytes)
        .map(|(position, event)| oversize(event, format!("/{position}")))
        .collect();
    if large.is_empty() { Ok(events) } else { Err(event_too_large(settings, large)) }
}

/// The items of a JSON array as text. Reading ends one item after `most`.
fn split(body: &Bytes, most: usize) -> Result<Vec<&RawValue>, Problem> {
    let mut items = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = reader.deserialize_seq(Items { most, items: &mut items }).and_then(|()| reader.end());
    if read.is_ok() || items.len() > most { Ok(items) } else { Err(not_a_batch(body)) }
}

fn not_a_batch(body: &Bytes) -> Problem {
    let error = match parse_strict(body) {
        Err(error) => error.into(),
        Ok(_) => EventProblem {
            pointer: String::new(),
            detail: "a batch is a JSON array of events; send one event as application/cloudevents+json"
                .to_owned(),
        },
    };
    Problem::new(ProblemKind::InvalidBatch, "the body is not a batch; nothing was accepted")
        .with_errors(vec![error])
}

struct Items<'i, 'de> {
    most: usize,
    items: &'i mut Vec<&'de RawValue>,
}

impl<'de> Visitor<'de> for Items<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(item) = sequence.next_element()? {
            self.items.push(item);
            if self.items.len() > self.most {
                return Err(A::Error::custom("too many items"));
            }
        }
        Ok(())
    }
}
