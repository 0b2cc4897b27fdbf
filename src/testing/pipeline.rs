//! The ports in memory, as simple as they can be.

use crate::backend::{Backend, Site};
use async_trait::async_trait;
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterState, Page};
use spillway_core::ids::{EventId, EventSource, MessageId, ReplayId};
use spillway_core::ledger::{Ledger, Place};
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{
    ArchiveError, AuditEntry, Clock, DeadLetters, EventLocator, EventQueue, LedgerError, LedgerReader,
    Location, OpsLog, QueueError, Replays,
};
use spillway_core::replay::{Replay, ReplayItem, ReplayItemState, ReplayState};
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::testkit::{ManualClock, World};
use spillway_embedded::faults::Fault;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// A pipeline in memory. Its clock moves only when somebody waits.
pub struct FakePipeline {
    state: Mutex<State>,
    clock: Arc<ManualClock>,
}

/// What a test sets up and looks at.
#[derive(Default)]
pub struct State {
    /// Whether it runs in AWS.
    pub in_aws: bool,
    /// How many messages the queue takes; any number if not set.
    pub room: Option<usize>,
    /// How many messages, the next ones, the queue will never take.
    pub refused: usize,
    pub ledger: Ledger,
    pub locations: Vec<Location>,
    pub dead_letters: Vec<DeadLetter>,
    /// Dead letters that come back when they are replayed.
    pub coming_back: HashSet<MessageId>,
    /// Whether anybody carries replays on.
    pub idle: bool,
    pub replays: Vec<(Replay, Vec<ReplayItem>)>,
    pub audit: Vec<AuditEntry>,
    pub faults: Vec<Fault>,
    pub link: Option<String>,
    pub schemas: BTreeMap<String, serde_json::Value>,
    /// Dead letters that the archive's index lacks.
    pub unindexed: u64,
}

impl FakePipeline {
    pub fn new(set_up: impl FnOnce(&mut State)) -> Arc<Self> {
        let mut state = State::default();
        set_up(&mut state);
        Arc::new(Self { state: Mutex::new(state), clock: Arc::new(ManualClock::at(super::now())) })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a state")
    }

    pub fn backend(self: &Arc<Self>) -> Backend {
        let schemas = SchemaSet::compile(&self.state().schemas).expect("schemas");
        let site = if self.state().in_aws { Site::Aws(self.clone()) } else { Site::Local(self.clone()) };
        let pipeline = Pipeline {
            queue: self.clone(),
            store: Arc::new(World::default()),
            archive: self.clone(),
            replays: self.clone(),
            ops: self.clone(),
            ledger: self.clone(),
            events: self.clone(),
            schemas: Arc::new(FixedSchemas(Arc::new(schemas))),
            clock: self.clock.clone(),
            names: Arc::default(),
            settings: Arc::default(),
        };
        Backend { pipeline, site }
    }

    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Milliseconds that somebody waited.
    pub fn waited_ms(&self) -> i64 {
        self.clock.now().as_millisecond() - super::now().as_millisecond()
    }

    fn matching(&self, filter: &DeadLetterFilter) -> Vec<DeadLetter> {
        let mut found: Vec<_> =
            self.state().dead_letters.iter().filter(|letter| matches(filter, letter)).cloned().collect();
        found.sort_by_key(|letter| std::cmp::Reverse(letter.archived_at));
        found
    }

    fn change(
        &self,
        ids: &[MessageId],
        change: impl Fn(&DeadLetter) -> Option<DeadLetterState>,
    ) -> Vec<MessageId> {
        let mut done = Vec::new();
        for letter in &mut self.state().dead_letters {
            if ids.contains(&letter.id)
                && let Some(state) = change(letter)
            {
                letter.state = state;
                done.push(letter.id.clone());
            }
        }
        done
    }
}

fn matches(filter: &DeadLetterFilter, letter: &DeadLetter) -> bool {
    let failure = letter.last_failure();
    let contains = |text: &String| {
        failure.is_some_and(|failure| failure.message.contains(text.as_str()))
            || letter.key.as_ref().is_some_and(|key| key.id.as_str().contains(text.as_str()))
    };
    (filter.states.is_empty() || filter.states.iter().any(|state| state == letter.state.name()))
        && filter.class.is_none_or(|class| failure.is_some_and(|failure| failure.class == class))
        && filter.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == letter.fingerprint)
        && filter.contains.as_ref().is_none_or(contains)
        && filter.from.is_none_or(|from| letter.archived_at >= from)
        && filter.to.is_none_or(|to| letter.archived_at < to)
        && filter.event_type.as_deref().is_none_or(|wanted| {
            letter.event_type.as_ref().is_some_and(|event_type| event_type.as_str() == wanted)
        })
}

#[async_trait]
impl EventQueue for FakePipeline {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        let mut state = self.state();
        let refused = messages.len().min(state.refused);
        state.refused -= refused;
        let never = || Err(QueueError::Rejected { reason: "too many attributes".to_owned() });
        let mut take = || match &mut state.room {
            Some(0) => Err(QueueError::Throttled),
            Some(room) => {
                *room -= 1;
                Ok(MessageId::random())
            }
            None => Ok(MessageId::random()),
        };
        messages.iter().enumerate().map(|(n, _)| if n < refused { never() } else { take() }).collect()
    }
}

#[async_trait]
impl DeadLetters for FakePipeline {
    async fn get(&self, id: &MessageId) -> Result<Option<DeadLetter>, ArchiveError> {
        Ok(self.state().dead_letters.iter().find(|letter| letter.id == *id).cloned())
    }

    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        let found = self.matching(filter);
        let total = found.len() as u64;
        let start: usize = after.and_then(|after| after.parse().ok()).unwrap_or(0);
        let items: Vec<_> = found.into_iter().skip(start).take(limit).collect();
        let end = start + items.len();
        Ok(Page { items, total, next: (end < total as usize).then(|| end.to_string()) })
    }

    async fn groups(&self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, ArchiveError> {
        let mut groups: BTreeMap<_, DeadLetterGroup> = BTreeMap::new();
        for letter in self.matching(filter) {
            let failure = letter.last_failure().expect("a failure").clone();
            groups
                .entry(letter.fingerprint.clone())
                .and_modify(|group| {
                    group.count += 1;
                    group.first_at = letter.archived_at;
                })
                .or_insert_with(|| DeadLetterGroup {
                    fingerprint: letter.fingerprint.clone(),
                    class: failure.class,
                    message: failure.message,
                    event_type: letter.event_type.clone(),
                    count: 1,
                    first_at: letter.archived_at,
                    last_at: letter.archived_at,
                    example: letter.id.clone(),
                });
        }
        Ok(groups.into_values().collect())
    }

    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError> {
        Ok(self.matching(filter).into_iter().take(limit).map(|letter| letter.id).collect())
    }

    async fn discard(
        &self,
        ids: &[MessageId],
        by: &str,
        reason: &str,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let at = self.clock.now();
        Ok(self.change(ids, |letter| {
            (letter.state == DeadLetterState::Archived).then(|| DeadLetterState::Discarded {
                by: by.to_owned(),
                reason: reason.to_owned(),
                at,
            })
        }))
    }

    async fn restore(&self, ids: &[MessageId], _by: &str) -> Result<Vec<MessageId>, ArchiveError> {
        Ok(self.change(ids, |letter| {
            matches!(letter.state, DeadLetterState::Discarded { .. }).then_some(DeadLetterState::Archived)
        }))
    }
}

#[async_trait]
impl Replays for FakePipeline {
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError> {
        let at = self.clock.now();
        let taken = self.change(ids, |letter| {
            (letter.state == DeadLetterState::Archived)
                .then(|| DeadLetterState::Replaying { replay_id: replay.clone() })
        });
        let waiting = taken.len() as u64;
        let items = taken.into_iter().map(|dead_letter| ReplayItem {
            dead_letter,
            state: ReplayItemState::Waiting,
            at,
        });
        let replay = Replay {
            id: replay.clone(),
            by: by.to_owned(),
            started_at: at,
            ended_at: None,
            state: ReplayState::Running,
            waiting,
            sent: 0,
            stored: 0,
            returned: 0,
            trouble: None,
        };
        if waiting > 0 {
            self.state().replays.push((replay, items.collect()));
        }
        Ok(waiting)
    }

    async fn waiting(&self, id: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        let state = self.state();
        let items = state.replays.iter().filter(|(replay, _)| replay.id == *id).flat_map(|(_, items)| items);
        let waiting = items.filter(|item| item.state == ReplayItemState::Waiting);
        let letter = |item: &ReplayItem| {
            state.dead_letters.iter().find(|letter| letter.id == item.dead_letter).cloned()
        };
        Ok(waiting.filter_map(letter).take(limit).collect())
    }

    async fn mark_sent(&self, id: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError> {
        for (replay, items) in self.state().replays.iter_mut().filter(|(replay, _)| replay.id == *id) {
            for item in items.iter_mut().filter(|item| ids.contains(&item.dead_letter)) {
                item.state = ReplayItemState::Sent;
                replay.waiting -= 1;
                replay.sent += 1;
            }
        }
        Ok(())
    }

    async fn mark_returned(&self, id: &ReplayId, letter: &MessageId) -> Result<(), ArchiveError> {
        for (replay, items) in self.state().replays.iter_mut().filter(|(replay, _)| replay.id == *id) {
            for item in items.iter_mut().filter(|item| item.dead_letter == *letter) {
                item.state = ReplayItemState::Returned;
                replay.waiting -= 1;
                replay.returned += 1;
            }
        }
        Ok(())
    }

    async fn set_trouble(&self, id: &ReplayId, trouble: Option<&str>) -> Result<(), ArchiveError> {
        let mut state = self.state();
        for (replay, _) in state.replays.iter_mut().filter(|(replay, _)| replay.id == *id) {
            replay.trouble = trouble.map(str::to_owned);
        }
        // Somebody has made room meanwhile.
        if trouble.is_some() {
            state.room = None;
        }
        Ok(())
    }

    /// Looking at a replay ends one more of its messages, as if the pipeline ran meanwhile. In AWS they have to be put
    /// back first.
    async fn get(&self, id: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        tokio::task::yield_now().await;
        let now = self.clock.now();
        let state = &mut *self.state();
        let Some((replay, items)) = state.replays.iter_mut().find(|(replay, _)| replay.id == *id) else {
            return Ok(None);
        };
        let seen = replay.clone();
        let (before, count) = if state.in_aws {
            (ReplayItemState::Sent, &mut replay.sent)
        } else {
            (ReplayItemState::Waiting, &mut replay.waiting)
        };
        let next = items.iter_mut().find(|item| item.state == before);
        if let Some(item) = next.filter(|_| !state.idle) {
            item.at = now;
            *count -= 1;
            if state.coming_back.contains(&item.dead_letter) {
                item.state = ReplayItemState::Returned;
                replay.returned += 1;
            } else {
                item.state = ReplayItemState::Stored;
                replay.stored += 1;
            }
            if replay.waiting + replay.sent == 0 {
                (replay.state, replay.ended_at) = (ReplayState::Ended, Some(now));
            }
        }
        Ok(Some(seen))
    }

    async fn list(&self, limit: usize) -> Result<Vec<Replay>, ArchiveError> {
        Ok(self.state().replays.iter().rev().take(limit).map(|(replay, _)| replay.clone()).collect())
    }

    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        let state = self.state();
        let waiting = state.replays.iter().filter(|(replay, _)| replay.waiting > 0);
        Ok(waiting.map(|(replay, _)| replay.id.clone()).collect())
    }

    async fn items(
        &self,
        id: &ReplayId,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<Page<ReplayItem>, ArchiveError> {
        let state = self.state();
        let items = state.replays.iter().find(|(replay, _)| replay.id == *id).map(|(_, items)| items.clone());
        let items = items.unwrap_or_default();
        Ok(Page { total: items.len() as u64, items, next: None })
    }
}

#[async_trait]
impl OpsLog for FakePipeline {
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError> {
        self.state().audit.extend_from_slice(entries);
        Ok(())
    }

    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError> {
        let state = self.state();
        let about = state.audit.iter().rev().filter(|entry| subject.is_none_or(|it| it == entry.subject));
        Ok(about.take(limit).cloned().collect())
    }
}

#[async_trait]
impl LedgerReader for FakePipeline {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        let mut state = self.state();
        let ledger = state.ledger;
        // Something happens between two readings.
        state.ledger.accepted += 10;
        state.ledger.stored += 10;
        Ok(ledger)
    }
}

#[async_trait]
impl EventLocator for FakePipeline {
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, LedgerError> {
        let mut found = self.state().locations.clone();
        found.retain(|place| place.key.id == *id && source.is_none_or(|source| place.key.source == *source));
        Ok(found)
    }

    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError> {
        let state = self.state();
        let place = |id: &EventId| state.locations.iter().find(|it| it.key.id == *id).map(|it| it.place);
        Ok(ids.iter().map(place).collect())
    }
}
