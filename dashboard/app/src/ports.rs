//! What the pages get from the server, through Leptos context.

use leptos::prelude::{expect_context, provide_context};
use spillway_core::names::Names;
use spillway_core::ports::{Clock, DeadLetterArchive, FlowReader, OpsLog, ReplayLog};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::replay::Replayer;
use spillway_dashboard_model::MetricReader;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::FlowSnapshots;
use spillway_dashboard_model::traces::TraceReader;
use std::sync::Arc;

/// Everything that pages read and do. Cloned for each request; each part is a pointer.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What runs here.
    pub environment: Arc<Environment>,
    /// Numbers over time.
    pub metrics: Arc<dyn MetricReader>,
    /// The paths of single requests.
    pub traces: Arc<dyn TraceReader>,
    /// Where all events are now, with rates and health.
    pub flow: Arc<FlowSnapshots>,
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
    /// Puts the ports into Leptos context, for pages and server functions: [`use_ports`].
    pub fn provide(&self) {
        provide_context(self.clone());
    }
}

/// What the page being drawn, or the server function, reads and does.
pub fn use_ports() -> Ports {
    expect_context()
}

/// What runs here, as the header says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name, such as `prod-eu` or `this machine`.
    pub name: String,
    /// Whether what is shown was made up for a demonstration. Said on every page.
    pub demo: bool,
}
