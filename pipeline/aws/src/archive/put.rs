//! Keeping dead letters: S3 first, then the index, and a note where the index could not be written.

use super::entry::Entry;
use super::index::{LETTERS_AT_ONCE, Step};
use super::objects::Archiving;
use super::{READS_AT_ONCE, S3Archive};
use crate::call_error::CallError;
use crate::dynamo::transact::{Action, TransactionError, transact};
use aws_smithy_types::timeout::TimeoutConfig;
use futures::{StreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, IndexRepair};
use spillway_core::replay::ReplayItemState;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How often a letter is read again if another writer changes it at the same time.
const LOOKS: usize = 5;
/// For repairing the index where the client sets no limit.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(20);

impl S3Archive {
    /// Keeps dead letters; returns one answer for each.
    pub(super) async fn keep(&self, letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>> {
        let mut answers: Vec<Result<(), ArchiveError>> = stream::iter(0..letters.len())
            .map(|position| self.objects.put(&letters[position]))
            .buffered(READS_AT_ONCE)
            .map(|answer| answer.map_err(ArchiveError::from))
            .collect()
            .await;
        // New letters go into the index together. A letter that was put back before, or that appears twice in this
        // batch, may be there already. Such a letter is written separately.
        let mut seen = HashSet::new();
        let (mut fresh, mut others) = (Vec::new(), Vec::new());
        for position in (0..letters.len()).filter(|&position| answers[position].is_ok()) {
            let letter = &letters[position];
            let is_new = letter.generation == 0 && seen.insert(&letter.id);
            if is_new { fresh.push(position) } else { others.push(position) }
        }
        for positions in fresh.chunks(LETTERS_AT_ONCE) {
            let entries: Vec<_> = positions.iter().map(|&position| Entry::of(&letters[position])).collect();
            match self.index.insert(&entries).await {
                Ok(()) => {}
                Err(TransactionError::Conditions(_)) => others.extend(positions),
                Err(TransactionError::Call(error)) => {
                    for &position in positions {
                        answers[position] = self.note(&letters[position], &error).await;
                    }
                }
            }
        }
        for position in others {
            if let Err(error) = self.settle(&letters[position]).await {
                answers[position] = self.note(&letters[position], &error).await;
            }
        }
        answers
    }

    /// Notes that the index lacks a letter that S3 has. Where not even that works the letter stays in the DLQ.
    async fn note(&self, letter: &DeadLetter, error: &CallError) -> Result<(), ArchiveError> {
        tracing::warn!(error = %error, dead_letter = %letter.id, "a dead letter is archived and not indexed yet");
        Ok(self.objects.write_note(&Archiving::of(letter)).await?)
    }

    /// Brings a letter that S3 has into the index: as a new one, or as one that came back from its replay. Anything else
    /// is the same one again, and changes nothing.
    pub(super) async fn settle(&self, letter: &DeadLetter) -> Result<(), CallError> {
        for _ in 0..LOOKS {
            let done = match self.index.entry(&letter.id).await? {
                None => self.index.insert(&[Entry::of(letter)]).await,
                Some(before) => match before.state.clone() {
                    DeadLetterState::Replaying { replay_id } if letter.generation > before.generation => {
                        self.come_back(letter, before, &replay_id).await
                    }
                    _ => return Ok(()),
                },
            };
            match done {
                Ok(()) => return Ok(()),
                // Another writer was faster: the next read sees its change.
                Err(TransactionError::Conditions(_)) => {}
                Err(TransactionError::Call(error)) => return Err(error),
            }
        }
        Err(CallError::contradiction("other writers keep changing a dead letter"))
    }

    /// A letter that failed again: back in the archive, and its replay's message has ended as returned. All at once.
    async fn come_back(
        &self,
        letter: &DeadLetter,
        before: Entry,
        replay: &ReplayId,
    ) -> Result<(), TransactionError> {
        let now = letter.archived_at;
        let from = self.log.state(replay, &letter.id).await?;
        let mut after = Entry {
            replays: before.replays.clone(),
            event_id: before.event_id.clone(),
            source: before.source.clone(),
            event_type: before.event_type.clone(),
            is_foreign: before.is_foreign,
            ..Entry::of(letter)
        };
        if let Some(trace) = after.replays.iter_mut().rfind(|trace| trace.replay_id == *replay) {
            trace.ended_at = Some(now);
            trace.stored = Some(false);
        }
        let is_open =
            |state: &ReplayItemState| matches!(state, ReplayItemState::Waiting | ReplayItemState::Sent);
        let open = from.filter(is_open).map(|from| (replay.clone(), from));
        self.return_letter((before, after), open.as_ref(), now).await
    }

    /// Changes the entry of a letter and ends its part of a replay as returned, if one is named. All at once.
    pub(super) async fn return_letter(
        &self,
        step: Step,
        open: Option<&(ReplayId, ReplayItemState)>,
        at: Timestamp,
    ) -> Result<(), TransactionError> {
        let steps = [step];
        let id = &steps[0].0.id;
        let actions = |tries| {
            let mut actions = self.index.steps(&steps, tries);
            actions.extend(self.returning(id, open, at, tries));
            actions
        };
        transact(self.index.client(), actions).await?;
        self.index.written(&[steps[0].1.clone()]).await;
        if let Some((replay, _)) = open {
            self.close(replay).await;
        }
        Ok(())
    }

    /// Adds the entry of a letter, and ends its part of a replay as returned, if one is named. All at once.
    pub(super) async fn insert_returned(
        &self,
        entry: &Entry,
        open: Option<&(ReplayId, ReplayItemState)>,
    ) -> Result<(), TransactionError> {
        let actions = |tries| {
            let mut actions = self.index.inserts(std::slice::from_ref(entry), tries);
            actions.extend(self.returning(&entry.id, open, entry.archived_at, tries));
            actions
        };
        transact(self.index.client(), actions).await?;
        self.index.written(std::slice::from_ref(entry)).await;
        if let Some((replay, _)) = open {
            self.close(replay).await;
        }
        Ok(())
    }

    fn returning(
        &self,
        id: &MessageId,
        open: Option<&(ReplayId, ReplayItemState)>,
        at: Timestamp,
        tries: usize,
    ) -> Vec<Action> {
        let Some((replay, from)) = open else { return Vec::new() };
        let (part, returned) = (self.index.part(id, tries), ReplayItemState::Returned);
        vec![
            self.log.moving(replay, id, *from, returned, at),
            self.log.counting(replay, part, &[(*from, -1), (returned, 1)]),
        ]
    }

    async fn close(&self, replay: &ReplayId) {
        if let Err(error) = self.log.close_if_done(replay, self.clock.now()).await {
            tracing::warn!(error = %error, %replay, "the end of a replay could not be checked; the next reader of the replay checks it");
        }
    }

    /// Puts dead letters into the index whose index write failed, at most `limit`, within the time that the
    /// index's client allows for one call.
    ///
    /// It begins at a random place among them, so that letters that can't be indexed don't block the others
    /// each time. A `CallError` that is not about one letter, such as a table that does not answer, would
    /// affect the others too. Then the rest of the letters found counts as failed, and is tried the next
    /// time.
    ///
    /// # Errors
    /// The notes can't be listed. A letter that still can't be indexed keeps its note, and is counted.
    pub(super) async fn repair_index(&self, limit: usize) -> Result<IndexRepair, ArchiveError> {
        let limits = self.index.client().config().timeout_config();
        let time_limit = limits.and_then(TimeoutConfig::operation_timeout).unwrap_or(DEFAULT_TIME_LIMIT);
        let until = Instant::now() + time_limit;
        let notes = self.objects.unindexed(&MessageId::random(), limit).await?;
        let mut repair = IndexRepair::default();
        for (done, archiving) in notes.iter().enumerate().take(limit) {
            let error = match timeout_at(until, self.index_again(archiving)).await {
                Ok(Ok(())) => {
                    repair.indexed += 1;
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => CallError::contradiction("there is no time left for this one and those after it"),
            };
            tracing::warn!(error = %error, dead_letter = %archiving.id, "a dead letter could not be indexed");
            if error.decision.is_retryable() || Instant::now() >= until {
                repair.failed += (notes.len() - done) as u64;
                break;
            }
            repair.failed += 1;
        }
        Ok(repair)
    }

    async fn index_again(&self, archiving: &Archiving) -> Result<(), CallError> {
        if let Some(letter) = self.objects.get(archiving).await? {
            self.settle(&letter).await?;
        }
        self.objects.remove_note(archiving).await
    }
}

#[cfg(test)]
mod tests;
