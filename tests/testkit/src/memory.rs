//! Every port of a pipeline in memory, with what a test sets up and what fails on demand.

mod archive;
mod ops;
mod queue;
mod replays;
mod store;
mod whereabouts;

use crate::ManualClock;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Page};
use spillway_core::failure::Failure;
use spillway_core::ids::{EventKey, MessageId, ReplayId};
use spillway_core::ledger::Ledger;
use spillway_core::message::OutgoingMessage;
use spillway_core::metric::Measurement;
use spillway_core::pipeline::WorkerPorts;
use spillway_core::ports::{
    AuditEntry, Clock as _, DeadLetterOrder, Deferral, Location, MetricSink, QueueError, QueueKind,
    StoredEvent, TraceSink,
};
use spillway_core::replay::{Replay, ReplayItem, ReplayItemState};
use spillway_core::schema::FixedSchemas;
use spillway_core::settings::PipelineSettings;
use spillway_core::trace::Segment;
use spillway_core::{Pipeline, Timestamp};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore};

/// A message in one of the queues.
#[derive(Clone, Debug)]
pub struct QueuedMessage {
    /// Where it is.
    pub queue: QueueKind,
    /// Its id in that queue.
    pub id: MessageId,
    /// Body, attributes and trace header.
    pub message: OutgoingMessage,
    /// When it was sent to that queue.
    pub sent_at: Timestamp,
    /// When it is handed out next.
    pub visible_at: Timestamp,
    /// Receives so far.
    pub receive_count: u32,
    /// What a deferral said of it.
    pub failures: Vec<Failure>,
}

/// What the rest of the pipeline does whenever a test reads a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Nothing: no runtime is there.
    #[default]
    Stopped,
    /// It ends one more message of that replay, the next that is in this state.
    EndsOne(ReplayItemState),
}

/// Answers for a message at a position of a call of `send`; `None` takes it.
pub type Refusal = Box<dyn FnMut(usize, &OutgoingMessage) -> Option<QueueError> + Send>;

/// What is in the pipeline, what it was asked, and what fails.
pub struct State {
    /// Both queues.
    pub messages: Vec<QueuedMessage>,
    /// The event store.
    pub stored: BTreeMap<EventKey, StoredEvent>,
    /// The archive.
    pub dead_letters: Vec<DeadLetter>,
    /// The replays, oldest first, with their messages.
    pub replays: Vec<(Replay, Vec<ReplayItem>)>,
    /// The audit log, oldest first.
    pub audit: Vec<AuditEntry>,
    /// Promises given.
    pub accepted: u64,
    /// Promises whose event was stored already.
    pub duplicates: u64,

    /// Everything that was sent to the primary queue.
    pub sent: Vec<OutgoingMessage>,
    /// Everything that was given up.
    pub dead_lettered: Vec<DeadLetterOrder>,
    /// Everything that was deferred.
    pub deferred: Vec<Deferral>,
    /// Everything that was measured.
    pub measured: Vec<Measurement>,
    /// Everything that was traced.
    pub segments: Vec<Segment>,

    /// What the primary queue refuses; `None`: nothing.
    pub refusal: Option<Refusal>,
    /// For how many messages of a call the primary queue answers.
    pub answers: usize,
    /// Whether each `send` waits for a permit of [`MemoryPipeline::gate`].
    pub sends_wait: bool,
    /// Events for which the store is over its capacity.
    pub throttled: HashSet<EventKey>,
    /// Events that make the store and the archive panic.
    pub poisonous: HashSet<EventKey>,
    /// Dead letters that the archive does not take.
    pub not_archived: HashSet<MessageId>,
    /// Whether nothing can be put into the DLQ.
    pub dlq_is_down: bool,
    /// Whether no replay can be changed.
    pub replay_log_is_down: bool,

    /// Replays whose waiting messages can't be read.
    pub unreadable_replays: HashSet<ReplayId>,
    /// Replays that another program moves: it puts a message back at each look for unfinished replays.
    pub moved_elsewhere: HashSet<ReplayId>,

    /// What happens beside the test.
    pub background: Background,
    /// Dead letters that come back when they are replayed.
    pub coming_back: HashSet<MessageId>,
    /// What the next readings of the ledger show, the last one from then on. Without any it is counted.
    pub ledgers: VecDeque<Ledger>,
    /// Where events are beside those that are in this pipeline.
    pub locations: Vec<Location>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            stored: BTreeMap::new(),
            dead_letters: Vec::new(),
            replays: Vec::new(),
            audit: Vec::new(),
            accepted: 0,
            duplicates: 0,
            sent: Vec::new(),
            dead_lettered: Vec::new(),
            deferred: Vec::new(),
            measured: Vec::new(),
            segments: Vec::new(),
            refusal: None,
            answers: usize::MAX,
            sends_wait: false,
            throttled: HashSet::new(),
            poisonous: HashSet::new(),
            not_archived: HashSet::new(),
            dlq_is_down: false,
            replay_log_is_down: false,
            unreadable_replays: HashSet::new(),
            moved_elsewhere: HashSet::new(),
            background: Background::Stopped,
            coming_back: HashSet::new(),
            ledgers: VecDeque::new(),
            locations: Vec::new(),
        }
    }
}

impl State {
    /// The primary queue refuses what this says, by a message's position in its call and by the message itself.
    pub fn refuse(
        &mut self,
        refusal: impl FnMut(usize, &OutgoingMessage) -> Option<QueueError> + Send + 'static,
    ) {
        self.refusal = Some(Box::new(refusal));
    }

    /// The primary queue takes nothing.
    pub fn queue_is_down(&mut self) {
        self.refuse(|_, _| Some(QueueError::Unavailable { reason: "down".to_owned() }));
    }

    fn letter(&mut self, id: &MessageId) -> Option<&mut DeadLetter> {
        self.dead_letters.iter_mut().find(|letter| letter.id == *id)
    }

    /// Changes the state of archived letters where `change` has another one; returns the ids of those, each once.
    fn change(
        &mut self,
        ids: &[MessageId],
        change: impl Fn(&DeadLetter) -> Option<DeadLetterState>,
    ) -> Vec<MessageId> {
        let mut done = Vec::new();
        for id in ids {
            if let Some(letter) = self.letter(id)
                && let Some(state) = change(letter)
            {
                letter.state = state;
                done.push(id.clone());
            }
        }
        done
    }
}

/// A page of a list that is there as a whole. The cursor is a position in it.
fn page<T>(all: Vec<T>, after: Option<&str>, limit: usize) -> Page<T> {
    let total = all.len();
    let start: usize = after.and_then(|after| after.parse().ok()).unwrap_or(0);
    let items: Vec<_> = all.into_iter().skip(start).take(limit).collect();
    let end = start + items.len();
    let next = (limit > 0 && end < total).then(|| end.to_string());
    Page { items, total: total as u64, next }
}

/// A pipeline in memory. Its clock moves only when code sleeps on it or a test advances it.
pub struct MemoryPipeline {
    state: Mutex<State>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Notified whenever something is sent.
    pub asked: Notify,
    dead_lettered: Notify,
    /// Each `send` takes a permit, if [`State::sends_wait`].
    pub gate: Semaphore,
}

impl MemoryPipeline {
    /// A pipeline at a time, as a test sets it up.
    pub fn at(now: Timestamp, set_up: impl FnOnce(&mut State)) -> Arc<Self> {
        let mut state = State::default();
        set_up(&mut state);
        Arc::new(Self {
            state: Mutex::new(state),
            clock: Arc::new(ManualClock::at(now)),
            asked: Notify::new(),
            dead_lettered: Notify::new(),
            gate: Semaphore::new(0),
        })
    }

    /// A pipeline at the beginning of 1970, as a test sets it up.
    pub fn new(set_up: impl FnOnce(&mut State)) -> Arc<Self> {
        Self::at(Timestamp::UNIX_EPOCH, set_up)
    }

    /// What is in it. A test that panicked in between has failed already.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its ports, with these rules and without schemas.
    pub fn ports(self: &Arc<Self>, settings: PipelineSettings) -> Pipeline {
        Pipeline {
            queue: self.clone(),
            store: self.clone(),
            archive: self.clone(),
            replays: self.clone(),
            ops: self.clone(),
            ledger: self.clone(),
            events: self.clone(),
            schemas: Arc::new(FixedSchemas(Arc::default())),
            clock: self.clock.clone(),
            names: Arc::default(),
            settings: Arc::new(settings),
        }
    }

    /// The ports of its consumer and its archiver.
    pub fn worker_ports(self: &Arc<Self>) -> WorkerPorts {
        WorkerPorts {
            receiver: self.clone(),
            redelivery: self.clone(),
            reports: self.clone(),
            sink: self.clone(),
        }
    }

    fn time(&self) -> Timestamp {
        self.clock.now()
    }
}

impl MetricSink for MemoryPipeline {
    fn record(&self, measurement: Measurement) {
        self.state().measured.push(measurement);
    }
}

impl TraceSink for MemoryPipeline {
    fn record(&self, segment: Segment) {
        self.state().segments.push(segment);
    }
}
