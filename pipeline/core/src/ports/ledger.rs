//! The ledger, and where each event is.

use crate::Timestamp;
use crate::failure::Failure;
use crate::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use crate::ledger::{Ledger, Place};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Why a question about the whole pipeline could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline's state could not be read: {reason}")]
pub struct LedgerError {
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

/// How many promises are where.
#[async_trait]
pub trait LedgerReader: Send + Sync {
    /// The ledger at one moment.
    async fn ledger(&self) -> Result<Ledger, LedgerError>;
}

/// Where single events are.
#[async_trait]
pub trait EventLocator: Send + Sync {
    /// Every place where an event with that id is (and with that source, if given): the store first, then dead letters
    /// from the newest on, then the queues. Of an event that is stored no other place is named.
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, LedgerError>;

    /// The place of each of many ids, `None` where it is nowhere. Of several places the furthest counts
    /// ([`Place::progress`]).
    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError>;

    /// Whether it finds what is in a queue. SQS hands messages out and can't be asked for one, so an event that is in a
    /// queue there is found nowhere.
    fn sees_queues(&self) -> bool {
        true
    }
}
