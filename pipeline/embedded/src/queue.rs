//! The primary queue and the DLQ, with SQS's rules: visibility timeout, receive count, redrive, at-least-once, no order.

mod receive;
mod settle;
mod snapshot;

#[cfg(test)]
pub(crate) use snapshot::{COUNT, OLDEST, RECEIVED};

use crate::db::{Db, DbError, millis};
use crate::faults::FaultKind;
use crate::faults::Faults;
use crate::ledger::{self, Counter};
use async_trait::async_trait;
use rusqlite::params;
use spillway_core::ids::{MessageId, ReceiptHandle};
use spillway_core::message::{self, Attribute, OutgoingMessage};
use spillway_core::metric::Meter;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, EventQueue, MetricSink, QueueError, QueueKind};
use spillway_core::settings::PipelineSettings;
use spillway_metrics::queue;
use std::sync::Arc;
use tokio::sync::Notify;

/// The number of a queue in the table of messages.
fn number(queue: QueueKind) -> i64 {
    match queue {
        QueueKind::Primary => 0,
        QueueKind::Dlq => 1,
    }
}

/// Both queues.
pub struct Queues {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
    metrics: Arc<dyn MetricSink>,
    settings: PipelineSettings,
    counts: [Counts; 2],
    /// Woken when a message may have become visible.
    arrivals: [Notify; 2],
}

/// The metrics that SQS counts by call, prepared once.
struct Counts {
    sent: Meter,
    received: Meter,
    deleted: Meter,
}

impl Counts {
    fn of(named: &spillway_metrics::Queue) -> Self {
        let of = |metric| Meter::new(metric, named);
        Self { sent: of(queue::SENT), received: of(queue::RECEIVED), deleted: of(queue::DELETED) }
    }
}

impl Queues {
    /// The queues in a database.
    pub fn new(
        db: Arc<Db>,
        clock: Arc<dyn Clock>,
        faults: Arc<Faults>,
        metrics: Arc<dyn MetricSink>,
        settings: PipelineSettings,
        names: &Names,
    ) -> Self {
        let counts = [&names.queue, &names.dead_letter_queue].map(|name| Counts::of(&name.into()));
        Self { db, clock, faults, metrics, settings, counts, arrivals: [Notify::new(), Notify::new()] }
    }

    fn counts(&self, queue: QueueKind) -> &Counts {
        &self.counts[number(queue) as usize]
    }

    fn wake(&self, queue: QueueKind) {
        self.arrivals[number(queue) as usize].notify_one();
    }

    fn count(&self, meter: &Meter, value: usize) {
        if value > 0 {
            self.metrics.record(meter.measured(value as f64));
        }
    }
}

#[async_trait]
impl EventQueue for Queues {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        let now = self.clock.now();
        if self.faults.is_on(now, &FaultKind::QueueOutage) {
            let error = QueueError::Unavailable { reason: "a fault is switched on: queue-outage".to_owned() };
            return messages.iter().map(|_| Err(error.clone())).collect();
        }
        let refusals: Vec<_> = messages.iter().map(QueueError::refusal).collect();
        let taken = messages.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none());
        let rows: Vec<_> = taken.map(|(message, _)| Row::new(message, now)).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.message_id.clone()).collect();
        let clock = Arc::clone(&self.clock);
        let sent = self.db.write(move |tx| rows.iter().try_for_each(|row| row.insert(tx, clock.now()))).await;
        if sent.is_ok() {
            self.count(&self.counts(QueueKind::Primary).sent, ids.len());
            self.wake(QueueKind::Primary);
        }
        let mut ids = ids.into_iter().map(MessageId::new);
        let mut answer = |refusal: Option<QueueError>| match (refusal, &sent) {
            (Some(refusal), _) => Err(refusal),
            (None, Err(error)) => Err(error.into()),
            // There is an id for each that was not refused.
            (None, Ok(())) => {
                ids.next().ok_or_else(|| QueueError::Unavailable { reason: "no id".to_owned() })
            }
        };
        refusals.into_iter().map(&mut answer).collect()
    }
}

/// A message to be inserted into the table.
struct Row {
    message_id: String,
    origin: Option<String>,
    replay_id: Option<String>,
    first_sent_at: Option<i64>,
    trace_header: Option<String>,
    attributes: Option<String>,
    body: String,
}

impl Row {
    fn new(message: &OutgoingMessage, now: spillway_core::Timestamp) -> Self {
        let attribute = |name: &str| message.attributes.get(name).map(Attribute::as_str);
        let first_sent = attribute(message::FIRST_SENT).and_then(|text| text.parse().ok());
        Self {
            // Ids that sort by time keep the index's new entries together.
            message_id: spillway_core::ids::EventId::at(now).into_string(),
            origin: attribute(message::ORIGINAL_MESSAGE_ID).map(str::to_owned),
            replay_id: attribute(message::REPLAY_ID).map(str::to_owned),
            first_sent_at: first_sent.map(millis),
            trace_header: message.trace_header.clone(),
            attributes: (!message.attributes.is_empty())
                .then(|| serde_json::to_string(&message.attributes).unwrap_or_default()),
            body: message.body.clone(),
        }
    }

    fn insert(&self, tx: &rusqlite::Connection, now: spillway_core::Timestamp) -> rusqlite::Result<()> {
        let now = millis(now);
        let origin = self.origin.as_ref().unwrap_or(&self.message_id);
        tx.prepare_cached(
            "INSERT INTO messages (queue, message_id, origin, replay_id, sent_at, first_sent_at, visible_at,
                                   trace_header, attributes, body)
             VALUES (0, ?1, ?2, ?3, ?4, ?5, ?4, ?6, ?7, ?8)",
        )?
        .execute(params![
            self.message_id,
            origin,
            self.replay_id,
            now,
            self.first_sent_at.unwrap_or(now),
            self.trace_header,
            self.attributes,
            self.body
        ])?;
        // A replay is no new promise: it belongs to the earlier one of its event.
        if self.replay_id.is_none() {
            ledger::raise(tx, Counter::Accepted)?;
        }
        Ok(())
    }
}

impl From<&DbError> for QueueError {
    fn from(error: &DbError) -> Self {
        Self::Unavailable { reason: error.to_string() }
    }
}

impl From<DbError> for QueueError {
    fn from(error: DbError) -> Self {
        Self::from(&error)
    }
}

/// Moves all times of the queues, because the clock was set by that much: every wait and age stays as long as it is.
pub(crate) fn move_times(tx: &rusqlite::Connection, by: jiff::SignedDuration) -> rusqlite::Result<()> {
    let by = i64::try_from(by.as_millis()).unwrap_or(0);
    tx.execute(
        "UPDATE messages SET sent_at = sent_at + ?1, first_sent_at = first_sent_at + ?1, visible_at = visible_at + ?1",
        [by],
    )
    .map(|_| ())
}

impl Queues {
    /// Shortens waits that are longer than any can be. They are from a time before the clock was set back while no
    /// pipeline ran.
    pub(crate) async fn limit_waits(&self) -> Result<(), DbError> {
        let longest_s = self.settings.visibility_timeout_s.max(self.settings.retry.cap_s);
        let latest = millis(self.clock.now()) + 1000 * i64::from(longest_s);
        let limit = move |tx: &rusqlite::Connection| {
            tx.execute("UPDATE messages SET visible_at = ?1 WHERE visible_at > ?1", [latest])
        };
        self.db.write(limit).await.map(|_| ())
    }
}

/// The number of a receive. SQLite gives the number of a deleted row to a later one. A batch can outlive its message, such as
/// on a machine that was suspended. So a number that counts up would fit another message some day.
fn random_receipt() -> i64 {
    rand::random()
}

/// A receipt handle names the row and the receive: one from an earlier receive no longer fits.
fn receipt_handle(seq: i64, receipt: i64) -> ReceiptHandle {
    ReceiptHandle::new(format!("{seq}.{receipt}"))
}

/// Row and receive of a handle; a row that can't exist if it isn't one of ours.
fn parse_receipt(handle: &ReceiptHandle) -> (i64, i64) {
    let parts =
        handle.as_str().split_once('.').and_then(|(seq, receipt)| seq.parse().ok().zip(receipt.parse().ok()));
    parts.unwrap_or((-1, -1))
}

#[cfg(test)]
mod tests {
    use crate::{Options, Pipeline, RealClock};
    use spillway_core::event::Event;
    use spillway_core::ports::QueueKind;
    use spillway_core::usecases::accept::accept;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_receipt_of_a_deleted_message_never_fits_a_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::open(dir.path(), Options::at(Arc::new(RealClock))).await.unwrap();
        let receiver = &*pipeline.workers.receiver;
        let receive_one = async |id: &str| {
            let text = format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
            let event = Event::from_structured(text.as_bytes()).unwrap();
            accept(&*pipeline.ports.queue, &[event], None, 100_000).await;
            let batch = receiver.receive(QueueKind::Primary, 1).await.unwrap();
            batch[0].receipt_handle.clone()
        };
        let first = receive_one("a").await;
        assert_eq!(receiver.delete(QueueKind::Primary, std::slice::from_ref(&first)).await.unwrap(), 1);
        // SQLite gives it the number of the row that is gone.
        let second = receive_one("b").await;
        let row = |handle: &spillway_core::ids::ReceiptHandle| super::parse_receipt(handle).0;
        assert_eq!(row(&first), row(&second));
        assert_eq!(
            receiver.delete(QueueKind::Primary, &[first]).await.unwrap(),
            0,
            "a batch that comes late"
        );
        assert_eq!(receiver.delete(QueueKind::Primary, &[second]).await.unwrap(), 1);
    }
}
