//! Incidents from the data folder.

use async_trait::async_trait;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::incidents::{Incident, IncidentId, IncidentSource, Sent};
use spillway_embedded::alarms::{AlarmLog, Delivery, DeliveryState};
use spillway_embedded::db::DbError;
use std::sync::Arc;

/// Reads the incidents that the pipeline's evaluation of alarms keeps.
pub struct EmbeddedIncidents(pub Arc<AlarmLog>);

#[async_trait]
impl IncidentSource for EmbeddedIncidents {
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, ReadError> {
        self.0.incidents(limit).await.map_err(unavailable)
    }

    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, ReadError> {
        self.0.incident(id).await.map_err(unavailable)
    }

    async fn sent(&self, id: &IncidentId) -> Result<Vec<Sent>, ReadError> {
        let sent = self.0.deliveries(id).await.map_err(unavailable)?.into_iter();
        let to = |delivery: Delivery| {
            let to = match delivery.to_webhook {
                None => "the log".to_owned(),
                Some(DeliveryState::Waiting) => "the log; the webhook has not accepted it yet".to_owned(),
                Some(DeliveryState::Delivered) => "the log and the webhook".to_owned(),
                Some(DeliveryState::GivenUp(reason)) => {
                    format!("the log; it did not reach the webhook: {reason}")
                }
            };
            Sent { at: delivery.at, text: delivery.text, to }
        };
        Ok(sent.map(to).collect())
    }
}

fn unavailable(error: DbError) -> ReadError {
    ReadError::Unavailable { reason: format!("incidents: {error}") }
}
