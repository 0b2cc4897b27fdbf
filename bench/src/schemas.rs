//! A large folder of schemas, compared with an empty one: events stored a second.

use crate::Setting;
use crate::accept::settings;
use crate::table::{Results, Row, Target, median};
use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;
use spillway_core::event::Event;
use spillway_core::ports::Schemas as _;
use spillway_core::usecases::accept::accept;
use spillway_embedded::schemas::SchemaFolder;
use spillway_embedded::{Options, Pipeline, RealClock, runtime};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Files in the large folder.
const FILES: usize = 10_000;
/// Events in one measurement. Each type has one event in turn.
const EVENTS: usize = 10_000;
/// Events that are accepted at once.
const BATCH: usize = 100;
/// The target: the share of the throughput without schemas.
const SHARE: f64 = 0.9;
/// Between looks at the ledger.
const LOOK: Duration = Duration::from_millis(10);

/// One measurement.
#[derive(Serialize)]
struct Round {
    files: usize,
    /// Seconds that the first reading of the folder took.
    read_s: f64,
    per_s: f64,
}

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    let mut rounds = Vec::new();
    for number in 1..=setting.rounds {
        // The order changes, so that neither always has the warmer caches.
        for files in if number % 2 == 0 { [0, FILES] } else { [FILES, 0] } {
            setting.say(&format!("schemas: {files} files, round {number} of {}", setting.rounds));
            let folder = tempfile::tempdir_in(&setting.data)?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            rounds.push(runtime.block_on(measure(folder.path(), files))?);
        }
    }
    let of = |files: usize, value: fn(&Round) -> f64| {
        median(rounds.iter().filter(|round| round.files == files).map(value))
    };
    let (with, without) = (of(FILES, |round| round.per_s), of(0, |round| round.per_s));
    let row = Row::new("stored with 10,000 schemas", with, "without schemas", without, "events/s");
    let notes = vec![format!(
        "schemas: {EVENTS} events, medians of {} rounds. The first reading of {FILES} files took {:.2} s.",
        setting.rounds,
        of(FILES, |round| round.read_s)
    )];
    let rows = vec![row.target(Target::AtLeast(SHARE))];
    Ok(Results { benchmark: "schemas", rows, details: json!({ "rounds": rounds }), notes })
}

async fn measure(folder: &Path, files: usize) -> Result<Round> {
    let (schemas, data) = (folder.join("schemas"), folder.join("data"));
    std::fs::create_dir(&schemas)?;
    for number in 0..files {
        let schema =
            json!({"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}});
        std::fs::write(schemas.join(format!("type.{number}.json")), schema.to_string())?;
    }
    let begun = Instant::now();
    let opened = SchemaFolder::open(&schemas)?;
    let read_s = begun.elapsed().as_secs_f64();
    ensure!(opened.current().await.types().len() == files, "not every schema can be used");
    let options =
        Options { settings: settings(), schemas: Arc::new(opened), ..Options::at(Arc::new(RealClock)) };
    let pipeline = Arc::new(Pipeline::open(&data, options).await?);
    let events = (0..EVENTS).map(event).collect::<Result<Vec<_>>>()?;
    for batch in events.chunks(BATCH) {
        let limit = pipeline.ports.settings.max_event_bytes;
        let answers = accept(&*pipeline.ports.queue, batch, None, limit).await;
        ensure!(answers.iter().all(Result::is_ok), "an event was not accepted");
    }
    let begun = Instant::now();
    let running = runtime::start(&pipeline);
    loop {
        let ledger = pipeline.ports.ledger.ledger().await?;
        ensure!(ledger.dead_lettered() == 0, "an event was dead-lettered: {ledger:?}");
        if ledger.stored == EVENTS as u64 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let per_s = EVENTS as f64 / begun.elapsed().as_secs_f64();
    drop(running);
    Ok(Round { files, read_s, per_s })
}

fn event(number: usize) -> Result<Event> {
    let event = json!({
        "specversion": "1.0", "id": number.to_string(), "source": "/bench", "type": format!("type.{}", number % FILES),
        "data": {"amount": number},
    });
    Ok(Event::from_structured(event.to_string().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_a_schema() {
        assert_eq!(event(FILES - 1).unwrap().event_type.as_str(), "type.9999");
        assert_eq!(event(FILES).unwrap().event_type.as_str(), "type.0");
    }
}
