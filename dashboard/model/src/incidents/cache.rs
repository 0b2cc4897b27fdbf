//! A cache of incidents and of the responses to them, for all viewers.

use super::{Act, Incident, IncidentId, IncidentSource, RespondError, Response, Responses, Sent};
use crate::ReadError;
use crate::one_answer::Answers;
use spillway_core::Pipeline;
use spillway_core::ports::ArchiveError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Incidents of a pipeline with the responses to them. A hundred viewers cost as much as one.
pub struct CachedIncidents {
    source: Arc<dyn IncidentSource>,
    responses: Responses,
    lists: Answers<usize, Vec<Incident>>,
    single: Answers<IncidentId, Option<Incident>>,
    sent: Answers<IncidentId, Vec<Sent>>,
    responded: Answers<Vec<IncidentId>, BTreeMap<IncidentId, Response>, ArchiveError>,
}

impl CachedIncidents {
    /// A cache that reads again after `keep`, or after somebody did something.
    pub fn new(source: Arc<dyn IncidentSource>, pipeline: &Pipeline, keep: Duration) -> Self {
        let clock = || Arc::clone(&pipeline.clock);
        Self {
            source,
            responses: Responses::of(pipeline),
            lists: Answers::new(clock(), keep),
            single: Answers::new(clock(), keep),
            sent: Answers::new(clock(), keep),
            responded: Answers::new(clock(), keep),
        }
    }

    /// Incidents, those that are active first, then the newest first, at most `limit`.
    pub async fn incidents(&self, limit: usize) -> Result<Arc<Vec<Incident>>, ReadError> {
        let source = Arc::clone(&self.source);
        self.lists.get(limit, || async move { source.incidents(limit).await }).await
    }

    /// One incident; `None` if there is none with this id.
    pub async fn incident(&self, id: &IncidentId) -> Result<Arc<Option<Incident>>, ReadError> {
        let (source, asked) = (Arc::clone(&self.source), id.clone());
        self.single.get(id.clone(), || async move { source.incident(&asked).await }).await
    }

    /// The notifications about an incident, the oldest first.
    pub async fn sent(&self, id: &IncidentId) -> Result<Arc<Vec<Sent>>, ReadError> {
        let (source, asked) = (Arc::clone(&self.source), id.clone());
        self.sent.get(id.clone(), || async move { source.sent(&asked).await }).await
    }

    /// The responses to incidents. One to which nobody responded is left out.
    pub async fn responses(
        &self,
        incidents: &[Incident],
    ) -> Result<Arc<BTreeMap<IncidentId, Response>>, ArchiveError> {
        let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id.clone()).collect();
        let (responses, asked) = (self.responses.clone(), ids.clone());
        self.responded.get(ids, || async move { responses.to(&asked).await }).await
    }

    /// Does something about an incident, with its entry in the audit log. The next page shows it.
    ///
    /// # Errors
    /// [`RespondError`]
    pub async fn act(&self, id: &IncidentId, act: &Act, by: &str) -> Result<Response, RespondError> {
        let done = self.responses.act(id, act, by).await;
        self.responded.forget();
        done
    }
}
