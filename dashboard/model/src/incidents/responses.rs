//! What people do about incidents, in the pipeline's ops log.

use super::{Act, ActError, IncidentId, Response};
use spillway_core::Pipeline;
use spillway_core::ports::{ArchiveError, AuditNote, Clock, OpsLog};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Other people may change the same response at the same time. After so many tries the last error is reported.
const TRIES: usize = 5;

/// Why something about an incident could not be done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// It makes no sense.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The ops log can't be read or written.
    #[error(transparent)]
    Log(#[from] ArchiveError),
    /// Others changed it each time in between.
    #[error("others changed the same incident at the same time: try again")]
    Busy,
}

/// Reads and changes responses.
#[derive(Clone)]
pub struct Responses {
    ops: Arc<dyn OpsLog>,
    clock: Arc<dyn Clock>,
}

impl Responses {
    /// Those of a pipeline.
    pub fn of(pipeline: &Pipeline) -> Self {
        Self { ops: Arc::clone(&pipeline.ops), clock: Arc::clone(&pipeline.clock) }
    }

    /// The responses to incidents. One to which nobody responded is left out.
    pub async fn to(&self, incidents: &[IncidentId]) -> Result<BTreeMap<IncidentId, Response>, ArchiveError> {
        let names: Vec<String> = incidents.iter().map(IncidentId::document).collect();
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(Response::by_incident(&self.ops.documents(&names).await?))
    }

    /// Does something about an incident, with its entry in the audit log. Returns the response as it is then.
    ///
    /// # Errors
    /// [`RespondError`]
    pub async fn act(&self, id: &IncidentId, act: &Act, by: &str) -> Result<Response, RespondError> {
        let name = id.document();
        for _ in 0..TRIES {
            let documents = self.ops.documents(std::slice::from_ref(&name)).await?;
            let before = documents.get(&name);
            let mut response = Response::by_incident(&documents).remove(id).unwrap_or_default();
            let at = self.clock.now();
            let detail = response.apply(act, by, at)?;
            let entry = AuditNote { at, by: by.to_owned(), action: act.name(), detail }.about(id.as_str());
            let after = response.document();
            if self.ops.replace_document(&name, before.map(String::as_str), &after, &entry).await? {
                return Ok(response);
            }
        }
        Err(RespondError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incidents::MuteKind;
    use jiff::SignedDuration;
    use spillway_core::settings::PipelineSettings;
    use spillway_testkit::MemoryPipeline;

    #[tokio::test]
    async fn every_act_has_its_audit_entry_and_a_refused_one_changes_nothing() {
        let ports = MemoryPipeline::new(|_| ()).ports(PipelineSettings::default());
        let responses = Responses::of(&ports);
        let id = IncidentId::new("20260302-0903");
        let act = async |act: Act| responses.act(&id, &act, "ada").await;
        act(Act::Acknowledge).await.unwrap();
        let mute = Act::Mute(MuteKind::ForATime, Some(SignedDuration::from_hours(1)), "release".to_owned());
        act(mute).await.unwrap();
        let written = act(Act::Note("restarted it".to_owned())).await.unwrap();
        assert_eq!(written.notes.len(), 1);
        assert!(matches!(act(Act::Note(String::new())).await, Err(RespondError::Act(ActError::Empty))));
        let entries = ports.ops.entries(Some("20260302-0903"), 10).await.unwrap();
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["incident note", "incident mute", "incident ack"]);
        assert!(entries[1].detail.contains("release"), "{}", entries[1].detail);
    }
}
