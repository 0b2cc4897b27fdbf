//! Store: a batch of messages becomes events in the store, with one outcome for each record.

mod segments;

pub use segments::SegmentNames;

use super::admit::admit;
use crate::Timestamp;
use crate::event::{Event, peek};
use crate::failure::{Failure, FailureClass, Reason};
use crate::ids::{CodeVersion, EventKey, EventType, MessageId};
use crate::message::ReceivedMessage;
use crate::metric::Measurement;
use crate::ports::{
    ArchiveError, Clock, DeadLetterOrder, Deferral, EventStore, PutOutcome, QueueError, QueueKind,
    Redelivery, ReplayReports, Schemas, StoreError, StoreItem,
};
use crate::retry::RetrySchedule;
use crate::schema::SchemaSet;
use crate::trace::Segment;
use crate::worker::{BatchWork, Report};
use futures::{StreamExt as _, stream};
use spillway_metrics::{Function, consumer};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Maximum number of replayed records that report concurrently. A report that is a transaction takes some 40 ms. One
/// after the other, thousands of them would exceed the function's time.
const REPORTS_AT_ONCE: usize = 16;

/// The outcome of one record.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Its event is in the store now.
    Stored,
    /// Its event was in the store already.
    AlreadyStored,
    /// It stays in the queue and is tried again.
    Retry(Failure),
    /// It is in the DLQ.
    DeadLettered(Failure),
}

impl Outcome {
    /// The name in traces and logs.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Whether its event is not in the store.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Retry(_) | Self::DeadLettered(_))
    }
}

/// One record and its outcome.
#[derive(Clone, Debug)]
pub struct RecordReport {
    /// The record.
    pub message: ReceivedMessage,
    /// Its event's key and type, if its body could be read.
    pub event: Option<(EventKey, EventType)>,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why the queue did not defer it, or the DLQ did not accept it. It then comes back after the visibility timeout.
    pub queue_error: Option<QueueError>,
}

/// The outcome of a batch.
#[derive(Clone, Debug)]
pub struct BatchReport {
    /// Each record, in the batch's order.
    pub records: Vec<RecordReport>,
    /// From when to when the store was asked, if it was.
    pub store_call: Option<(Timestamp, Timestamp)>,
    /// Schemas that could not be used.
    pub unusable_schemas: usize,
    /// When the work began.
    pub started_at: Timestamp,
    /// When the batch was done.
    pub ended_at: Timestamp,
}

impl Report for BatchReport {
    fn join(parts: Vec<Self>, started_at: Timestamp, ended_at: Timestamp) -> Self {
        let mut joined = Self {
            records: Vec::with_capacity(parts.len()),
            store_call: None,
            unusable_schemas: 0,
            started_at,
            ended_at,
        };
        for part in parts {
            joined.unusable_schemas = joined.unusable_schemas.max(part.unusable_schemas);
            joined.store_call = match (joined.store_call, part.store_call) {
                (Some((from, _)), Some((_, to))) => Some((from, to)),
                (before, now) => before.or(now),
            };
            joined.records.extend(part.records);
        }
        joined
    }

    fn messages(&self) -> impl Iterator<Item = &ReceivedMessage> {
        self.records.iter().map(|record| &record.message)
    }

    fn failures(&self) -> Vec<MessageId> {
        let retried = self.records.iter().filter(|record| matches!(record.outcome, Outcome::Retry(_)));
        retried.map(|record| record.message.message_id.clone()).collect()
    }

    fn log(&self) {
        self.records.iter().for_each(RecordReport::log);
    }

    fn measurements(&self, function: &str) -> Vec<Measurement> {
        let function = Function::from(function);
        let of = |metric, value| Measurement::of(metric, &function, value);
        let mut all = vec![
            of(consumer::BATCH_SIZE, self.records.len() as f64),
            of(consumer::UNUSABLE_SCHEMAS, self.unusable_schemas as f64),
        ];
        // Outcomes are counted here, one value for each batch. Measurements with a distribution have one
        // value for each record.
        let mut counts = BTreeMap::new();
        for record in &self.records {
            all.push(of(consumer::RECEIVE_COUNT, f64::from(record.message.receive_count)));
            let metric = match record.outcome {
                Outcome::Stored => consumer::RECORDS_STORED,
                Outcome::AlreadyStored => consumer::RECORDS_ALREADY_STORED,
                Outcome::Retry(_) => consumer::RECORDS_RETRIED,
                Outcome::DeadLettered(_) => consumer::RECORDS_REJECTED,
            };
            counts.entry(metric.name()).or_insert((metric, 0.0)).1 += 1.0;
            if matches!(record.queue_error, Some(QueueError::InDoubt { .. })) {
                let metric = consumer::RECORDS_IN_DOUBT;
                counts.entry(metric.name()).or_insert((metric, 0.0)).1 += 1.0;
            }
            if !record.outcome.is_failure() && record.message.is_foreign() {
                let foreign = consumer::RECORDS_FOREIGN;
                counts.entry(foreign.name()).or_insert((foreign, 0.0)).1 += 1.0;
            }
            let is_replayed = record.message.replay_id().is_some();
            if is_replayed && !record.outcome.is_failure() {
                let replayed = consumer::RECORDS_REPLAYED;
                counts.entry(replayed.name()).or_insert((replayed, 0.0)).1 += 1.0;
            }
            // A replayed event waited for an operator, not for the pipeline.
            if record.outcome == Outcome::Stored && !is_replayed {
                let took = self.ended_at.as_millisecond() - record.message.first_sent_at().as_millisecond();
                all.push(of(consumer::ACCEPT_TO_STORED, took.max(0) as f64));
            }
        }
        let retried = self.records.iter().filter(|record| matches!(record.outcome, Outcome::Retry(_)));
        if let Some(oldest) = retried.map(|record| record.message.sent_at).min() {
            let age = self.ended_at.as_second() - oldest.as_second();
            all.push(of(consumer::OLDEST_EVENT_AGE, age.max(0) as f64));
        }
        all.extend(counts.into_values().map(|(metric, count)| of(metric, count)));
        all
    }

    fn segments(&self, names: SegmentNames<'_>) -> Vec<Segment> {
        Self::segments(self, names)
    }
}

impl RecordReport {
    /// One line if the event was not stored, none if it was.
    fn log(&self) {
        let (Outcome::Retry(failure) | Outcome::DeadLettered(failure)) = &self.outcome else { return };
        let event = self.event.as_ref();
        let message = &self.message;
        tracing::warn!(
            message_id = message.message_id.as_str(),
            event_id = event.map(|(key, _)| key.id.as_str()),
            event_source = event.map(|(key, _)| key.source.as_str()),
            event_type = event.map(|(_, event_type)| event_type.as_str()),
            event_trace = message.trace_header.as_deref(),
            receive_count = message.receive_count,
            outcome = self.outcome.name(),
            class = failure.class.as_str(),
            reason = failure.message,
            queue_error = self.queue_error.as_ref().map(tracing::field::display),
            "an event was not stored"
        );
    }
}

/// The consumer: its ports and rules.
pub struct Consumer {
    /// Where events go.
    pub store: Arc<dyn EventStore>,
    /// Where failures go.
    pub redelivery: Arc<dyn Redelivery>,
    /// Where replayed messages report that they have arrived.
    pub replays: Arc<dyn ReplayReports>,
    /// What events are checked against.
    pub schemas: Arc<dyn Schemas>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The code version that failures record.
    pub version: CodeVersion,
    /// Receives before a message is given up.
    pub max_receive_count: u32,
    /// When a failed message is tried again.
    pub retry: RetrySchedule,
}

/// Between reading a record and knowing its outcome.
enum Verdict {
    /// The store has to be asked for the event.
    Store(Event),
    /// Tried again: it could not be found out where the message comes from.
    Wait(Outcome),
    /// Given up without asking the store.
    Reject(Failure, Option<(EventKey, EventType)>),
}

impl BatchWork for Consumer {
    type Report = BatchReport;

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    async fn work(&self, batch: Vec<ReceivedMessage>) -> BatchReport {
        self.store_batch(batch).await
    }

    fn panicked(&self, message: ReceivedMessage) -> BatchReport {
        let now = self.clock.now();
        let text = "the consumer panicked on this record; its log has the place";
        let outcome = self.retry(FailureClass::ConsumerCrash, text);
        let records = vec![RecordReport { message, event: None, outcome, queue_error: None }];
        BatchReport { records, store_call: None, unusable_schemas: 0, started_at: now, ended_at: now }
    }
}

impl Consumer {
    /// Processes a batch. It never fails as a whole: a record that can't be read does not affect the others.
    pub async fn store_batch(&self, batch: Vec<ReceivedMessage>) -> BatchReport {
        let started_at = self.clock.now();
        let schemas = self.schemas.current().await;
        let admitted = admit(QueueKind::Primary, batch, &*self.replays).await;
        let verdict = |(message, known): (ReceivedMessage, Result<(), ArchiveError>)| {
            let verdict = match known {
                Ok(()) => self.read(&schemas, &message),
                Err(error) => Verdict::Wait(self.retry(FailureClass::StoreUnavailable, &error.to_string())),
            };
            (message, verdict)
        };
        let (batch, verdicts): (Vec<_>, Vec<_>) = admitted.into_iter().map(verdict).unzip();
        let (answers, store_call) = self.ask_store(&batch, &verdicts).await;

        let mut records: Vec<RecordReport> = Vec::with_capacity(batch.len());
        for ((message, verdict), answer) in batch.into_iter().zip(verdicts).zip(answers) {
            let (event, outcome) = match verdict {
                Verdict::Reject(failure, event) => (event, Outcome::DeadLettered(failure)),
                Verdict::Wait(outcome) => (None, outcome),
                Verdict::Store(event) => {
                    let answer = answer.unwrap_or_else(|| Err(unanswered()));
                    (Some((event.key, event.event_type)), self.judge(&message, answer))
                }
            };
            records.push(RecordReport { message, event, outcome, queue_error: None });
        }
        self.report_replays(&mut records).await;
        self.dead_letter(&mut records).await;
        self.defer(&mut records).await;
        let unusable_schemas = schemas.problems().len();
        BatchReport { records, store_call, unusable_schemas, started_at, ended_at: self.clock.now() }
    }

    fn read(&self, schemas: &SchemaSet, message: &ReceivedMessage) -> Verdict {
        let reject = |class, reason: Reason, event| {
            Verdict::Reject(Failure::new(class, reason, &self.version, self.clock.now()), event)
        };
        match Event::from_structured(message.body.as_bytes()) {
            Err(problem) => {
                let (key, event_type) = peek(&message.body);
                reject(FailureClass::Malformed, problem.reason(), key.zip(event_type))
            }
            Ok(event) => match schemas.check(&event) {
                Err(reason) => reject(FailureClass::Schema, reason, Some((event.key, event.event_type))),
                Ok(()) => Verdict::Store(event),
            },
        }
    }

    /// Asks the store for each distinct key, and then for the further records with these keys.
    /// The answers are in the batch's order. They are not keyed by message id, since SQS may deliver the same
    /// message twice in one batch.
    async fn ask_store(
        &self,
        batch: &[ReceivedMessage],
        verdicts: &[Verdict],
    ) -> (Vec<Option<Result<PutOutcome, StoreError>>>, Option<(Timestamp, Timestamp)>) {
        let mut by_record = vec![None; batch.len()];
        let mut first_with: HashMap<&EventKey, usize> = HashMap::new();
        let (mut firsts, mut items) = (Vec::new(), Vec::new());
        let mut twins: Vec<(usize, usize)> = Vec::new();
        for (record, (message, verdict)) in batch.iter().zip(verdicts).enumerate() {
            let Verdict::Store(event) = verdict else { continue };
            if let Some(&item) = first_with.get(&event.key) {
                twins.push((record, item));
                continue;
            }
            first_with.insert(&event.key, items.len());
            firsts.push(record);
            items.push(store_item(message, event));
        }
        if items.is_empty() {
            return (by_record, None);
        }
        let started = self.clock.now();
        let mut answers = self.store.put_if_absent(&items).await;
        // A record without an answer counts as not stored: its message has to stay in the queue.
        answers.resize_with(items.len(), || Err(unanswered()));
        // Records with the same key ask again after the first, all in one call. Each is a separate promise, which the
        // store has to count. After a refusal they don't ask: the store would refuse them too.
        let (mut asking, mut again) = (Vec::new(), Vec::new());
        for (record, item) in twins {
            if let Err(error) = &answers[item] {
                by_record[record] = Some(Err(error.clone()));
                continue;
            }
            let mut twin = items[item].clone();
            twin.message_id = batch[record].original_message_id();
            twin.replay_id = batch[record].replay_id();
            asking.push(record);
            again.push(twin);
        }
        if !again.is_empty() {
            let twins = self.store.put_if_absent(&again).await;
            for (record, answer) in asking.into_iter().zip(twins) {
                by_record[record] = Some(answer);
            }
        }
        for (record, answer) in firsts.into_iter().zip(answers) {
            by_record[record] = Some(answer);
        }
        (by_record, Some((started, self.clock.now())))
    }

    fn judge(&self, message: &ReceivedMessage, answer: Result<PutOutcome, StoreError>) -> Outcome {
        let error = match answer {
            Ok(PutOutcome::Stored) => return Outcome::Stored,
            Ok(PutOutcome::AlreadyStored) => return Outcome::AlreadyStored,
            Err(error) => error,
        };
        let class = match error {
            StoreError::Throttled => FailureClass::StoreThrottled,
            StoreError::Unavailable { .. } => FailureClass::StoreUnavailable,
            StoreError::Timeout { .. } => FailureClass::StoreTimeout,
            StoreError::TooLarge { .. } => FailureClass::TooLarge,
        };
        let failure = Failure::new(class, error.to_string(), &self.version, self.clock.now());
        if class.is_retryable() && message.receive_count < self.max_receive_count {
            Outcome::Retry(failure)
        } else {
            Outcome::DeadLettered(failure)
        }
    }

    /// A replayed record counts as stored only once its replay has recorded it. Otherwise it is retried,
    /// which is safe.
    async fn report_replays(&self, records: &mut [RecordReport]) {
        let arrived = records.iter().enumerate().filter_map(|(position, record)| {
            let is_stored = matches!(record.outcome, Outcome::Stored | Outcome::AlreadyStored);
            let replay = record.message.replay_id().filter(|_| is_stored)?;
            Some((position, replay, record.message.original_message_id()))
        });
        let log = &self.replays;
        let report = |(position, replay, id)| async move { (position, log.mark_stored(&replay, &id).await) };
        let reports: Vec<_> = arrived.map(report).collect();
        let answers: Vec<_> = stream::iter(reports).buffer_unordered(REPORTS_AT_ONCE).collect().await;
        for (position, answer) in answers {
            if let Err(error) = answer {
                records[position].outcome = self.retry(FailureClass::StoreUnavailable, &error.to_string());
            }
        }
    }

    async fn dead_letter(&self, records: &mut [RecordReport]) {
        let mut positions = Vec::new();
        let mut orders = Vec::new();
        for (position, record) in records.iter().enumerate() {
            if let Outcome::DeadLettered(failure) = &record.outcome {
                let mut failures = record.message.failures.clone();
                failure.clone().add_to(&mut failures);
                positions.push(position);
                orders.push(DeadLetterOrder { message: record.message.clone(), failures });
            }
        }
        if orders.is_empty() {
            return;
        }
        for (position, answer) in positions.into_iter().zip(self.redelivery.dead_letter(&orders).await) {
            // It could not be put into the DLQ: it stays where it is, and the queue's own redrive is the safety net.
            let Err(error) = answer else { continue };
            let record = &mut records[position];
            if let Outcome::DeadLettered(failure) = &record.outcome {
                record.outcome = Outcome::Retry(failure.clone());
            }
            record.queue_error = Some(error);
        }
    }

    async fn defer(&self, records: &mut [RecordReport]) {
        let mut positions = Vec::new();
        let mut deferrals = Vec::new();
        for (position, RecordReport { message, outcome, .. }) in records.iter().enumerate() {
            let Outcome::Retry(failure) = outcome else { continue };
            let mut failures = message.failures.clone();
            failure.clone().add_to(&mut failures);
            positions.push(position);
            deferrals.push(Deferral {
                receipt_handle: message.receipt_handle.clone(),
                delay: self.retry.wait_with_jitter(message.receive_count, message.message_id.as_str()),
                failures,
            });
        }
        if deferrals.is_empty() {
            return;
        }
        for (position, answer) in positions.into_iter().zip(self.redelivery.defer(&deferrals).await) {
            // The visibility timeout of the receive applies then. The retry is later than wanted, but nothing is lost.
            if let Err(error) = answer {
                records[position].queue_error.get_or_insert(error);
            }
        }
    }

    fn retry(&self, class: FailureClass, text: &str) -> Outcome {
        Outcome::Retry(Failure::new(class, text, &self.version, self.clock.now()))
    }
}

fn unanswered() -> StoreError {
    StoreError::Unavailable { reason: "the store returned no answer for this event".to_owned() }
}

fn store_item(message: &ReceivedMessage, event: &Event) -> StoreItem {
    StoreItem {
        key: event.key.clone(),
        event_type: event.event_type.clone(),
        body: event.body.clone(),
        accepted_at: message.first_sent_at(),
        message_id: message.original_message_id(),
        replay_id: message.replay_id(),
    }
}
