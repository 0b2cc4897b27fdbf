//! Rebuilding the index: the letters come from the bucket, and their later changes from the ops table.

use super::entry::Entry;
use super::objects::{Archiving, merged};
use super::{LETTERS_AT_ONCE, READS_AT_ONCE, S3Archive};
use crate::call_error::{CallError, call_error};
use crate::dynamo::item::{Item, text_of, time_of};
use crate::dynamo::transact::TransactionError;
use crate::replays::log::state_of;
use futures::{StreamExt, TryStreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, ReplayTrace};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, AuditEntry, IndexRebuild};
use spillway_core::replay::ReplayItemState;
use std::collections::{BTreeMap, HashMap};

/// The changes of a letter, in order.
#[derive(Default)]
struct History {
    discards: Vec<AuditEntry>,
    replays: Vec<(ReplayId, ReplayItemState, Timestamp)>,
}

impl S3Archive {
    /// Adds every dead letter of the bucket that the index lacks, with the state recorded by replays and
    /// audit log. It is for an index that was lost or restored from a backup. Entries that the index already
    /// has stay as they are.
    ///
    /// It lists the bucket and reads the ops table whole, so it takes a while and may be run at any time.
    ///
    /// # Errors
    /// S3 or DynamoDB failed. What was added so far stays; run it again.
    pub(super) async fn rebuild_index(&self) -> Result<IndexRebuild, ArchiveError> {
        let (histories, started) = self.histories().await?;
        let mut rebuilt = IndexRebuild::default();
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
            self.index_page(letters, &histories, &started, &mut rebuilt).await?;
            if after.is_none() {
                return Ok(rebuilt);
            }
        }
    }

    async fn index_page(
        &self,
        mut letters: BTreeMap<MessageId, Vec<Archiving>>,
        histories: &HashMap<MessageId, History>,
        started: &HashMap<ReplayId, Timestamp>,
        rebuilt: &mut IndexRebuild,
    ) -> Result<(), CallError> {
        let ids: Vec<_> = letters.keys().cloned().collect();
        let there = self.index.entries(&ids).await?;
        letters.retain(|id, _| !there.contains_key(id));
        rebuilt.there += there.len() as u64;
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
        let entries: Vec<_> = read
            .iter()
            .flatten()
            .map(|letter| entry(letter, histories.get(&letter.id).unwrap_or(&none), started))
            .collect();
        for some in entries.chunks(LETTERS_AT_ONCE) {
            match self.index.insert(some).await {
                Ok(()) => rebuilt.added += some.len() as u64,
                Err(TransactionError::Call(error)) => return Err(error),
                // The archiver put one of them there meanwhile.
                Err(TransactionError::Conditions(_)) => {
                    for one in some {
                        match self.index.insert(std::slice::from_ref(one)).await {
                            Ok(()) => rebuilt.added += 1,
                            Err(TransactionError::Conditions(_)) => rebuilt.there += 1,
                            Err(TransactionError::Call(error)) => return Err(error),
                        }
                    }
                }
            }
        }
        for (letter, entry) in read.iter().flatten().zip(&entries) {
            if entry.generation < letter.generation {
                self.settle(letter).await?;
            }
        }
        Ok(())
    }

    /// Reads replays and audit log: the changes of each letter, and the time when each replay began.
    async fn histories(
        &self,
    ) -> Result<(HashMap<MessageId, History>, HashMap<ReplayId, Timestamp>), CallError> {
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
                    let ended = state_of(item).zip(time_of(item, "at"));
                    let of_letter = histories.entry(MessageId::new(id)).or_default();
                    of_letter.replays.extend(ended.map(|(state, at)| (ReplayId::new(replay), state, at)));
                } else if let Some(id) = pk.strip_prefix("subject#")
                    && let Some(entry) = discard(item)
                {
                    histories.entry(MessageId::new(id)).or_default().discards.push(entry);
                }
            }
        }
        for history in histories.values_mut() {
            history.replays.sort_by(|a, b| a.0.cmp(&b.0));
            history.discards.sort_by_key(|entry| entry.at);
        }
        Ok((histories, started))
    }
}

fn discard(item: &Item) -> Option<AuditEntry> {
    let entry: AuditEntry = serde_json::from_str(text_of(item, "entry")?).ok()?;
    matches!(entry.action.as_str(), "discard" | "restore").then_some(entry)
}

/// The entry of a letter with its history: its last change decides.
fn entry(letter: &DeadLetter, history: &History, started: &HashMap<ReplayId, Timestamp>) -> Entry {
    let mut entry = Entry::of(letter);
    entry.replays = history
        .replays
        .iter()
        .map(|(replay, state, at)| {
            let has_ended = matches!(state, ReplayItemState::Stored | ReplayItemState::Returned);
            ReplayTrace {
                replay_id: replay.clone(),
                sent_at: started.get(replay).copied().unwrap_or(*at),
                ended_at: has_ended.then_some(*at),
                stored: has_ended.then_some(*state == ReplayItemState::Stored),
            }
        })
        .collect();
    let mut since = letter.archived_at;
    if let Some((replay, state, at)) = history.replays.last() {
        let replay_id = replay.clone();
        match state {
            ReplayItemState::Stored => entry.state = DeadLetterState::Stored { replay_id, at: *at },
            // Under way, unless the bucket already has the letter that came back from it.
            _ if *state != ReplayItemState::Returned => {
                entry.state = DeadLetterState::Replaying { replay_id }
            }
            _ => {}
        }
        since = since.max(*at);
    }
    if let Some(last) = history.discards.last()
        && last.action == "discard"
        && last.at >= since
    {
        let (by, reason, at) = (last.by.clone(), last.detail.clone(), last.at);
        entry.state = DeadLetterState::Discarded { by, reason, at };
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::letter;
    use spillway_testkit::letters::{at, audit_entry};

    fn act(action: &str, minute: i64) -> AuditEntry {
        AuditEntry { action: action.to_owned(), ..audit_entry(12 * 3600 + minute * 60, "m", "why") }
    }

    fn state(replays: &[(&str, ReplayItemState, i64)], discards: &[AuditEntry]) -> &'static str {
        let replays = replays
            .iter()
            .map(|(id, state, minute)| (ReplayId::new(*id), *state, at(12 * 3600 + *minute * 60)));
        let history = History { discards: discards.to_vec(), replays: replays.collect() };
        entry(&letter("m", "e"), &history, &HashMap::new()).state.name()
    }

    #[test]
    fn the_last_change_decides() {
        use ReplayItemState::{Returned, Sent, Stored};
        assert_eq!(state(&[], &[]), "archived");
        assert_eq!(state(&[], &[act("discard", 1)]), "discarded");
        assert_eq!(state(&[], &[act("discard", 1), act("restore", 2)]), "archived");
        assert_eq!(state(&[("r1", Sent, 1)], &[]), "replaying");
        assert_eq!(state(&[("r1", Returned, 1), ("r2", Stored, 2)], &[]), "stored");
        assert_eq!(state(&[("r1", Returned, 2)], &[act("discard", 1)]), "archived");
        assert_eq!(state(&[("r1", Returned, 2)], &[act("discard", 3)]), "discarded");
    }
}
