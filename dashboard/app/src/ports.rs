//! What the pages get from the server, through Leptos context.

use async_trait::async_trait;
use leptos::prelude::provide_context;
use spillway_core::Pipeline;
use spillway_dashboard_model::MetricReader;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::FlowSource;
use spillway_dashboard_model::traces::TraceReader;
use std::sync::Arc;

/// Everything that pages read and do. Cloned for each request; each part is a pointer.
#[derive(Clone)]
pub struct Ports {
    /// The pipeline that is shown.
    pub pipeline: Pipeline,
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
}

impl Ports {
    /// Puts each port into Leptos context under its own type (`Arc<dyn …>`), for pages and server functions.
    pub fn provide(&self) {
        let pipeline = &self.pipeline;
        provide_context(Arc::clone(&pipeline.clock));
        provide_context(Arc::clone(&pipeline.events));
        provide_context(Arc::clone(&pipeline.archive));
        provide_context(Arc::clone(&pipeline.replays));
        provide_context(Arc::clone(&pipeline.ops));
        provide_context(Arc::new(pipeline.replayer()));
        provide_context(Arc::clone(&pipeline.names));
        provide_context(Arc::clone(&pipeline.settings));
        provide_context(Arc::clone(&self.header));
        provide_context(Arc::clone(&self.environment));
        provide_context(Arc::clone(&self.metrics));
        provide_context(Arc::clone(&self.traces));
        provide_context(Arc::clone(&self.flow));
        provide_context(Arc::clone(&self.alarms));
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
