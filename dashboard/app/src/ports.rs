//! What the pages get from the server, through Leptos context.

use leptos::prelude::{expect_context, provide_context};
use spillway_core::Pipeline;
use spillway_dashboard_model::MetricReader;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::FlowSnapshots;
use spillway_dashboard_model::traces::TraceReader;
use std::sync::Arc;

/// Everything that pages read and do. Cloned for each request; each part is a pointer.
#[derive(Clone)]
pub struct Ports {
    /// The pipeline that is shown.
    pub pipeline: Pipeline,
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
