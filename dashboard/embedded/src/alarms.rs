//! Alarms from the data folder.

use async_trait::async_trait;
use spillway_alerts::hours::BusinessHours;
use spillway_core::{Pipeline, Timestamp};
use spillway_dashboard_model::alarms::{
    AlarmChange, AlarmChanges, AlarmPeriod, AlarmSource, AlarmStatus, AlarmsNow, Condition, Digest, RuleName,
    RuleSet, Suppressed, Suppressor, Tier, Told, Untold,
};
use spillway_dashboard_model::{ReadError, TimeRange};
use spillway_embedded::alarms::{AlarmLog, InForce, Kept, KeptChange, Stretch, Told as KeptTold};
use spillway_embedded::db::DbError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads what the pipeline's evaluation of its rules keeps.
pub struct EmbeddedAlarms {
    pipeline: Pipeline,
    log: Arc<AlarmLog>,
    /// What was in force the last time: reading the rules takes longer than all the rest.
    known: Mutex<Option<InForce>>,
}

impl EmbeddedAlarms {
    /// The alarms of that pipeline.
    pub fn new(pipeline: Pipeline, log: Arc<AlarmLog>) -> Self {
        Self { pipeline, log, known: Mutex::default() }
    }

    async fn in_force(&self) -> Result<InForce, ReadError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let in_force = match known {
            Some(known) => known.renewed(&self.pipeline, &self.log).await,
            None => InForce::of(&self.pipeline, &self.log).await,
        };
        let in_force =
            in_force.map_err(|error| ReadError::Unavailable { reason: format!("alarms: {error}") })?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(in_force.clone());
        Ok(in_force)
    }
}

#[async_trait]
impl AlarmSource for EmbeddedAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        let in_force = self.in_force().await?;
        let log = &self.log;
        let now = self.pipeline.clock.now();
        let by_rule = |kept: Vec<Kept>| -> HashMap<RuleName, Kept> {
            kept.into_iter().map(|kept| (kept.status.rule.clone(), kept)).collect()
        };
        let mut states = by_rule(log.statuses().await.map_err(unavailable)?);
        let last: HashMap<RuleName, KeptChange> = log
            .last_changes()
            .await
            .map_err(unavailable)?
            .into_iter()
            .map(|kept| (kept.change.rule.clone(), kept))
            .collect();
        let stretches: HashMap<RuleName, Stretch> = log
            .last_stretches()
            .await
            .map_err(unavailable)?
            .into_iter()
            .map(|stretch| (stretch.rule.clone(), stretch))
            .collect();
        let evaluated_at = log.evaluated_until().await.map_err(unavailable)?;
        let statuses = in_force.rules.iter().filter_map(|rule| {
            let kept = states.remove(&rule.name)?;
            let suppressed = suppressed(&in_force.rules, &rule.name, &in_force.hours, now);
            let told = last.get(&rule.name).map(|kept| told(&kept.told, &in_force.hours, now));
            Some(AlarmStatus {
                told,
                suppressed,
                rule: rule.name.clone(),
                state: kept.status.state,
                since: kept.status.since,
                reason: kept.status.reason,
                last_alarm: stretches.get(&rule.name).cloned().map(period),
                trouble: kept.trouble,
            })
        });
        let statuses = statuses.collect();
        let InForce { rules, resources, hours, .. } = in_force;
        Ok(AlarmsNow { rules, resources, statuses, evaluated_at, hours: Some(hours) })
    }

    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        let hours = self.in_force().await?.hours;
        let now = self.pipeline.clock.now();
        let wanted = limit.saturating_add(1);
        let kept = self.log.changes(rule, range.from(), range.to(), wanted).await;
        let mut kept = kept.map_err(unavailable)?;
        let has_more = kept.len() > limit;
        kept.truncate(limit);
        let changes = kept.into_iter().map(|kept| {
            let told = told(&kept.told, &hours, now);
            let change = kept.change;
            AlarmChange {
                rule: change.rule,
                at: change.at,
                from: change.from,
                to: change.to,
                reason: change.reason,
                told,
            }
        });
        Ok(AlarmChanges { changes: changes.collect(), has_more })
    }

    async fn periods(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        let stretches = self.log.stretches(rule, range.from(), range.to()).await;
        Ok(stretches.map_err(unavailable)?.into_iter().map(period).collect())
    }

    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        self.log.last_digest().await.map_err(unavailable)
    }
}

fn period(stretch: Stretch) -> AlarmPeriod {
    AlarmPeriod { rule: stretch.rule, from: stretch.from, until: stretch.until }
}

fn told(kept: &KeptTold, hours: &BusinessHours, now: Timestamp) -> Told {
    match kept {
        KeptTold::At(at) => Told::At(*at),
        KeptTold::Held => Told::Held(hours.next_opening(now)),
        KeptTold::InDigest(at) => Told::InDigest(*at),
        KeptTold::Failed { at, reason } => Told::Failed { at: *at, reason: reason.clone() },
        KeptTold::Part => Told::Never(Untold::Part),
        KeptTold::NoNews => Told::Never(Untold::NoNews),
        KeptTold::Simulated => Told::Never(Untold::Simulated),
    }
}

/// Why nobody is told of a rule's alarm at the moment, if so.
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
