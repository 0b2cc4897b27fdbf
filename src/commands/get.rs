//! `spillway get`: where events are, with their history.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::{Backend, Site};
use crate::commands::dlq::LetterDocument;
use crate::console::{BOLD, Console, paint};
use crate::json_text;
use crate::listing::{Column, Field};
use crate::text;
use crate::values;
use crate::watch::Watch;
use clap::Args;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
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
\"unknown\", with exit code 3; of several events one is enough for that code.

With --json: {\"id\", \"state\", \"locations\": [{\"source\", \"type\", \"state\", \"message_id\", \"accepted_at\", \
\"stored_at\", \"receive_count\", \"visible_at\", \"failure\", \"event\", \"dead_letter\"}], \"other_dead_letters\": [{\"id\", \
\"source\", \"state\"}]}. \"state\" is the first location's; there are several if several sources use the id, or if it was \
sent twice. \"event\" is the text that was accepted: numbers and the order of members do not change. \"other_dead_letters\" are \
those of the same id that another message brought: such as one whose event was corrected and sent again. With several ids: \
{\"events\": [such documents]}.

With --body the output is the accepted text byte for byte, without a newline at the end. On a terminal, characters that could \
control it are replaced.";

/// The state of an event that was stored and that the store no longer has.
const MISSING: &str = "missing";

/// Options of `get`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// The events' ids
    #[arg(value_name = "ID", required = true, value_parser = values::some_text)]
    ids: Vec<String>,
    /// Only events of this source
    #[arg(long, value_parser = values::some_text)]
    source: Option<String>,
    /// Print the body and nothing else, byte for byte
    #[arg(long)]
    body: bool,
    #[command(flatten)]
    pub watch: Watch,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Found {
    id: EventId,
    state: &'static str,
    locations: Vec<EventPlaces>,
    other_dead_letters: Vec<OtherLetter>,
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
    event: Box<RawValue>,
    dead_letter: Option<LetterDocument>,
    #[serde(skip)]
    body: String,
}

/// A dead letter of the same event that is in no location.
#[derive(Debug, Serialize)]
struct OtherLetter {
    id: MessageId,
    source: Option<EventSource>,
    state: DeadLetterStatus,
}

/// The documents of several events.
#[derive(Debug, Serialize)]
struct Several<'f> {
    events: &'f [Found],
}

pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    if options.body {
        console.only_for_people("--body")?;
    }
    let mut all = Vec::with_capacity(options.ids.len());
    for id in &options.ids {
        all.push(find(&EventId::new(id.as_str()), options, backend).await?);
    }
    let is_unknown = all.iter().any(|found| found.locations.is_empty());
    let status = if is_unknown { ExitStatus::NotFound } else { ExitStatus::Ok };
    if options.body {
        return body(&all, console);
    }
    let now = backend.pipeline.clock.now();
    match all.as_slice() {
        _ if console.tsv() => console.items(&columns(), &rows(&all), now)?,
        [found] if console.json() => console.document(found)?,
        events if console.json() => console.document(&Several { events })?,
        [found] if found.locations.is_empty() => return Err(unknown(found, options, &backend.site).into()),
        [found] => print(found, now, console)?,
        _ => console.items(&columns(), &rows(&all), now)?,
    }
    Ok(status)
}

async fn find(id: &EventId, options: &Options, backend: &Backend) -> anyhow::Result<Found> {
    let source = options.source.as_deref().map(EventSource::new);
    let mut locations = backend.pipeline.events.locate(id, source.as_ref()).await?;
    locations.sort_by_key(|location| settled(location.place));
    let mut letters = backend.pipeline.archive.of_event(id).await?;
    letters
        .retain(|letter| source.is_none() || letter.key.as_ref().map(|key| &key.source) == source.as_ref());
    let mut places = Vec::with_capacity(locations.len());
    for location in locations {
        let own = letters.iter().position(|letter| letter.id == location.message_id);
        let dead_letter = match own {
            Some(position) => Some(letters.remove(position)),
            None => backend.pipeline.archive.get(&location.message_id).await?,
        };
        places.push(EventPlaces::of(location, dead_letter)?);
    }
    let mut other_dead_letters = Vec::new();
    for letter in letters {
        match letter.key.as_ref().map(|key| key.source.clone()) {
            Some(source) if is_missing(&letter, &source, &places) => {
                places.push(EventPlaces::missing(source, letter)?);
            }
            source => {
                let state = letter.state.status();
                other_dead_letters.push(OtherLetter { id: letter.id, source, state });
            }
        }
    }
    let state = places.first().map_or("unknown", |place| place.state);
    Ok(Found { id: id.clone(), state, locations: places, other_dead_letters })
}

/// Whether the event of a dead letter is missing: a replay has stored it, and the event store no longer has it.
fn is_missing(letter: &DeadLetter, source: &EventSource, places: &[EventPlaces]) -> bool {
    letter.state.status() == DeadLetterStatus::Stored && !places.iter().any(|place| place.source == *source)
}

/// Prints the body of the one event that was found.
fn body(all: &[Found], console: &mut Console) -> anyhow::Result<ExitStatus> {
    let usage = |what: &str| Err(CommandError::Usage(what.to_owned()).into());
    let [found] = all else { return usage("--body prints one body: name one id") };
    let Some(first) = found.locations.first() else {
        let what = format!("no event with the id {} was found: see spillway get {}", found.id, found.id);
        return Err(CommandError::NotFound(what).into());
    };
    if found.locations.iter().any(|location| location.source != first.source) {
        return usage("events of several sources have this id: add --source");
    }
    console.body(&first.body)?;
    Ok(ExitStatus::Ok)
}

/// The error for an id that is in no place.
fn unknown(found: &Found, options: &Options, site: &Site) -> CommandError {
    let id = &found.id;
    let of = options.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    if let Some(letter) = found.other_dead_letters.first() {
        return CommandError::NotFound(format!(
            "the event {id}{of} is in no place now, but has the dead letter {} ({}): see spillway dlq show {}",
            letter.id,
            letter.state.as_str(),
            letter.id
        ));
    }
    CommandError::NotFound(match site {
        Site::Local(_) => {
            format!("no event with the id {id}{of} was ever accepted here: check the id and the data folder")
        }
        Site::Aws(_) => format!(
            "no event with the id {id}{of} is stored or a dead letter: check the id and the topology, or \
             run this again when the queues are empty (SQS queues cannot be searched)"
        ),
    })
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

impl EventPlaces {
    fn of(location: Location, dead_letter: Option<DeadLetter>) -> anyhow::Result<Self> {
        Ok(Self {
            event: document(&location.body)?,
            source: location.key.source,
            event_type: location.event_type,
            state: location.place.as_str(),
            message_id: location.message_id,
            accepted_at: location.accepted_at,
            stored_at: location.stored_at,
            receive_count: location.receive_count,
            visible_at: location.visible_at,
            failure: location.failure,
            dead_letter: dead_letter.map(LetterDocument),
            body: location.body,
        })
    }

    /// The event of a dead letter that a replay has stored, and that the store no longer has.
    fn missing(source: EventSource, letter: DeadLetter) -> anyhow::Result<Self> {
        Ok(Self {
            source,
            event_type: letter.event_type.clone().unwrap_or_else(|| EventType::new("")),
            state: MISSING,
            message_id: letter.id.clone(),
            accepted_at: letter.first_sent_at,
            stored_at: None,
            receive_count: Some(letter.receive_count),
            visible_at: None,
            failure: None,
            event: document(&letter.body)?,
            body: letter.body.clone(),
            dead_letter: Some(LetterDocument(letter)),
        })
    }
}

/// A body as JSON: as it is, or as a string if it is no JSON.
fn document(body: &str) -> anyhow::Result<Box<RawValue>> {
    match json_text::as_it_is(body) {
        Some(event) => Ok(event),
        None => Ok(to_raw_value(body)?),
    }
}

/// A row: an event, and one of its places if it has any.
type Row<'f> = (&'f Found, Option<&'f EventPlaces>);

fn rows(all: &[Found]) -> Vec<Row<'_>> {
    all.iter().flat_map(rows_of).collect()
}

fn rows_of(found: &Found) -> Vec<Row<'_>> {
    match found.locations.as_slice() {
        [] => vec![(found, None)],
        locations => locations.iter().map(|place| (found, Some(place))).collect(),
    }
}

fn time(time: Option<Timestamp>) -> Field {
    time.map_or(Field::Nothing, Field::Time)
}

fn columns<'f>() -> [Column<Row<'f>>; 9] {
    [
        Column { name: "id", title: Some("id"), field: |row| Field::text(&row.0.id) },
        Column {
            name: "state",
            title: Some("state"),
            field: |row| Field::text(row.1.map_or("unknown", |place| place.state)),
        },
        Column {
            name: "accepted_at",
            title: Some("accepted"),
            field: |row| time(row.1.map(|place| place.accepted_at)),
        },
        Column { name: "stored_at", title: None, field: |row| time(row.1.and_then(|place| place.stored_at)) },
        Column {
            name: "receive_count",
            title: None,
            field: |row| row.1.and_then(|place| place.receive_count).map_or(Field::Nothing, Field::number),
        },
        Column {
            name: "visible_at",
            title: None,
            field: |row| time(row.1.and_then(|place| place.visible_at)),
        },
        Column {
            name: "message_id",
            title: None,
            field: |row| Field::maybe(row.1.map(|place| &place.message_id)),
        },
        Column {
            name: "source",
            title: Some("source"),
            field: |row| Field::maybe(row.1.map(|place| &place.source)),
        },
        Column {
            name: "type",
            title: Some("type"),
            field: |row| Field::maybe(row.1.map(|place| &place.event_type)),
        },
    ]
}

fn print(found: &Found, now: Timestamp, console: &mut Console) -> anyhow::Result<()> {
    for (position, location) in found.locations.iter().enumerate() {
        if position > 0 {
            console.line("")?;
        }
        print_place(&found.id, location, now, console)?;
    }
    for letter in &found.other_dead_letters {
        let what = format!(
            "Also the dead letter {} ({}): spillway dlq show {}",
            letter.id,
            letter.state.as_str(),
            letter.id
        );
        console.line("")?;
        console.hint(&text::clean(&what))?;
    }
    Ok(())
}

fn print_place(
    id: &EventId,
    location: &EventPlaces,
    now: Timestamp,
    console: &mut Console,
) -> anyhow::Result<()> {
    let headline = format!("{id} is {}", text::state(location.state));
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
        fields.push(("event store", console.addressed(&format!("{what} {letter}"))));
    }
    if let Some(dead_letter) = &location.dead_letter {
        fields.push(("group", dead_letter.fingerprint.to_string()));
        fields.push(("replays", text::number(dead_letter.replays.len())));
    }
    console.fields(&fields)?;
    console.line("")?;
    for line in text::clean(&json_text::spread_out(&location.event)).lines() {
        console.line(&format!("  {line}"))?;
    }
    Ok(())
}
