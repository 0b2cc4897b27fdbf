//! Replays, and the result of each message.

use super::{Background, MemoryPipeline, State, page, unknown};
use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Page, ReplayTrace};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, AuditEntry, AuditNote, ReplayReports, Replays};
use spillway_core::replay::{Overdue, Replay, ReplayItem, ReplayItemState, ReplayState};

impl State {
    fn replay(&mut self, id: &ReplayId) -> Option<&mut (Replay, Vec<ReplayItem>)> {
        self.replays.iter_mut().find(|(replay, _)| replay.id == *id)
    }

    /// Starts a replay of those messages that are archived. Returns how many there are.
    pub fn start_replay(&mut self, replay: &ReplayId, ids: &[MessageId], by: &str, now: Timestamp) -> u64 {
        let replaying = DeadLetterState::Replaying { replay_id: replay.clone() };
        let taken =
            self.change(ids, |letter| (letter.state == DeadLetterState::Archived).then(|| replaying.clone()));
        for id in &taken {
            let trace = ReplayTrace { replay_id: replay.clone(), sent_at: now, ended_at: None, stored: None };
            if let Some(letter) = self.letter(id) {
                letter.replays.push(trace);
            }
        }
        let waiting = taken.len() as u64;
        if waiting > 0 {
            let item = |dead_letter| ReplayItem { dead_letter, state: ReplayItemState::Waiting, at: now };
            let replay = Replay {
                id: replay.clone(),
                by: by.to_owned(),
                started_at: now,
                ended_at: None,
                state: ReplayState::Running,
                waiting,
                sent: 0,
                stored: 0,
                returned: 0,
                error: None,
            };
            self.replays.push((replay, taken.into_iter().map(item).collect()));
        }
        waiting
    }

    /// Ends a message of a replay and its dead letter, unless it has already ended or now belongs to another replay.
    /// Returns whether it did. A message that had been given up may be stored after all.
    pub(super) fn end(
        &mut self,
        replay: &ReplayId,
        id: &MessageId,
        to: ReplayItemState,
        now: Timestamp,
    ) -> bool {
        let stored = to == ReplayItemState::Stored;
        let Some(letter) = self.letter(id) else { return false };
        let is_late = letter.state == DeadLetterState::Archived
            && letter.replays.last().is_some_and(|trace| trace.replay_id == *replay);
        if letter.state != (DeadLetterState::Replaying { replay_id: replay.clone() }) && !(stored && is_late)
        {
            return false;
        }
        letter.state = match stored {
            true => DeadLetterState::Stored { replay_id: replay.clone(), at: now },
            false => DeadLetterState::Archived,
        };
        if let Some(trace) = letter.replays.iter_mut().rfind(|trace| trace.replay_id == *replay) {
            (trace.ended_at, trace.stored) = (Some(now), Some(stored));
        }
        if let Some((replay, items)) = self.replay(replay) {
            move_items(replay, items, std::slice::from_ref(id), to, now);
        }
        true
    }

    /// The pipeline's background work: it ends one more message of a replay.
    fn work_on(&mut self, replay: &ReplayId, now: Timestamp) {
        let Background::EndsOne(from) = self.background else { return };
        let next = self.replay(replay).and_then(|(_, items)| items.iter().find(|item| item.state == from));
        let Some(id) = next.map(|item| item.dead_letter.clone()) else { return };
        let comes_back = self.coming_back.contains(&id);
        let to = if comes_back { ReplayItemState::Returned } else { ReplayItemState::Stored };
        self.end(replay, &id, to, now);
    }
}

/// Moves messages of a replay to a state, but never back. Ends the replay together with its last message.
fn move_items(
    replay: &mut Replay,
    items: &mut [ReplayItem],
    ids: &[MessageId],
    to: ReplayItemState,
    now: Timestamp,
) {
    for item in items.iter_mut().filter(|item| ids.contains(&item.dead_letter)) {
        let may_move = match item.state {
            ReplayItemState::Waiting => true,
            ReplayItemState::Sent => to != ReplayItemState::Sent,
            ReplayItemState::Stored | ReplayItemState::Returned => false,
        };
        if may_move {
            *count(replay, item.state) -= 1;
            *count(replay, to) += 1;
            (item.state, item.at) = (to, now);
        }
    }
    if replay.waiting + replay.sent == 0 && replay.ended_at.is_none() {
        (replay.state, replay.ended_at, replay.error) = (ReplayState::Ended, Some(now), None);
    }
}

fn count(replay: &mut Replay, state: ReplayItemState) -> &mut u64 {
    match state {
        ReplayItemState::Waiting => &mut replay.waiting,
        ReplayItemState::Sent => &mut replay.sent,
        ReplayItemState::Stored => &mut replay.stored,
        ReplayItemState::Returned => &mut replay.returned,
    }
}

#[async_trait]
impl ReplayReports for MemoryPipeline {
    async fn is_known(&self, replay: &ReplayId, id: &MessageId) -> Result<bool, ArchiveError> {
        let mut state = self.state();
        let items = state.replay(replay).map(|(_, items)| items.clone()).unwrap_or_default();
        Ok(items.iter().any(|item| item.dead_letter == *id))
    }

    async fn mark_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError> {
        let now = self.time();
        let state = &mut *self.state();
        if state.replay_log_is_down {
            return Err(ArchiveError::Unavailable { reason: "down".to_owned() });
        }
        state.end(replay, id, ReplayItemState::Stored, now);
        Ok(())
    }
}

#[async_trait]
impl Replays for MemoryPipeline {
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError> {
        let now = self.time();
        let state = &mut *self.state();
        let taken = state.start_replay(replay, ids, by, now);
        if taken > 0 {
            state.audit.push(AuditEntry::of_replay(now, by, replay, ids.len()));
        }
        Ok(taken)
    }

    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        let state = &mut *self.state();
        if state.unreadable_replays.contains(replay) {
            return Err(ArchiveError::Unavailable { reason: "down".to_owned() });
        }
        let items = state.replay(replay).map(|(_, items)| items.clone()).unwrap_or_default();
        let waiting = items.iter().filter(|item| item.state == ReplayItemState::Waiting);
        Ok(waiting.filter_map(|item| state.letter(&item.dead_letter).cloned()).take(limit).collect())
    }

    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError> {
        let now = self.time();
        if let Some((replay, items)) = self.state().replay(replay) {
            move_items(replay, items, ids, ReplayItemState::Sent, now);
        }
        Ok(())
    }

    async fn set_error(&self, replay: &ReplayId, error: Option<&str>) -> Result<(), ArchiveError> {
        if let Some((replay, _)) = self.state().replay(replay) {
            replay.error = error.map(str::to_owned);
        }
        Ok(())
    }

    async fn mark_returned(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<(), ArchiveError> {
        let now = self.time();
        let state = &mut *self.state();
        if state.end(replay, id, ReplayItemState::Returned, now) {
            state.audit.push(note.about(id.as_str()));
        }
        Ok(())
    }

    async fn overdue(&self, before: Timestamp, limit: usize) -> Result<Vec<Overdue>, ArchiveError> {
        let state = self.state();
        let overdue = state.replays.iter().flat_map(|(replay, items)| {
            let items = items.iter().filter(|item| item.state == ReplayItemState::Sent && item.at < before);
            items.map(|item| Overdue { replay_id: replay.id.clone(), dead_letter: item.dead_letter.clone() })
        });
        Ok(overdue.take(limit).collect())
    }

    async fn release(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<bool, ArchiveError> {
        let now = self.time();
        let state = &mut *self.state();
        let released = state.end(replay, id, ReplayItemState::Returned, now);
        if released && let Some(letter) = state.letter(id) {
            letter.generation += 1;
            state.audit.push(note.about(id.as_str()));
        }
        Ok(released)
    }

    async fn get(&self, id: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        tokio::task::yield_now().await;
        let now = self.time();
        let state = &mut *self.state();
        let seen = state.replay(id).map(|(replay, _)| replay.clone());
        state.work_on(id, now);
        Ok(seen)
    }

    async fn list(&self, limit: usize) -> Result<Vec<Replay>, ArchiveError> {
        Ok(self.state().replays.iter().rev().take(limit).map(|(replay, _)| replay.clone()).collect())
    }

    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        let now = self.time();
        let state = &mut *self.state();
        let waiting = state.replays.iter().filter(|(replay, _)| replay.waiting > 0);
        let unfinished = waiting.map(|(replay, _)| replay.id.clone()).collect();
        for (replay, items) in &mut state.replays {
            let next = items.iter().find(|item| item.state == ReplayItemState::Waiting);
            if state.moved_elsewhere.contains(&replay.id)
                && let Some(id) = next.map(|item| item.dead_letter.clone())
            {
                move_items(replay, items, &[id], ReplayItemState::Sent, now);
            }
        }
        Ok(unfinished)
    }

    async fn items(
        &self,
        replay: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ReplayItem>, ArchiveError> {
        let all = self.state().replay(replay).map(|(_, items)| items.clone()).unwrap_or_default();
        page(all, after, limit).map_err(unknown)
    }
}
