//! Ports: the interfaces that the use cases need, each a small trait in domain types.

mod archive;
mod clock;
mod ledger;
mod ops;
mod queue;
mod replays;
mod schemas;
mod store;
mod telemetry;

pub use archive::{ArchiveError, DeadLetterSink, DeadLetters, IndexRebuild, IndexRepair, IndexedArchive};
pub use clock::Clock;
pub use ledger::{EventLocator, LedgerError, LedgerReader, Location};
pub use ops::{AuditEntry, AuditNote, OpsLog};
pub(crate) use queue::is_carried;
pub use queue::{
    DeadLetterOrder, Deferral, EventQueue, LARGEST_MESSAGE, QueueError, QueueKind, QueueReceiver, Redelivery,
    message_size,
};
pub use replays::{MOST_RUNNING, ReplayReports, Replays};
pub use schemas::Schemas;
pub use store::{
    EventStore, PutOutcome, StoreError, StoreItem, StoredEvent, StoredEventFilter, StoredEventPage,
    StoredEvents, StoredListError, StoredOrder,
};
pub use telemetry::{MetricSink, TraceSink};
