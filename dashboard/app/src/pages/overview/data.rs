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
use spillway_dashboard_model::incidents::{Incident, IncidentId, Response};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The page about incidents has all.
const MOST_INCIDENTS: usize = 5;

/// What people did about incidents.
type Responses = Arc<BTreeMap<IncidentId, Response>>;

/// The data of the page. A part that cannot be read does not affect the others.
pub(super) struct Data {
    pub(super) alarms: Result<AlarmsNow, ReadError>,
    pub(super) flow: Result<FlowSnapshot, ReadError>,
    pub(super) charts: Result<ChartGroup, ReadError>,
    /// When early warnings turn high.
    pub(super) outlooks: Vec<(RuleName, Outlook)>,
    /// The active incidents.
    pub(super) incidents: Result<Vec<Incident>, ReadError>,
    /// What people did about them; `None` if that can't be read.
    pub(super) responses: Option<Responses>,
}

impl Data {
    pub(super) async fn read(page: &Page, ports: &Ports) -> Self {
        let question = Question::of(page, false);
        let charts = read_charts(&*ports.metrics, overview(&ports.pipeline.names), &question, &*ports.alarms);
        let incidents = active_incidents(ports);
        let (flow, charts, alarms, (incidents, responses)) =
            futures::join!(ports.flow.snapshot(), charts, ports.alarms.now(), incidents);
        let outlooks = match &alarms {
            Ok(now) => outlooks(&*ports.metrics, now, page.now).await,
            Err(_) => Vec::new(),
        };
        Self { alarms, flow, charts, outlooks, incidents, responses }
    }
}

/// The active incidents, with what people did about them.
async fn active_incidents(ports: &Ports) -> (Result<Vec<Incident>, ReadError>, Option<Responses>) {
    let known = match ports.incidents.incidents(MOST_INCIDENTS).await {
        Ok(known) => known,
        Err(error) => return (Err(error), None),
    };
    let active: Vec<Incident> = known.iter().filter(|incident| incident.is_active()).cloned().collect();
    let responses = ports.incidents.responses(&active).await.ok();
    (Ok(active), responses)
}
