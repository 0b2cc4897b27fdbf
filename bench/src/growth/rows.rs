//! A data folder with many rows, written through the pipeline's own ports.

use crate::table::median;
use anyhow::{Result, ensure};
use spillway_core::dead_letter::{DeadLetter, DeadLetterState};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{CodeVersion, EventId, EventKey, EventType, MessageId, ReplayId};
use spillway_core::message::{MessageAttributes, OutgoingMessage};
use spillway_core::ports::{Clock as _, StoreItem};
use spillway_core::settings::PipelineSettings;
use spillway_embedded::gateway::{self, Gateway};
use spillway_embedded::{Options, Pipeline, RealClock};
use std::path::Path;
use std::sync::Arc;
use tokio::time::Instant;

/// Rows in one write.
const BATCH: u64 = 1_000;
/// Reasons among the dead letters.
const REASONS: u64 = 20;
const TYPE: &str = "order.placed";
/// The type of the oldest dead letter only.
pub const RARE: &str = "order.lost";
const SOURCE: &str = "/bench";

/// An open pipeline with many rows, whose functions don't run.
pub struct Rows {
    /// Its ports.
    pub ports: spillway_core::Pipeline,
    pipeline: Pipeline,
    number: u64,
}

impl Rows {
    /// Writes this number of stored events, of queued events and of dead letters, and a replay of a tenth of these.
    pub async fn write(folder: &Path, number: u64) -> Result<Self> {
        let rows = Self::open(folder, number).await?;
        for first in (0..number).step_by(usize::try_from(BATCH)?) {
            let numbers = first..(first + BATCH).min(number);
            let sent = rows.ports.queue.send(&numbers.clone().map(message).collect::<Vec<_>>()).await;
            sent.into_iter().collect::<Result<Vec<_>, _>>()?;
            let stored = numbers.clone().map(stored).collect::<Vec<_>>();
            for answer in rows.ports.store.put_if_absent(&stored).await {
                answer?;
            }
            rows.archive(numbers).await?;
        }
        let replayed: Vec<_> = (1..=number / 10).map(dead_letter_id).collect();
        let replay = ReplayId::at(RealClock.now());
        let taken = rows.ports.replays.create(&replay, &replayed, "bench").await?;
        ensure!(taken == number / 10, "the replay took {taken} dead letters");
        Ok(rows)
    }

    /// Only dead letters.
    pub async fn dead_letters(folder: &Path, number: u64) -> Result<Self> {
        let rows = Self::open(folder, number).await?;
        for first in (0..number).step_by(usize::try_from(BATCH)?) {
            rows.archive(first..(first + BATCH).min(number)).await?;
        }
        Ok(rows)
    }

    async fn open(folder: &Path, number: u64) -> Result<Self> {
        let settings = PipelineSettings {
            write_capacity_units: 1e9,
            api_rate_per_s: 1e6,
            api_burst: 1e6,
            ..PipelineSettings::default()
        };
        let options = Options { settings, ..Options::at(Arc::new(RealClock)) };
        let pipeline = Pipeline::open(folder, options).await?;
        Ok(Self { ports: pipeline.ports.clone(), pipeline, number })
    }

    async fn archive(&self, numbers: std::ops::Range<u64>) -> Result<()> {
        let letters = numbers.map(dead_letter).collect::<Vec<_>>();
        for answer in self.pipeline.workers.sink.put(&letters).await {
            answer?;
        }
        Ok(())
    }

    /// The id of a stored event.
    pub fn stored(&self) -> EventId {
        EventId::new(format!("stored-{}", self.number / 2))
    }

    /// The id of a queued event.
    pub fn queued(&self) -> EventId {
        EventId::new(format!("queued-{}", self.number / 2))
    }

    /// The id of an event that is a dead letter.
    pub fn dead(&self) -> EventId {
        EventId::new(format!("dead-{}", self.number / 2))
    }

    /// The median time in seconds in which the API accepts an event.
    pub async fn accept(&self, times: usize) -> Result<f64> {
        let ports = gateway::Ports::of(&self.pipeline);
        let gateway = Gateway::new(ports, &self.ports.settings, &self.ports.names);
        let mut took = Vec::with_capacity(times);
        for number in 0..times {
            let event = event(&format!("accepted-{number}"));
            let begun = Instant::now();
            let answer = gateway.call(gateway::post_event(event)).await;
            took.push(begun.elapsed().as_secs_f64());
            ensure!(answer.status() == http::StatusCode::ACCEPTED, "the API answers {}", answer.status());
        }
        Ok(median(took))
    }
}

fn event(id: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"{SOURCE}","type":"{TYPE}","data":{{"amount":17,"note":"{}"}}}}"#,
        "x".repeat(200)
    )
}

fn message(number: u64) -> OutgoingMessage {
    let attributes = MessageAttributes::new();
    OutgoingMessage { body: event(&format!("queued-{number}")), attributes, trace_header: None }
}

fn stored(number: u64) -> StoreItem {
    let id = format!("stored-{number}");
    StoreItem {
        key: EventKey::new(SOURCE, id.as_str()),
        event_type: EventType::new(TYPE),
        body: event(&id),
        accepted_at: RealClock.now(),
        message_id: MessageId::new(format!("m-stored-{number}")),
        replay_id: None,
    }
}

/// The id of a dead letter.
pub fn dead_letter_id(number: u64) -> MessageId {
    MessageId::new(format!("m-dead-{number}"))
}

fn dead_letter(number: u64) -> DeadLetter {
    let (id, now) = (format!("dead-{number}"), RealClock.now());
    let message = format!("/amount: the value is not of type \"number\", case {}", number % REASONS);
    let failure = Failure::new(FailureClass::Schema, message, &CodeVersion::new("bench"), now);
    DeadLetter {
        id: dead_letter_id(number),
        key: Some(EventKey::new(SOURCE, id.as_str())),
        event_type: Some(EventType::new(if number == 0 { RARE } else { TYPE })),
        body: event(&id),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: now,
        archived_at: now,
        receive_count: 1,
        generation: 0,
        fingerprint: spillway_core::ids::Fingerprint::new(format!("f{}", number % REASONS)),
        failures: vec![failure],
        is_foreign: false,
        is_lost: false,
        glance: None,
        state: DeadLetterState::Archived,
        replays: Vec::new(),
    }
}
