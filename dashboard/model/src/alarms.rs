//! Alarms: which rules there are, how each one is, what changed and who was told.
//!
//! Rules, states and digests are those of `spillway-alerts`. What is added here is what became of telling people, and
//! the port [`AlarmSource`] that reads all of it from whoever evaluates the rules.

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
pub use spillway_alerts::rules::{Comparison, Condition, Link, MetricCondition, Query};
pub use spillway_alerts::{AlarmState, Limits, Rule, RuleName, RuleSet, Tier, runbooks};
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
    /// How each rule is, in the order of the rules. A rule that nobody evaluates yet may be missing.
    pub statuses: Vec<AlarmStatus>,
    /// When the rules were last evaluated; `None` if they never were. Who evaluates does so every minute.
    pub evaluated_at: Option<Timestamp>,
    /// When people are told of low alarms; `None` if at any hour.
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

    /// Rules in alarm of which people are told, with how they are: high ones first, then the newest first. The parts
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

/// How one alarm is.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmStatus {
    /// Which rule.
    pub rule: RuleName,
    /// Its state.
    pub state: AlarmState,
    /// When it came to be so; `None` until the first change.
    pub since: Option<Timestamp>,
    /// Why, in words with the numbers that decided.
    pub reason: String,
    /// Whether and when somebody is told of this state; `None` until the first change.
    pub told: Option<Told>,
    /// Why nobody is told at the moment, if so. Known for quiet alarms as well: it says what would happen.
    pub suppressed: Option<Suppressed>,
    /// The last stretch in `ALARM`: the one that lasts, or the one before.
    pub last_alarm: Option<AlarmPeriod>,
    /// Why it could not be evaluated the last time, if so. The state is then as old as `evaluated_at` of the last time
    /// that it could.
    pub trouble: Option<String>,
}

impl AlarmStatus {
    /// How a rule is that nobody has evaluated yet.
    pub fn unevaluated(rule: &RuleName) -> Self {
        Self {
            rule: rule.clone(),
            state: AlarmState::InsufficientData,
            since: None,
            reason: "not evaluated yet".to_owned(),
            told: None,
            suppressed: None,
            last_alarm: None,
            trouble: None,
        }
    }
}

/// Why an alarm does not act at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// What holds it back.
    pub by: Suppressor,
    /// When that ends, if it is known.
    pub until: Option<Timestamp>,
}

/// What holds an alarm back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suppressor {
    /// It is a low alarm, and nobody is there.
    BusinessHours,
    /// Another alarm: the composite that it is a part of, or the suppressor of a composite.
    Alarm(RuleName),
}

/// What became of telling people of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// They were told.
    At(Timestamp),
    /// It waits for business hours, which begin then if that is known.
    Held(Option<Timestamp>),
    /// It came outside business hours and was told of in the digest of that opening.
    InDigest(Timestamp),
    /// Not by this alarm itself, but in business hours by the one of its tier and subsystem, of which nothing more is known.
    BySubsystem,
    /// They were to be told, and it failed.
    Failed {
        /// When it was tried last.
        at: Timestamp,
        /// Why, in words; it names no secret.
        reason: String,
    },
    /// Nobody is told of this change.
    Never(Untold),
}

/// Why nobody is ever told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// The rule is a part of a composite, which tells for it.
    Part,
    /// Only changes to `ALARM`, and from there to `OK`, are told.
    NoNews,
    /// It was made in simulated time, as a demonstration's history is.
    Simulated,
}

/// One change of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmChange {
    /// The rule whose alarm changed.
    pub rule: RuleName,
    /// When.
    pub at: Timestamp,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// Why, in words with the numbers that decided.
    pub reason: String,
    /// Who was told.
    pub told: Told,
}

/// Changes that were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlarmChanges {
    /// The changes, newest first.
    pub changes: Vec<AlarmChange>,
    /// Whether there are older ones than were asked for.
    pub has_more: bool,
}

/// A stretch in `ALARM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmPeriod {
    /// Of which rule.
    pub rule: RuleName,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; `None` while it lasts.
    pub until: Option<Timestamp>,
}

/// Reads alarms from whoever evaluates the rules.
#[async_trait]
pub trait AlarmSource: Send + Sync {
    /// All rules and how they are.
    ///
    /// # Errors
    /// [`ReadError`] if the source did not answer. A deployment whose rules were never evaluated is no error.
    async fn now(&self) -> Result<AlarmsNow, ReadError>;

    /// Changes in the range, newest first, at most `limit`: of one rule, or of all.
    ///
    /// # Errors
    /// [`ReadError`] if the source did not answer.
    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError>;

    /// Stretches in `ALARM` that overlap the range, of one rule or of all, the oldest first. One may have begun before
    /// the range. [`periods`] reckons them from changes.
    ///
    /// # Errors
    /// [`ReadError`] if the source did not answer.
    async fn periods(&self, rule: Option<&RuleName>, range: TimeRange)
    -> Result<Vec<AlarmPeriod>, ReadError>;

    /// The newest opening digest: what fired while nobody was there. `None` if there was none yet.
    ///
    /// # Errors
    /// [`ReadError`] if the source did not answer.
    async fn digest(&self) -> Result<Option<Digest>, ReadError>;
}
