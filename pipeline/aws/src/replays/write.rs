//! Changes of a replay. Each change of a message is one transaction with its dead letter and the counters.

use super::log::{new_replay, replay_key, waiting_key};
use super::{DynamoReplays, Tables};
use crate::archive::{Entry, LETTERS_AT_ONCE, Step};
use crate::call_error::CallError;
use crate::dynamo::batch;
use crate::dynamo::item::{number, text};
use crate::dynamo::transact::{Action, Change, TransactionError, change, transact};
use spillway_core::dead_letter::{DeadLetterState, ReplayTrace};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{AuditEntry, AuditNote};
use spillway_core::replay::ReplayItemState;
use std::collections::HashMap;

/// Seconds without new letters after which a replay is carried on: the process that was building it has died.
const PREPARING_S: i64 = 60;
/// How often a message is read again if another writer changes it at the same time.
const LOOKS: usize = 5;

impl DynamoReplays {
    /// Takes those letters that are archived. A transaction has room for some letters only, so a replay is
    /// not carried on before it has all of them. To other processes they appear to be taken at once. If two
    /// replays want the same letter, the first one gets it, by the condition on its state.
    pub(super) async fn take_letters(
        &self,
        replay: &ReplayId,
        ids: &[MessageId],
        by: &str,
    ) -> Result<u64, CallError> {
        let now = self.tables.clock.now();
        let trace = ReplayTrace { replay_id: replay.clone(), sent_at: now, ended_at: None, stored: None };
        let mut entries = self.tables.index.entries(ids).await?;
        let mut steps: Vec<Step> = Vec::with_capacity(entries.len());
        for before in ids.iter().filter_map(|id| entries.remove(id)) {
            if before.state != DeadLetterState::Archived {
                continue;
            }
            let mut after = before.clone();
            after.state = DeadLetterState::Replaying { replay_id: replay.clone() };
            after.replays.push(trace.clone());
            steps.push((before, after));
        }
        // The replay itself comes with its first letters: without any there is none.
        let mut taken = 0;
        while taken == 0 && !steps.is_empty() {
            let first: Vec<_> = steps.drain(..LETTERS_AT_ONCE.min(steps.len())).collect();
            let with = |steps: &[Step], tries| {
                let mut actions = self.adding(replay, steps, tries);
                let item = new_replay(replay, by, now, PREPARING_S);
                actions.push(Action::Insert { table: self.tables.log.table.clone(), item, absent: "pk" });
                actions.extend(self.tables.audit.adding(&[AuditEntry::of_replay(
                    now,
                    by,
                    replay,
                    ids.len(),
                )]));
                actions
            };
            taken = self.tables.index.take_chunk(first, with).await?.len();
        }
        if taken == 0 {
            return Ok(0);
        }
        while !steps.is_empty() {
            let some: Vec<_> = steps.drain(..(LETTERS_AT_ONCE * 20).min(steps.len())).collect();
            self.prepare_on(replay).await?;
            match self.tables.index.take(some, |steps, tries| self.adding(replay, steps, tries)).await {
                Ok(more) => taken += more.len(),
                // The letters that were taken are replayed; the rest is still archived, and can be requested
                // again.
                Err(error) => {
                    tracing::warn!(%error, %replay, taken, "a replay could not take all requested dead letters");
                    break;
                }
            }
        }
        let ready = Change::default().remove("preparing_until").if_present("pk");
        if let Err(error) =
            change(&self.tables.log.client, &self.tables.log.table, replay_key(replay), ready).await
        {
            tracing::warn!(%error, %replay, "a replay starts a minute late");
        }
        Ok(taken as u64)
    }

    fn adding(&self, replay: &ReplayId, steps: &[Step], tries: usize) -> Vec<Action> {
        let now = self.tables.clock.now();
        let adding = |(_, after): &Step| self.tables.log.adding(replay, &after.id, after.generation + 1, now);
        let mut actions: Vec<_> = steps.iter().flat_map(adding).collect();
        if let Some((_, first)) = steps.first() {
            let count = i64::try_from(steps.len()).unwrap_or(0);
            let part = self.tables.index.part(&first.id, tries);
            actions.push(self.tables.log.counting(replay, part, &[(ReplayItemState::Waiting, count)]));
        }
        actions
    }

    async fn prepare_on(&self, replay: &ReplayId) -> Result<(), CallError> {
        let until = self.tables.clock.now().as_second() + PREPARING_S;
        let on = Change::default().set("preparing_until", number(until)).if_present("pk");
        change(&self.tables.log.client, &self.tables.log.table, replay_key(replay), on).await.map(|_| ())
    }

    /// Records that messages were put back, except those that have ended meanwhile: the consumer may be
    /// faster than this record.
    pub(super) async fn note_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), CallError> {
        for some in ids.chunks(LETTERS_AT_ONCE) {
            let mut moving: Vec<MessageId> = some.to_vec();
            while !moving.is_empty() {
                match transact(&self.tables.log.client, |tries| self.sending(replay, &moving, tries)).await {
                    Ok(()) => break,
                    Err(TransactionError::Call(error)) => return Err(error),
                    Err(TransactionError::Conditions(failed)) => {
                        let ended: Vec<_> =
                            failed.iter().filter_map(|&position| moving.get(position)).collect();
                        let keys = ended.iter().map(|id| waiting_key(replay, id)).collect();
                        batch::delete_all(&self.tables.log.client, &self.tables.log.table, keys).await?;
                        let ended: Vec<_> = ended.into_iter().cloned().collect();
                        moving.retain(|id| !ended.contains(id));
                    }
                }
            }
        }
        Ok(())
    }

    fn sending(&self, replay: &ReplayId, ids: &[MessageId], tries: usize) -> Vec<Action> {
        use ReplayItemState::{Sent, Waiting};
        let now = self.tables.clock.now();
        let mut actions: Vec<_> =
            ids.iter().map(|id| self.tables.log.moving(replay, id, Waiting, Sent, now)).collect();
        actions.extend(
            ids.iter().map(|id| Action::Delete {
                table: self.tables.log.table.clone(),
                key: waiting_key(replay, id),
            }),
        );
        if let Some(first) = ids.first() {
            let count = i64::try_from(ids.len()).unwrap_or(0);
            let part = self.tables.index.part(first, tries);
            actions.push(self.tables.log.counting(replay, part, &[(Waiting, -count), (Sent, count)]));
        }
        actions
    }

    /// Records why a replay can't continue, or that it can. Nothing is written if that is recorded already.
    pub(super) async fn note_error(&self, replay: &ReplayId, error: Option<&str>) -> Result<(), CallError> {
        let note = match error {
            Some(words) => Change::default().set("trouble", text(words)).if_present("pk"),
            None => Change::default().remove("trouble").if_present("trouble"),
        };
        change(&self.tables.log.client, &self.tables.log.table, replay_key(replay), note).await.map(|_| ())
    }

    /// Removes the waiting marks of messages that no longer wait: the process that sent them died before it
    /// could record that.
    pub(super) async fn remove_waiting_marks(
        &self,
        replay: &ReplayId,
        states: &HashMap<MessageId, ReplayItemState>,
        ids: &[MessageId],
    ) -> Result<Vec<MessageId>, CallError> {
        let waits = |id: &&MessageId| states.get(*id) == Some(&ReplayItemState::Waiting);
        let (waiting, ended): (Vec<_>, Vec<_>) = ids.iter().partition(waits);
        let keys = ended.into_iter().map(|id| waiting_key(replay, id)).collect();
        batch::delete_all(&self.tables.log.client, &self.tables.log.table, keys).await?;
        Ok(waiting.into_iter().cloned().collect())
    }
}

impl Tables {
    /// Records that the event of a replayed message is in the store.
    pub(super) async fn note_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), CallError> {
        let now = self.clock.now();
        for _ in 0..LOOKS {
            let (before, from) = tokio::try_join!(self.index.entry(id), self.log.state(replay, id))?;
            let Some(before) = before else { return Ok(()) };
            // Its message was given up, and has arrived after all. Its part of the replay has ended and stays so.
            let is_late = before.state == DeadLetterState::Archived
                && before.replays.last().is_some_and(|trace| trace.replay_id == *replay);
            if before.state != (DeadLetterState::Replaying { replay_id: replay.clone() }) && !is_late {
                return Ok(());
            }
            let after =
                ended(&before, replay, DeadLetterState::Stored { replay_id: replay.clone(), at: now }, now);
            match self.end(replay, (before, after), (from, ReplayItemState::Stored), None).await {
                Ok(()) => {
                    // The message is settled whether or not this call succeeds: the next reader of the replay
                    // closes it.
                    if let Err(error) = self.log.close_if_done(replay, now).await {
                        tracing::warn!(%error, %replay, "the end of a replay could not be checked");
                    }
                    return Ok(());
                }
                Err(TransactionError::Conditions(_)) => {}
                Err(TransactionError::Call(error)) => return Err(error),
            }
        }
        Err(CallError::contradiction("other writers keep changing a replayed message"))
    }

    /// Gives up a message that was put back. The dead letter's generation is then that of the message, so that the
    /// archive takes a copy that turns up later for an old one.
    pub(super) async fn release(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<bool, CallError> {
        let now = self.clock.now();
        for _ in 0..LOOKS {
            let (before, from) = tokio::try_join!(self.index.entry(id), self.log.state(replay, id))?;
            let Some(before) = before else { return Ok(false) };
            if before.state != (DeadLetterState::Replaying { replay_id: replay.clone() }) {
                return Ok(false);
            }
            let after = Entry {
                generation: before.generation + 1,
                ..ended(&before, replay, DeadLetterState::Archived, now)
            };
            match self.end(replay, (before, after), (from, ReplayItemState::Returned), Some(note)).await {
                Ok(()) => {
                    if let Err(error) = self.log.close_if_done(replay, now).await {
                        tracing::warn!(%error, %replay, "the end of a replay could not be checked");
                    }
                    return Ok(true);
                }
                Err(TransactionError::Conditions(_)) => {}
                Err(TransactionError::Call(error)) => return Err(error),
            }
        }
        Err(CallError::contradiction("other writers keep changing a replayed message"))
    }

    /// Ends a message of a replay together with its dead letter, and with the entry of the audit log if there is one.
    pub(super) async fn end(
        &self,
        replay: &ReplayId,
        step: Step,
        (from, to): (Option<ReplayItemState>, ReplayItemState),
        note: Option<&AuditNote>,
    ) -> Result<(), TransactionError> {
        let now = self.clock.now();
        let steps = [step];
        let id = &steps[0].0.id;
        let open = from.filter(|state| matches!(state, ReplayItemState::Waiting | ReplayItemState::Sent));
        let actions = |tries| {
            let mut actions = self.index.steps(&steps, tries);
            if from == Some(ReplayItemState::Returned) && to == ReplayItemState::Stored {
                actions.push(self.log.storing_late(replay, id, now));
            }
            if let Some(from) = open {
                actions.push(self.log.moving(replay, id, from, to, now));
                actions.push(self.log.counting(replay, self.index.part(id, tries), &[(from, -1), (to, 1)]));
            }
            if let Some(note) = note {
                actions.extend(self.audit.adding(&[note.about(id.as_str())]));
            }
            actions
        };
        transact(&self.log.client, actions).await?;
        self.index.written(&[steps[0].1.clone()]).await;
        Ok(())
    }
}

/// A dead letter whose replay has ended.
pub(super) fn ended(
    before: &Entry,
    replay: &ReplayId,
    state: DeadLetterState,
    now: spillway_core::Timestamp,
) -> Entry {
    let is_stored = matches!(state, DeadLetterState::Stored { .. });
    let mut after = Entry { state, ..before.clone() };
    if let Some(trace) = after.replays.iter_mut().rfind(|trace| trace.replay_id == *replay) {
        trace.ended_at = Some(now);
        trace.stored = Some(is_stored);
    }
    after
}
