//! Replays in the ops table.
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `replays` | `REPLAY` | a replay: started by whom, begin, current error; end, and how many were stored and returned |
//! | `replay#REPLAY` | `item#LETTER` | a message of it: `state`, `at`, `generation` of the message that it puts back, and `stored_late` if it was given up and stored after all |
//! | `replay#REPLAY` | `waiting#LETTER` | a message that is still to be put back |
//! | `replay#REPLAY` | `count#PART` | how many are in which state; the sum of all parts counts |

use crate::call_error::{CallError, call_error};
use crate::dynamo::batch;
use crate::dynamo::item::{Item, item, number, number_of, text, text_of, time_of};
use crate::dynamo::transact::{Action, Change, change};
use aws_sdk_dynamodb::Client;
use spillway_core::Timestamp;
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::replay::{Replay, ReplayItemState, ReplayState};
use std::collections::HashMap;

/// The log in its table.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub client: Client,
    pub table: String,
}

/// How many messages of a replay are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub waiting: u64,
    pub sent: u64,
    pub stored: u64,
    pub returned: u64,
}

impl Tally {
    pub fn open(self) -> u64 {
        self.waiting + self.sent
    }

    pub fn total(self) -> u64 {
        self.open() + self.stored + self.returned
    }
}

pub(crate) fn replay_key(replay: &ReplayId) -> Item {
    item([("pk", text("replays")), ("sk", text(replay.as_str()))])
}

fn key(replay: &ReplayId, sk: String) -> Item {
    item([("pk", text(format!("replay#{replay}"))), ("sk", text(sk))])
}

pub(crate) fn item_key(replay: &ReplayId, id: &MessageId) -> Item {
    key(replay, format!("item#{id}"))
}

pub(crate) fn waiting_key(replay: &ReplayId, id: &MessageId) -> Item {
    key(replay, format!("waiting#{id}"))
}

/// What the log has about a letter in a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub replay: ReplayId,
    pub state: ReplayItemState,
    pub at: Timestamp,
    /// The generation of the message that the replay puts back. Older items do not have it.
    pub generation: Option<u32>,
    /// When the event was stored after the message had been given up.
    pub stored_late: Option<Timestamp>,
}

/// The part of a replay in an item.
pub(crate) fn part_of(replay: &ReplayId, item: &Item) -> Option<Part> {
    Some(Part {
        replay: replay.clone(),
        state: state_of(item)?,
        at: time_of(item, "at")?,
        generation: number_of(item, "generation").and_then(|number| u32::try_from(number).ok()),
        stored_late: time_of(item, "stored_late"),
    })
}

/// The state in an item.
pub(crate) fn state_of(item: &Item) -> Option<ReplayItemState> {
    use ReplayItemState::{Returned, Sent, Stored, Waiting};
    let name = text_of(item, "state")?;
    [Waiting, Sent, Stored, Returned].into_iter().find(|state| state.as_str() == name)
}

impl Log {
    /// Adds a message that waits to be put back, as this generation.
    pub fn adding(&self, replay: &ReplayId, id: &MessageId, generation: u32, at: Timestamp) -> [Action; 2] {
        let mut message = item_key(replay, id);
        message.extend(item([
            ("state", text(ReplayItemState::Waiting.as_str())),
            ("at", text(at.to_string())),
            ("generation", number(generation.into())),
        ]));
        let put = |item| Action::Insert { table: self.table.clone(), item, absent: "pk" };
        [put(message), put(waiting_key(replay, id))]
    }

    /// Changes the state of a message, if it is in the state `from`.
    pub fn moving(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        from: ReplayItemState,
        to: ReplayItemState,
        at: Timestamp,
    ) -> Action {
        let change = Change::default()
            .set("state", text(to.as_str()))
            .set("at", text(at.to_string()))
            .if_is("state", text(from.as_str()));
        Action::Change { table: self.table.clone(), key: item_key(replay, id), change }
    }

    /// Counts messages in and out of states.
    pub fn counting(&self, replay: &ReplayId, part: u32, by: &[(ReplayItemState, i64)]) -> Action {
        let change = by.iter().fold(Change::default(), |change, (state, by)| change.add(state.as_str(), *by));
        Action::Change { table: self.table.clone(), key: key(replay, format!("count#{part}")), change }
    }

    /// Records that a message that was given up was stored after all.
    pub fn storing_late(&self, replay: &ReplayId, id: &MessageId, at: Timestamp) -> Action {
        let change = Change::default()
            .set("stored_late", text(at.to_string()))
            .if_is("state", text(ReplayItemState::Returned.as_str()));
        Action::Change { table: self.table.clone(), key: item_key(replay, id), change }
    }

    /// The state of a message of a replay.
    pub async fn state(
        &self,
        replay: &ReplayId,
        id: &MessageId,
    ) -> Result<Option<ReplayItemState>, CallError> {
        Ok(self.part(replay, id).await?.map(|part| part.state))
    }

    /// What the log has about a letter in a replay.
    pub async fn part(&self, replay: &ReplayId, id: &MessageId) -> Result<Option<Part>, CallError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(item_key(replay, id)));
        let output =
            call.consistent_read(true).send().await.map_err(|error| call_error("GetItem", &error))?;
        Ok(output.item.as_ref().and_then(|item| part_of(replay, item)))
    }

    /// The states of messages of a replay.
    pub async fn states(
        &self,
        replay: &ReplayId,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, ReplayItemState>, CallError> {
        let keys = ids.iter().map(|id| item_key(replay, id)).collect();
        let items = batch::get_all(&self.client, &self.table, keys).await?;
        let state = |item: &Item| {
            let id = text_of(item, "sk")?.strip_prefix("item#")?;
            Some((MessageId::new(id), state_of(item)?))
        };
        Ok(items.iter().filter_map(state).collect())
    }

    /// The counts of a replay.
    pub async fn tally(&self, replay: &ReplayId) -> Result<Tally, CallError> {
        let pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", text(format!("replay#{replay}")))
            .expression_attribute_values(":sk", text("count#"))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let parts =
            pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call_error("Query", &error))?;
        let sum = |state: ReplayItemState| {
            let sum: i64 = parts.iter().filter_map(|part| number_of(part, state.as_str())).sum();
            u64::try_from(sum).unwrap_or(0)
        };
        Ok(Tally {
            waiting: sum(ReplayItemState::Waiting),
            sent: sum(ReplayItemState::Sent),
            stored: sum(ReplayItemState::Stored),
            returned: sum(ReplayItemState::Returned),
        })
    }

    /// Ends a replay if all of its messages have ended. Each writer first writes the end of its own message
    /// and then looks. So the writer that ends the last message finds all of them ended.
    pub async fn close_if_done(&self, replay: &ReplayId, now: Timestamp) -> Result<(), CallError> {
        let tally = self.tally(replay).await?;
        if tally.open() > 0 {
            return Ok(());
        }
        let close = Change::default()
            .set("ended_at", text(now.to_string()))
            // The counts of an ended replay do not change, so a list of replays need not sum them up again.
            .set(ReplayItemState::Stored.as_str(), number(count(tally.stored)))
            .set(ReplayItemState::Returned.as_str(), number(count(tally.returned)))
            .remove("trouble")
            .if_present("pk")
            .if_absent("ended_at")
            // A replay that still takes messages has not ended, even if all its messages so far have.
            .if_absent_or_below("preparing_until", now.as_second());
        change(&self.client, &self.table, replay_key(replay), close).await.map(|_| ())
    }
}

fn count(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

/// The counts of a replay whose end is recorded with them.
pub(crate) fn final_tally(item: &Item) -> Option<Tally> {
    time_of(item, "ended_at")?;
    let of = |state: ReplayItemState| u64::try_from(number_of(item, state.as_str())?).ok();
    let (stored, returned) = (of(ReplayItemState::Stored)?, of(ReplayItemState::Returned)?);
    Some(Tally { stored, returned, ..Tally::default() })
}

/// A new replay that is still taking its messages. It is not carried on before `preparing_until`, or before
/// the mark is removed.
pub(crate) fn new_replay(replay: &ReplayId, by: &str, now: Timestamp, preparing_s: i64) -> Item {
    let mut new = replay_key(replay);
    new.extend(item([
        ("started_by", text(by)),
        ("started_at", text(now.to_string())),
        ("preparing_until", number(now.as_second() + preparing_s)),
    ]));
    new
}

/// Whether a replay is still taking its messages.
pub(crate) fn is_preparing(item: &Item, now: Timestamp) -> bool {
    number_of(item, "preparing_until").is_some_and(|until| until >= now.as_second())
}

/// A replay from its item and its counts.
pub(crate) fn replay(item: &Item, tally: Tally, now: Timestamp) -> Option<Replay> {
    let ended_at = time_of(item, "ended_at");
    let ended = ended_at.is_some() || (tally.open() == 0 && !is_preparing(item, now));
    Some(Replay {
        id: ReplayId::new(text_of(item, "sk")?),
        by: text_of(item, "started_by")?.to_owned(),
        started_at: time_of(item, "started_at")?,
        ended_at,
        state: if ended { ReplayState::Ended } else { ReplayState::Running },
        waiting: tally.waiting,
        sent: tally.sent,
        stored: tally.stored,
        returned: tally.returned,
        error: text_of(item, "trouble").map(str::to_owned),
    })
}
