//! The archive of dead letters.

use super::{MemoryPipeline, State, page, unknown};
use async_trait::async_trait;
use spillway_core::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterState, DeadLetterStatus, Page, SearchWords,
};
use spillway_core::ids::{EventId, Fingerprint, MessageId};
use spillway_core::ports::{ArchiveError, AuditNote, DeadLetterSink, DeadLetters};
use spillway_core::replay::ReplayItemState;
use std::cmp::Reverse;
use std::collections::BTreeMap;

impl State {
    /// Archives a dead letter: a new one, or one that came back from its replay. Anything else is a duplicate.
    fn archive(&mut self, letter: &DeadLetter) {
        let Some(before) = self.letter(&letter.id) else {
            self.dead_letters.push(letter.clone());
            return;
        };
        let DeadLetterState::Replaying { replay_id } = before.state.clone() else { return };
        if letter.generation <= before.generation {
            return;
        }
        before.failures.extend(letter.failures.iter().cloned());
        before.generation = letter.generation;
        before.receive_count = letter.receive_count;
        before.archived_at = letter.archived_at;
        before.fingerprint = letter.fingerprint.clone();
        self.end(&replay_id, &letter.id, ReplayItemState::Returned, letter.archived_at);
    }

    fn matching(&self, filter: &DeadLetterFilter) -> Vec<DeadLetter> {
        let mut found: Vec<_> =
            self.dead_letters.iter().filter(|letter| matches(filter, letter)).cloned().collect();
        found.sort_by_key(|letter| Reverse(letter.archived_at));
        found
    }
}

fn matches(filter: &DeadLetterFilter, letter: &DeadLetter) -> bool {
    let failure = letter.last_failure();
    let contains = |words: &String| {
        let message = failure.map_or("", |failure| failure.message.as_str());
        let event_id = letter.key.as_ref().map_or("", |key| key.id.as_str());
        SearchWords::new(words).are_in([message, event_id, letter.id.as_str()])
    };
    (filter.states.is_empty() || filter.states.contains(&letter.state.status()))
        && filter.class.is_none_or(|class| failure.is_some_and(|failure| failure.class == class))
        && filter.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == letter.fingerprint)
        && filter.contains.as_ref().is_none_or(contains)
        && filter.from.is_none_or(|from| letter.archived_at >= from)
        && filter.to.is_none_or(|to| letter.archived_at < to)
        && filter.event_type.as_deref().is_none_or(|asked| {
            letter.event_type.as_ref().is_some_and(|event_type| event_type.as_str() == asked)
        })
}

/// Groups letters that are sorted from newest to oldest.
fn grouped(letters: Vec<DeadLetter>) -> Vec<DeadLetterGroup> {
    let mut groups: BTreeMap<Fingerprint, DeadLetterGroup> = BTreeMap::new();
    for letter in letters {
        let Some(failure) = letter.last_failure().cloned() else { continue };
        groups
            .entry(letter.fingerprint.clone())
            .and_modify(|group| {
                group.count += 1;
                group.first_at = letter.archived_at;
                group.event_type.take_if(|of_all| Some(&*of_all) != letter.event_type.as_ref());
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
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| Reverse((group.count, group.last_at)));
    groups
}

#[async_trait]
impl DeadLetterSink for MemoryPipeline {
    async fn put(&self, dead_letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>> {
        let state = &mut *self.state();
        let is_poisonous =
            |letter: &DeadLetter| letter.key.as_ref().is_some_and(|key| state.poisonous.contains(key));
        assert!(!dead_letters.iter().any(is_poisonous), "this dead letter makes the archive panic");
        let mut put = |letter: &DeadLetter| {
            if state.not_archived.contains(&letter.id) {
                return Err(ArchiveError::Unavailable { reason: "down".to_owned() });
            }
            state.archive(letter);
            Ok(())
        };
        dead_letters.iter().map(&mut put).collect()
    }
}

#[async_trait]
impl DeadLetters for MemoryPipeline {
    async fn get(&self, id: &MessageId) -> Result<Option<DeadLetter>, ArchiveError> {
        Ok(self.state().letter(id).cloned())
    }

    async fn of_event(&self, id: &EventId) -> Result<Vec<DeadLetter>, ArchiveError> {
        let mut all = self.state().matching(&DeadLetterFilter::default());
        all.retain(|letter| letter.key.as_ref().is_some_and(|key| key.id == *id));
        Ok(all)
    }

    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        page(self.state().matching(filter), after, limit).map_err(unknown)
    }

    async fn groups(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetterGroup>, ArchiveError> {
        Ok(Page::of(grouped(self.state().matching(filter)), after, limit))
    }

    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError> {
        Ok(self.state().matching(filter).into_iter().take(limit).map(|letter| letter.id).collect())
    }

    async fn foreign(&self) -> Result<u64, ArchiveError> {
        Ok(self.state().dead_letters.iter().filter(|letter| letter.is_foreign).count() as u64)
    }

    async fn change_states(
        &self,
        ids: &[MessageId],
        from: DeadLetterStatus,
        to: DeadLetterState,
        note: &AuditNote,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let state = &mut *self.state();
        let done = state.change(ids, |letter| (letter.state.status() == from).then(|| to.clone()));
        state.audit.extend(done.iter().map(|id| note.about(id.as_str())));
        Ok(done)
    }
}
