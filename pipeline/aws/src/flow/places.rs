//! Where single events are: in the event store, or among the dead letters.

use super::{AwsFlow, all, archive};
use crate::archive::Index;
use crate::archive::archive_names;
use crate::dynamo::batch;
use crate::dynamo::item::{Item, item, text, text_of};
use spillway_core::dead_letter::{DeadLetter, DeadLetterStatus};
use spillway_core::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use spillway_core::ledger::Place;
use spillway_core::ports::{LedgerError, Location, StoreError, StoredEvent};
use std::collections::HashMap;

/// Lookups at once. Each takes a few milliseconds, so that 10,000 take seconds.
pub(super) const AT_ONCE: usize = 64;
/// What the keys of a dead letter's item begin with, and its sort key.
const LETTER: &str = "letter#";
const LETTER_SORT_KEY: &str = "letter";

impl AwsFlow {
    /// The events with an id that are stored.
    pub(super) async fn stored(
        &self,
        id: &EventId,
        source: Option<&EventSource>,
    ) -> Result<Vec<StoredEvent>, LedgerError> {
        let sources = match source {
            Some(source) => vec![source.clone()],
            None => self.readers.store.sources(id).await.map_err(store)?,
        };
        let reads = sources.into_iter().map(|source| async {
            let key = EventKey { source, id: id.clone() };
            self.readers.store.get(&key).await.map_err(store)
        });
        Ok(all(reads).await?.into_iter().flatten().collect())
    }

    async fn dead_letter_ids(&self, id: &EventId) -> Result<Vec<MessageId>, LedgerError> {
        let index = Index::new(self.readers.dynamodb.clone(), archive_names(&self.topology).index);
        index.of_event(id).await.map_err(|error| archive(error.into()))
    }

    /// The place of each of some ids, looked up at the same time.
    pub(super) async fn places_of(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError> {
        let stored = all(ids.iter().map(|id| self.is_stored(id))).await?;
        let elsewhere: Vec<&EventId> =
            ids.iter().zip(&stored).filter(|(_, stored)| !**stored).map(|(id, _)| id).collect();
        let letters = all(elsewhere.iter().map(|id| self.dead_letter_ids(id))).await?;
        let places = self.places_of_letters(letters.iter().flatten()).await?;
        let mut dead = HashMap::new();
        for (id, letters) in elsewhere.into_iter().zip(&letters) {
            let places = letters.iter().filter_map(|letter| places.get(letter).copied());
            if let Some(place) = places.max_by_key(|place| place.progress()) {
                dead.insert(id, place);
            }
        }
        let place =
            |(id, stored): (&EventId, bool)| if stored { Some(Place::Stored) } else { dead.get(id).copied() };
        Ok(ids.iter().zip(stored).map(place).collect())
    }

    async fn is_stored(&self, id: &EventId) -> Result<bool, LedgerError> {
        Ok(!self.readers.store.sources(id).await.map_err(store)?.is_empty())
    }

    /// Where the event of each dead letter is, by the index.
    async fn places_of_letters<'a>(
        &self,
        ids: impl Iterator<Item = &'a MessageId>,
    ) -> Result<HashMap<MessageId, Place>, LedgerError> {
        let table = &self.topology.dead_letter_index.name;
        let items = batch::get_all(&self.readers.dynamodb, table, ids.map(key).collect()).await;
        Ok(items.map_err(|error| archive(error.into()))?.iter().filter_map(place).collect())
    }
}

fn store(error: StoreError) -> LedgerError {
    LedgerError { reason: error.to_string(), is_passing: error.is_passing() }
}

fn key(id: &MessageId) -> Item {
    item([("pk", text(format!("{LETTER}{id}"))), ("sk", text(LETTER_SORT_KEY))])
}

/// The dead letter of an item, and where its event is: the bucket is `STATE#SHARD`.
fn place(item: &Item) -> Option<(MessageId, Place)> {
    let id = text_of(item, "pk")?.strip_prefix(LETTER)?;
    let (state, _) = text_of(item, "time_bucket")?.split_once('#')?;
    Some((MessageId::new(id), state.parse::<DeadLetterStatus>().ok()?.place()))
}

/// All places of an event. A stored event has no other place, even if it has dead letters.
pub(super) fn together(
    stored: Vec<StoredEvent>,
    letters: Vec<DeadLetter>,
    source: Option<&EventSource>,
) -> Vec<Location> {
    let mut found: Vec<Location> = stored.into_iter().map(from_store).collect();
    let settled: Vec<EventSource> = found.iter().map(|location| location.key.source.clone()).collect();
    let letters = letters.into_iter().filter_map(from_archive);
    found.extend(letters.filter(|location| {
        !settled.contains(&location.key.source) && source.is_none_or(|source| location.key.source == *source)
    }));
    found
}

fn from_store(event: StoredEvent) -> Location {
    Location {
        key: event.key,
        event_type: event.event_type,
        place: Place::Stored,
        message_id: event.message_id,
        accepted_at: event.accepted_at,
        stored_at: Some(event.stored_at),
        receive_count: None,
        visible_at: None,
        failure: None,
        body: event.body,
    }
}

fn from_archive(letter: DeadLetter) -> Option<Location> {
    let place = letter.state.status().place();
    (place != Place::Stored).then_some(())?;
    Some(Location {
        failure: letter.last_failure().cloned(),
        key: letter.key?,
        event_type: letter.event_type.unwrap_or_else(|| EventType::new("")),
        place,
        message_id: letter.id,
        accepted_at: letter.first_sent_at,
        stored_at: None,
        receive_count: Some(letter.receive_count),
        visible_at: None,
        body: letter.body,
    })
}
