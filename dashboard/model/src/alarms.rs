//! Alarms: which rules there are, how each one is, what changed and who was notified.
//!
//! Rules, statuses, changes and digests are those of `spillway-alerts`. What is added here is the port [`AlarmSource`],
//! which reads all of it from where the rules are evaluated.

mod cache;
mod drawing;
mod periods;
mod subject;
mod watching;

pub use cache::CachedAlarms;
pub use drawing::{RuleNumbers, Unbound, queries, read_numbers};
pub use periods::periods;
pub use spillway_alerts::hours::{BusinessHours, Digest, DigestEntry};
pub use spillway_alerts::metric::Resources;
pub use spillway_alerts::rules::{Comparison, Condition, Link, MetricCondition, MissingData, Query};
pub use spillway_alerts::{
    AlarmChange, AlarmPeriod, AlarmState, AlarmStatus, Limits, NotNotified, Notified, Rule, RuleName,
    RuleSet, Suppressed, Suppressor, Tier, runbooks,
};
pub use subject::{Subject, unit};
pub use watching::{Watch, Watchers};

use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// All alarms at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmsNow {
    /// The rules that are evaluated, with their thresholds as this deployment has them.
    pub rules: Arc<RuleSet>,
    /// What the resources that rules watch are called here, by topology key.
    pub resources: Arc<Resources>,
    /// How each rule is, in the order of the rules. A rule that was not evaluated yet may be missing.
    pub statuses: Vec<AlarmStatus>,
    /// When the rules were last evaluated; `None` if they never were. They are evaluated every minute.
    pub evaluated_at: Option<Timestamp>,
    /// When people are notified of low alarms; `None` if at any hour.
    pub hours: Option<BusinessHours>,
}

impl AlarmsNow {
    /// How the rule called `name` is.
    pub fn status(&self, name: &str) -> Option<&AlarmStatus> {
        self.statuses.iter().find(|status| status.rule.as_str() == name)
    }

    /// Every rule with how it is, in the order of the rules.
    pub fn all(&self) -> Vec<(&Rule, AlarmStatus)> {
        let known: HashMap<&RuleName, &AlarmStatus> =
            self.statuses.iter().map(|status| (&status.rule, status)).collect();
        let status = |rule: &Rule| match known.get(&rule.name) {
            Some(status) => (*status).clone(),
            None => AlarmStatus::unevaluated(&rule.name),
        };
        self.rules.iter().map(|rule| (rule, status(rule))).collect()
    }

    /// Rules in alarm that notify people, with their statuses: high ones first, then the newest first. The parts
    /// of a composite are not among them.
    pub fn active(&self) -> Vec<(&Rule, &AlarmStatus)> {
        let in_alarm = self.statuses.iter().filter(|status| status.state == AlarmState::Alarm);
        let mut active: Vec<_> =
            in_alarm.filter_map(|status| Some((self.rules.get(status.rule.as_str())?, status))).collect();
        active.retain(|(rule, _)| rule.notify);
        active.sort_by_key(|(rule, status)| (rule.tier != Tier::High, std::cmp::Reverse(status.since)));
        active
    }

    /// The high rule that has `name` as its low twin, or the low twin of the high rule `name`.
    pub fn twin(&self, name: &str) -> Option<&Rule> {
        let rule = self.rules.get(name)?;
        match &rule.low_twin {
            Some(twin) => self.rules.get(twin.as_str()),
            None => self.rules.iter().find(|other| other.low_twin.as_ref() == Some(&rule.name)),
        }
    }
}

/// Changes that were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlarmChanges {
    /// The changes, newest first.
    pub changes: Vec<AlarmChange>,
    /// Whether there are older ones than were asked for.
    pub has_more: bool,
}

/// Reads alarms from where the rules are evaluated.
#[async_trait]
pub trait AlarmSource: Send + Sync {
    /// All rules and how they are.
    ///
    /// # Errors
    /// [`ReadError`] if the source did not answer. A deployment whose rules were never evaluated is no error.
    async fn now(&self) -> Result<AlarmsNow, ReadError>;

    /// Changes in the range, newest first, at most `limit`: of one rule, or of all.
    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError>;

    /// Periods in `ALARM` that overlap the range, of one rule or of all, the oldest first. One may have begun before
    /// the range. [`periods`] computes them from changes.
    async fn periods(&self, rule: Option<&RuleName>, range: TimeRange)
    -> Result<Vec<AlarmPeriod>, ReadError>;

    /// The newest opening digest: what fired outside business hours. `None` if there was none yet.
    async fn digest(&self) -> Result<Option<Digest>, ReadError>;
}
