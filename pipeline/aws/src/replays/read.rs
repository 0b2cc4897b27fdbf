//! Queries about replays.

use super::DynamoReplays;
use super::log::{Tally, final_tally, is_preparing, replay, replay_key, state_of};
use super::write::ended;
use crate::archive::{Entry, letters};
use crate::call_error::{CallError, call_error};
use crate::dynamo::item::{Item, text, text_of, time_of};
use crate::dynamo::transact::TransactionError;
use futures::{StreamExt, TryStreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Page};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::AuditNote;
use spillway_core::replay::{Overdue, Replay, ReplayItem, ReplayItemState, ReplayState};

/// Replays that are counted at once.
const COUNTED_AT_ONCE: usize = 16;

impl DynamoReplays {
    /// Letters that are still to be put back.
    pub(super) async fn read_waiting(
        &self,
        replay: &ReplayId,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CallError> {
        let mut found: Vec<DeadLetter> = Vec::new();
        let mut after = None;
        while found.len() < limit {
            let (marked, next) = self.marks(replay, "waiting#", after, limit - found.len()).await?;
            let states = self.tables.log.states(replay, &marked).await?;
            let waiting = self.remove_waiting_marks(replay, &states, &marked).await?;
            let mut entries = self.tables.index.entries(&waiting).await?;
            let entries: Vec<Entry> = waiting.iter().filter_map(|id| entries.remove(id)).collect();
            let whole = letters(&self.objects, entries).await?;
            found.extend(whole);
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Notes that a letter can't be put back, unless it has ended.
    pub(super) async fn note_returned(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<(), CallError> {
        match self.tables.index.entry(id).await? {
            Some(before) if before.state == (DeadLetterState::Replaying { replay_id: replay.clone() }) => {
                self.give_back(replay, before, note).await
            }
            _ => Ok(()),
        }
    }

    /// Messages that were put back before this time and have not ended, oldest replay first.
    pub(super) async fn read_overdue(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Overdue>, CallError> {
        let mut overdue = Vec::new();
        let running = self.kept_running().await?;
        let oldest_first = running.into_iter().rev();
        for replay in oldest_first.filter(|replay| replay.started_at < before && replay.sent > 0) {
            let sent = self
                .part_of(&replay.id, "item#")
                .filter_expression("#state = :sent")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":sent", text(ReplayItemState::Sent.as_str()));
            let mut pages = sent.into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.map_err(|error| call_error("Query", &error))?;
                let Some(item) = read_item(&item).filter(|item| item.at < before) else { continue };
                overdue.push(Overdue { replay_id: replay.id.clone(), dead_letter: item.dead_letter });
                if overdue.len() >= limit {
                    return Ok(overdue);
                }
            }
        }
        Ok(overdue)
    }

    /// A letter that can't be put back, for example because its object is gone. Its message ends as returned, so that the
    /// replay can end.
    async fn give_back(&self, replay: &ReplayId, before: Entry, note: &AuditNote) -> Result<(), CallError> {
        let after = ended(&before, replay, DeadLetterState::Archived, self.tables.clock.now());
        let from = Some(ReplayItemState::Waiting);
        match self.tables.end(replay, (before, after), (from, ReplayItemState::Returned), Some(note)).await {
            Ok(()) | Err(TransactionError::Conditions(_)) => {
                self.tables.log.close_if_done(replay, self.tables.clock.now()).await
            }
            Err(TransactionError::Call(error)) => Err(error),
        }
    }

    async fn marks(
        &self,
        replay: &ReplayId,
        prefix: &str,
        after: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<MessageId>, Option<Item>), CallError> {
        let output =
            self.part_of(replay, prefix).limit(as_limit(limit)).set_exclusive_start_key(after).send().await;
        let output = output.map_err(|error| call_error("Query", &error))?;
        let id = |item: &Item| Some(MessageId::new(text_of(item, "sk")?.strip_prefix(prefix)?));
        Ok((output.items().iter().filter_map(id).collect(), output.last_evaluated_key))
    }

    /// The items of a replay whose sort key begins with this.
    fn part_of(
        &self,
        replay: &ReplayId,
        prefix: &str,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.tables
            .log
            .client
            .query()
            .table_name(&self.tables.log.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", text(format!("replay#{replay}")))
            .expression_attribute_values(":sk", text(prefix))
            .consistent_read(true)
    }

    /// One replay. If all its messages have ended and that is not recorded yet, this records it.
    pub(super) async fn read_one(&self, id: &ReplayId) -> Result<Option<Replay>, CallError> {
        let call = self
            .tables
            .log
            .client
            .get_item()
            .table_name(&self.tables.log.table)
            .set_key(Some(replay_key(id)));
        let output =
            call.consistent_read(true).send().await.map_err(|error| call_error("GetItem", &error))?;
        let Some(item) = output.item else { return Ok(None) };
        if let Some(tally) = final_tally(&item) {
            return Ok(replay(&item, tally, self.tables.clock.now()));
        }
        let tally = self.tables.log.tally(id).await?;
        let now = self.tables.clock.now();
        if tally.open() == 0
            && time_of(&item, "ended_at").is_none()
            && let Err(error) = self.tables.log.close_if_done(id, now).await
        {
            // A reader without write permission still sees it as ended.
            tracing::debug!(%error, replay = %id, "the end of a replay could not be written");
        }
        Ok(replay(&item, tally, now))
    }

    /// Replays, newest first. Their ids sort by time.
    pub(super) async fn read_newest(&self, limit: usize) -> Result<Vec<Replay>, CallError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let output = self.all_replays().scan_index_forward(false).limit(as_limit(limit)).send().await;
        let output = output.map_err(|error| call_error("Query", &error))?;
        let counted = self.counted(output.items()).await?;
        let now = self.tables.clock.now();
        Ok(output.items().iter().zip(counted).filter_map(|(item, tally)| replay(item, tally, now)).collect())
    }

    /// Replays whose end is not recorded, newest first. One that turns out to have ended is left out.
    pub(super) async fn kept_running(&self) -> Result<Vec<Replay>, CallError> {
        match &self.running {
            Some(running) => running.get(self.read_running()).await,
            None => self.read_running().await,
        }
    }

    async fn read_running(&self) -> Result<Vec<Replay>, CallError> {
        let running = self.all_replays().filter_expression("attribute_not_exists(ended_at)");
        let newest = running.scan_index_forward(false).into_paginator().items().send();
        let items =
            newest.collect::<Result<Vec<_>, _>>().await.map_err(|error| call_error("Query", &error))?;
        let counted = self.counted(&items).await?;
        let now = self.tables.clock.now();
        let replays = items.iter().zip(counted).filter_map(|(item, tally)| replay(item, tally, now));
        Ok(replays.filter(|replay| replay.state == ReplayState::Running).collect())
    }

    /// Replays with messages still to be put back, oldest first. One that still takes its messages is left alone.
    pub(super) async fn read_unfinished(&self) -> Result<Vec<ReplayId>, CallError> {
        let running = self.all_replays().filter_expression("attribute_not_exists(ended_at)");
        let items = running.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let mut items = items.map_err(|error| call_error("Query", &error))?;
        let now = self.tables.clock.now();
        items.retain(|item| !is_preparing(item, now));
        let counted = self.counted(&items).await?;
        let waiting = items.iter().zip(counted).filter(|(_, tally)| tally.waiting > 0);
        Ok(waiting.filter_map(|(item, _)| text_of(item, "sk").map(ReplayId::new)).collect())
    }

    async fn counted(&self, items: &[Item]) -> Result<Vec<Tally>, CallError> {
        stream::iter(0..items.len())
            .map(|position| async move {
                let item = &items[position];
                match final_tally(item) {
                    Some(tally) => Ok(tally),
                    None => {
                        let id = ReplayId::new(text_of(item, "sk").unwrap_or_default());
                        self.tables.log.tally(&id).await
                    }
                }
            })
            .buffered(COUNTED_AT_ONCE)
            .try_collect()
            .await
    }

    fn all_replays(&self) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.tables
            .log
            .client
            .query()
            .table_name(&self.tables.log.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text("replays"))
            .consistent_read(true)
    }

    /// A page of a replay's messages, by their ids.
    pub(super) async fn read_items(
        &self,
        replay: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ReplayItem>, CallError> {
        let total = self.tables.log.tally(replay).await?.total();
        let mut start = after.map(|id| super::log::item_key(replay, &MessageId::new(id)));
        let mut items: Vec<ReplayItem> = Vec::new();
        while items.len() <= limit {
            let call = self.part_of(replay, "item#").limit(as_limit(limit + 1 - items.len()));
            let output = call.set_exclusive_start_key(start).send().await;
            let output = output.map_err(|error| call_error("Query", &error))?;
            items.extend(output.items().iter().filter_map(read_item));
            start = output.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|item| item.dead_letter.to_string());
        Ok(Page { items, total, next })
    }
}

fn read_item(item: &Item) -> Option<ReplayItem> {
    Some(ReplayItem {
        dead_letter: MessageId::new(text_of(item, "sk")?.strip_prefix("item#")?),
        state: state_of(item)?,
        at: time_of(item, "at")?,
    })
}

fn as_limit(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}
