//! Incidents in the database.

use super::log::AlarmLog;
use crate::db::{DbError, from_millis};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use spillway_alerts::incidents::{Incident, IncidentId};
use spillway_core::Timestamp;

/// A notification about an incident, and whether it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it was due.
    pub at: Timestamp,
    /// Its text, without the link.
    pub text: String,
    /// Who received it: the log, and the webhook if there is one.
    pub to_webhook: Option<DeliveryState>,
}

/// What became of a message for the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is being sent.
    Waiting,
    /// The webhook accepted it.
    Delivered,
    /// It was given up, with the reason.
    GivenUp(String),
}

impl AlarmLog {
    /// Incidents, those that are active first, then the newest first, at most `limit`.
    pub async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, DbError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |connection: &Connection| {
            let mut query = connection.prepare_cached(
                "SELECT document FROM incidents ORDER BY ended IS NOT NULL, began DESC, id DESC LIMIT ?1",
            )?;
            let rows = query.query_map([limit], incident)?;
            // One that another version wrote and this one can't read hides no other.
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
        };
        self.keep().read(read).await
    }

    /// One incident; `None` if there is none with this id.
    pub async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, DbError> {
        let id = id.as_str().to_owned();
        let read = move |connection: &Connection| {
            let mut query = connection.prepare_cached("SELECT document FROM incidents WHERE id = ?1")?;
            Ok(query.query_row([id], incident).optional()?.flatten())
        };
        self.keep().read(read).await
    }

    /// The notifications about an incident, the oldest first.
    pub async fn deliveries(&self, id: &IncidentId) -> Result<Vec<Delivery>, DbError> {
        let id = id.as_str().to_owned();
        let read = move |connection: &Connection| {
            let mut query = connection.prepare_cached(
                "SELECT at, document, delivery, trouble FROM alarm_messages
                 WHERE kind = 'alarm' AND document ->> 'incident' = ?1 ORDER BY at, seq",
            )?;
            query.query_map(params![id], delivery)?.collect()
        };
        self.keep().read(read).await
    }
}

fn incident(row: &Row<'_>) -> rusqlite::Result<Option<Incident>> {
    Ok(serde_json::from_str(&row.get::<_, String>(0)?).ok())
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let document: Value = serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
    let text = document["text"].as_str().and_then(|text| text.lines().next()).unwrap_or_default();
    let trouble = row.get::<_, Option<String>>(3)?.unwrap_or_default();
    let to_webhook = match row.get::<_, String>(2)?.as_str() {
        "waiting" => Some(DeliveryState::Waiting),
        "delivered" => Some(DeliveryState::Delivered),
        "given_up" => Some(DeliveryState::GivenUp(trouble)),
        _ => None,
    };
    Ok(Delivery { at: from_millis(row.get(0)?), text: text.to_owned(), to_webhook })
}
