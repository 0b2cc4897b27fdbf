//! Alarms as CloudWatch evaluates them.

mod history;
mod read;

pub use read::{AlarmNow, AlarmUpdate, alarm_updates, alarms_now};

use crate::read_error;
use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use jiff::Timestamp;
use spillway_aws::operator::Deployment;
use spillway_core::ports::Clock;
use spillway_dashboard_model::alarms::{
    AlarmChanges, AlarmPeriod, AlarmSource, AlarmState, AlarmStatus, AlarmsNow, BusinessHours, Digest,
    Resources, Rule, RuleName, RuleSet, Suppressed, Suppressor, Tier, periods,
};
use spillway_dashboard_model::{Answers, OneAnswer, ReadError, TimeRange};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Maximum number of changes that are read of a range. Its periods follow from them.
const MAX_CHANGES: usize = 1_000;
/// How long the states and the changes are shared.
const KEEP_STATES: Duration = Duration::from_secs(10);

/// Reads the alarms that Terraform created from the rules.
///
/// The rules are those built into this program, with the deployment's limits. A deployment with custom rules shows only
/// alarms with the name of a built-in rule.
pub struct CloudWatchAlarms {
    client: Client,
    clock: Arc<dyn Clock>,
    rules: Arc<RuleSet>,
    resources: Arc<Resources>,
    names: Arc<BTreeMap<String, String>>,
    hours: Option<BusinessHours>,
    /// The states of all alarms. The list of alarms and the periods of a chart both need them.
    states: OneAnswer<HashMap<String, AlarmNow>>,
    /// The changes in a range. The list of changes and the periods of a chart both need them.
    changes: Answers<(Option<RuleName>, TimeRange, usize), AlarmChanges>,
}

/// Why the alarms of a deployment cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the alarms of the deployment cannot be read: {reason}")]
pub struct AlarmsError {
    /// The mismatch.
    pub reason: String,
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
            states: OneAnswer::new(Arc::clone(&deployment.ports.clock), KEEP_STATES),
            changes: Answers::new(Arc::clone(&deployment.ports.clock), KEEP_STATES),
            clock: Arc::clone(&deployment.ports.clock),
            rules: Arc::new(RuleSet::built_in(&limits).map_err(|error| unfit(&error))?),
            resources: Arc::new(deployment.topology.resources()),
            names: Arc::new(alarms.names),
            hours,
        })
    }

    async fn states(&self) -> Result<Arc<HashMap<String, AlarmNow>>, ReadError> {
        let (client, names) = (self.client.clone(), self.names.values().cloned().collect::<Vec<_>>());
        let read = || async move {
            let alarms = alarms_now(&client, &names).await.map_err(read_error)?;
            Ok(alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm)).collect())
        };
        self.states.get(read).await
    }

    fn status(&self, rule: &Rule, alarm: AlarmNow, now: Timestamp) -> AlarmStatus {
        let state = alarm.state.unwrap_or(AlarmState::InsufficientData);
        let lasting = alarm.since.filter(|_| state == AlarmState::Alarm);
        AlarmStatus {
            rule: rule.name.clone(),
            state,
            since: alarm.since,
            reason: alarm.reason,
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

#[async_trait]
impl AlarmSource for CloudWatchAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        let now = self.clock.now();
        let states = self.states().await?;
        let status = |rule: &Rule| {
            let state = states.get(self.names.get(rule.name.as_str())?)?.clone();
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
        // Only a rule's page asks for both.
        let most = if rule.is_some() { MAX_CHANGES.max(limit) } else { limit };
        let question = (rule.cloned(), range, most);
        let answer = self.changes.get(question.clone(), || {
            let (client, rules, names) =
                (self.client.clone(), Arc::clone(&self.rules), Arc::clone(&self.names));
            let (rule, range, most) = question;
            async move { history::changes(&client, &rules, &names, rule.as_ref(), range, most).await }
        });
        let mut changes = AlarmChanges::clone(&*answer.await?);
        changes.has_more |= changes.changes.len() > limit;
        changes.changes.truncate(limit);
        Ok(changes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use spillway_aws::Topology;
    use spillway_aws::fake::FakeAws;
    use spillway_testkit::ManualClock;
    use spillway_testkit::contract::alarms::{EmptyAlarms, Incident, PlayIncident, RULE};

    const TOPOLOGY: &str = include_str!("../../../pipeline/aws/tests/recorded/topology.json");

    fn minute(minute: i64) -> Timestamp {
        let start: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        start + SignedDuration::from_mins(minute)
    }

    /// The alarms of a deployment in a fake CloudWatch, at that minute.
    async fn source(now: i64) -> (FakeAws, CloudWatchAlarms) {
        let (aws, clock) = (FakeAws::new(), Arc::new(ManualClock::at(minute(now))));
        let deployment = Deployment::at(Topology::parse(TOPOLOGY).unwrap(), aws.clients(), clock).await;
        (aws, CloudWatchAlarms::of(&deployment.unwrap()).unwrap())
    }

    async fn open() -> EmptyAlarms {
        let (aws, source) = source(60).await;
        let names = Arc::clone(&source.names);
        let play: PlayIncident = Box::new(move |incident| {
            let mut changes = vec![("queue-age-low", 11, "ALARM"), (RULE, 13, "ALARM")];
            if incident == Incident::Over {
                changes.extend([(RULE, 33, "OK"), ("queue-age-low", 34, "OK")]);
            }
            for (rule, at, to) in changes {
                aws.alarm_changed(&names[rule], minute(at), to);
            }
            Box::pin(async {})
        });
        EmptyAlarms { start: minute(0), play, source: Arc::new(source), keep: Box::new(()) }
    }

    spillway_testkit::alarms!(super::open);

    #[tokio::test]
    async fn a_history_of_many_pages_is_read_as_far_as_it_is_asked_for() {
        let (aws, alarms) = source(1000).await;
        let name = alarms.names[RULE].clone();
        for at in 0..250 {
            aws.alarm_changed(&name, minute(at), if at % 2 == 0 { "ALARM" } else { "OK" });
        }
        let range = TimeRange::new(minute(0), minute(1000)).unwrap();
        let newest = alarms.changes(None, range, 120).await.unwrap();
        assert_eq!((newest.changes.len(), newest.has_more), (120, true));
        assert_eq!((newest.changes[0].at, newest.changes[119].at), (minute(249), minute(130)));
        assert_eq!(aws.calls(), ["CloudWatch.DescribeAlarmHistory"; 2]);
        let rule = RuleName::new(RULE);
        let periods = alarms.periods(Some(&rule), range).await.unwrap();
        assert_eq!((periods.len(), periods[0].from, periods[124].until), (125, minute(0), Some(minute(249))));
        // The list of the rule's changes and its periods come from one read.
        aws.calls();
        assert_eq!(alarms.changes(Some(&rule), range, 10).await.unwrap().changes.len(), 10);
        assert_eq!(aws.calls(), [""; 0]);
    }
}
