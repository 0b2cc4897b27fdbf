//! A pipeline as one value: every port that operators' programs use, on one machine or in AWS.

use crate::ids::CodeVersion;
use crate::names::Names;
use crate::ports::{
    Clock, DeadLetterSink, DeadLetters, EventLocator, EventQueue, EventStore, LedgerReader, OpsLog,
    QueueReceiver, Redelivery, ReplayReports, Replays, Schemas, StoredEvents,
};
use crate::settings::PipelineSettings;
use crate::usecases::archive::Archiver;
use crate::usecases::replay::{Carrier, Replayer};
use crate::usecases::store::Consumer;
use std::sync::Arc;

/// The ports of a pipeline. An adapter builds it; each part is a pointer, so a clone costs little.
#[derive(Clone)]
pub struct Pipeline {
    /// The primary queue, to send to.
    pub queue: Arc<dyn EventQueue>,
    /// The event store.
    pub store: Arc<dyn EventStore>,
    /// The event store, as operators browse it.
    pub stored: Arc<dyn StoredEvents>,
    /// The dead letters.
    pub archive: Arc<dyn DeadLetters>,
    /// The replays.
    pub replays: Arc<dyn Replays>,
    /// The audit log.
    pub ops: Arc<dyn OpsLog>,
    /// Counts promises by place.
    pub ledger: Arc<dyn LedgerReader>,
    /// Finds single events.
    pub events: Arc<dyn EventLocator>,
    /// What the consumer checks events against.
    pub schemas: Arc<dyn Schemas>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The names in metrics and traces.
    pub names: Arc<Names>,
    /// The pipeline's rules.
    pub settings: Arc<PipelineSettings>,
}

/// The ports that only the functions use: what the queues require of the functions that process their
/// messages.
#[derive(Clone)]
pub struct WorkerPorts {
    /// The receiving side of both queues.
    pub receiver: Arc<dyn QueueReceiver>,
    /// Where failed messages go.
    pub redelivery: Arc<dyn Redelivery>,
    /// Where the consumer reports replayed messages that are stored.
    pub reports: Arc<dyn ReplayReports>,
    /// Where dead letters go.
    pub sink: Arc<dyn DeadLetterSink>,
}

impl Pipeline {
    /// Starts replays, discards and restores.
    pub fn replayer(&self) -> Replayer {
        Replayer {
            archive: Arc::clone(&self.archive),
            replays: Arc::clone(&self.replays),
            store: Arc::clone(&self.store),
            ops: Arc::clone(&self.ops),
            schemas: Arc::clone(&self.schemas),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Carries replays on.
    pub fn carrier(&self) -> Carrier {
        Carrier {
            replays: Arc::clone(&self.replays),
            queue: Arc::clone(&self.queue),
            clock: Arc::clone(&self.clock),
        }
    }

    /// The consumer: what stores events.
    pub fn consumer(&self, ports: &WorkerPorts, version: CodeVersion) -> Consumer {
        Consumer {
            store: Arc::clone(&self.store),
            redelivery: Arc::clone(&ports.redelivery),
            replays: Arc::clone(&ports.reports),
            schemas: Arc::clone(&self.schemas),
            clock: Arc::clone(&self.clock),
            version,
            max_receive_count: self.settings.max_receive_count,
            retry: self.settings.retry,
        }
    }

    /// The archiver: what keeps dead letters.
    pub fn archiver(&self, ports: &WorkerPorts, version: CodeVersion) -> Archiver {
        Archiver {
            archive: Arc::clone(&ports.sink),
            replays: Arc::clone(&ports.reports),
            clock: Arc::clone(&self.clock),
            version,
            max_receive_count: self.settings.max_receive_count,
        }
    }
}
