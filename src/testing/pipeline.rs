//! A pipeline in memory, with the features of one machine only or of a deployment in AWS only.

use crate::backend::{Backend, Site};
use spillway_core::Pipeline;
use spillway_core::ledger::Ledger;
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{Clock as _, QueueError};
use spillway_core::replay::ReplayItemState;
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources, QueueSnapshot};
use spillway_dashboard_model::incidents::Incident;
use spillway_embedded::faults::Fault;
use spillway_testkit::{Background, MemoryPipeline};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A pipeline in memory. Its clock moves only when a command waits.
pub struct FakePipeline {
    memory: Arc<MemoryPipeline>,
    in_aws: bool,
    schemas: BTreeMap<String, serde_json::Value>,
    machine: Mutex<Machine>,
}

/// The pipeline's state outside its ports.
#[derive(Default)]
pub struct Machine {
    pub faults: Vec<Fault>,
    /// The sign-in link that the dashboard returns next.
    pub link: Option<String>,
    /// Number of dead letters that are missing from the archive's index.
    pub unindexed: u64,
    /// The primary queue.
    pub queue: QueueSnapshot,
    /// From how many to how many seconds ago every write to the table failed.
    pub table_failed: Option<(i64, i64)>,
    /// The incidents of its alarms.
    pub incidents: Vec<Incident>,
}

/// A test's setup. It dereferences to the state of the pipeline.
#[derive(Default)]
pub struct State {
    /// Whether it is a deployment in AWS.
    pub in_aws: bool,
    pub schemas: BTreeMap<String, serde_json::Value>,
    pub machine: Machine,
    memory: spillway_testkit::State,
}

impl Deref for State {
    type Target = spillway_testkit::State;

    fn deref(&self) -> &Self::Target {
        &self.memory
    }
}

impl DerefMut for State {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.memory
    }
}

/// The pipeline's work while a command waits: in AWS a message has to be put back before it ends.
pub fn running(in_aws: bool) -> Background {
    Background::EndsOne(if in_aws { ReplayItemState::Sent } else { ReplayItemState::Waiting })
}

/// A ledger, and its next reading: ten more events were accepted and stored.
pub fn readings(ledger: Ledger) -> impl IntoIterator<Item = Ledger> {
    [ledger, Ledger { accepted: ledger.accepted + 10, stored: ledger.stored + 10, ..ledger }]
}

/// A queue that accepts `room` messages, throttles the rest of that call, and accepts all later messages.
pub fn throttled_after(room: usize) -> impl FnMut(usize, &OutgoingMessage) -> Option<QueueError> {
    let (mut room, mut is_full) = (Some(room), false);
    move |position, _| {
        if is_full && position == 0 {
            (room, is_full) = (None, false);
        }
        match &mut room {
            Some(0) => is_full = true,
            Some(left) => *left -= 1,
            None => {}
        }
        is_full.then_some(QueueError::Throttled)
    }
}

/// A queue that permanently rejects the next `count` messages.
pub fn rejecting(count: usize) -> impl FnMut(usize, &OutgoingMessage) -> Option<QueueError> {
    let mut left = count;
    move |_, _| {
        let is_rejected = left > 0;
        left = left.saturating_sub(1);
        is_rejected.then(|| QueueError::Rejected { reason: "too many attributes".to_owned() })
    }
}

impl FakePipeline {
    pub fn new(set_up: impl FnOnce(&mut State)) -> Arc<Self> {
        let mut state = State::default();
        set_up(&mut state);
        let State { in_aws, schemas, machine, mut memory } = state;
        (memory.background, memory.hides_queues) = (running(in_aws), in_aws);
        let memory = MemoryPipeline::at(super::now(), |state| *state = memory);
        Arc::new(Self { memory, in_aws, schemas, machine: Mutex::new(machine) })
    }

    pub fn state(&self) -> MutexGuard<'_, spillway_testkit::State> {
        self.memory.state()
    }

    /// The state outside its ports.
    pub fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().expect("a machine")
    }

    pub fn memory(&self) -> &Arc<MemoryPipeline> {
        &self.memory
    }

    pub fn backend(self: &Arc<Self>) -> Backend {
        let schemas = Arc::new(SchemaSet::compile(&self.schemas).expect("schemas"));
        let ports = self.memory.ports(PipelineSettings::default());
        let pipeline = Pipeline { schemas: Arc::new(FixedSchemas(schemas)), ..ports };
        let sources = FlowSources {
            pipeline: pipeline.clone(),
            queues: self.clone(),
            metrics: self.clone(),
            has_short_periods: !self.in_aws,
            host: None,
        };
        Backend {
            pipeline,
            flow: Arc::new(FlowSnapshots::new(sources, Duration::ZERO)),
            alarms: None,
            incidents: self.clone(),
            site: if self.in_aws { Site::Aws(self.clone()) } else { Site::Local(self.clone()) },
        }
    }

    /// Total time that commands waited, in milliseconds.
    pub fn waited_ms(&self) -> i64 {
        self.memory.clock.now().as_millisecond() - super::now().as_millisecond()
    }
}
