//! Alarms: the rules, their states, their changes and notifications.
//!
//! Rules, statuses, changes and digests are types of `spillway-alerts`. This module adds the port [`AlarmSource`],
//! which reads them where the rules are evaluated.

mod cache;
mod drawing;
mod outlook;
mod periods;
mod subject;
mod watching;

pub use cache::CachedAlarms;
pub use drawing::{RuleNumbers, Unbound, queries, read_numbers};
pub use outlook::{Outlook, outlooks};
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

/// All alarms at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmsNow {
    /// The evaluated rules, with this deployment's thresholds.
    pub rules: Arc<RuleSet>,
    /// The names of the watched resources, by topology key.
    pub resources: Arc<Resources>,
    /// The status of each rule, in the order of the rules. A rule that was not evaluated yet may be missing.
    pub statuses: Vec<AlarmStatus>,
    /// When the rules were last evaluated; `None` if they never were. They are evaluated every minute.
    pub evaluated_at: Option<Timestamp>,
    /// When low alarms notify; `None` if at any hour.
    pub hours: Option<BusinessHours>,
}

impl AlarmsNow {
    /// The status of the rule `name`.
    pub fn status(&self, name: &str) -> Option<&AlarmStatus> {
        self.statuses.iter().find(|status| status.rule.as_str() == name)
    }

    /// Every rule with its status, in order.
    pub fn all(&self) -> Vec<(&Rule, AlarmStatus)> {
        let known: HashMap<&RuleName, &AlarmStatus> =
            self.statuses.iter().map(|status| (&status.rule, status)).collect();
        let status = |rule: &Rule| match known.get(&rule.name) {
            Some(status) => (*status).clone(),
            None => AlarmStatus::unevaluated(&rule.name),
        };
        self.rules.iter().map(|rule| (rule, status(rule))).collect()
    }

    /// Rules in alarm that notify, with their statuses: high ones first, then the newest first. The parts of a
    /// composite are left out.
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

/// The changes found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlarmChanges {
    /// The changes, newest first.
    pub changes: Vec<AlarmChange>,
    /// Whether there are older changes beyond the limit.
    pub has_more: bool,
}

/// Reads alarms from where the rules are evaluated.
#[async_trait]
pub trait AlarmSource: Send + Sync {
    /// All rules with their states.
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
