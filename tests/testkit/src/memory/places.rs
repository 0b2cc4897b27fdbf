//! The places of events.

use super::{MemoryPipeline, QueuedMessage, State};
use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState};
use spillway_core::event::Event;
use spillway_core::failure::Failure;
use spillway_core::ids::{EventId, EventSource, EventType, MessageId};
use spillway_core::ledger::{Ledger, Place};
use spillway_core::message::{FAILURES, FIRST_SENT, ORIGINAL_MESSAGE_ID, REPLAY_ID};
use spillway_core::ports::{EventLocator, LedgerError, LedgerReader, Location, QueueKind, StoredEvent};
use std::cmp::Reverse;
use std::collections::HashSet;

fn place_of(state: &DeadLetterState) -> Place {
    match state {
        DeadLetterState::Archived => Place::Archived,
        DeadLetterState::Replaying { .. } => Place::Replaying,
        DeadLetterState::Discarded { .. } => Place::Discarded,
        DeadLetterState::Stored { .. } => Place::Stored,
    }
}

fn place_of_message(message: &QueuedMessage, now: Timestamp) -> Place {
    let is_replayed = message.message.attributes.contains_key(REPLAY_ID);
    match message.queue {
        _ if is_replayed => Place::Replaying,
        QueueKind::Dlq => Place::InDlq,
        QueueKind::Primary if message.visible_at > now => Place::InFlight,
        QueueKind::Primary => Place::Queued,
    }
}

/// The id that the message had when its event was accepted.
fn origin(message: &QueuedMessage) -> MessageId {
    let original = message.message.attributes.get(ORIGINAL_MESSAGE_ID);
    original.map_or_else(|| message.id.clone(), |id| MessageId::new(id.as_str()))
}

fn stored(event: &StoredEvent) -> Location {
    Location {
        key: event.key.clone(),
        event_type: event.event_type.clone(),
        place: Place::Stored,
        message_id: event.message_id.clone(),
        accepted_at: event.accepted_at,
        stored_at: Some(event.stored_at),
        receive_count: None,
        visible_at: None,
        failure: None,
        body: event.body.clone(),
    }
}

fn dead(letter: &DeadLetter) -> Option<Location> {
    Some(Location {
        key: letter.key.clone()?,
        event_type: letter.event_type.clone().unwrap_or_else(|| EventType::new("")),
        place: place_of(&letter.state),
        message_id: letter.id.clone(),
        accepted_at: letter.first_sent_at,
        stored_at: None,
        receive_count: Some(letter.receive_count),
        visible_at: None,
        failure: letter.last_failure().cloned(),
        body: letter.body.clone(),
    })
}

fn queued(message: &QueuedMessage, now: Timestamp) -> Option<Location> {
    let event = Event::from_structured(message.message.body.as_bytes()).ok()?;
    let attribute = |name: &str| message.message.attributes.get(name);
    Some(Location {
        key: event.key,
        event_type: event.event_type,
        place: place_of_message(message, now),
        message_id: origin(message),
        accepted_at: attribute(FIRST_SENT)
            .and_then(|text| text.as_str().parse().ok())
            .unwrap_or(message.sent_at),
        stored_at: None,
        receive_count: Some(message.receive_count),
        visible_at: Some(message.visible_at),
        failure: message.failures.last().cloned().or_else(|| {
            let sent: Vec<Failure> = serde_json::from_str(attribute(FAILURES)?.as_str()).ok()?;
            sent.into_iter().next_back()
        }),
        body: message.message.body.clone(),
    })
}

impl State {
    fn counted(&self, now: Timestamp) -> Ledger {
        let letters =
            |state: &str| self.dead_letters.iter().filter(|it| it.state.name() == state).count() as u64;
        let messages = |place| {
            // An event in the store or in the archive counts there, even before its message is deleted.
            let is_elsewhere = |message: &QueuedMessage| {
                let origin = origin(message);
                self.stored.values().any(|event| event.message_id == origin)
                    || self.dead_letters.iter().any(|letter| letter.id == origin)
            };
            let there = |it: &&QueuedMessage| place_of_message(it, now) == place && !is_elsewhere(it);
            self.messages.iter().filter(there).count() as u64
        };
        Ledger {
            accepted: self.accepted,
            stored: self.stored.len() as u64 + self.duplicates,
            duplicates: self.duplicates,
            queued: messages(Place::Queued),
            in_flight: messages(Place::InFlight),
            in_dlq: messages(Place::InDlq),
            archived: letters("archived"),
            replaying: letters("replaying"),
            discarded: letters("discarded"),
            ..Ledger::default()
        }
    }

    /// Locations in the store first, then dead letters from newest to oldest, then messages in queues.
    fn locate(&self, id: &EventId, now: Timestamp) -> Vec<Location> {
        let mut found: Vec<_> =
            self.stored.values().filter(|event| event.key.id == *id).map(stored).collect();
        // A stored event counts as stored only.
        let settled: Vec<EventSource> = found.iter().map(|location| location.key.source.clone()).collect();
        let mut letters: Vec<_> = self
            .dead_letters
            .iter()
            .filter(|letter| letter.key.as_ref().is_some_and(|key| key.id == *id))
            .filter(|letter| !matches!(letter.state, DeadLetterState::Stored { .. }))
            .collect();
        letters.sort_by_key(|letter| Reverse(letter.archived_at));
        let queued = self.messages.iter().filter_map(|message| queued(message, now));
        let queued = queued.filter(|location| location.key.id == *id);
        for location in letters.into_iter().filter_map(dead).chain(queued) {
            let is_known = found.iter().any(|other| other.message_id == location.message_id);
            if !settled.contains(&location.key.source) && !is_known {
                found.push(location);
            }
        }
        found.extend(self.locations.iter().filter(|location| location.key.id == *id).cloned());
        found
    }

    fn place(&self, id: &EventId, now: Timestamp) -> Option<Place> {
        let of_event = |letter: &&DeadLetter| letter.key.as_ref().is_some_and(|key| key.id == *id);
        let letters = self.dead_letters.iter().filter(of_event).map(|letter| place_of(&letter.state));
        let located = self.locate(id, now).into_iter().map(|location| location.place);
        letters.chain(located).max_by_key(|place| place.progress())
    }
}

#[async_trait]
impl LedgerReader for MemoryPipeline {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        let now = self.time();
        let state = &mut *self.state();
        let scripted = match state.ledgers.len() {
            0 => None,
            1 => state.ledgers.front().copied(),
            _ => state.ledgers.pop_front(),
        };
        Ok(scripted.unwrap_or_else(|| state.counted(now)))
    }
}

#[async_trait]
impl EventLocator for MemoryPipeline {
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, LedgerError> {
        let now = self.time();
        let mut found = self.state().locate(id, now);
        found.retain(|location| source.is_none_or(|source| location.key.source == *source));
        Ok(found)
    }

    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError> {
        let now = self.time();
        let state = self.state();
        Ok(ids.iter().map(|id| state.place(id, now)).collect())
    }

    async fn replays_in_queues(&self) -> Result<Option<HashSet<MessageId>>, LedgerError> {
        let state = self.state();
        if state.hides_queues {
            return Ok(None);
        }
        let replayed = |message: &&QueuedMessage| message.message.attributes.contains_key(REPLAY_ID);
        Ok(Some(state.messages.iter().filter(replayed).map(origin).collect()))
    }
}
