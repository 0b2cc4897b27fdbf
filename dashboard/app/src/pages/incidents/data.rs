//! Reads the data of the pages about incidents.

use crate::{context::Page, ports::Ports};
use spillway_dashboard_model::alarms::{AlarmPeriod, AlarmsNow};
use spillway_dashboard_model::flow::FlowSnapshot;
use spillway_dashboard_model::incidents::{Incident, IncidentId, Pending, Response, Sent, pending, range_of};
use spillway_dashboard_model::{ReadError, TimeRange};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most incidents of the list.
pub(super) const SHOWN: usize = 100;

/// Incidents with what people did about them.
pub(super) struct List {
    pub(super) now: AlarmsNow,
    pub(super) incidents: Arc<Vec<Incident>>,
    /// By incident; `None` if they can't be read.
    pub(super) responses: Option<Arc<BTreeMap<IncidentId, Response>>>,
}

impl List {
    pub(super) async fn read(ports: &Ports) -> Result<Self, ReadError> {
        let (now, incidents) = futures::join!(ports.alarms.now(), ports.incidents.incidents(SHOWN));
        let (now, incidents) = (now?, incidents?);
        let responses = ports.incidents.responses(&incidents).await.ok();
        Ok(Self { now, incidents, responses })
    }
}

/// The data of one incident's page. A part that can't be read does not affect the others.
pub(super) struct One {
    pub(super) incident: Incident,
    /// What people did about it; `None` if that can't be read.
    pub(super) response: Option<Response>,
    pub(super) now: AlarmsNow,
    pub(super) flow: Result<FlowSnapshot, ReadError>,
    /// What the strip and the links show.
    pub(super) range: TimeRange,
    /// Every period in alarm of any rule in the range.
    pub(super) periods: Result<Vec<AlarmPeriod>, ReadError>,
    pub(super) pending: Vec<Pending>,
    pub(super) sent: Result<Arc<Vec<Sent>>, ReadError>,
}

impl One {
    pub(super) async fn read(page: &Page, id: &IncidentId, ports: &Ports) -> Result<Option<Self>, ReadError> {
        let Some(incident) = Option::clone(&*ports.incidents.incident(id).await?) else { return Ok(None) };
        let range = if page.has_range() { page.time_range() } else { range_of(&incident, page.now) };
        let (now, flow, periods, sent, response) = futures::join!(
            ports.alarms.now(),
            ports.flow.snapshot(),
            ports.alarms.periods(None, range),
            ports.incidents.sent(id),
            ports.incidents.responses(std::slice::from_ref(&incident)),
        );
        let now = now?;
        let response = response.ok().map(|known| known.get(id).cloned().unwrap_or_default());
        let pending = pending(&*ports.metrics, &now, &incident, page.now).await;
        Ok(Some(Self { incident, response, now, flow, range, periods, pending, sent }))
    }
}
