//! Recorded datapoints of CloudWatch, for trying alarm rules on them.

use crate::cloudwatch;
use crate::explain::ExplainedError;
use aws_sdk_cloudwatch::Client;
use spillway_alerts::metric::UnknownResource;
use spillway_alerts::{History, MemoryHistory, MetricStat, Resources, RuleSet, Slots, SourceError};
use spillway_core::Timestamp;
use spillway_metrics::Statistic;
use spillway_metrics::retention::{floor, intervals};
use std::borrow::Cow;
use std::collections::BTreeSet;

const MINUTE: i64 = 60;

/// The datapoints that some rules need, read from CloudWatch once and kept in memory by the minute.
///
/// Alarms use periods that end at any minute, so every period is summed up from minutes
/// ([`spillway_metrics::retention::Interval::by_the_minute`]).
pub struct CloudWatchHistory {
    minutes: MemoryHistory,
    first: Option<Timestamp>,
}

/// Why datapoints could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// A rule watches a resource that the deployment does not have.
    #[error(transparent)]
    Resource(#[from] UnknownResource),
    /// CloudWatch did not answer.
    #[error(transparent)]
    CloudWatch(#[from] ExplainedError),
}

impl CloudWatchHistory {
    /// Reads the datapoints that these rules need in order to be evaluated from `from` until `until`. `now` decides
    /// which datapoints CloudWatch still has, and in which detail.
    ///
    /// # Errors
    /// [`HistoryError`] if a rule watches an unknown metric, or CloudWatch does not answer.
    pub async fn load(
        client: &Client,
        rules: &[&RuleSet],
        resources: &Resources,
        (from, until): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Self, HistoryError> {
        let stats: Vec<MetricStat> = stats(rules).into_iter().collect();
        let from = floor(from.as_second() - look_back(rules), 3_600);
        let until = floor(until.as_second() + MINUTE - 1, MINUTE);
        let mut values = vec![Vec::new(); stats.len()];
        let queries = stats.iter().map(|stat| stat.bind(resources)).collect::<Result<Vec<_>, _>>()?;
        for interval in intervals(from, until, now.as_second()) {
            let range = (time(interval.from), time(interval.until));
            let found = cloudwatch::read(client, &queries, interval.period, range).await?;
            for ((values, stat), points) in values.iter_mut().zip(&stats).zip(&found) {
                let at = |start| points.get(&start).copied();
                values.extend(interval.by_the_minute(stat.statistic, at));
            }
        }
        let first = values.iter().filter_map(|values| values.iter().position(|value| !value.is_nan())).min();
        let first = first.map(|minute| time(from + MINUTE * minute as i64));
        let mut minutes = MemoryHistory::new(time(from), MINUTE as u32);
        for (stat, values) in stats.into_iter().zip(values) {
            minutes.insert(stat, values);
        }
        Ok(Self { minutes, first })
    }

    /// When the first datapoint begins; `None` if there is none at all.
    pub fn first_recorded(&self) -> Option<Timestamp> {
        self.first
    }
}

impl History for CloudWatchHistory {
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError> {
        self.minutes.column(stat, slots)
    }
}

/// Every series that the rules need. Averages need sample counts to be put together, and percentiles need
/// them to be significant.
fn stats(rules: &[&RuleSet]) -> BTreeSet<MetricStat> {
    let conditions = rules.iter().flat_map(|rules| rules.iter()).filter_map(|rule| rule.metric());
    let mut stats = BTreeSet::new();
    for query in conditions.flat_map(|condition| &condition.queries) {
        stats.insert(query.stat.clone());
        if matches!(query.stat.statistic, Statistic::Average | Statistic::Percentile(_)) {
            stats.insert(MetricStat { statistic: Statistic::SampleCount, ..query.stat.clone() });
        }
    }
    stats
}

/// How many seconds before a moment the rules need.
fn look_back(rules: &[&RuleSet]) -> i64 {
    let conditions = rules.iter().flat_map(|rules| rules.iter()).filter_map(|rule| rule.metric());
    let range = |period: u32, periods: usize| i64::from(period) * (periods as i64 + 1);
    conditions.map(|condition| range(condition.period, condition.evaluation_range())).max().unwrap_or(0)
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Topology;
    use crate::cloudwatch::fake::FakeCloudWatch;
    use spillway_alerts::{Limits, backtest};
    use spillway_metrics::{Queue, queue};

    fn rules() -> RuleSet {
        RuleSet::built_in(&Limits::built_in().unwrap()).unwrap()
    }

    fn now() -> Timestamp {
        "2026-03-02T14:02:00Z".parse().unwrap()
    }

    fn topology() -> Topology {
        Topology::parse(include_str!("../tests/recorded/topology.json")).unwrap()
    }

    #[tokio::test]
    async fn every_series_that_a_rule_needs_is_read_under_its_deployed_name() {
        let fake = FakeCloudWatch::new();
        let depth = queue::VISIBLE.of(&Queue::from("spillway-events-dlq"));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        fake.put(&depth, at("2026-03-02T13:30:10Z"), 7.0);
        let range = (at("2026-03-02T13:00:00Z"), now());
        let rules = rules();
        let history =
            CloudWatchHistory::load(&fake.client(), &[&rules], &topology().resources(), range, now())
                .await
                .unwrap();
        assert_eq!(history.first_recorded(), Some(at("2026-03-02T13:30:00Z")));
        let stat = stats(&[&rules])
            .into_iter()
            .find(|stat| {
                stat.metric.name == depth.name
                    && stat.statistic == Statistic::Maximum
                    && stat.metric.to_string().contains("queues.dlq")
            })
            .expect("a rule watches the dead letter queue");
        let first_end = at("2026-03-02T13:30:00Z").as_second();
        let column = history.column(&stat, Slots { first_end, step: 60, period: 60, len: 3 }).unwrap();
        assert!(column[0].is_nan() && column[1] == 7.0 && column[2].is_nan(), "{column:?}");
    }

    #[tokio::test]
    async fn a_backtest_over_cloudwatch_finds_what_would_have_fired() {
        let fake = FakeCloudWatch::new();
        let age = queue::AGE_OF_OLDEST.of(&Queue::from("spillway-events"));
        let from = now() - jiff::SignedDuration::from_hours(3);
        for minute in 0..180_i64 {
            let seconds = if (60..75).contains(&minute) { 600.0 } else { 1.0 };
            fake.put(&age, from + jiff::SignedDuration::from_mins(minute), seconds);
        }
        let rules = rules();
        let resources = topology().resources();
        let history = CloudWatchHistory::load(&fake.client(), &[&rules], &resources, (from, now()), now())
            .await
            .unwrap();
        let range = backtest::Range { from, until: now(), zone: jiff::tz::TimeZone::UTC };
        let found = backtest::run(&rules, &history, &range).unwrap();
        let firings = |name: &str| {
            let rule = found.rules.iter().find(|rule| rule.rule.as_str() == name).unwrap();
            rule.firings.len()
        };
        assert_eq!((firings("queue-age-low"), firings("queue-age-high")), (1, 0));
    }

    #[tokio::test]
    async fn a_resource_that_the_deployment_lacks_is_named() {
        let mut resources = topology().resources();
        resources.remove("queues.dlq");
        let fake = FakeCloudWatch::new();
        let error =
            CloudWatchHistory::load(&fake.client(), &[&rules()], &resources, (now(), now()), now()).await;
        let error = error.err().unwrap().to_string();
        assert!(error.contains("no `queues.dlq`"), "{error}");
    }
}
