//! Archive: the archiver moves dead letters from the DLQ to the archive, with everything that is known of
//! them.

use super::admit::admit;
use super::store::SegmentNames;
use crate::Timestamp;
use crate::dead_letter::{DeadLetter, DeadLetterState};
use crate::event::peek;
use crate::failure::{Failure, FailureClass};
use crate::ids::{CodeVersion, EventKey, EventType, MessageId};
use crate::message::{self, ReceivedMessage};
use crate::metric::Measurement;
use crate::ports::{ArchiveError, Clock, DeadLetterSink, QueueKind, ReplayReports};
use crate::trace::{Segment, TraceHeader};
use crate::worker::{BatchWork, Report};
use spillway_metrics::{Function, archiver};
use std::sync::Arc;

/// One message from the DLQ and its outcome.
#[derive(Clone, Debug)]
pub struct ArchivedRecord {
    /// The message.
    pub message: ReceivedMessage,
    /// Its event's key, as far as its body shows it.
    pub key: Option<EventKey>,
    /// Its event's type, as far as its body shows it.
    pub event_type: Option<EventType>,
    /// Whether it is in the archive; if not, it has to stay in the DLQ.
    pub result: Result<(), ArchiveError>,
}

/// The outcome of a batch from the DLQ.
#[derive(Clone, Debug)]
pub struct ArchiveReport {
    /// Each message, in the batch's order.
    pub records: Vec<ArchivedRecord>,
    /// When the work began.
    pub started_at: Timestamp,
    /// When it was done.
    pub ended_at: Timestamp,
}

impl Report for ArchiveReport {
    fn join(parts: Vec<Self>, started_at: Timestamp, ended_at: Timestamp) -> Self {
        let records = parts.into_iter().flat_map(|part| part.records).collect();
        Self { records, started_at, ended_at }
    }

    fn messages(&self) -> impl Iterator<Item = &ReceivedMessage> {
        self.records.iter().map(|record| &record.message)
    }

    fn failures(&self) -> Vec<MessageId> {
        let failed = self.records.iter().filter(|record| record.result.is_err());
        failed.map(|record| record.message.message_id.clone()).collect()
    }

    fn log(&self) {
        self.records.iter().for_each(ArchivedRecord::log);
    }

    fn measurements(&self, function: &str) -> Vec<Measurement> {
        let oldest = self.records.iter().map(|record| record.message.first_sent_at()).min();
        let age = oldest.map(|oldest| (self.started_at.as_second() - oldest.as_second()).max(0) as f64);
        let function = Function::from(function);
        let measured = |age| Measurement::of(archiver::OLDEST_DEAD_LETTER_AGE, &function, age);
        age.map(measured).into_iter().collect()
    }

    // For those of its messages that are traced. They are the wait in the DLQ and the work, in the trace of the request
    // that brought the event.
    fn segments(&self, names: SegmentNames<'_>) -> Vec<Segment> {
        let (started, ended) = (self.started_at, self.ended_at);
        let traced = self.records.iter().filter_map(|record| {
            let header = TraceHeader::parse(record.message.trace_header.as_deref()?)?;
            header.sampled.then_some((record, header))
        });
        traced
            .flat_map(|(record, header)| {
                let work = record.segment(started, ended);
                names.segments(&header, record.message.sent_at, started, ended, work)
            })
            .collect()
    }
}

impl ArchivedRecord {
    fn log(&self) {
        let message = &self.message;
        match &self.result {
            Ok(()) => tracing::info!(
                message_id = message.message_id.as_str(),
                original_message_id = message.original_message_id().as_str(),
                event_id = self.key.as_ref().map(|key| key.id.as_str()),
                event_trace = message.trace_header.as_deref(),
                "a dead letter was archived"
            ),
            Err(error) => tracing::error!(
                message_id = message.message_id.as_str(),
                event_id = self.key.as_ref().map(|key| key.id.as_str()),
                event_trace = message.trace_header.as_deref(),
                receive_count = message.receive_count,
                %error,
                "a dead letter was not archived; it stays in the dead letter queue"
            ),
        }
    }

    /// What was done about this message, as a part of the function's segment.
    pub fn segment(&self, started: Timestamp, ended: Timestamp) -> Segment {
        let outcome = if self.result.is_ok() { "archived" } else { "retry" };
        let mut work = Segment::new("archive record", started, ended)
            .annotated("outcome", outcome)
            .annotated("receive_count", self.message.receive_count);
        if let Some(key) = &self.key {
            work = work.annotated("event_id", key.id.as_str());
        }
        if let Some(event_type) = &self.event_type {
            work = work.annotated("event_type", event_type.as_str());
        }
        work.fault = self.result.is_err();
        work
    }
}

/// The archiver: its ports and what it needs to know of the primary queue.
pub struct Archiver {
    /// Where dead letters go.
    pub archive: Arc<dyn DeadLetterSink>,
    /// What replays have put back.
    pub replays: Arc<dyn ReplayReports>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The code version that it records for a crash that it notices.
    pub version: CodeVersion,
    /// Receives after which the queue itself moves a message to the DLQ.
    pub max_receive_count: u32,
}

impl BatchWork for Archiver {
    type Report = ArchiveReport;

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    async fn work(&self, batch: Vec<ReceivedMessage>) -> ArchiveReport {
        self.archive_batch(batch).await
    }

    fn panicked(&self, message: ReceivedMessage) -> ArchiveReport {
        let now = self.clock.now();
        let reason = "the archiver panicked on this dead letter; its log has the place".to_owned();
        let result = Err(ArchiveError::Unavailable { reason });
        let records = vec![ArchivedRecord { message, key: None, event_type: None, result }];
        ArchiveReport { records, started_at: now, ended_at: now }
    }
}

impl Archiver {
    /// Archives a batch from the DLQ, with one outcome for each message.
    pub async fn archive_batch(&self, batch: Vec<ReceivedMessage>) -> ArchiveReport {
        let started_at = self.clock.now();
        let admitted = admit(QueueKind::Dlq, batch, &*self.replays).await;
        let believed = admitted.iter().filter(|(_, known)| known.is_ok());
        let dead_letters: Vec<_> = believed.map(|(message, _)| self.dead_letter(message)).collect();
        let mut answers = self.archive.put(&dead_letters).await.into_iter();
        let record = |(message, known): (ReceivedMessage, Result<(), ArchiveError>)| {
            let (key, event_type) = peek(&message.body);
            // A message without an answer counts as not archived.
            let result = known.and_then(|()| answers.next().unwrap_or_else(|| Err(unanswered())));
            ArchivedRecord { message, key, event_type, result }
        };
        let records = admitted.into_iter().map(record).collect();
        ArchiveReport { records, started_at, ended_at: self.clock.now() }
    }

    fn dead_letter(&self, message: &ReceivedMessage) -> DeadLetter {
        let now = self.clock.now();
        let (key, event_type) = peek(&message.body);
        let sent_failures = message.sent_failures();
        // A foreign message that the queue did not move was put straight into the DLQ.
        let was_received = sent_failures.is_some() || message.redriven || !message.is_foreign();
        let is_given_up = sent_failures.is_some();
        let mut failures = sent_failures.unwrap_or_else(|| message.failures.clone());
        let mut add = |class, text: String| {
            Failure::new(class, text, &self.version, now).add_to(&mut failures);
        };
        if !was_received {
            add(
                FailureClass::Unprocessed,
                "put straight into the dead letter queue, past the API; no consumer received it".to_owned(),
            );
        } else if !is_given_up {
            let count = self.max_receive_count;
            add(
                FailureClass::ConsumerCrash,
                format!(
                    "received {count} times, and the last time the consumer ended before it answered, or could not put it \
                     into the dead letter queue itself; its log has the reason"
                ),
            );
        }
        let fingerprint = failures
            .last()
            .map(|failure| failure.fingerprint(event_type.as_ref()))
            .unwrap_or_else(|| crate::ids::Fingerprint::new("0000000000000000"));
        let receive_count = message.attribute(message::RECEIVE_COUNT).and_then(|text| text.parse().ok());
        let unsaid = if was_received { self.max_receive_count } else { 0 };
        DeadLetter {
            id: message.original_message_id(),
            key,
            event_type,
            body: message.body.clone(),
            attributes: message.senders_attributes(),
            trace_header: message.trace_header.clone(),
            first_sent_at: message.first_sent_at(),
            archived_at: now,
            receive_count: receive_count.unwrap_or(unsaid),
            generation: message.generation(),
            is_foreign: message.is_foreign(),
            is_lost: false,
            glance: None,
            failures,
            fingerprint,
            state: DeadLetterState::Archived,
            replays: Vec::new(),
        }
    }
}

fn unanswered() -> ArchiveError {
    ArchiveError::Unavailable { reason: "no answer for this dead letter".to_owned() }
}
