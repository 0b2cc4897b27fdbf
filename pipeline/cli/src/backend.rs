//! The pipeline that a command works on: the core's ports, wherever they lead.

use crate::answer::Trouble;
use crate::arguments::Target;
use async_trait::async_trait;
use spillway_core::fault::Fault;
use spillway_core::ids::MessageId;
use spillway_core::ports::{
    ArchiveError, Clock, DeadLetterArchive, EventQueue, FlowReader, OpsLog, ReplayLog, Schemas,
};
use spillway_core::usecases::replay::Replayer;
use spillway_embedded::faults::Faults;
use spillway_embedded::sign_ins::SignIns;
use spillway_embedded::{Pipeline, RealClock};
use std::path::Path;
use std::sync::Arc;

/// The ports that commands use.
pub struct Backend {
    /// The primary queue, to which replays go.
    pub queue: Arc<dyn EventQueue>,
    /// The dead letters.
    pub archive: Arc<dyn DeadLetterArchive>,
    /// The replays.
    pub replays: Arc<dyn ReplayLog>,
    /// The audit log.
    pub ops: Arc<dyn OpsLog>,
    /// Where events are.
    pub flow: Arc<dyn FlowReader>,
    /// What the consumer checks events against.
    pub schemas: Arc<dyn Schemas>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What only a pipeline on one machine has.
    pub local: Arc<dyn Local>,
}

/// What only a pipeline on one machine has: faults on demand, and a dashboard with one-time links.
#[async_trait]
pub trait Local: Send + Sync {
    /// Switches a fault on; one of the same kind that is on is replaced.
    async fn start_fault(&self, fault: Fault) -> anyhow::Result<()>;
    /// Switches the faults of a kind off. Returns how many were on.
    async fn stop_fault(&self, name: &str) -> anyhow::Result<usize>;
    /// All faults that ever were, oldest first.
    async fn faults(&self) -> anyhow::Result<Vec<Fault>>;
    /// A new link that signs in to the dashboard once; `None` if no dashboard was started on this folder.
    async fn sign_in_link(&self) -> anyhow::Result<Option<String>>;
}

impl Backend {
    /// Opens the pipeline that the command line names.
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let Some(folder) = &target.embedded else {
            let what =
                "no pipeline was named: add --embedded DIR with its data folder, or set SPILLWAY_EMBEDDED";
            return Err(Trouble::Usage(what.to_owned()).into());
        };
        Self::embedded(folder).await
    }

    async fn embedded(folder: &Path) -> anyhow::Result<Self> {
        let ports =
            Pipeline::attach(folder).await.map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let local = Embedded {
            faults: Arc::clone(&ports.faults),
            sign_ins: Arc::clone(&ports.sign_ins),
            dashboard_url: ports.dashboard_url(),
        };
        Ok(Self {
            queue: ports.queue,
            archive: ports.archive,
            replays: ports.replays,
            ops: ports.ops,
            flow: ports.flow,
            schemas: ports.schemas,
            clock: ports.clock,
            local: Arc::new(local),
        })
    }

    /// The use case that starts replays, discards and restores.
    pub fn replayer(&self) -> Replayer {
        Replayer {
            archive: Arc::clone(&self.archive),
            replays: Arc::clone(&self.replays),
            queue: Arc::clone(&self.queue),
            ops: Arc::clone(&self.ops),
            schemas: Arc::clone(&self.schemas),
            clock: Arc::clone(&self.clock),
        }
    }

    /// The dead letter that somebody means by an id: its own, or that of its event.
    ///
    /// An event that was dead-lettered twice (sent twice) can be meant only by the dead letter's own id.
    pub async fn dead_letter_id(&self, text: &str) -> anyhow::Result<MessageId> {
        let id = MessageId::new(text);
        match self.archive.get(&id).await {
            Ok(Some(_)) => return Ok(id),
            Ok(None) | Err(ArchiveError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let mut found = Vec::new();
        for location in self.flow.locate(&text.into(), None).await? {
            if self.archive.get(&location.message_id).await?.is_some() {
                found.push(location.message_id);
            }
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Trouble::NotFound(format!(
                "no dead letter has the id {text}, nor does an event of that id have one: see spillway dlq list"
            ))
            .into()),
            several => Err(Trouble::Usage(format!(
                "{several} dead letters have events with the id {text}: name one by its own id, see spillway dlq \
                 list --contains {text}"
            ))
            .into()),
        }
    }
}

/// The clock of commands that need no pipeline.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock)
}

struct Embedded {
    faults: Arc<Faults>,
    sign_ins: Arc<SignIns>,
    dashboard_url: Option<String>,
}

#[async_trait]
impl Local for Embedded {
    async fn start_fault(&self, fault: Fault) -> anyhow::Result<()> {
        Ok(self.faults.start(fault).await?)
    }

    async fn stop_fault(&self, name: &str) -> anyhow::Result<usize> {
        Ok(self.faults.stop(name).await?)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.faults.list().await?)
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        let Some(url) = &self.dashboard_url else { return Ok(None) };
        let token = self.sign_ins.issue().await?;
        Ok(Some(format!("{}/sign-in?token={token}", url.trim_end_matches('/'))))
    }
}
