//! Rebuilding the index: the letters come from the bucket, and their later changes from the ops table.
//!
//! The log of replays changes in one transaction with the index. So the two can only differ if the index was lost or
//! comes from a backup, or if a letter came back while the index could not be written. Then the bucket and the log are
//! right, and this corrects the index, and ends what the log still has as under way.

use super::entry::Entry;
use super::objects::{Archiving, merged};
use super::walk::{By, Range, Walk};
use super::{LETTERS_AT_ONCE, READS_AT_ONCE, S3Archive};
use crate::call_error::{CallError, call_error};
use crate::dynamo::item::{Item, text_of, time_of};
use crate::dynamo::transact::TransactionError;
use crate::replays::log::{Part, part_of};
use futures::{StreamExt, TryStreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, DeadLetterStatus, ReplayTrace};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, AuditEntry, IndexRebuild, OpsLog as _};
use spillway_core::replay::ReplayItemState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How often a letter is read again if another writer changes it at the same time.
const LOOKS: usize = 5;
/// Entries of the audit log about one letter that are read.
const ACTS: usize = 1000;
/// Keys of the index that are read at once.
const KEYS_AT_ONCE: usize = 1000;

/// The changes of a letter, in order.
#[derive(Clone, Debug, Default)]
struct History {
    acts: Vec<AuditEntry>,
    parts: Vec<Part>,
}

/// When each replay began.
type Started = HashMap<ReplayId, Timestamp>;

/// What the bucket and the log say about a letter.
#[derive(Debug)]
struct Implied {
    entry: Entry,
    /// The part of a replay that the log has as under way, although the letter came back from it.
    open: Option<(ReplayId, ReplayItemState)>,
}

impl S3Archive {
    /// Makes the index what the bucket, the replays and the audit log say. It is for an index that was lost or
    /// restored from a backup, or that an older version wrote.
    ///
    /// It lists the bucket and reads the ops table and the index whole, so it takes a while and may be run at any time.
    ///
    /// # Errors
    /// S3 or DynamoDB failed. What was done so far stays; run it again.
    pub(super) async fn rebuild_index(&self) -> Result<IndexRebuild, ArchiveError> {
        self.index.adopt_counts().await?;
        let (histories, started) = self.histories().await?;
        let mut rebuilt = IndexRebuild::default();
        let mut seen = HashSet::new();
        let mut after = None;
        // A letter's objects may lie on two pages of the listing.
        let mut last: Option<(MessageId, Vec<Archiving>)> = None;
        loop {
            let listing = self.objects.written(after).await?;
            let mut letters: BTreeMap<MessageId, Vec<Archiving>> = last.take().into_iter().collect();
            for archiving in listing.archivings {
                letters.entry(archiving.id.clone()).or_default().push(archiving);
            }
            after = listing.next;
            if after.is_some() {
                last = letters.pop_last();
            }
            seen.extend(letters.keys().cloned());
            self.index_page(letters, &histories, &started, &mut rebuilt).await?;
            if after.is_none() {
                rebuilt.lost = self.without_objects(&seen).await?;
                return Ok(rebuilt);
            }
        }
    }

    async fn index_page(
        &self,
        letters: BTreeMap<MessageId, Vec<Archiving>>,
        histories: &HashMap<MessageId, History>,
        started: &Started,
        rebuilt: &mut IndexRebuild,
    ) -> Result<(), CallError> {
        let ids: Vec<_> = letters.keys().cloned().collect();
        let there = self.index.entries(&ids).await?;
        let archivings: Vec<_> = letters.into_values().collect();
        let read: Vec<Option<DeadLetter>> = stream::iter(archivings)
            .map(|of_one| async move {
                let documents =
                    futures::future::try_join_all(of_one.iter().map(|one| self.objects.get(one))).await?;
                Ok::<_, CallError>(merged(documents.into_iter().flatten()))
            })
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let none = History::default();
        let mut missing = Vec::new();
        for letter in read.iter().flatten() {
            let history = histories.get(&letter.id).unwrap_or(&none);
            let before = there.get(&letter.id);
            let implied = implied(letter, history, started, before);
            match before {
                None => missing.push(implied),
                Some(before) if is_right(before, &implied) => rebuilt.there += 1,
                Some(_) if self.correct(letter, history, started).await? => rebuilt.corrected += 1,
                Some(_) => rebuilt.there += 1,
            }
        }
        let (open, settled): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|implied| implied.open.is_some());
        for Implied { entry, open } in &open {
            self.insert_one(entry, open.as_ref(), rebuilt).await?;
        }
        let settled: Vec<_> = settled.into_iter().map(|implied| implied.entry).collect();
        for some in settled.chunks(LETTERS_AT_ONCE) {
            match self.index.insert(some).await {
                Ok(()) => rebuilt.added += some.len() as u64,
                Err(TransactionError::Call(error)) => return Err(error),
                // The archiver put one of them there meanwhile.
                Err(TransactionError::Conditions(_)) => {
                    for one in some {
                        self.insert_one(one, None, rebuilt).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn insert_one(
        &self,
        entry: &Entry,
        open: Option<&(ReplayId, ReplayItemState)>,
        rebuilt: &mut IndexRebuild,
    ) -> Result<(), CallError> {
        match self.insert_returned(entry, open).await {
            Ok(()) => rebuilt.added += 1,
            Err(TransactionError::Conditions(_)) => rebuilt.there += 1,
            Err(TransactionError::Call(error)) => return Err(error),
        }
        Ok(())
    }

    /// Makes the entry of a letter what the bucket and the log say now. Returns whether it had to be changed.
    ///
    /// What was read at the beginning may be old by now. So this reads the entry again, and after that the log: whatever
    /// changed the entry has changed the log before that.
    async fn correct(
        &self,
        letter: &DeadLetter,
        known: &History,
        started: &Started,
    ) -> Result<bool, CallError> {
        for _ in 0..LOOKS {
            let Some(before) = self.index.entry(&letter.id).await? else { return Ok(false) };
            let replays: BTreeSet<_> = known
                .parts
                .iter()
                .map(|part| &part.replay)
                .chain(before.replays.iter().map(|trace| &trace.replay_id))
                .collect();
            let history = self.history(&letter.id, replays).await?;
            let implied = implied(letter, &history, started, Some(&before));
            if is_right(&before, &implied) {
                return Ok(false);
            }
            if !before.is_older {
                tracing::info!(dead_letter = %letter.id, before = before.state.name(),
                    now = implied.entry.state.name(), "the index had an old state of a dead letter");
            }
            match self.return_letter((before, implied.entry), implied.open.as_ref(), letter.archived_at).await
            {
                Ok(()) => return Ok(true),
                // Another writer was faster: the next read sees its change.
                Err(TransactionError::Conditions(_)) => {}
                Err(TransactionError::Call(error)) => return Err(error),
            }
        }
        Err(CallError::contradiction("other writers keep changing a dead letter"))
    }

    /// The changes of one letter as they are now.
    async fn history(&self, id: &MessageId, replays: BTreeSet<&ReplayId>) -> Result<History, CallError> {
        let mut parts = Vec::new();
        for replay in replays {
            parts.extend(self.log.part(replay, id).await?);
        }
        let acts = self.audit.entries(Some(id.as_str()), ACTS).await;
        let mut acts = acts.map_err(|error| CallError::ours("Query", &error))?;
        acts.reverse();
        acts.retain(changes_state);
        Ok(History { acts, parts })
    }

    /// Reads replays and audit log: the changes of each letter, and the time when each replay began.
    async fn histories(&self) -> Result<(HashMap<MessageId, History>, Started), CallError> {
        let mut histories: HashMap<MessageId, History> = HashMap::new();
        let mut started = HashMap::new();
        let mut pages =
            self.log.client.scan().table_name(&self.log.table).consistent_read(true).into_paginator().send();
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| call_error("Scan", &error))?.items() {
                let (Some(pk), Some(sk)) = (text_of(item, "pk"), text_of(item, "sk")) else { continue };
                if pk == "replays" {
                    started.extend(time_of(item, "started_at").map(|at| (ReplayId::new(sk), at)));
                } else if let (Some(replay), Some(id)) =
                    (pk.strip_prefix("replay#"), sk.strip_prefix("item#"))
                {
                    let of_letter = histories.entry(MessageId::new(id)).or_default();
                    of_letter.parts.extend(part_of(&ReplayId::new(replay), item));
                } else if let Some(id) = pk.strip_prefix("subject#")
                    && let Some(entry) = act(item)
                {
                    histories.entry(MessageId::new(id)).or_default().acts.push(entry);
                }
            }
        }
        for history in histories.values_mut() {
            history.parts.sort_by(|a, b| a.replay.cmp(&b.replay));
            history.acts.sort_by_key(|entry| entry.at);
        }
        Ok((histories, started))
    }

    /// Letters that the index has and the bucket does not.
    async fn without_objects(&self, seen: &HashSet<MessageId>) -> Result<Vec<MessageId>, CallError> {
        let shards = self.index.names().shards.max(1);
        let partitions: Vec<_> = DeadLetterStatus::ALL
            .iter()
            .flat_map(|state| (0..shards).map(move |shard| format!("{}#{shard}", state.as_str())))
            .collect();
        let mut walk = Walk::new(&self.index, By::Time, &partitions, Range::default()).await?;
        let mut lost = Vec::new();
        loop {
            let keys = walk.take(KEYS_AT_ONCE).await?;
            if keys.is_empty() {
                return Ok(lost);
            }
            let unseen: Vec<_> =
                keys.iter().map(super::walk::Found::id).filter(|id| !seen.contains(id)).collect();
            for (id, entry) in self.index.entries(&unseen).await? {
                // It may have been archived after its part of the bucket was listed.
                let archiving = Archiving { id: id.clone(), generation: entry.generation };
                if self.objects.whole(&archiving).await?.is_none() {
                    lost.push(id);
                }
            }
        }
    }
}

fn act(item: &Item) -> Option<AuditEntry> {
    serde_json::from_str(text_of(item, "entry")?).ok().filter(changes_state)
}

/// Whether an action of a person changed the state of a letter, beside the replays' log.
fn changes_state(entry: &AuditEntry) -> bool {
    matches!(entry.action.as_str(), "discard" | "restore" | "reopen")
}

/// Whether the index has what the bucket and the log say.
fn is_right(entry: &Entry, implied: &Implied) -> bool {
    let ends = |entry: &Entry| -> BTreeSet<_> {
        entry.replays.iter().map(|trace| (trace.replay_id.clone(), trace.stored)).collect()
    };
    implied.open.is_none()
        && entry.damage.is_none()
        && !entry.is_older
        && entry.state.status() == implied.entry.state.status()
        && ends(entry) == ends(&implied.entry)
}

/// The entry of a letter with its history: its last change decides. `before` is its entry in the index.
fn implied(letter: &DeadLetter, history: &History, started: &Started, before: Option<&Entry>) -> Implied {
    // The newest object can be a copy of a message that was given up, and that the index ignored.
    let mut entry = match before {
        Some(before) if before.damage.is_none() && before.generation >= letter.generation => before.clone(),
        _ => Entry::of(letter),
    };
    let mut open = None;
    let mut since = Timestamp::UNIX_EPOCH;
    (entry.state, entry.replays, entry.is_older) = (DeadLetterState::Archived, Vec::new(), false);
    for part in &history.parts {
        let sent_at = started.get(&part.replay).copied().unwrap_or(part.at);
        let (stored, ended_at) = match part.state {
            ReplayItemState::Stored => (Some(true), part.at),
            ReplayItemState::Returned if part.stored_late.is_some() => {
                (Some(true), part.stored_late.unwrap_or(part.at))
            }
            ReplayItemState::Returned => (Some(false), part.at),
            ReplayItemState::Waiting | ReplayItemState::Sent if came_back(letter, part, sent_at) => {
                open = Some((part.replay.clone(), part.state));
                (Some(false), letter.archived_at)
            }
            ReplayItemState::Waiting | ReplayItemState::Sent => (None, part.at),
        };
        entry.state = match stored {
            Some(true) => DeadLetterState::Stored { replay_id: part.replay.clone(), at: ended_at },
            Some(false) => DeadLetterState::Archived,
            None => DeadLetterState::Replaying { replay_id: part.replay.clone() },
        };
        // The generation of the message that the replay put back, once it ended in the archive.
        if let Some(generation) = part.generation {
            let kept = if stored == Some(false) { generation } else { generation.saturating_sub(1) };
            entry.generation = entry.generation.max(kept);
        }
        entry.replays.push(ReplayTrace {
            replay_id: part.replay.clone(),
            sent_at,
            ended_at: stored.map(|_| ended_at),
            stored,
        });
        since = since.max(ended_at);
    }
    match history.acts.last() {
        Some(last) if last.at >= since && last.action == "discard" => {
            let (by, reason, at) = (last.by.clone(), last.detail.clone(), last.at);
            entry.state = DeadLetterState::Discarded { by, reason, at };
        }
        Some(last) if last.at >= since && last.action == "reopen" => entry.state = DeadLetterState::Archived,
        _ => {}
    }
    Implied { entry, open }
}

/// Whether the newest object of a letter is from this part of a replay. Older logs do not have the generation.
fn came_back(letter: &DeadLetter, part: &Part, sent_at: Timestamp) -> bool {
    match part.generation {
        Some(generation) => letter.generation >= generation,
        None => letter.generation > 0 && letter.archived_at >= sent_at,
    }
}

#[cfg(test)]
mod tests;
