//! The pipeline that a command works on: the core's ports, wherever they lead.

#[cfg(feature = "aws")]
mod aws;
mod embedded;
#[cfg(not(feature = "aws"))]
mod without_aws;

#[cfg(feature = "aws")]
pub use aws::topology;
#[cfg(not(feature = "aws"))]
use without_aws as aws;

pub use aws::api;
#[cfg(not(feature = "aws"))]
pub use without_aws::trouble as without_aws;

use crate::answer::Trouble;
use crate::arguments::{Place, Target};
use async_trait::async_trait;
use spillway_core::Pipeline;
use spillway_core::ids::MessageId;
use spillway_core::ports::{ArchiveError, Clock, IndexedArchive};
use spillway_embedded::RealClock;
use spillway_embedded::faults::Fault;
use std::sync::Arc;

/// The HTTP API of a deployment.
pub struct Api {
    /// Its address.
    pub url: String,
    /// How requests are authorized, in API Gateway's words: `NONE` for anybody.
    pub authorization: String,
}

/// A pipeline that commands work on.
pub struct Backend {
    /// Its ports.
    pub pipeline: Pipeline,
    /// Where it runs.
    pub site: Site,
}

/// Where a pipeline runs, with what it has only there.
#[derive(Clone)]
pub enum Site {
    /// On this machine: its runtime carries replays on, and its queues can be looked into.
    Local(Arc<dyn Local>),
    /// In AWS: no program can look for an event in a queue, and the archive has an index that can be lost.
    #[cfg_attr(
        all(not(feature = "aws"), not(test)),
        expect(dead_code, reason = "such a build knows no deployments")
    )]
    Aws(Arc<dyn IndexedArchive>),
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
        match target.place()? {
            Place::Embedded(folder) => embedded::open(folder).await,
            Place::Topology(file) => aws::open(file).await,
        }
    }

    /// What only a pipeline on this machine has.
    pub fn local(&self) -> Result<&dyn Local, Trouble> {
        match &self.site {
            Site::Local(local) => Ok(&**local),
            Site::Aws(_) => Err(Trouble::Usage(
                "a deployment in AWS has neither faults on demand nor sign-in links: name a data folder with --embedded DIR"
                    .to_owned(),
            )),
        }
    }

    /// What only an archive in AWS has.
    pub fn index(&self) -> Result<&dyn IndexedArchive, Trouble> {
        match &self.site {
            Site::Aws(index) => Ok(&**index),
            Site::Local(_) => Err(Trouble::Usage(
                "on one machine dead letters have no index that could be lost: name a deployment in AWS with --topology FILE"
                    .to_owned(),
            )),
        }
    }

    /// The dead letter that somebody means by an id: its own, or that of its event.
    ///
    /// An event that was dead-lettered twice (sent twice) can be meant only by the dead letter's own id.
    pub async fn dead_letter_id(&self, text: &str) -> anyhow::Result<MessageId> {
        let id = MessageId::new(text);
        match self.pipeline.archive.get(&id).await {
            Ok(Some(_)) => return Ok(id),
            Ok(None) | Err(ArchiveError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let mut found = Vec::new();
        for location in self.pipeline.events.locate(&text.into(), None).await? {
            if self.pipeline.archive.get(&location.message_id).await?.is_some() {
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
