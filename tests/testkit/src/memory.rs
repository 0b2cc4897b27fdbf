//! Every port of a pipeline in memory. A test sets its content and its faults.

mod archive;
mod ops;
mod places;
mod queue;
mod replays;
mod store;

use crate::ManualClock;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Page};
use spillway_core::failure::Failure;
use spillway_core::ids::{EventKey, MessageId, ReplayId};
use spillway_core::ledger::Ledger;
use spillway_core::message::OutgoingMessage;
use spillway_core::metric::Measurement;
use spillway_core::pipeline::WorkerPorts;
use spillway_core::ports::{
    ArchiveError, AuditEntry, Clock as _, DeadLetterOrder, Deferral, Location, MetricSink, QueueError,
    QueueKind, StoredEvent, TraceSink,
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
    /// The queue that holds it.
    pub queue: QueueKind,
    /// Its id in that queue.
    pub id: MessageId,
    /// Body, attributes and trace header.
    pub message: OutgoingMessage,
    /// When it was sent to that queue.
    pub sent_at: Timestamp,
    /// When it can be received next.
    pub visible_at: Timestamp,
    /// Number of receives so far.
    pub receive_count: u32,
    /// The failures that were recorded when it was deferred.
    pub failures: Vec<Failure>,
}

/// The pipeline's background work each time a test reads a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// None: no runtime is running.
    #[default]
    Stopped,
    /// It ends one more message of that replay: the next one in this state.
    EndsOne(ReplayItemState),
}

/// Decides about each message of a call of `send`, by its position; `None` accepts the message.
pub type Refusal = Box<dyn FnMut(usize, &OutgoingMessage) -> Option<QueueError> + Send>;

/// The pipeline's content, the calls that it received, and its faults.
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
    /// Documents of the ops log by name.
    pub documents: BTreeMap<String, String>,
    /// Number of promises given.
    pub accepted: u64,
    /// Number of promises whose event was already stored.
    pub duplicates: u64,

    /// All messages that were sent to the primary queue.
    pub sent: Vec<OutgoingMessage>,
    /// All messages that were dead-lettered.
    pub dead_lettered: Vec<DeadLetterOrder>,
    /// All messages that were deferred.
    pub deferred: Vec<Deferral>,
    /// All measurements.
    pub measured: Vec<Measurement>,
    /// All trace segments.
    pub segments: Vec<Segment>,

    /// Which messages the primary queue refuses; `None` refuses none.
    pub refusal: Option<Refusal>,
    /// The number of messages of a call for which the primary queue answers.
    pub answers: usize,
    /// Whether each `send` waits for a permit of [`MemoryPipeline::gate`].
    pub sends_wait: bool,
    /// Events for which the store is over its rate limit.
    pub throttled: HashSet<EventKey>,
    /// Events that make the store and the archive panic.
    pub poisonous: HashSet<EventKey>,
    /// Dead letters that the archive refuses.
    pub not_archived: HashSet<MessageId>,
    /// Whether the DLQ accepts no messages.
    pub dlq_is_down: bool,
    /// Whether replays cannot be changed.
    pub replay_log_is_down: bool,

    /// Replays whose waiting messages cannot be read.
    pub unreadable_replays: HashSet<ReplayId>,
    /// Replays that another program continues: it puts a message back each time unfinished replays are listed.
    pub moved_elsewhere: HashSet<ReplayId>,

    /// The work that happens in the background of the test.
    pub background: Background,
    /// Dead letters that come back to the archive when they are replayed.
    pub coming_back: HashSet<MessageId>,
    /// The next readings of the ledger; the last one is then repeated. If there are none, the ledger is counted.
    pub ledgers: VecDeque<Ledger>,
    /// Locations of events in addition to those in this pipeline.
    pub locations: Vec<Location>,
    /// Whether its queues cannot be searched, like those of SQS.
    pub hides_queues: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            stored: BTreeMap::new(),
            dead_letters: Vec::new(),
            replays: Vec::new(),
            audit: Vec::new(),
            documents: BTreeMap::new(),
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
            hides_queues: false,
        }
    }
}

impl State {
    /// Makes the primary queue refuse messages. `refusal` gets the message's position in its call, and the message
    /// itself.
    pub fn refuse(
        &mut self,
        refusal: impl FnMut(usize, &OutgoingMessage) -> Option<QueueError> + Send + 'static,
    ) {
        self.refusal = Some(Box::new(refusal));
    }

    /// Makes the primary queue refuse everything.
    pub fn queue_is_down(&mut self) {
        self.refuse(|_, _| Some(QueueError::Unavailable { reason: "down".to_owned() }));
    }

    fn letter(&mut self, id: &MessageId) -> Option<&mut DeadLetter> {
        self.dead_letters.iter_mut().find(|letter| letter.id == *id)
    }

    /// Changes the state of archived letters for which `change` returns a new state. Returns their ids, each once.
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

/// A page of a complete list. The cursor is a position in the list; `Err` is a cursor that is none.
fn page<T>(all: Vec<T>, after: Option<&str>, limit: usize) -> Result<Page<T>, String> {
    match after {
        Some(after) if after.parse::<usize>().is_err() => Err(after.to_owned()),
        _ => Ok(Page::of(all, after, limit)),
    }
}

fn unknown(cursor: String) -> ArchiveError {
    ArchiveError::UnknownCursor { cursor }
}

/// A pipeline in memory. Its clock moves only when code sleeps on it or a test advances it.
pub struct MemoryPipeline {
    state: Mutex<State>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Notified each time a message is sent.
    pub asked: Notify,
    dead_lettered: Notify,
    /// Each `send` takes a permit if [`State::sends_wait`] is set.
    pub gate: Semaphore,
}

impl MemoryPipeline {
    /// A pipeline whose clock shows `now`. The test sets up its state.
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

    /// A pipeline at the beginning of 1970. The test sets up its state.
    pub fn new(set_up: impl FnOnce(&mut State)) -> Arc<Self> {
        Self::at(Timestamp::UNIX_EPOCH, set_up)
    }

    /// The pipeline's state. A poisoned lock is ignored: the test that panicked has failed already.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pipeline's ports, with these settings and without schemas.
    pub fn ports(self: &Arc<Self>, settings: PipelineSettings) -> Pipeline {
        Pipeline {
            queue: self.clone(),
            store: self.clone(),
            stored: self.clone(),
            archive: self.clone(),
            replays: self.clone(),
            ops: self.clone(),
            ledger: self.clone(),
            events: self.clone(),
            schemas: Arc::new(FixedSchemas::default()),
            clock: self.clock.clone(),
            names: Arc::default(),
            settings: Arc::new(settings),
        }
    }

    /// The ports of the consumer and the archiver.
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
