//! Carries replays on: their dead letters go back to the primary queue, a few of each replay in turn.
//!
//! Two carriers of one replay are harmless, so there is no lock that could be lost with its owner. A message
//! that both send is stored once, by the store's condition on source and id. The replay's log moves each
//! message only forward: from waiting to sent, and from there to its end. If both copies fail, the archive
//! takes the first and recognises the second by its generation. [`Scope::Idle`] only saves the second copies:
//! it leaves alone what another carrier moves.

use super::LOST;
use crate::Timestamp;
use crate::dead_letter::DeadLetter;
use crate::ids::{MessageId, ReplayId};
use crate::message::{self, OutgoingMessage};
use crate::ports::{ArchiveError, AuditNote, Clock, EventQueue, Replays};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Who gives messages back and releases them, in the audit log.
pub(super) const BY: &str = "spillway";
/// Messages in a step: as many as one `SendMessageBatch` takes.
const STEP: usize = 10;
/// How long the carrier skips a replay that could not continue.
const SKIPPED_FOR: Duration = Duration::from_secs(1);

/// Carries replays on.
pub struct Carrier {
    /// Where replays are kept.
    pub replays: Arc<dyn Replays>,
    /// The primary queue.
    pub queue: Arc<dyn EventQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Which replays a carrier carries on.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'r> {
    /// This one.
    One(&'r ReplayId),
    /// All with messages that wait. For the only carrier of a pipeline.
    All,
    /// Those that have not moved for this long, so that no other carrier has them.
    Idle(Duration),
}

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Messages that were put back.
    pub sent: usize,
    /// Messages that the queue will never take. They are archived again.
    pub returned: usize,
    /// Why the queue did not take the others at the moment.
    pub blocked: Option<String>,
}

/// What carrying on did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Messages that were put back.
    pub sent: u64,
    /// Messages that the queue will never take. They are archived again.
    pub returned: u64,
    /// Why it ended.
    pub end: End,
}

/// Why carrying on ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// No message is left that could be put back.
    Done,
    /// The time is over.
    OutOfTime,
    /// The queue accepts nothing at the moment, for this reason.
    Blocked(String),
    /// The archive failed.
    Failed(ArchiveError),
}

impl Carrier {
    /// Puts waiting messages back at this rate, one step of each replay in turn. It stops when no message waits or
    /// moves any more, or at that time. A replay that can't continue does not stop the others. `progress` receives
    /// the number that each step put back.
    pub async fn carry_on(
        &self,
        scope: Scope<'_>,
        per_second: f64,
        until: Option<Timestamp>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Carried, ArchiveError> {
        let per_second = per_second.max(0.1);
        let step = if per_second < STEP as f64 { 1 } else { STEP };
        let mut carried = Carried { sent: 0, returned: 0, end: End::Done };
        // The replays that could not continue: until when to skip each, and why.
        let mut skipped: HashMap<ReplayId, (Duration, End)> = HashMap::new();
        let started_at = self.clock.now();
        if let (Scope::Idle(still_for), Some(until)) = (scope, until)
            && started_at + still_for >= until
        {
            // There is no time to find out which of them are idle.
            carried.end = End::OutOfTime;
            return Ok(carried);
        }
        let mut choice = Choice::new(scope, started_at);
        loop {
            let mut moved = false;
            carried.end = End::Done;
            for replay in self.choose(&mut choice).await? {
                let now = self.clock.now();
                if until.is_some_and(|until| now >= until) {
                    carried.end = End::OutOfTime;
                    return Ok(carried);
                }
                if let Some((until, why)) = skipped.get(&replay)
                    && self.clock.elapsed() < *until
                {
                    carried.end = why.clone();
                    continue;
                }
                let why = match self.advance(&replay, step).await {
                    Ok(Step { sent, returned, blocked }) if sent + returned > 0 || blocked.is_none() => {
                        moved |= sent + returned > 0;
                        carried.sent += sent as u64;
                        carried.returned += returned as u64;
                        if sent > 0 {
                            progress(sent as u64);
                            self.clock.sleep(Duration::from_secs_f64(sent as f64 / per_second)).await;
                        }
                        continue;
                    }
                    Ok(Step { blocked, .. }) => End::Blocked(blocked.unwrap_or_default()),
                    Err(error) => {
                        if !matches!(scope, Scope::One(_)) {
                            tracing::warn!(%error, %replay, "the replay can't continue; the carrier will retry it");
                        }
                        End::Failed(error)
                    }
                };
                carried.end = why.clone();
                skipped.insert(replay, (self.clock.elapsed() + SKIPPED_FOR, why));
            }
            if !moved {
                return Ok(carried);
            }
        }
    }

    async fn choose(&self, choice: &mut Choice<'_>) -> Result<Vec<ReplayId>, ArchiveError> {
        match choice {
            Choice::One(replay) => Ok(vec![(*replay).clone()]),
            Choice::All => self.replays.unfinished().await,
            Choice::Idle { still_for, looked_at, seen, chosen } => {
                if seen.is_empty() {
                    *seen = self.waiting().await?;
                    if seen.is_empty() {
                        return Ok(Vec::new());
                    }
                    self.clock.sleep(*still_for).await;
                } else if self.clock.now() < *looked_at + *still_for {
                    return Ok(chosen.clone());
                }
                let before = std::mem::replace(seen, self.waiting().await?);
                *looked_at = self.clock.now();
                let is_idle = |id: &ReplayId| before.get(id).is_some_and(|waiting| seen[id] == *waiting);
                // The chosen replays move because this carrier moves them.
                let mut idle: Vec<_> =
                    seen.keys().filter(|id| chosen.contains(id) || is_idle(id)).cloned().collect();
                // Ids of later replays sort after earlier ones.
                idle.sort();
                chosen.clone_from(&idle);
                Ok(idle)
            }
        }
    }

    /// How many messages of each replay wait.
    async fn waiting(&self) -> Result<HashMap<ReplayId, u64>, ArchiveError> {
        let mut waiting = HashMap::new();
        for id in self.replays.unfinished().await? {
            if let Some(replay) = self.replays.get(&id).await? {
                waiting.insert(id, replay.waiting);
            }
        }
        Ok(waiting)
    }

    /// Puts up to `limit` more messages of a replay back.
    ///
    /// A crash after sending and before recording it sends some messages twice. That is safe: the store takes
    /// each event once. A message that the queue will never accept is archived again, with the reason in the
    /// audit log. Otherwise it would block the others permanently.
    ///
    /// # Errors
    /// The archive failed. A queue that accepts nothing is no error: the replay records it and continues later.
    pub async fn advance(&self, replay: &ReplayId, limit: usize) -> Result<Step, ArchiveError> {
        let waiting = self.replays.waiting(replay, limit).await?;
        if waiting.is_empty() {
            return Ok(Step::default());
        }
        let (lost, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|letter| letter.is_lost);
        for letter in &lost {
            self.give_back(replay, &letter.id, LOST).await?;
        }
        let messages: Vec<_> = waiting.iter().map(|dead_letter| outgoing(replay, dead_letter)).collect();
        let answers = self.queue.send(&messages).await;
        let (mut sent, mut refused, mut blocked) = (Vec::new(), Vec::new(), None);
        for (DeadLetter { id, .. }, answer) in waiting.iter().zip(answers) {
            match answer {
                Ok(_) => sent.push(id.clone()),
                Err(error) if error.is_final() => refused.push((id, error)),
                Err(error) => blocked = blocked.or(Some(error.to_string())),
            }
        }
        if !sent.is_empty() {
            self.replays.mark_sent(replay, &sent).await?;
        }
        for (id, error) in &refused {
            self.give_back(replay, id, &error.to_string()).await?;
        }
        self.replays.set_error(replay, blocked.as_deref()).await?;
        Ok(Step { sent: sent.len(), returned: refused.len() + lost.len(), blocked })
    }

    async fn give_back(&self, replay: &ReplayId, id: &MessageId, why: &str) -> Result<(), ArchiveError> {
        let note = AuditNote {
            at: self.clock.now(),
            by: BY.to_owned(),
            action: "return",
            detail: format!("replay {replay} could not put it back: {why}"),
        };
        self.replays.mark_returned(replay, id, &note).await
    }
}

/// The replays that a carrier has, and what it has seen of the others.
enum Choice<'r> {
    One(&'r ReplayId),
    All,
    Idle {
        still_for: Duration,
        looked_at: Timestamp,
        /// The number of messages that waited at the last check.
        seen: HashMap<ReplayId, u64>,
        chosen: Vec<ReplayId>,
    },
}

impl<'r> Choice<'r> {
    fn new(scope: Scope<'r>, now: Timestamp) -> Self {
        match scope {
            Scope::One(replay) => Self::One(replay),
            Scope::All => Self::All,
            Scope::Idle(still_for) => {
                Self::Idle { still_for, looked_at: now, seen: HashMap::new(), chosen: Vec::new() }
            }
        }
    }
}

/// The message that puts a dead letter back: body and attributes as they were, and where it comes from.
fn outgoing(replay: &ReplayId, dead_letter: &DeadLetter) -> OutgoingMessage {
    let generation = dead_letter.generation + 1;
    let first_sent_at = dead_letter.first_sent_at;
    let attributes =
        message::of_replay(&dead_letter.attributes, replay, &dead_letter.id, generation, first_sent_at);
    OutgoingMessage {
        body: dead_letter.body.clone(),
        attributes,
        trace_header: dead_letter.trace_header.clone(),
    }
}
