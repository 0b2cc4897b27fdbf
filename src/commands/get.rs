//! `spillway get`: where an event is, with its history.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::{Backend, Site};
use crate::console::{BOLD, Console, paint};
use crate::text;
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterStatus};
use spillway_core::failure::Failure;
use spillway_core::ids::{EventId, EventSource, EventType, MessageId};
use spillway_core::ledger::Place;
use spillway_core::ports::Location;
use spillway_dashboard_words::duration;

const LONG_HELP: &str = "\
States: stored, queued, in_flight, in_dlq, archived, replaying, discarded, missing. A missing event was stored from a dead \
letter, and the event store no longer has it, such as after it was restored from an older backup. An event that was never accepted is \
\"unknown\", with exit code 3.

With --json: {\"id\", \"state\", \"locations\": [{\"source\", \"type\", \"state\", \"message_id\", \"accepted_at\", \
\"stored_at\", \"receive_count\", \"visible_at\", \"failure\", \"event\", \"dead_letter\"}]}. \"state\" is the first \
location's; there are several if several sources use the id, or if it was sent twice.";

/// The state of an event that was stored and that the store no longer has.
const MISSING: &str = "missing";

/// Options of `get`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// The event's id
    id: String,
    /// Only the event of this source
    #[arg(long)]
    source: Option<String>,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Found {
    id: EventId,
    state: &'static str,
    locations: Vec<EventPlaces>,
}

#[derive(Debug, Serialize)]
struct EventPlaces {
    source: EventSource,
    #[serde(rename = "type")]
    event_type: EventType,
    state: &'static str,
    message_id: MessageId,
    accepted_at: Timestamp,
    stored_at: Option<Timestamp>,
    receive_count: Option<u32>,
    visible_at: Option<Timestamp>,
    failure: Option<Failure>,
    event: Value,
    dead_letter: Option<DeadLetter>,
}

pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let id = EventId::new(options.id.as_str());
    let source = options.source.as_deref().map(EventSource::new);
    let mut locations = backend.pipeline.events.locate(&id, source.as_ref()).await?;
    locations.sort_by_key(|location| settled(location.place));
    let mut found = Vec::with_capacity(locations.len());
    for location in locations {
        let dead_letter = backend.pipeline.archive.get(&location.message_id).await?;
        found.push(places(location, dead_letter));
    }
    // A dead letter that a replay has stored has no place of its own, unless the store no longer has the event.
    for letter in backend.pipeline.archive.of_event(&id).await? {
        let Some(key) = letter.key.as_ref().filter(|_| letter.state.status() == DeadLetterStatus::Stored)
        else {
            continue;
        };
        let is_asked_for = source.as_ref().is_none_or(|source| *source == key.source);
        if is_asked_for && !found.iter().any(|places| places.source == key.source) {
            found.extend(missing(letter));
        }
    }
    let Some(first) = found.first() else {
        if console.json() {
            console.document(&Found { id, state: "unknown", locations: Vec::new() })?;
            return Ok(ExitStatus::NotFound);
        }
        let of = options.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
        let what = match backend.site {
            Site::Local(_) => {
                format!(
                    "no event with the id {id}{of} was ever accepted here: check the id and the data folder"
                )
            }
            Site::Aws(_) => format!(
                "no event with the id {id}{of} is stored or a dead letter: check the id and the topology, or \
                 run this again when the queues are empty (SQS queues cannot be searched)"
            ),
        };
        return Err(CommandError::NotFound(what).into());
    };
    if console.json() {
        console.document(&Found { id, state: first.state, locations: found })?;
    } else {
        let now = backend.pipeline.clock.now();
        for (position, location) in found.iter().enumerate() {
            if position > 0 {
                console.line("")?;
            }
            print(&id, location, now, console)?;
        }
    }
    Ok(ExitStatus::Ok)
}

/// The most final place comes first: a stored event remains stored, even if other copies of it fail.
fn settled(place: Place) -> u8 {
    match place {
        Place::Stored => 0,
        Place::Discarded => 1,
        Place::Archived => 2,
        Place::InDlq => 3,
        Place::Replaying => 4,
        Place::InFlight => 5,
        Place::Queued => 6,
    }
}

fn places(location: Location, dead_letter: Option<DeadLetter>) -> EventPlaces {
    EventPlaces {
        source: location.key.source,
        event_type: location.event_type,
        state: location.place.as_str(),
        message_id: location.message_id,
        accepted_at: location.accepted_at,
        stored_at: location.stored_at,
        receive_count: location.receive_count,
        visible_at: location.visible_at,
        failure: location.failure,
        event: serde_json::from_str(&location.body).unwrap_or_else(|_| location.body.into()),
        dead_letter,
    }
}

/// The event of a dead letter that a replay has stored, and that the store no longer has.
fn missing(letter: DeadLetter) -> Option<EventPlaces> {
    Some(EventPlaces {
        source: letter.key.clone()?.source,
        event_type: letter.event_type.clone().unwrap_or_else(|| EventType::new("")),
        state: MISSING,
        message_id: letter.id.clone(),
        accepted_at: letter.first_sent_at,
        stored_at: None,
        receive_count: Some(letter.receive_count),
        visible_at: None,
        failure: None,
        event: serde_json::from_str(&letter.body).unwrap_or_else(|_| letter.body.clone().into()),
        dead_letter: Some(letter),
    })
}

fn print(id: &EventId, location: &EventPlaces, now: Timestamp, console: &mut Console) -> anyhow::Result<()> {
    let headline = format!("{id} is {}", location.state.replace('_', " "));
    console.line(&paint(BOLD, &text::clean(&headline)))?;
    let mut fields = vec![
        ("source", location.source.to_string()),
        ("type", location.event_type.to_string()),
        ("accepted", text::time(now, location.accepted_at)),
    ];
    if let Some(at) = location.stored_at {
        let passed = at.duration_since(location.accepted_at);
        let after = duration(passed.as_secs_f64());
        fields.push(("stored", format!("{}, {after} after it was accepted", text::time(now, at))));
    }
    if let Some(count) = location.receive_count {
        fields.push(("receives", text::number(count)));
    }
    if let Some(at) = location.visible_at.filter(|at| *at > now) {
        fields.push(("next attempt", text::time(now, at)));
    }
    if let Some(failure) = &location.failure {
        fields.push(("failure", format!("{}: {}", failure.class, failure.message)));
    }
    fields.push(("message", location.message_id.to_string()));
    if location.state == MISSING {
        let letter = &location.message_id;
        let what =
            "a replay stored it, and the event store no longer has it: put it back with spillway dlq replay";
        fields.push(("event store", format!("{what} {letter}")));
    }
    if let Some(dead_letter) = &location.dead_letter {
        fields.push(("group", dead_letter.fingerprint.to_string()));
        fields.push(("replays", text::number(dead_letter.replays.len())));
    }
    console.fields(&fields)?;
    console.line("")?;
    let event = serde_json::to_string_pretty(&location.event)?;
    for line in text::clean(&event).lines() {
        console.line(&format!("  {line}"))?;
    }
    Ok(())
}
