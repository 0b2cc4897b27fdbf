//! Every port that the functions need, in memory.

use crate::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, Page};
use crate::ids::{EventKey, MessageId, ReplayId};
use crate::message::OutgoingMessage;
use crate::ports::{
    ArchiveError, DeadLetterArchive, DeadLetterOrder, Deferral, EventQueue, EventStore, PutOutcome,
    QueueError, Redelivery, ReplayLog, StoreError, StoreItem, StoredEvent,
};
use crate::replay::{Replay, ReplayItem};
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

fn not_asked() -> ArchiveError {
    ArchiveError::NotFound { what: "no function asks for this, so it".to_owned() }
}

#[async_trait]
impl ReplayLog for World {
    async fn mark_stored(&self, _: &ReplayId, _: &MessageId) -> Result<(), ArchiveError> {
        if self.replay_log_is_down {
            return Err(ArchiveError::Unavailable { reason: "down".to_owned() });
        }
        Ok(())
    }

    async fn create(&self, _: &ReplayId, _: &[MessageId], _: &str) -> Result<u64, ArchiveError> {
        Err(not_asked())
    }

    async fn waiting(&self, _: &ReplayId, _: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        Err(not_asked())
    }

    async fn mark_sent(&self, _: &ReplayId, _: &[MessageId]) -> Result<(), ArchiveError> {
        Err(not_asked())
    }

    async fn mark_returned(&self, _: &ReplayId, _: &MessageId) -> Result<(), ArchiveError> {
        Err(not_asked())
    }

    async fn set_trouble(&self, _: &ReplayId, _: Option<&str>) -> Result<(), ArchiveError> {
        Err(not_asked())
    }

    async fn get(&self, _: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        Err(not_asked())
    }

    async fn list(&self, _: usize) -> Result<Vec<Replay>, ArchiveError> {
        Err(not_asked())
    }

    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        Err(not_asked())
    }

    async fn items(&self, _: &ReplayId, _: Option<&str>, _: usize) -> Result<Page<ReplayItem>, ArchiveError> {
        Err(not_asked())
    }
}

#[async_trait]
impl DeadLetterArchive for World {
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

    async fn get(&self, _: &MessageId) -> Result<Option<DeadLetter>, ArchiveError> {
        Err(not_asked())
    }

    async fn list(
        &self,
        _: &DeadLetterFilter,
        _: Option<&str>,
        _: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        Err(not_asked())
    }

    async fn groups(&self, _: &DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, ArchiveError> {
        Err(not_asked())
    }

    async fn ids(&self, _: &DeadLetterFilter, _: usize) -> Result<Vec<MessageId>, ArchiveError> {
        Err(not_asked())
    }

    async fn discard(&self, _: &[MessageId], _: &str, _: &str) -> Result<Vec<MessageId>, ArchiveError> {
        Err(not_asked())
    }

    async fn restore(&self, _: &[MessageId], _: &str) -> Result<Vec<MessageId>, ArchiveError> {
        Err(not_asked())
    }
}
