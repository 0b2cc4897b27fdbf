//! A snapshot of the pipeline: the places of all events, the stages' activity, and a summary in sentences.

mod activity;
mod health;
mod host;
mod outcomes;
mod path;
mod phrase;
mod queue;
mod snapshots;
mod summary;
mod trouble;
mod verdict;

pub use activity::{Activity, ApiActivity, FunctionActivity, QueueActivity, RecordActivity, TableActivity};
pub use health::{Health, StageNote};
pub use host::{ClockJump, DiskTrouble, Host, HostReader};
pub use outcomes::{Counted, LastMinute, Outcomes, RecentOutcomes};
pub use path::{Passage, ReplayPath};
pub use phrase::{Fact, Part, Phrase};
pub use queue::{Countdown, QueueReader};
pub use snapshots::{FlowSnapshots, FlowSources};
pub use spillway_core::queue::QueueSnapshot;
pub use summary::{Sentence, State, Target, overall, summary};
pub use trouble::{Trend, Trouble, TroubleKind};
pub use verdict::{Action, Cause, Incident, Loss, Verdict, VerdictState};

use crate::Freshness;
use jiff::Timestamp;
use spillway_core::dead_letter::DeadLetterGroup;
use spillway_core::ledger::Ledger;
use spillway_core::retry::RetrySchedule;
use spillway_core::settings::PipelineSettings;

/// The pipeline at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowSnapshot {
    /// The time of the snapshot.
    pub at: Timestamp,
    /// The ledger: the places of all events.
    pub ledger: Ledger,
    /// The pipeline's limits.
    pub limits: Limits,
    /// The primary queue.
    pub queue: QueueSnapshot,
    /// The dead letter queue.
    pub dlq: QueueSnapshot,
    /// Dead letters in a replay for a long time whose messages are in no queue.
    pub astray: u64,
    /// The stages' activity in the last minutes; `None` if it could not be read.
    pub activity: Option<Activity>,
    /// The stages' outcomes in the last seconds, minutes and hours; `None` if they could not be read, or are too old.
    pub outcomes: Option<RecentOutcomes>,
    /// The age of the activity.
    pub freshness: Freshness,
    /// Dead letters in the archive that wait for a decision, grouped by the reason of their failure: the largest groups,
    /// largest first.
    pub groups: Vec<DeadLetterGroup>,
    /// What is wrong with the machine.
    pub host: Host,
    /// The groups of the newest of them, newest first.
    pub newest: Vec<DeadLetterGroup>,
    /// Why schemas can't be used, one sentence for each.
    pub schema_problems: Vec<String>,
}

/// The pipeline's limits that the overview needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Receives before a message goes to the dead letter queue.
    pub max_receive_count: u32,
    /// Seconds that a message lives, counted from when it was first sent.
    pub retention_s: u32,
    /// Seconds after which a message whose function gave no answer is received again.
    pub visibility_timeout_s: u32,
    /// When a message that failed is tried again.
    pub retry: RetrySchedule,
}

impl From<&PipelineSettings> for Limits {
    fn from(settings: &PipelineSettings) -> Self {
        Self {
            max_receive_count: settings.max_receive_count,
            retention_s: settings.retention_s,
            visibility_timeout_s: settings.visibility_timeout_s,
            retry: settings.retry,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&PipelineSettings::default())
    }
}

impl FlowSnapshot {
    /// Messages that approach the dead letter queue.
    pub fn countdown(&self) -> Countdown {
        Countdown::of(&self.queue, self.limits.max_receive_count)
    }

    /// When the newest dead letter was archived.
    pub fn newest_dead_letter_at(&self) -> Option<Timestamp> {
        self.groups.iter().chain(&self.newest).map(|group| group.last_at).max()
    }

    /// When the first message in a queue expires, if it does not leave the queue before. Its retention starts at its
    /// first send time.
    pub fn first_loss_at(&self, queue: &QueueSnapshot) -> Option<Timestamp> {
        let retention = jiff::SignedDuration::from_secs(i64::from(self.limits.retention_s));
        queue.oldest_sent_at?.checked_add(retention).ok()
    }

    /// The age of the oldest message in the primary queue, in seconds, at any receive count. SQS's metric leaves out
    /// those received three times or more.
    pub fn oldest_age_s(&self) -> Option<i64> {
        self.queue.oldest_sent_at.map(|sent| (self.at.as_second() - sent.as_second()).max(0))
    }
}
