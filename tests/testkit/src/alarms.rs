//! Alarms with scripted changes, for tests.

use async_trait::async_trait;
use jiff::Timestamp;
use spillway_core::names::Names;
use spillway_dashboard_model::alarms::{
    AlarmChange, AlarmChanges, AlarmPeriod, AlarmSource, AlarmState, AlarmStatus, AlarmsNow, Digest,
    Notified, Resources, RuleName, RuleSet, periods,
};
use spillway_dashboard_model::{ReadError, TimeRange};
use std::sync::{Arc, Mutex, PoisonError};

/// Rules whose states follow scripted changes, as if an evaluator had evaluated them.
pub struct ScriptedAlarms {
    rules: Arc<RuleSet>,
    resources: Arc<Resources>,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    evaluated_at: Option<Timestamp>,
    changes: Vec<AlarmChange>,
    digest: Option<Digest>,
    failure: Option<ReadError>,
    /// Statuses that a test sets by hand.
    overrides: Vec<AlarmStatus>,
}

impl ScriptedAlarms {
    /// All rules are OK and not evaluated yet.
    pub fn new(rules: RuleSet, names: &Names) -> Self {
        let resources = Arc::new(names.by_topology_key());
        Self { rules: Arc::new(rules), resources, script: Mutex::default() }
    }

    /// The rules were evaluated at `at`: without a change each is `OK`.
    pub fn evaluated(self, at: Timestamp) -> Self {
        self.edit(|script| script.evaluated_at = Some(at))
    }

    /// Something changed.
    pub fn changed(
        self,
        rule: &str,
        at: Timestamp,
        to: AlarmState,
        reason: &str,
        notified: Notified,
    ) -> Self {
        self.change(rule, at, to, reason, notified);
        self
    }

    /// Something changes now.
    pub fn change(&self, rule: &str, at: Timestamp, to: AlarmState, reason: &str, notified: Notified) {
        let rule = RuleName::new(rule);
        let script = &mut *self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let before = script.changes.iter().filter(|change| change.rule == rule).max_by_key(|c| c.at);
        let from = before.map_or(AlarmState::Ok, |change| change.to);
        script.changes.push(AlarmChange { rule, at, from, to, reason: reason.to_owned(), notified });
    }

    /// Sets the last sent digest.
    pub fn with_digest(self, digest: Digest) -> Self {
        self.edit(|script| script.digest = Some(digest))
    }

    /// Sets the status of one alarm, independent of the changes.
    pub fn with_status(self, status: AlarmStatus) -> Self {
        self.edit(|script| script.overrides.push(status))
    }

    /// From now on every call fails with this error.
    pub fn failing(self, error: ReadError) -> Self {
        self.edit(|script| script.failure = Some(error))
    }

    fn edit(self, edit: impl FnOnce(&mut Script)) -> Self {
        edit(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner));
        self
    }

    fn read<T>(&self, read: impl FnOnce(&Script) -> T) -> Result<T, ReadError> {
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        match &script.failure {
            Some(error) => Err(error.clone()),
            None => Ok(read(&script)),
        }
    }
}

impl Script {
    fn status(&self, rule: &RuleName) -> AlarmStatus {
        if let Some(status) = self.overrides.iter().find(|status| status.rule == *rule) {
            return status.clone();
        }
        let mut changes: Vec<_> = self.changes.iter().filter(|change| change.rule == *rule).collect();
        changes.sort_by_key(|change| change.at);
        let unchanged =
            if self.evaluated_at.is_some() { AlarmState::Ok } else { AlarmState::InsufficientData };
        let last = changes.last();
        AlarmStatus {
            rule: rule.clone(),
            state: last.map_or(unchanged, |change| change.to),
            since: last.map(|change| change.at),
            reason: last.map_or_else(|| "no change yet".to_owned(), |change| change.reason.clone()),
            notified: last.map(|change| change.notified.clone()),
            suppressed: None,
            last_alarm: self.periods(Some(rule), None).pop(),
            evaluation_error: None,
        }
    }

    fn periods(&self, rule: Option<&RuleName>, range: Option<TimeRange>) -> Vec<AlarmPeriod> {
        let all = TimeRange::new(Timestamp::MIN, Timestamp::MAX).ok();
        let Some(range) = range.or(all) else { return Vec::new() };
        let changes: Vec<_> = self
            .changes
            .iter()
            .filter(|change| rule.is_none_or(|rule| change.rule == *rule))
            .cloned()
            .collect();
        periods(&changes, range)
    }
}

#[async_trait]
impl AlarmSource for ScriptedAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        self.read(|script| AlarmsNow {
            rules: Arc::clone(&self.rules),
            resources: Arc::clone(&self.resources),
            statuses: match script.evaluated_at {
                Some(_) => self.rules.iter().map(|rule| script.status(&rule.name)).collect(),
                None => Vec::new(),
            },
            evaluated_at: script.evaluated_at,
            hours: None,
        })
    }

    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        self.read(|script| {
            let wanted = |change: &&AlarmChange| {
                rule.is_none_or(|rule| change.rule == *rule)
                    && change.at >= range.from()
                    && change.at < range.to()
            };
            let mut changes: Vec<_> = script.changes.iter().filter(wanted).cloned().collect();
            changes.sort_by_key(|change| std::cmp::Reverse(change.at));
            let has_more = changes.len() > limit;
            changes.truncate(limit);
            AlarmChanges { changes, has_more }
        })
    }

    async fn periods(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        self.read(|script| script.periods(rule, Some(range)))
    }

    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        self.read(|script| script.digest.clone())
    }
}
