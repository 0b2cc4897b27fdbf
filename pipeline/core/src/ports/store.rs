//! The event store.

use super::LedgerError;
use crate::Timestamp;
use crate::ids::{EventId, EventKey, EventSource, EventType, MessageId, ReplayId};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

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

impl StoreError {
    /// Whether the same call may succeed later, although nobody changes anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled | Self::Timeout { .. } => true,
            // It may be an outage or a missing permission.
            Self::Unavailable { .. } | Self::TooLarge { .. } => false,
        }
    }
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
    /// Writes each event unless its key exists already; returns one answer for each, in their order. A key is in one call
    /// more than once only if its event is in the store already, so that all of these are answered alike.
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>>;

    /// Reads one event.
    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError>;

    /// The source of each stored event with this id, in any order.
    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError>;
}

/// Selects stored events. An empty filter selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredEventFilter {
    /// Only of this type.
    pub event_type: Option<EventType>,
    /// Only from this source.
    pub source: Option<EventSource>,
    /// Only stored at this time or later.
    pub from: Option<Timestamp>,
    /// Only stored before this time.
    pub to: Option<Timestamp>,
}

impl StoredEventFilter {
    /// Whether an event matches.
    pub fn matches(&self, event: &StoredEvent) -> bool {
        self.event_type.as_ref().is_none_or(|event_type| *event_type == event.event_type)
            && self.source.as_ref().is_none_or(|source| *source == event.key.source)
            && self.from.is_none_or(|from| event.stored_at >= from)
            && self.to.is_none_or(|to| event.stored_at < to)
    }
}

/// The order of a list of stored events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredOrder {
    /// The event that was stored last comes first.
    NewestFirst,
    /// The event that was stored first comes first.
    OldestFirst,
}

/// A part of a list of stored events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredEventPage {
    /// Events that match.
    pub items: Vec<StoredEvent>,
    /// Pass this to get the next part; `None` on the last.
    pub next: Option<String>,
    /// Events that were read for this part and that AWS charges for, whether they match or not. 0 where reading
    /// costs nothing.
    pub charged: u64,
}

/// Why stored events were not listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredListError {
    /// The list was to be continued from a place where none ended.
    #[error("\"{0}\" is not where a list of stored events ended: begin without it")]
    UnknownCursor(String),
    /// The store can't be read.
    #[error(transparent)]
    Unreadable(#[from] LedgerError),
}

/// The event store, as operators browse it.
#[async_trait]
pub trait StoredEvents: Send + Sync {
    /// A part of the events that match, at most `limit`. `after` is the `next` of the part before. A part may be short
    /// or empty although more follow. Only a part without a `next` is the last.
    async fn list(
        &self,
        filter: &StoredEventFilter,
        order: StoredOrder,
        after: Option<&str>,
        limit: usize,
    ) -> Result<StoredEventPage, StoredListError>;

    /// The newest event of a type, or one of few that are cheap to read, where a list has no order. `None` if a bounded look
    /// finds none.
    async fn example(&self, event_type: &EventType) -> Result<Option<StoredEvent>, StoredListError> {
        let filter =
            StoredEventFilter { event_type: Some(event_type.clone()), ..StoredEventFilter::default() };
        Ok(self.list(&filter, StoredOrder::NewestFirst, None, 1).await?.items.pop())
    }

    /// Whether lists have an order. DynamoDB keeps events by their ids only. There a list is a scan in no order, and
    /// each event that is read costs.
    fn is_ordered(&self) -> bool {
        true
    }
}
