//! Alarms from the data folder.

use async_trait::async_trait;
use spillway_alerts::hours::BusinessHours;
use spillway_core::{Pipeline, Timestamp};
use spillway_dashboard_model::alarms::{
    AlarmChanges, AlarmPeriod, AlarmSource, AlarmStatus, AlarmsNow, Condition, Digest, Notified, RuleName,
    RuleSet, Suppressed, Suppressor, Tier,
};
use spillway_dashboard_model::{ReadError, TimeRange};
use spillway_embedded::alarms::{ActiveRules, AlarmLog};
use spillway_embedded::db::DbError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads the alarm log that the pipeline's evaluation writes.
pub struct EmbeddedAlarms {
    pipeline: Pipeline,
    log: Arc<AlarmLog>,
    /// The rules of the last read, because reading them takes longer than the rest.
    known: Mutex<Option<ActiveRules>>,
}

impl EmbeddedAlarms {
    /// Reads the alarms of this pipeline from its log.
    pub fn new(pipeline: Pipeline, log: Arc<AlarmLog>) -> Self {
        Self { pipeline, log, known: Mutex::default() }
    }

    async fn active(&self) -> Result<ActiveRules, ReadError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let active = match known {
            Some(known) => known.renewed(&self.pipeline, &self.log).await,
            None => ActiveRules::of(&self.pipeline, &self.log).await,
        };
        let active = active.map_err(|error| ReadError::Unavailable { reason: format!("alarms: {error}") })?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(active.clone());
        Ok(active)
    }
}

#[async_trait]
impl AlarmSource for EmbeddedAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        let active = self.active().await?;
        let log = &self.log;
        let now = self.pipeline.clock.now();
        let statuses = log.statuses().await.map_err(unavailable)?.into_iter();
        let mut known: HashMap<RuleName, AlarmStatus> =
            statuses.map(|status| (status.rule.clone(), status)).collect();
        let evaluated_at = log.evaluated_until().await.map_err(unavailable)?;
        let statuses = active.rules.iter().filter_map(|rule| {
            let status = known.remove(&rule.name)?;
            Some(AlarmStatus {
                suppressed: suppressed(&active.rules, &rule.name, &active.hours, now),
                notified: status.notified.map(|notified| until_opening(notified, &active.hours, now)),
                ..status
            })
        });
        let statuses = statuses.collect();
        let ActiveRules { rules, resources, hours, .. } = active;
        Ok(AlarmsNow { rules, resources, statuses, evaluated_at, hours: Some(hours) })
    }

    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        let hours = self.active().await?.hours;
        let now = self.pipeline.clock.now();
        let wanted = limit.saturating_add(1);
        let changes = self.log.changes(rule, range.from(), range.to(), wanted).await;
        let mut changes = changes.map_err(unavailable)?;
        let has_more = changes.len() > limit;
        changes.truncate(limit);
        for change in &mut changes {
            change.notified = until_opening(change.notified.clone(), &hours, now);
        }
        Ok(AlarmChanges { changes, has_more })
    }

    async fn periods(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        self.log.periods(rule, range.from(), range.to()).await.map_err(unavailable)
    }

    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        self.log.last_digest().await.map_err(unavailable)
    }
}

/// A held back notification waits for the next opening.
fn until_opening(notified: Notified, hours: &BusinessHours, now: Timestamp) -> Notified {
    match notified {
        Notified::Held(_) => Notified::Held(hours.next_opening(now)),
        other => other,
    }
}

/// Why a rule's alarm does not notify now; `None` if it does.
fn suppressed(rules: &RuleSet, name: &RuleName, hours: &BusinessHours, now: Timestamp) -> Option<Suppressed> {
    let rule = rules.get(name.as_str())?;
    if !rule.notify {
        let is_part = |condition: &Condition| match condition {
            Condition::Composite(composite) => composite.text.contains(&format!("\"{name}\"")),
            Condition::Metric(_) => false,
        };
        let whole = rules.iter().find(|whole| is_part(&whole.condition))?;
        return Some(Suppressed { by: Suppressor::Alarm(whole.name.clone()), until: None });
    }
    if rule.tier == Tier::Low && !hours.is_open(now) {
        return Some(Suppressed { by: Suppressor::BusinessHours, until: hours.next_opening(now) });
    }
    None
}

fn unavailable(error: DbError) -> ReadError {
    ReadError::Unavailable { reason: format!("alarms: {error}") }
}
