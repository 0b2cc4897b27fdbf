//! The event store.

use super::{MemoryPipeline, page};
use async_trait::async_trait;
use spillway_core::ids::{EventId, EventKey, EventSource};
use spillway_core::ports::{
    EventStore, PutOutcome, StoreError, StoreItem, StoredEvent, StoredEventFilter, StoredEventPage,
    StoredEvents, StoredListError, StoredOrder,
};
use std::collections::btree_map::Entry;

/// DynamoDB's limit for an item.
const LARGEST_ITEM: usize = 400 * 1024;

#[async_trait]
impl EventStore for MemoryPipeline {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        let stored_at = self.time();
        let state = &mut *self.state();
        let is_poisonous = items.iter().any(|item| state.poisonous.contains(&item.key));
        assert!(!is_poisonous, "an event of this call makes the store panic");
        let mut put = |item: &StoreItem| {
            if state.throttled.contains(&item.key) {
                return Err(StoreError::Throttled);
            }
            let bytes = item.body.len() + item.key.id.as_str().len() + item.key.source.as_str().len();
            if bytes >= LARGEST_ITEM {
                return Err(StoreError::TooLarge { bytes, limit: LARGEST_ITEM });
            }
            match state.stored.entry(item.key.clone()) {
                Entry::Occupied(there) => {
                    state.duplicates += u64::from(there.get().message_id != item.message_id);
                    Ok(PutOutcome::AlreadyStored)
                }
                Entry::Vacant(free) => {
                    free.insert(StoredEvent {
                        key: item.key.clone(),
                        event_type: item.event_type.clone(),
                        body: item.body.clone(),
                        accepted_at: item.accepted_at,
                        stored_at,
                        message_id: item.message_id.clone(),
                    });
                    Ok(PutOutcome::Stored)
                }
            }
        };
        items.iter().map(&mut put).collect()
    }

    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        Ok(self.state().stored.get(key).cloned())
    }

    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError> {
        let state = self.state();
        let found = state.stored.keys().filter(|key| key.id == *id);
        Ok(found.map(|key| key.source.clone()).collect())
    }
}

#[async_trait]
impl StoredEvents for MemoryPipeline {
    async fn list(
        &self,
        filter: &StoredEventFilter,
        order: StoredOrder,
        after: Option<&str>,
        limit: usize,
    ) -> Result<StoredEventPage, StoredListError> {
        let mut all: Vec<_> =
            self.state().stored.values().filter(|event| filter.matches(event)).cloned().collect();
        all.sort_by(|a, b| (a.stored_at, &a.key).cmp(&(b.stored_at, &b.key)));
        if order == StoredOrder::NewestFirst {
            all.reverse();
        }
        let page = page(all, after, limit).map_err(StoredListError::UnknownCursor)?;
        Ok(StoredEventPage { items: page.items, next: page.next, charged: 0 })
    }
}
