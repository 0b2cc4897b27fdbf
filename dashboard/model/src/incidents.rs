//! Incidents: alarms of one cause, and what people do about them.
//!
//! The types and the correlation are those of `spillway-alerts`. This module adds the port [`IncidentSource`], the reading and
//! writing of responses through the pipeline's ops log ([`Responses`]), and the verdict about one incident ([`verdict`]).

mod cache;
mod derived;
mod pending;
mod responses;
mod verdict;

pub use cache::CachedIncidents;
pub use derived::DerivedIncidents;
pub use pending::{Pending, pending};
pub use responses::{RespondError, Responses};
pub use spillway_alerts::incidents::{
    Act, ActError, Incident, IncidentId, LONGEST_TEXT, Member, Mute, MuteKind, News, Notice, NoticeOutcome,
    Response,
};
pub use verdict::verdict;

use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// An incident's page begins this long before the incident, and ends this long after it.
pub const AROUND: SignedDuration = SignedDuration::from_mins(20);

/// Reads incidents.
#[async_trait]
pub trait IncidentSource: Send + Sync {
    /// Incidents, those that are active first, then the newest first, at most `limit`.
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, ReadError>;

    /// One incident; `None` if there is none with this id.
    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, ReadError>;

    /// The notifications about an incident, the oldest first.
    async fn sent(&self, id: &IncidentId) -> Result<Vec<Sent>, ReadError>;
}

/// A notification that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When it was due.
    pub at: Timestamp,
    /// What it said.
    pub text: String,
    /// Who received it, in words.
    pub to: String,
}

/// The range that shows an incident: from twenty minutes before it began until now, or until twenty minutes after its end.
pub fn range_of(incident: &Incident, now: Timestamp) -> TimeRange {
    let from = incident.began - AROUND;
    let until = incident.ended.map_or(now, |ended| (ended + AROUND).min(now));
    TimeRange::new(from, until).unwrap_or_else(|_| TimeRange::last(AROUND, now))
}
