//! Keeping dead letters: S3 first, then the index, and a note where the index could not be written.

use super::entry::Entry;
use super::index::{LETTERS_AT_ONCE, Step, TRANSACTIONS_AT_ONCE};
use super::objects::Archiving;
use super::{READS_AT_ONCE, S3Archive};
use crate::call_error::CallError;
use crate::dynamo::transact::{Action, TransactionError, transact};
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
/// Notes that are worked on together, in transactions of [`LETTERS_AT_ONCE`].
const NOTES_AT_ONCE: usize = 16 * LETTERS_AT_ONCE;

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
            if let Err(error) = self.settle(&Entry::of(&letters[position])).await {
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
    async fn settle(&self, letter: &Entry) -> Result<(), CallError> {
        for _ in 0..LOOKS {
            let done = match self.index.entry(&letter.id).await? {
                None => self.index.insert(std::slice::from_ref(letter)).await,
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
        letter: &Entry,
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
            ..letter.clone()
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

    /// Puts dead letters into the index whose index write failed, at most `limit`, within a time. Some hundred are worked on
    /// together.
    ///
    /// It begins at a random place among them, so that letters that can't be indexed don't block the others
    /// each time. A `CallError` that is not about one letter, such as a table that does not answer, would
    /// affect the others too. Then the rest of the letters found counts as failed, and is tried the next
    /// time.
    ///
    /// # Errors
    /// The notes can't be listed. A letter that still can't be indexed keeps its note, and is counted.
    pub(super) async fn repair_index(
        &self,
        limit: usize,
        within: Duration,
    ) -> Result<IndexRepair, ArchiveError> {
        let until = Instant::now() + within;
        let mut notes = self.objects.unindexed(&MessageId::random(), limit).await?;
        notes.truncate(limit);
        let mut repair = IndexRepair::default();
        for some in notes.chunks(NOTES_AT_ONCE) {
            let error = match timeout_at(until, self.index_again(some)).await {
                Ok(Ok(indexed)) => {
                    repair.indexed += indexed;
                    repair.failed += some.len() as u64 - indexed;
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => CallError::contradiction("there is no time left for these and those after them"),
            };
            let left = notes.len() as u64 - repair.indexed - repair.failed;
            tracing::warn!(error = %error, dead_letters = left, "dead letters could not be indexed");
            repair.failed += left;
            break;
        }
        Ok(repair)
    }

    /// Puts noted letters into the index, and removes their notes. Returns for how many it did.
    ///
    /// # Errors
    /// A call failed in a way that is not about one letter.
    async fn index_again(&self, notes: &[Archiving]) -> Result<u64, CallError> {
        let reads: Vec<_> =
            notes.iter().map(|note| async move { (note, self.objects.get(note).await) }).collect();
        let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).collect().await;
        let mut done = Vec::with_capacity(notes.len());
        let mut letters = Vec::new();
        for (note, answer) in read {
            match answer {
                Ok(Some(letter)) => letters.push(Entry::of(&letter)),
                // Its retention has expired.
                Ok(None) => done.push(note.clone()),
                Err(error) => one_failed(&note.id, error)?,
            }
        }
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        let there = self.index.entries(&ids).await?;
        // A letter that was put back before may be noted twice. It is written separately.
        let mut seen = HashSet::new();
        let (fresh, mut others): (Vec<_>, Vec<_>) = letters
            .into_iter()
            .partition(|letter| !there.contains_key(&letter.id) && seen.insert(letter.id.clone()));
        let inserts: Vec<_> = fresh
            .chunks(LETTERS_AT_ONCE)
            .map(|some| async move { (some, self.index.insert(some).await) })
            .collect();
        let inserted: Vec<_> = stream::iter(inserts).buffered(TRANSACTIONS_AT_ONCE).collect().await;
        for (some, answer) in inserted {
            match answer {
                Ok(()) => done.extend(some.iter().map(archiving)),
                Err(TransactionError::Call(error)) if error.decision.is_retryable() => return Err(error),
                // One of them is there by now, or can't be written: each is written by itself.
                Err(_) => others.extend_from_slice(some),
            }
        }
        let settles: Vec<_> =
            others.iter().map(|letter| async move { (letter, self.settle(letter).await) }).collect();
        let settled: Vec<_> = stream::iter(settles).buffered(TRANSACTIONS_AT_ONCE).collect().await;
        for (letter, answer) in settled {
            match answer {
                Ok(()) => done.push(archiving(letter)),
                Err(error) => one_failed(&letter.id, error)?,
            }
        }
        let removals: Vec<_> =
            done.iter().map(|note| async move { (note, self.objects.remove_note(note).await) }).collect();
        let removed: Vec<_> = stream::iter(removals).buffered(READS_AT_ONCE).collect().await;
        let mut indexed = 0;
        for (note, answer) in removed {
            match answer {
                Ok(()) => indexed += 1,
                Err(error) => one_failed(&note.id, error)?,
            }
        }
        Ok(indexed)
    }
}

fn archiving(letter: &Entry) -> Archiving {
    Archiving { id: letter.id.clone(), generation: letter.generation }
}

/// Logs an error that is about one letter, and returns any other.
fn one_failed(id: &MessageId, error: CallError) -> Result<(), CallError> {
    if error.decision.is_retryable() {
        return Err(error);
    }
    tracing::warn!(error = %error, dead_letter = %id, "a dead letter could not be indexed");
    Ok(())
}

#[cfg(test)]
mod tests;
