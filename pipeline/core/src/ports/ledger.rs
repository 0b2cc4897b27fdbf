//! The ledger, and where each event is.

use crate::Timestamp;
use crate::failure::Failure;
use crate::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use crate::ledger::{Ledger, Place};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Why a question about the whole pipeline could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline's state could not be read: {reason}")]
pub struct LedgerError {
    /// Why.
    pub reason: String,
    /// Whether the same question may be answered later, although nobody changes anything.
    pub is_passing: bool,
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
    /// Number of receives until now.
    pub receive_count: Option<u32>,
    /// When the queue hands it out next, if it waits for that.
    pub visible_at: Option<Timestamp>,
    /// The newest failure.
    pub failure: Option<Failure>,
    /// CloudEvents JSON.
    pub body: String,
}

/// Counts promises by place.
#[async_trait]
pub trait LedgerReader: Send + Sync {
    /// The ledger at one moment.
    async fn ledger(&self) -> Result<Ledger, LedgerError>;
}

/// Finds single events.
#[async_trait]
pub trait EventLocator: Send + Sync {
    /// Every place of an event with that id, and with that source if one is given. The order is: the store, dead
    /// letters from the newest on, the queues. A stored event has no other place.
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, LedgerError>;

    /// The place of each id; `None` for an id that is in no place. Of several places the one with the highest
    /// [`Place::progress`] counts.
    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError>;

    /// The dead letters whose message of a replay is in a queue; `None` where queues cannot be searched.
    async fn replays_in_queues(&self) -> Result<Option<HashSet<MessageId>>, LedgerError> {
        Ok(None)
    }

    /// Whether it finds events in a queue. SQS cannot be asked for one message. There an event that is still
    /// in a queue is not found.
    fn sees_queues(&self) -> bool {
        true
    }
}
