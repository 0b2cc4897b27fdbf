//! Every port that the functions need, in memory.

use crate::dead_letter::DeadLetter;
use crate::ids::{EventKey, MessageId, ReplayId};
use crate::message::OutgoingMessage;
use crate::ports::{
    ArchiveError, DeadLetterOrder, DeadLetterSink, Deferral, EventQueue, EventStore, PutOutcome, QueueError,
    Redelivery, ReplayReports, StoreError, StoreItem, StoredEvent,
};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything around the functions. It notes what it was told, and fails where the test says so.
#[derive(Default)]
pub struct World {
    /// What ingest has sent.
    pub sent: Mutex<Vec<OutgoingMessage>>,
    /// Events in the store, with the message that brought each.
    pub stored: Mutex<HashMap<EventKey, MessageId>>,
    /// What was put into the DLQ.
    pub dead_lettered: Mutex<Vec<DeadLetterOrder>>,
    /// What was told to wait.
    pub deferred: Mutex<Vec<Deferral>>,
    /// What is in the archive.
    pub archived: Mutex<Vec<DeadLetter>>,
    /// Events of which the store says that it is over capacity.
    pub throttled: HashSet<EventKey>,
    /// Events that make the store and the archive panic.
    pub poisonous: HashSet<EventKey>,
    /// Dead letters that the archive does not take.
    pub not_archived: HashSet<MessageId>,
    /// Nothing can be sent.
    pub queue_is_down: bool,
    /// Nothing can be put into the DLQ.
    pub dlq_is_down: bool,
    /// No replay can be told anything.
    pub replay_log_is_down: bool,
}

/// A test that panicked in between has failed already.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl EventQueue for World {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        if self.queue_is_down {
            let down = || QueueError::Unavailable { reason: "down".to_owned() };
            return messages.iter().map(|_| Err(down())).collect();
        }
        open(&self.sent).extend_from_slice(messages);
        messages.iter().map(|_| Ok(MessageId::random())).collect()
    }
}

#[async_trait]
impl EventStore for World {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        let put = |item: &StoreItem| {
            assert!(!self.poisonous.contains(&item.key), "this event makes the store panic");
            if self.throttled.contains(&item.key) {
                return Err(StoreError::Throttled);
            }
            match open(&self.stored).insert(item.key.clone(), item.message_id.clone()) {
                None => Ok(PutOutcome::Stored),
                Some(_) => Ok(PutOutcome::AlreadyStored),
            }
        };
        items.iter().map(put).collect()
    }

    async fn get(&self, _: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Redelivery for World {
    async fn defer(&self, deferrals: &[Deferral]) -> Vec<Result<(), QueueError>> {
        open(&self.deferred).extend_from_slice(deferrals);
        deferrals.iter().map(|_| Ok(())).collect()
    }

    async fn dead_letter(&self, orders: &[DeadLetterOrder]) -> Vec<Result<(), QueueError>> {
        if self.dlq_is_down {
            return orders.iter().map(|_| Err(QueueError::Throttled)).collect();
        }
        open(&self.dead_lettered).extend_from_slice(orders);
        orders.iter().map(|_| Ok(())).collect()
    }
}

#[async_trait]
impl ReplayReports for World {
    async fn mark_stored(&self, _: &ReplayId, _: &MessageId) -> Result<(), ArchiveError> {
        if self.replay_log_is_down {
            return Err(ArchiveError::Unavailable { reason: "down".to_owned() });
        }
        Ok(())
    }
}

#[async_trait]
impl DeadLetterSink for World {
    async fn put(&self, dead_letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>> {
        let is_poisonous =
            |letter: &DeadLetter| letter.key.as_ref().is_some_and(|key| self.poisonous.contains(key));
        assert!(!dead_letters.iter().any(is_poisonous), "this dead letter makes the archive panic");
        let put = |dead_letter: &DeadLetter| {
            if self.not_archived.contains(&dead_letter.id) {
                return Err(ArchiveError::Unavailable { reason: "down".to_owned() });
            }
            open(&self.archived).push(dead_letter.clone());
            Ok(())
        };
        dead_letters.iter().map(put).collect()
    }
}
