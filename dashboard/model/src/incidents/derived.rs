//! Incidents from the history of alarms, where nothing keeps them: in AWS.

use super::{Incident, IncidentId, IncidentSource, News, Notice, NoticeOutcome, Sent};
use crate::alarms::{AlarmChange, AlarmSource, AlarmState, Tier};
use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway_alerts::StateChange;
use spillway_alerts::incidents::{Families, Tracker, TrackerState};
use spillway_core::ports::Clock;
use std::sync::Arc;

/// CloudWatch keeps the history of alarms for at least two weeks.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);
/// More changes than this are not read.
const MOST: usize = 5_000;

/// Derives incidents from the changes of an [`AlarmSource`]. The same changes give the same incidents with the same ids.
pub struct DerivedIncidents {
    alarms: Arc<dyn AlarmSource>,
    clock: Arc<dyn Clock>,
}

impl DerivedIncidents {
    /// Over this source.
    pub fn new(alarms: Arc<dyn AlarmSource>, clock: Arc<dyn Clock>) -> Self {
        Self { alarms, clock }
    }

    /// All incidents of the last two weeks, the oldest first.
    async fn all(&self) -> Result<Vec<Incident>, ReadError> {
        let range = TimeRange::last(LOOK_BACK, self.clock.now());
        let (now, changes) = futures::join!(self.alarms.now(), self.alarms.changes(None, range, MOST));
        let (now, mut changes) = (now?, changes?.changes);
        changes.reverse();
        let mut tracker = Tracker::new(Families::of(&now.rules), TrackerState::default());
        let mut all = Vec::new();
        changes.retain(|change| [change.from, change.to].contains(&AlarmState::Alarm));
        for minute in changes.chunk_by(|one, next| minute_of(one.at) == minute_of(next.at)) {
            let change = |change: &AlarmChange| StateChange {
                rule: change.rule.clone(),
                at: minute_of(change.at),
                from: change.from,
                to: change.to,
                reason: change.reason.clone(),
            };
            let minute: Vec<StateChange> = minute.iter().map(change).collect();
            for news in tracker.take(&minute) {
                let notice = Notice {
                    at: news.change.at,
                    news: news.news,
                    tier: news.tier,
                    rule: news.change.rule,
                    outcome: NoticeOutcome::Sent,
                };
                tracker.note(&news.incident, notice);
            }
            keep(&mut all, tracker.take_changed());
            if let Some(last) = minute.last() {
                tracker.forget(last.at);
            }
        }
        Ok(all)
    }
}

/// CloudWatch evaluates each alarm at another second of the minute. What fires in one minute is seen together.
fn minute_of(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(at)
}

/// Replaces or adds incidents.
fn keep(all: &mut Vec<Incident>, changed: Vec<Incident>) {
    for incident in changed {
        match all.iter_mut().rev().find(|known| known.id == incident.id) {
            Some(known) => *known = incident,
            None => all.push(incident),
        }
    }
}

#[async_trait]
impl IncidentSource for DerivedIncidents {
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, ReadError> {
        let mut all = self.all().await?;
        all.sort_by_key(|incident| (!incident.is_active(), std::cmp::Reverse(incident.began)));
        all.truncate(limit);
        Ok(all)
    }

    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, ReadError> {
        Ok(self.all().await?.into_iter().find(|incident| incident.id == *id))
    }

    async fn sent(&self, id: &IncidentId) -> Result<Vec<Sent>, ReadError> {
        let Some(incident) = self.incident(id).await? else { return Ok(Vec::new()) };
        let sent = |notice: &Notice| Sent {
            at: notice.at,
            text: format!("{}: {}", notice.rule, notice.news.words()),
            to: format!("the topic {}", if notice.tier == Tier::High { "high" } else { "low" }),
        };
        // A low one may be held back until business hours, which the history does not say.
        let is_known = |notice: &&Notice| notice.tier == Tier::High && notice.news != News::MuteOver;
        Ok(incident.notices.iter().filter(is_known).map(sent).collect())
    }
}
