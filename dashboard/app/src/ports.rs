//! What the pages get from the server, through Leptos context.

use async_trait::async_trait;
use leptos::prelude::provide_context;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, DeadLetterArchive, FlowReader, OpsLog, ReplayLog};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::replay::Replayer;
use spillway_dashboard_model::MetricReader;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::FlowSource;
use spillway_dashboard_model::traces::TraceReader;
use std::sync::Arc;

/// Everything that pages read and do. Cloned for each request; each part is a pointer.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What the header shows on every page.
    pub header: Arc<dyn HeaderSource>,
    /// What runs here.
    pub environment: Arc<Environment>,
    /// Numbers over time.
    pub metrics: Arc<dyn MetricReader>,
    /// The paths of single requests.
    pub traces: Arc<dyn TraceReader>,
    /// Where all events are now, with rates and health.
    pub flow: Arc<dyn FlowSource>,
    /// Which alarms there are, how each is, and what changed.
    pub alarms: Arc<dyn AlarmSource>,
    /// Where one event is.
    pub events: Arc<dyn FlowReader>,
    /// Dead letters.
    pub archive: Arc<dyn DeadLetterArchive>,
    /// Replays.
    pub replays: Arc<dyn ReplayLog>,
    /// Who did what.
    pub ops: Arc<dyn OpsLog>,
    /// What operators do with dead letters.
    pub replayer: Arc<Replayer>,
    /// What everything is called in metrics.
    pub names: Arc<Names>,
    /// The pipeline's rules.
    pub settings: Arc<PipelineSettings>,
}

impl Ports {
    /// Puts each port into Leptos context under its own type (`Arc<dyn …>`), for pages and server functions.
    pub fn provide(&self) {
        provide_context(Arc::clone(&self.clock));
        provide_context(Arc::clone(&self.header));
        provide_context(Arc::clone(&self.environment));
        provide_context(Arc::clone(&self.metrics));
        provide_context(Arc::clone(&self.traces));
        provide_context(Arc::clone(&self.flow));
        provide_context(Arc::clone(&self.alarms));
        provide_context(Arc::clone(&self.events));
        provide_context(Arc::clone(&self.archive));
        provide_context(Arc::clone(&self.replays));
        provide_context(Arc::clone(&self.ops));
        provide_context(Arc::clone(&self.replayer));
        provide_context(Arc::clone(&self.names));
        provide_context(Arc::clone(&self.settings));
    }
}

/// What runs here, as the header says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name, such as `prod-eu` or `this machine`.
    pub name: String,
    /// Whether what is shown was made up for a demonstration. Said on every page.
    pub demo: bool,
}

/// What the header shows on every page.
#[async_trait]
pub trait HeaderSource: Send + Sync {
    /// The numbers beside the page names. Called for every page, so it must be cheap; a number that
    /// cannot be had just now is `None` and is left out.
    async fn badges(&self) -> Badges;
}

/// Numbers beside page names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badges {
    /// Dead letters that wait in the archive for somebody to decide.
    pub dead_letters: Option<u64>,
    /// Alarms that somebody is or will be told of, and that have not cleared.
    pub active_alarms: Option<u64>,
    /// Replays that are not over.
    pub running_replays: Option<u64>,
}
