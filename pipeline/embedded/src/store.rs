//! The event store, with DynamoDB's rules: conditional puts, capacity and throttling, items of at most 400 KB.

mod list;

use crate::db::{Db, from_millis, int, millis, text};
use crate::faults::FaultKind;
use crate::faults::Faults;
use crate::ledger::{self, Handover};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use spillway_core::metric::Meter;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, EventStore, MetricSink, PutOutcome, StoreError, StoreItem, StoredEvent};
use spillway_metrics::{Table, Writes, table, writes};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// DynamoDB's limit for an item, names and values together.
const LARGEST_ITEM: usize = 400 * 1024;
/// DynamoDB lets a table save up five minutes of unused capacity for bursts.
const BURST_SECONDS: f64 = 300.0;

/// The event store in a database.
pub struct Store {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
    metrics: Arc<dyn MetricSink>,
    meters: Meters,
    capacity: Mutex<Bucket>,
    /// In virtual time, what a call takes; real calls take what they take.
    simulated_latency: Option<Duration>,
}

struct Meters {
    consumed: Meter,
    write_throttles: Meter,
    throttled: Meter,
    system_errors: Meter,
    latency: Meter,
}

/// Write capacity units that are left.
struct Bucket {
    per_second: f64,
    left: f64,
    at: Timestamp,
}

impl Bucket {
    /// Takes units if there are enough, at a share of the capacity.
    fn take(&mut self, units: f64, share: f64, now: Timestamp) -> bool {
        let seconds = (now.as_millisecond() - self.at.as_millisecond()).max(0) as f64 / 1000.0;
        let rate = self.per_second * share;
        self.left = (self.left + seconds * rate).min(rate * BURST_SECONDS);
        self.at = now;
        let enough = self.left >= units;
        if enough {
            self.left -= units;
        }
        enough
    }
}

impl Store {
    /// The event store in a database, with that write capacity.
    pub fn new(
        db: Arc<Db>,
        clock: Arc<dyn Clock>,
        faults: Arc<Faults>,
        metrics: Arc<dyn MetricSink>,
        names: &Names,
        write_capacity_units: f64,
        simulated_latency: Option<Duration>,
    ) -> Self {
        let of_table = |metric| Meter::new(metric, &Table::from(&names.table));
        let of_writes = |metric| Meter::new(metric, &Writes::from(&names.table));
        let meters = Meters {
            consumed: of_table(table::CONSUMED_WRITES),
            write_throttles: of_table(table::WRITE_THROTTLES),
            throttled: of_writes(writes::THROTTLED),
            system_errors: of_writes(writes::FAILED),
            latency: of_writes(writes::LATENCY),
        };
        let left = write_capacity_units * BURST_SECONDS;
        let capacity = Mutex::new(Bucket { per_second: write_capacity_units, left, at: clock.now() });
        Self { db, clock, faults, metrics, meters, capacity, simulated_latency }
    }

    fn record(&self, meter: &Meter, value: f64) {
        self.metrics.record(meter.measured(value));
    }

    /// Checks a write before the database is called, and returns the error that prevents it.
    fn admit(&self, item: &StoreItem) -> Result<f64, StoreError> {
        let bytes = item_bytes(item);
        if bytes > LARGEST_ITEM {
            return Err(StoreError::TooLarge { bytes, limit: LARGEST_ITEM });
        }
        let now = self.clock.now();
        let outage = |kind: &FaultKind| match kind {
            FaultKind::StoreOutage { share } => Some(*share),
            _ => None,
        };
        if self.faults.strikes(now, outage) {
            self.record(&self.meters.system_errors, 1.0);
            return Err(StoreError::Unavailable {
                reason: "a fault is switched on: store-outage".to_owned(),
            });
        }
        let throttle = |kind: &FaultKind| match kind {
            FaultKind::StoreThrottle { capacity } => Some(*capacity),
            _ => None,
        };
        let share = self.faults.find(now, throttle).unwrap_or(1.0);
        let units = units(bytes);
        let mut capacity = self.capacity.lock().unwrap_or_else(PoisonError::into_inner);
        if capacity.take(units, share, now) {
            return Ok(units);
        }
        drop(capacity);
        self.record(&self.meters.throttled, 1.0);
        self.record(&self.meters.write_throttles, 1.0);
        Err(StoreError::Throttled)
    }

    /// Waits as a slow store would make its callers wait.
    async fn delay(&self) {
        let now = self.clock.now();
        let is_late = self.faults.strikes(now, |kind| match kind {
            FaultKind::StoreLatency { share, .. } => Some(*share),
            _ => None,
        });
        let slow = |kind: &FaultKind| match kind {
            FaultKind::StoreLatency { added, .. } => Some(*added),
            _ => None,
        };
        let added = self.faults.find(now, slow).filter(|_| is_late).unwrap_or_default();
        let wait = added + self.simulated_latency.unwrap_or_default();
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
    }
}

#[async_trait]
impl EventStore for Store {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        let started = self.clock.now();
        self.delay().await;
        let mut answers: Vec<_> =
            items.iter().map(|item| self.admit(item).map(|_| PutOutcome::Stored)).collect();
        let admitted: Vec<_> = items
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.is_ok())
            .map(|(item, _)| item.clone())
            .collect();
        if admitted.is_empty() {
            return answers;
        }
        let units: f64 = admitted.iter().map(|item| units(item_bytes(item))).sum();
        let now = self.clock.now();
        let written = self
            .db
            .write(move |tx| {
                admitted.iter().map(|item| put(tx, item, now)).collect::<rusqlite::Result<Vec<_>>>()
            })
            .await;
        match written {
            Ok(outcomes) => {
                let took = (self.clock.now().as_microsecond() - started.as_microsecond()) as f64 / 1000.0;
                self.record(&self.meters.consumed, units);
                let mut outcomes = outcomes.into_iter();
                for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                    self.record(&self.meters.latency, took);
                    if let Some(outcome) = outcomes.next() {
                        *answer = Ok(outcome);
                    }
                }
            }
            Err(error) => {
                for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                    self.record(&self.meters.system_errors, 1.0);
                    *answer = Err(StoreError::Unavailable { reason: error.to_string() });
                }
            }
        }
        answers
    }

    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        let key = key.clone();
        self.db
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT type, body, accepted_at, stored_at, message_id FROM store
                         WHERE event_id = ?1 AND source = ?2",
                    )?
                    .query_row([key.id.as_str(), key.source.as_str()], |row| {
                        Ok(StoredEvent {
                            key: key.clone(),
                            event_type: EventType::new(text(row, 0)?),
                            body: text(row, 1)?,
                            accepted_at: from_millis(int(row, 2)?),
                            stored_at: from_millis(int(row, 3)?),
                            message_id: MessageId::new(text(row, 4)?),
                        })
                    })
                    .optional()
            })
            .await
            .map_err(|error| StoreError::Unavailable { reason: error.to_string() })
    }

    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError> {
        let id = id.clone();
        self.db
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT source FROM store WHERE event_id = ?1")?
                    .query_map([id.as_str()], |row| Ok(EventSource::new(text(row, 0)?)))?
                    .collect()
            })
            .await
            .map_err(|error| StoreError::Unavailable { reason: error.to_string() })
    }
}

/// An item's size in DynamoDB, which has the id and the source as keys beside the body that has them too. The rest are the
/// names, the type, the times and the message's id.
fn item_bytes(item: &StoreItem) -> usize {
    item.body.len() + item.key.id.as_str().len() + item.key.source.as_str().len() + 200
}

/// Write capacity units that an item takes, and that the metric counts. One unit writes up to 1 KB.
fn units(bytes: usize) -> f64 {
    bytes.div_ceil(1024) as f64
}

/// The conditional put, and the ledger's record that the promise is kept before its message is deleted.
fn put(tx: &Connection, item: &StoreItem, now: Timestamp) -> rusqlite::Result<PutOutcome> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO store (event_id, source, type, message_id, accepted_at, stored_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            item.key.id.as_str(),
            item.key.source.as_str(),
            item.event_type.as_str(),
            item.message_id.as_str(),
            millis(item.accepted_at),
            millis(now),
            item.body
        ])?;
    let first = inserted == 1 || {
        let by = tx
            .prepare_cached("SELECT message_id FROM store WHERE event_id = ?1 AND source = ?2")?
            .query_row([item.key.id.as_str(), item.key.source.as_str()], |row| text(row, 0))?;
        by == item.message_id.as_str()
    };
    let to = if first { Handover::Store } else { Handover::Duplicate };
    ledger::note(tx, item.message_id.as_str(), to)?;
    Ok(if inserted == 1 { PutOutcome::Stored } else { PutOutcome::AlreadyStored })
}

#[cfg(test)]
mod tests {
    use crate::{Options, Pipeline};
    use spillway_core::Timestamp;
    use spillway_core::ports::{PutOutcome, StoreError};
    use spillway_core::settings::PipelineSettings;
    use spillway_metrics::{Statistic, Table, table};
    use spillway_testkit::ManualClock;
    use spillway_testkit::letters::store_item;
    use std::sync::Arc;

    #[tokio::test]
    async fn the_metric_counts_the_capacity_that_was_taken() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        // Six units in all: DynamoDB saves up those of five minutes.
        let settings = PipelineSettings { write_capacity_units: 0.02, ..PipelineSettings::default() };
        let options = Options { settings, ..Options::at(Arc::new(ManualClock::at(now))) };
        let pipeline = Pipeline::open(dir.path(), options).await.unwrap();
        // 1,000 bytes of body and 2,000 of id: the item has both.
        let item = |letter: &str| store_item(&letter.repeat(2_000), "m", &"x".repeat(1_000));
        let answers = pipeline.ports.store.put_if_absent(&[item("a"), item("b")]).await;
        assert_eq!(answers, [Ok(PutOutcome::Stored), Err(StoreError::Throttled)], "four units each");
        pipeline.recorder.finish(now);
        let named = Table::from(&pipeline.ports.names.table);
        let query = table::CONSUMED_WRITES.query(&named, Statistic::Sum);
        let until = now + jiff::SignedDuration::from_mins(1);
        let values = pipeline.telemetry.query(&[query], now, until, 60).unwrap().remove(0);
        assert_eq!(values.into_iter().flatten().sum::<f64>(), 4.0);
    }
}
