//! The event store.

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
    /// Writes each event unless its key exists already; returns one answer for each, in their order. Keys
    /// within one call are distinct.
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>>;

    /// Reads one event.
    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError>;

    /// The source of each stored event with this id, in any order.
    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError>;
}
