//! Ports: what the use cases need from the world, each a small trait in domain types.

use crate::Timestamp;
use crate::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, Page};
use crate::failure::Failure;
use crate::ids::{EventId, EventKey, EventSource, EventType, MessageId, ReceiptHandle, ReplayId};
use crate::ledger::{Ledger, Place};
use crate::message::{self, MessageAttributes, OutgoingMessage, ReceivedMessage};
use crate::metric::Measurement;
use crate::replay::{Replay, ReplayItem};
use crate::schema::SchemaSet;
use crate::trace::Segment;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Time: real, or virtual in simulations.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// Why a queue did not take a message or an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// It can take nothing at the moment: a full disk, an outage. Nothing is promised. Across a network, a call that was
    /// cut may have left the message there all the same; sending it again is safe, since the store takes an event once.
    #[error("the queue takes nothing at the moment: {reason}")]
    Unavailable {
        /// Why, for the log and for people who operate this; it names no secret.
        reason: String,
    },
    /// It takes less than what was offered. Nothing of this message was taken.
    #[error("the queue is over its rate")]
    Throttled,
    /// This message will never fit.
    #[error("the message has {bytes} bytes, the queue takes {limit}")]
    TooLarge {
        /// The message's size.
        bytes: usize,
        /// The queue's limit.
        limit: usize,
    },
    /// It will never take this message, whatever its size. Nothing of it was taken.
    #[error("the queue does not take this message: {reason}")]
    Rejected {
        /// Why, for the log and for people who operate this.
        reason: String,
    },
}

impl QueueError {
    /// Whether the queue will never take this message, however often it is asked.
    pub fn is_final(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::Rejected { .. } => true,
            Self::Unavailable { .. } | Self::Throttled => false,
        }
    }
}

/// The sending side of the primary queue.
#[async_trait]
pub trait EventQueue: Send + Sync {
    /// Sends messages; an answer for each, in their order. `Ok` means that the message is durable.
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>>;
}

/// Leave this message alone for a while, then receive it again.
#[derive(Clone, Debug)]
pub struct Deferral {
    /// The message.
    pub receipt_handle: ReceiptHandle,
    /// For how long it stays invisible from now on.
    pub delay: Duration,
    /// Everything that is known of its failures, the newest last. A queue that can remember them hands them back with
    /// the next receive.
    pub failures: Vec<Failure>,
}

/// Put this message into the DLQ now.
#[derive(Clone, Debug)]
pub struct DeadLetterOrder {
    /// The message.
    pub message: ReceivedMessage,
    /// Everything that is known of its failures, the deciding one last.
    pub failures: Vec<Failure>,
}

impl DeadLetterOrder {
    /// The message attributes to send it to the DLQ with: its own, and what the archiver has to know.
    pub fn attributes(&self) -> MessageAttributes {
        let message = &self.message;
        let mut attributes = message.attributes.clone();
        let mut set = |name: &str, value: String| attributes.insert(name.to_owned(), value);
        set(message::ORIGINAL_MESSAGE_ID, message.original_message_id().into_string());
        set(message::FIRST_SENT, message.first_sent_at().to_string());
        set(message::RECEIVE_COUNT, message.receive_count.to_string());
        set(message::FAILURES, serde_json::to_string(&self.failures).unwrap_or_default());
        attributes
    }
}

/// What a consumer tells the primary queue about messages that it could not settle.
#[async_trait]
pub trait Redelivery: Send + Sync {
    /// Sets when messages become visible again; an answer for each. Where it fails, the visibility timeout that was
    /// set at the receive holds.
    async fn defer(&self, deferrals: &[Deferral]) -> Vec<Result<(), QueueError>>;

    /// Puts messages into the DLQ; an answer for each. After `Ok` the message may be deleted from the primary queue.
    async fn dead_letter(&self, orders: &[DeadLetterOrder]) -> Vec<Result<(), QueueError>>;
}

/// An event to be stored.
#[derive(Clone, Debug)]
pub struct StoreItem {
    /// Its key. A second write with the same key changes nothing.
    pub key: EventKey,
    /// Its type.
    pub event_type: EventType,
    /// CloudEvents JSON.
    pub body: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The message with which it was accepted.
    pub message_id: MessageId,
    /// The replay that brings it, if one does.
    pub replay_id: Option<ReplayId>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is in the store now.
    Stored,
    /// An event with its key was there already and was left as it is.
    AlreadyStored,
}

/// Why an event was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Over capacity. Retry later.
    #[error("the event store is over its write capacity")]
    Throttled,
    /// It failed or did not answer. Retry later.
    #[error("the event store is unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// No answer in time; the write may have happened. Retry later: writes are idempotent.
    #[error("the event store did not answer within {seconds} s")]
    Timeout {
        /// The limit.
        seconds: u32,
    },
    /// The item is larger than the store takes. Retrying can't help.
    #[error("an item of {bytes} bytes; the event store takes {limit}")]
    TooLarge {
        /// The item's size.
        bytes: usize,
        /// The store's limit.
        limit: usize,
    },
}

/// An event in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its key.
    pub key: EventKey,
    /// Its type.
    pub event_type: EventType,
    /// CloudEvents JSON.
    pub body: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// The message with which it was accepted.
    pub message_id: MessageId,
}

/// The event store.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Writes each event unless its key is there already; an answer for each, in their order. Keys within one call
    /// are distinct.
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>>;

    /// Reads one event.
    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError>;
}

/// Why the archive, the replay log or the audit log could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It failed or did not answer. Retry later.
    #[error("the archive is unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// There is no such thing.
    #[error("{what} is not known here")]
    NotFound {
        /// What was asked for.
        what: String,
    },
}

/// The archive of dead letters.
#[async_trait]
pub trait DeadLetterArchive: Send + Sync {
    /// Keeps dead letters; an answer for each. The same dead letter twice is kept once; one that comes back from a
    /// replay is archived again with its failures appended, and ends that replay's item as returned.
    async fn put(&self, dead_letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>>;

    /// One dead letter.
    async fn get(&self, id: &MessageId) -> Result<Option<DeadLetter>, ArchiveError>;

    /// A page of those that match, newest first. `after` is the `next` of the page before.
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError>;

    /// Those that match, grouped by fingerprint, largest group first.
    async fn groups(&self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, ArchiveError>;

    /// The ids of those that match, newest first, at most `limit`.
    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError>;

    /// Marks archived dead letters as given up. Returns those it was done to; others were not in the archive.
    async fn discard(
        &self,
        ids: &[MessageId],
        by: &str,
        reason: &str,
    ) -> Result<Vec<MessageId>, ArchiveError>;

    /// Takes a discard back. Returns those it was done to.
    async fn restore(&self, ids: &[MessageId], by: &str) -> Result<Vec<MessageId>, ArchiveError>;
}

/// Replays and what became of each message.
#[async_trait]
pub trait ReplayLog: Send + Sync {
    /// Starts a replay of those of the ids that are in state archived, and marks them as replaying, all at once.
    /// Returns how many it took. Two replays never take the same dead letter.
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError>;

    /// Dead letters of a replay that are still to be put back, at most `limit`.
    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError>;

    /// Notes that messages were put back. One that was stored or returned meanwhile stays so.
    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError>;

    /// Notes why a replay can't go on, or that it can.
    async fn set_trouble(&self, replay: &ReplayId, trouble: Option<&str>) -> Result<(), ArchiveError>;

    /// Notes that a message that was not put back never will be: its dead letter is archived again, and its part of the
    /// replay has ended as returned. One that has ended stays as it is.
    async fn mark_returned(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError>;

    /// Notes that the event of a replayed message is in the store. Doing it twice changes nothing.
    async fn mark_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError>;

    /// One replay.
    async fn get(&self, replay: &ReplayId) -> Result<Option<Replay>, ArchiveError>;

    /// Replays, newest first, at most `limit`.
    async fn list(&self, limit: usize) -> Result<Vec<Replay>, ArchiveError>;

    /// Replays with messages still to be put back, oldest first.
    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError>;

    /// A page of a replay's messages. `after` is the `next` of the page before.
    async fn items(
        &self,
        replay: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ReplayItem>, ArchiveError>;
}

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, such as `replay` or `discard`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// With what words.
    pub detail: String,
}

/// The audit log.
#[async_trait]
pub trait OpsLog: Send + Sync {
    /// Adds entries, in their order: all of them or none.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError>;

    /// Entries, newest first, at most `limit`; only those about `subject`, if given.
    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError>;
}

/// The schemas that are in force.
pub trait Schemas: Send + Sync {
    /// Those of now. A batch is checked against one set from its first record to its last.
    fn current(&self) -> Arc<SchemaSet>;
}

/// Why a question about the whole pipeline could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline's state could not be read: {reason}")]
pub struct FlowError {
    /// Why.
    pub reason: String,
}

/// One place where an event was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The event.
    pub key: EventKey,
    /// Its type.
    pub event_type: EventType,
    /// Where it is.
    pub place: Place,
    /// The message with which it was accepted.
    pub message_id: MessageId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was stored.
    pub stored_at: Option<Timestamp>,
    /// Receives so far.
    pub receive_count: Option<u32>,
    /// When the queue hands it out next, if it waits for that.
    pub visible_at: Option<Timestamp>,
    /// The newest failure.
    pub failure: Option<Failure>,
    /// CloudEvents JSON.
    pub body: String,
}

/// Questions about where events are.
#[async_trait]
pub trait FlowReader: Send + Sync {
    /// The ledger at one moment.
    async fn ledger(&self) -> Result<Ledger, FlowError>;

    /// Every place where an event with that id is (and with that source, if given).
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, FlowError>;

    /// The place of each of many ids, `None` where it is nowhere. The furthest place counts if there are several.
    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, FlowError>;

    /// Whether it finds what is in a queue. SQS hands messages out and can't be asked for one, so an event that is in a
    /// queue there is found nowhere.
    fn sees_queues(&self) -> bool {
        true
    }
}

/// Where measurements go. Recording never fails and never waits: telemetry must not stop an event.
pub trait MetricSink: Send + Sync {
    /// Records a measurement made now.
    fn record(&self, measurement: Measurement);
}

/// Where segments of traces go. Recording never fails and never waits.
pub trait TraceSink: Send + Sync {
    /// Records a finished segment.
    fn record(&self, segment: Segment);
}
