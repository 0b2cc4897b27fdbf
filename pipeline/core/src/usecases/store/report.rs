//! The outcome of a batch: what is logged, measured and answered for each record.

use super::SegmentNames;
use crate::Timestamp;
use crate::failure::Failure;
use crate::ids::{EventKey, EventType, MessageId};
use crate::message::ReceivedMessage;
use crate::metric::Measurement;
use crate::ports::QueueError;
use crate::trace::Segment;
use crate::worker::Report;
use spillway_metrics::{Function, consumer};
use std::collections::BTreeMap;

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
