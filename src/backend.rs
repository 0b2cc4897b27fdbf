//! The pipeline that a command works on: the core's ports, for any backend.

#[cfg_attr(not(feature = "aws"), path = "backend/aws_left_out.rs")]
mod aws;
mod embedded;

#[cfg(not(feature = "aws"))]
pub use aws::built_without_aws;
#[cfg(feature = "aws")]
pub use aws::topology;

use crate::answer::CommandError;
use crate::http_client;
use crate::target::{Place, Target};
use async_trait::async_trait;
use http::Uri;
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetter, DeadLetterStatus};
use spillway_core::ids::MessageId;
use spillway_core::ledger::Place as EventPlace;
use spillway_core::ports::{ArchiveError, AuditEntry, Clock, IndexedArchive};
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::{FlowSnapshots, ReplayPath};
use spillway_dashboard_model::incidents::IncidentSource;
use spillway_embedded::RealClock;
use spillway_embedded::faults::Fault;
use std::sync::Arc;

/// Dead letters that an error names at most.
const SHOWN: usize = 5;

/// The HTTP API of a deployment.
pub struct Api {
    /// Its address.
    pub url: String,
    /// How requests are authorized, in API Gateway's terms: `NONE` lets any client in.
    pub authorization: String,
}

/// A pipeline that commands work on.
pub struct Backend {
    /// Its ports.
    pub pipeline: Pipeline,
    /// Its state: the ledger, the queues, and the last outcomes.
    pub flow: Arc<FlowSnapshots>,
    /// Its alarms, if they can be read.
    pub alarms: Option<Arc<dyn AlarmSource>>,
    /// The incidents that its alarms make.
    pub incidents: Arc<dyn IncidentSource>,
    /// Where it runs.
    pub site: Site,
}

/// Where a pipeline runs, with the features that exist only there.
#[derive(Clone)]
pub enum Site {
    /// On this machine: its runtime continues replays, and programs can read its queues.
    Local(Arc<dyn Local>),
    /// In AWS: queues cannot be searched, and the archive has an index that can be lost.
    #[cfg_attr(
        all(not(feature = "aws"), not(test)),
        expect(dead_code, reason = "such a build supports no deployments")
    )]
    Aws(Arc<dyn IndexedArchive>),
}

/// Features of a pipeline on one machine only: faults on demand, and a dashboard with one-time links.
#[async_trait]
pub trait Local: Send + Sync {
    /// Switches a fault on, with its entry of the audit log. It replaces an active fault of the same kind.
    async fn start_fault(&self, fault: Fault, entry: AuditEntry) -> anyhow::Result<()>;
    /// Switches the faults of a kind off, with the entry of the audit log if any were active. Returns how many were.
    async fn stop_fault(&self, name: &str, entry: AuditEntry) -> anyhow::Result<usize>;
    /// All faults, past and present, oldest first.
    async fn faults(&self) -> anyhow::Result<Vec<Fault>>;
    /// Why the data folder takes no data, as far as this process can see; `None` if it does.
    fn disk_trouble(&self) -> Option<String>;
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

    /// Whether what a replay puts back would be stored now.
    pub async fn replay_path(&self) -> ReplayPath {
        let alarms = async { self.alarms.as_ref()?.now().await.ok() };
        let (flow, alarms) = futures::join!(self.flow.snapshot(), alarms);
        ReplayPath::of(flow.as_ref(), alarms.as_ref())
    }

    /// The features of a pipeline on this machine.
    pub fn local(&self) -> Result<&dyn Local, CommandError> {
        match &self.site {
            Site::Local(local) => Ok(&**local),
            Site::Aws(_) => Err(CommandError::Usage(
                "a deployment in AWS has neither faults on demand nor sign-in links: name a data folder with --embedded DIR"
                    .to_owned(),
            )),
        }
    }

    /// The features of an archive in AWS. `why_not` says why one machine does not have them.
    pub fn index(&self, why_not: &str) -> Result<&dyn IndexedArchive, CommandError> {
        match &self.site {
            Site::Aws(index) => Ok(&**index),
            Site::Local(_) => Err(CommandError::Usage(format!(
                "on one machine {why_not}: name a deployment in AWS with --topology FILE"
            ))),
        }
    }

    /// The dead letters that are named by their own ids or by those of their events, each once.
    pub async fn dead_letter_ids(&self, texts: &[String]) -> anyhow::Result<Vec<MessageId>> {
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            let id = self.dead_letter_id(text).await?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The dead letter with an id: its own id, or the id of its event.
    ///
    /// If an event was sent and dead-lettered twice, only the dead letter's own id identifies one of the two.
    pub async fn dead_letter_id(&self, text: &str) -> anyhow::Result<MessageId> {
        let id = MessageId::new(text);
        match self.pipeline.archive.get(&id).await {
            Ok(Some(_)) => return Ok(id),
            Ok(None) | Err(ArchiveError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let mut found = self.pipeline.archive.of_event(&text.into()).await?;
        // Of several, those that wait for something come before those that a replay has stored.
        let is_open = |letter: &DeadLetter| letter.state.status() != DeadLetterStatus::Stored;
        if found.iter().any(is_open) {
            found.retain(is_open);
        }
        match found.len() {
            1 => Ok(found.remove(0).id),
            0 => Err(self.no_dead_letter(text).await?.into()),
            several => {
                let names: Vec<_> = found
                    .iter()
                    .take(SHOWN)
                    .map(|letter| format!("{} ({})", letter.id, letter.state.name()))
                    .collect();
                let more = if several > SHOWN { " and more" } else { "" };
                Err(CommandError::Usage(format!(
                    "{several} dead letters have events with the id {text}: name one by its own id, of {}{more}",
                    names.join(", ")
                ))
                .into())
            }
        }
    }
}

impl Backend {
    /// Why the archive has no dead letter with an id.
    async fn no_dead_letter(&self, text: &str) -> anyhow::Result<CommandError> {
        let places = self.pipeline.events.locate(&text.into(), None).await?;
        if places.iter().any(|location| location.place == EventPlace::InDlq) {
            return Ok(CommandError::TryAgain(format!(
                "the dead letter of the event {text} is still in the DLQ and waits for the archiver: run this again when it \
                 is archived"
            )));
        }
        Ok(CommandError::NotFound(format!(
            "no dead letter has the id {text}, as its own or as that of its event: see spillway dlq list"
        )))
    }
}

/// The address of the API: from the command line, or else from the topology.
pub fn api_url(target: &Target, named: Option<&Uri>) -> Result<Uri, CommandError> {
    if let Some(url) = named {
        return Ok(url.clone());
    }
    let Some(file) = &target.topology else {
        let what =
            "the API was not named: add --url with its address (or set SPILLWAY_URL), or --topology FILE";
        return Err(CommandError::Usage(what.to_owned()));
    };
    let api = aws::api(file)?;
    if api.authorization != "NONE" {
        return Err(CommandError::Usage(format!(
            "the API accepts only signed requests ({}), which this command cannot send: use another client",
            api.authorization
        )));
    }
    http_client::events_url(&api.url).map_err(CommandError::Unreachable)
}

/// The clock of commands that need no pipeline.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock)
}
