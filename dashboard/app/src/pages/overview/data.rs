//! Reads the data of the overview.

use crate::{
    charts::{ChartGroup, Question, read_charts},
    context::Page,
    ports::Ports,
};
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::alarms::{AlarmsNow, Outlook, RuleName, outlooks};
use spillway_dashboard_model::catalogue::overview;
use spillway_dashboard_model::flow::FlowSnapshot;

/// The data of the page. A part that cannot be read does not affect the others.
pub(super) struct Data {
    pub(super) alarms: Result<AlarmsNow, ReadError>,
    pub(super) flow: Result<FlowSnapshot, ReadError>,
    pub(super) charts: Result<ChartGroup, ReadError>,
    /// When early warnings turn high.
    pub(super) outlooks: Vec<(RuleName, Outlook)>,
}

impl Data {
    pub(super) async fn read(page: &Page, ports: &Ports) -> Self {
        let question = Question::of(page, false);
        let charts = read_charts(&*ports.metrics, overview(&ports.pipeline.names), &question, &*ports.alarms);
        let (flow, charts, alarms) = futures::join!(ports.flow.snapshot(), charts, ports.alarms.now());
        let outlooks = match &alarms {
            Ok(now) => outlooks(&*ports.metrics, now, page.now).await,
            Err(_) => Vec::new(),
        };
        Self { alarms, flow, charts, outlooks }
    }
}
