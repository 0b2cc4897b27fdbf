//! Alarms as CloudWatch evaluates them.

mod history;

use crate::read_error;
use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use spillway_aws::explain;
use spillway_aws::operator::Deployment;
use spillway_core::ports::Clock;
use spillway_dashboard_model::alarms::{
    AlarmChanges, AlarmPeriod, AlarmSource, AlarmState, AlarmStatus, AlarmsNow, BusinessHours, Digest,
    Resources, Rule, RuleName, RuleSet, Suppressed, Suppressor, Tier, periods,
};
use spillway_dashboard_model::{ReadError, TimeRange};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Maximum number of names in a `DescribeAlarms` (CloudWatch API reference).
const MAX_NAMES: usize = 100;
/// Maximum number of changes that are read to compute the periods of a range.
const MAX_CHANGES: usize = 5_000;

/// Reads the alarms that Terraform created from the rules.
///
/// The rules are those built into this program, with the deployment's limits. A deployment with custom rules shows only
/// alarms with the name of a built-in rule.
pub struct CloudWatchAlarms {
    client: Client,
    clock: Arc<dyn Clock>,
    rules: Arc<RuleSet>,
    resources: Arc<Resources>,
    names: BTreeMap<String, String>,
    hours: Option<BusinessHours>,
}

/// Why the alarms of a deployment cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the alarms of the deployment cannot be read: {reason}")]
pub struct AlarmsError {
    /// The mismatch.
    pub reason: String,
}

struct State {
    state: AlarmState,
    since: Option<Timestamp>,
    reason: String,
}

impl CloudWatchAlarms {
    /// The alarms of a deployment.
    ///
    /// # Errors
    /// [`AlarmsError`] if the topology's limits or business hours do not match the rules.
    pub fn of(deployment: &Deployment) -> Result<Self, AlarmsError> {
        let unfit = |error: &dyn std::fmt::Display| AlarmsError { reason: error.to_string() };
        let alarms = deployment.topology.alarms.clone().unwrap_or_default();
        let limits = alarms.limits().map_err(|error| unfit(&error))?;
        let hours = alarms.hours().map_err(|error| unfit(&error))?;
        Ok(Self {
            client: deployment.clients.cloudwatch(),
            clock: Arc::clone(&deployment.ports.clock),
            rules: Arc::new(RuleSet::built_in(&limits).map_err(|error| unfit(&error))?),
            resources: Arc::new(deployment.topology.resources()),
            names: alarms.names,
            hours,
        })
    }

    async fn states(&self) -> Result<HashMap<String, State>, ReadError> {
        let names: Vec<String> = self.names.values().cloned().collect();
        let mut states = HashMap::new();
        for names in names.chunks(MAX_NAMES) {
            let mut pages = self
                .client
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page =
                    page.map_err(|error| read_error(explain::explain(&error, "cloudwatch:DescribeAlarms")))?;
                let metric = page.metric_alarms().iter().map(|alarm| {
                    let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                    (alarm.alarm_name(), alarm.state_value(), since, alarm.state_reason())
                });
                let composite = page.composite_alarms().iter().map(|alarm| {
                    let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                    (alarm.alarm_name(), alarm.state_value(), since, alarm.state_reason())
                });
                for (name, value, since, reason) in metric.chain(composite) {
                    let Some(name) = name else { continue };
                    let reason = reason.unwrap_or_default().to_owned();
                    let state = State { state: state(value), since: since.and_then(time), reason };
                    states.insert(name.to_owned(), state);
                }
            }
        }
        Ok(states)
    }

    fn status(&self, rule: &Rule, state: State, now: Timestamp) -> AlarmStatus {
        let lasting = state.since.filter(|_| state.state == AlarmState::Alarm);
        AlarmStatus {
            rule: rule.name.clone(),
            state: state.state,
            since: state.since,
            reason: state.reason,
            notified: None,
            suppressed: self.suppressed(rule, now),
            last_alarm: lasting.map(|from| AlarmPeriod { rule: rule.name.clone(), from, until: None }),
            evaluation_error: None,
        }
    }

    fn suppressed(&self, rule: &Rule, now: Timestamp) -> Option<Suppressed> {
        let hours = self.hours.as_ref().filter(|hours| rule.tier == Tier::Low && !hours.is_open(now))?;
        Some(Suppressed { by: Suppressor::BusinessHours, until: hours.next_opening(now) })
    }
}

fn state(value: Option<&StateValue>) -> AlarmState {
    match value {
        Some(StateValue::Alarm) => AlarmState::Alarm,
        Some(StateValue::Ok) => AlarmState::Ok,
        _ => AlarmState::InsufficientData,
    }
}

fn time(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[async_trait]
impl AlarmSource for CloudWatchAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        let now = self.clock.now();
        let mut states = self.states().await?;
        let status = |rule: &Rule| {
            let state = states.remove(self.names.get(rule.name.as_str())?)?;
            Some(self.status(rule, state, now))
        };
        let statuses: Vec<_> = self.rules.iter().filter_map(status).collect();
        Ok(AlarmsNow {
            rules: Arc::clone(&self.rules),
            resources: Arc::clone(&self.resources),
            // CloudWatch evaluates every minute.
            evaluated_at: (!statuses.is_empty()).then_some(now),
            statuses,
            hours: self.hours.clone(),
        })
    }

    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        history::changes(&self.client, &self.rules, &self.names, rule, range, limit).await
    }

    async fn periods(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        let until_now = TimeRange::new(range.from(), self.clock.now().max(range.to())).unwrap_or(range);
        let changes = self.changes(rule, until_now, MAX_CHANGES).await?.changes;
        let mut found = periods(&changes, range);
        // An alarm that was active during the whole range has no change in it.
        for status in self.now().await?.statuses {
            let lasts = status.last_alarm.filter(|lasting| lasting.from < range.from());
            found.extend(lasts.filter(|lasting| rule.is_none_or(|rule| *rule == lasting.rule)));
        }
        found.sort_by(|a, b| (a.from, &a.rule).cmp(&(b.from, &b.rule)));
        Ok(found)
    }

    /// The reporter function sends digests to the topics and stores none.
    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        Ok(None)
    }
}
