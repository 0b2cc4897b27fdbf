//! What the pages get from the server, through Leptos context.

use leptos::prelude::{expect_context, provide_context};
use spillway_core::Pipeline;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::{FlowSnapshots, ReplayPath};
use spillway_dashboard_model::incidents::CachedIncidents;
use spillway_dashboard_model::traces::TraceReader;
use spillway_dashboard_model::{MetricReader, Reads};
use std::sync::Arc;
use std::time::Duration;

/// The ports that pages use. Cloned for each request; each field is a pointer.
#[derive(Clone)]
pub struct Ports {
    /// The pipeline that is shown. Actions use it.
    pub pipeline: Pipeline,
    /// What pages read from it, shared by all viewers.
    pub reads: Arc<Reads>,
    /// The name of the installation.
    pub environment: Arc<Environment>,
    /// Numbers over time.
    pub metrics: Arc<dyn MetricReader>,
    /// The paths of single requests.
    pub traces: Arc<dyn TraceReader>,
    /// Where all events are now, with rates and health.
    pub flow: Arc<FlowSnapshots>,
    /// The alarms, their states and changes.
    pub alarms: Arc<dyn AlarmSource>,
    /// Alarms of one cause, and what people do about them, behind a cache.
    pub incidents: Arc<CachedIncidents>,
}

impl Ports {
    /// Puts the ports into Leptos context, for pages and server functions: [`use_ports`].
    pub fn provide(&self) {
        provide_context(self.clone());
    }

    /// Whether what a replay puts back would be stored now.
    pub async fn replay_path(&self) -> ReplayPath {
        let (flow, alarms) = futures::join!(self.flow.snapshot(), self.alarms.now());
        ReplayPath::of(flow.as_ref(), alarms.as_ref().ok())
    }
}

/// The ports, for the current page or server function.
pub fn use_ports() -> Ports {
    expect_context()
}

/// The name of the installation, for the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Such as `prod-eu` or `this machine`.
    pub name: String,
    /// Whether the data is made up for a demonstration. Every page shows it.
    pub demo: bool,
    /// Where clients send events to, if that is known.
    pub api: Option<String>,
    /// The interval between two live refreshes of a page; `None` for the usual one.
    pub refresh_every: Option<Duration>,
}
