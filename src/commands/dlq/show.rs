//! `spillway dlq show`.

use super::LetterDocument;
use super::explained::{self, Explained};
use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::{BOLD, Console, DIM, paint};
use crate::json_text;
use crate::text::{self, Cell, Table};
use crate::values;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetterState;
use spillway_core::ids::MessageId;
use spillway_core::ports::AuditEntry;

const LONG_HELP: &str = "\
With --json: the dead letter as it is archived (\"body\" is byte for byte what was sent), with \"event\" (the same text as \
JSON, or null if it is no JSON), \"would_fail\" (why it would fail again now, or null), \"stored_message\" (the message \
whose event is in the event store, or null), \"audit\", \"explanation\" (\"place\": where the body fails, \"expected\": what \
the schema says there, \"schema\", \"fails_now\", \"compared\": the last good event of the type beside it, \"advice\") and \
\"spread\" (the group by source, version and hour, or null). \"is_lost\" is true if the content is gone from the archive, and \
\"is_foreign\" if the message was put into a queue past the API.

With --body the output is the body byte for byte, without a newline at the end. On a terminal, characters that could control \
it are replaced.";

/// Options of `dlq show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// A dead letter, by its own id or by that of its event
    #[arg(value_parser = values::some_text)]
    id: String,
    /// Print the body and nothing else, byte for byte
    #[arg(long)]
    body: bool,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    dead_letter: LetterDocument,
    event: Option<Box<RawValue>>,
    would_fail: Option<String>,
    /// The message whose event is in the event store, if one is.
    stored_message: Option<MessageId>,
    audit: Vec<AuditEntry>,
    #[serde(flatten)]
    explained: Explained,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    if options.body {
        console.only_for_people("--body")?;
    }
    let id = backend.dead_letter_id(&options.id).await?;
    let Some(dead_letter) = backend.pipeline.archive.get(&id).await? else {
        let what = format!("the dead letter {id} is not in the archive: see spillway dlq list");
        return Err(CommandError::NotFound(what).into());
    };
    if options.body {
        console.body(&dead_letter.body)?;
        return Ok(ExitStatus::Ok);
    }
    let forecast = backend.pipeline.replayer().preflight(std::slice::from_ref(&id)).await?;
    let stored = match &dead_letter.key {
        Some(key) => backend.pipeline.store.get(key).await?,
        None => None,
    };
    let explained = Explained::of(&dead_letter, backend).await?;
    let shown = Shown {
        explained,
        stored_message: stored.map(|event| event.message_id),
        event: json_text::as_it_is(&dead_letter.body),
        would_fail: forecast
            .into_iter()
            .next()
            .and_then(|forecast| forecast.would_fail)
            .map(|reason| reason.message),
        audit: backend.pipeline.ops.entries(Some(id.as_str()), 100).await?,
        dead_letter: LetterDocument(dead_letter),
    };
    if console.json() {
        console.document(&shown)?;
    } else {
        print(&shown, backend.pipeline.clock.now(), console)?;
    }
    Ok(ExitStatus::Ok)
}

fn print(shown: &Shown, now: Timestamp, console: &mut Console) -> anyhow::Result<()> {
    let dead_letter = &shown.dead_letter;
    let headline = format!("Dead letter {} is {}", dead_letter.id, dead_letter.state.name());
    console.line(&paint(BOLD, &text::clean(&headline)))?;
    let unknown = || "unknown: the body could not be parsed that far".to_owned();
    let mut fields = vec![
        ("event", dead_letter.key.as_ref().map_or_else(unknown, ToString::to_string)),
        ("type", dead_letter.event_type.as_ref().map_or_else(unknown, ToString::to_string)),
        ("first sent", text::time(now, dead_letter.first_sent_at)),
        ("archived", text::time(now, dead_letter.archived_at)),
        ("receives", text::number(dead_letter.receive_count)),
        ("group", dead_letter.fingerprint.to_string()),
    ];
    match &dead_letter.state {
        DeadLetterState::Archived => {}
        DeadLetterState::Replaying { replay_id } => fields.push(("replay", replay_id.to_string())),
        DeadLetterState::Stored { replay_id, at } => {
            fields.push(("stored", format!("{}, by replay {replay_id}", text::time(now, *at))));
        }
        DeadLetterState::Discarded { by, reason, at } => {
            fields.push(("discarded", format!("{} by {by}: {reason}", text::time(now, *at))));
        }
    }
    if dead_letter.state == DeadLetterState::Archived {
        fields.push((
            "replay now?",
            match &shown.would_fail {
                Some(reason) => format!("it would fail again: {reason}"),
                None => "it passes the consumer's checks, which do not include the store".to_owned(),
            },
        ));
    }
    fields.extend(shown.explained.fields(now));
    fields.extend(case(shown).map(|(name, what)| (name, console.addressed(&what))));
    if dead_letter.is_foreign {
        fields.push(("origin", "put into a queue past the API: nobody was promised anything".to_owned()));
    }
    for (name, value) in &dead_letter.attributes {
        fields.push(("attribute", format!("{name} = {value}")));
    }
    if let Some(header) = &dead_letter.trace_header {
        fields.push(("trace", header.clone()));
    }
    console.fields(&fields)?;
    history(shown, now, console)?;
    if let Some(compared) = &shown.explained.explanation.compared {
        console.line("")?;
        let headline = format!("Beside the good event {}", compared.event);
        console.line(&paint(DIM, &text::clean(&headline)))?;
        console.table(&explained::table(compared))?;
    }
    console.line("")?;
    console.line(&paint(DIM, "Body"))?;
    let body = match &shown.event {
        Some(event) => json_text::spread_out(event),
        None => dead_letter.body.clone(),
    };
    for line in text::clean(&body).lines() {
        console.line(&format!("  {line}"))?;
    }
    Ok(())
}

/// What the other places say of its event, if that is not what its state says.
fn case(shown: &Shown) -> Option<(&'static str, String)> {
    let letter = &shown.dead_letter;
    if letter.is_lost {
        let what =
            "gone from the archive: if the bucket has a version, this restores it: spillway dlq recover";
        return Some(("content", format!("{what} {}", letter.id)));
    }
    match (&letter.state, &shown.stored_message) {
        (DeadLetterState::Stored { .. }, None) => {
            let what = "no longer has the event: this puts it back: spillway dlq replay";
            Some(("event store", format!("{what} {}", letter.id)))
        }
        (DeadLetterState::Archived | DeadLetterState::Discarded { .. }, Some(message)) => {
            Some(("event store", format!("has an event with this id and source, from message {message}")))
        }
        _ => None,
    }
}

/// The history of the dead letter, oldest first.
fn history(shown: &Shown, now: Timestamp, console: &mut Console) -> anyhow::Result<()> {
    let dead_letter = &shown.dead_letter;
    let mut events: Vec<(Timestamp, String)> = vec![(dead_letter.first_sent_at, "accepted".to_owned())];
    for failure in &dead_letter.failures {
        let times = if failure.count > 1 {
            format!(", {} times", text::number(failure.count))
        } else {
            String::new()
        };
        let what =
            format!("failed{times}: {} ({}, version {})", failure.message, failure.class, failure.version);
        events.push((failure.first_at, what));
    }
    for replay in &dead_letter.replays {
        events.push((replay.sent_at, format!("put back by replay {}", replay.replay_id)));
        if let Some(at) = replay.ended_at {
            let end = if replay.stored == Some(true) { "stored" } else { "back in the archive" };
            events.push((at, end.to_owned()));
        }
    }
    for entry in &shown.audit {
        let detail = if entry.detail.is_empty() { String::new() } else { format!(": {}", entry.detail) };
        events.push((entry.at, format!("{} by {}{detail}", entry.action, entry.by)));
    }
    events.sort_by_key(|(at, _)| *at);
    console.line("")?;
    console.line(&paint(DIM, "History"))?;
    let mut table = Table::default().wrapping();
    for (at, what) in events {
        table.row(vec![
            Cell::text(text::absolute(at)),
            Cell::text(text::relative(now, at)),
            Cell::text(what),
        ]);
    }
    console.table(&table)
}
