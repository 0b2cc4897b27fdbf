//! Which rules watch the metrics of a chart.

use super::{AlarmsNow, MetricCondition, Resources, Rule, RuleName, Subject, Tier, drawing};
use crate::catalogue::Entry;
use crate::metrics::LineValue;
use spillway_alerts::rules::Query;
use spillway_metrics::{MetricQuery, Period, Statistic};
use std::collections::HashSet;

/// A rule that watches a chart's metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The rule that notifies.
    pub rule: RuleName,
    /// Its tier.
    pub tier: Tier,
    /// Its threshold in the chart's unit; `None` if the rule compares other values than the chart's, such as sums over
    /// other periods.
    pub threshold: Option<f64>,
    /// Which of the chart's lines it watches; `None` for a single line, or if the rule watches several.
    pub line: Option<&'static str>,
}

/// All rules with their queries in this deployment.
#[derive(Clone, Debug, Default)]
pub struct Watchers<'a> {
    all: Vec<Watcher<'a>>,
}

#[derive(Clone, Debug)]
struct Watcher<'a> {
    notifying: &'a Rule,
    /// The rule itself, or a part of it.
    condition: &'a MetricCondition,
    reads: HashSet<MetricQuery>,
    /// The meaning of its number.
    number: Number,
}

/// The meaning of a rule's number, in this deployment.
#[derive(Clone, Debug)]
enum Number {
    Metric(MetricQuery),
    Share(HashSet<MetricQuery>),
    Other,
}

impl<'a> Watchers<'a> {
    /// The rules that notify, and the parts of composites.
    pub fn of(now: &'a AlarmsNow) -> Self {
        let notifying = now.rules.iter().filter(|rule| rule.notify);
        Self { all: notifying.flat_map(|rule| Self::of_rule(now, rule).all).collect() }
    }

    /// One rule, with its parts.
    pub fn of_rule(now: &'a AlarmsNow, notifying: &'a Rule) -> Self {
        let parts = notifying.parts().into_iter().filter_map(|part| now.rules.get(part));
        // No chart shows a resource that the topology lacks.
        let watchers = parts.chain([notifying]).filter_map(Rule::metric);
        Self {
            all: watchers
                .filter_map(|condition| Watcher::new(notifying, condition, &now.resources))
                .collect(),
        }
    }

    /// The rules that watch the metrics of `entry`. Each point of the chart covers a `period`.
    pub fn watching(&self, entry: &Entry, period: Period) -> Vec<Watch> {
        let mut found: Vec<Watch> = Vec::new();
        for watcher in &self.all {
            let seen: Vec<_> = entry.lines.iter().filter(|line| watcher.sees(&line.value)).collect();
            let line = match *seen {
                [] => continue,
                [only] if entry.lines.len() > 1 => Some(only.label),
                _ => None,
            };
            let is_itself = watcher.notifying.metric().is_some();
            let threshold =
                (is_itself && watcher.is_comparable(period)).then_some(watcher.condition.threshold);
            match found.iter_mut().find(|watch| watch.rule == watcher.notifying.name) {
                Some(known) => {
                    known.threshold = known.threshold.or(threshold);
                    known.line = known.line.filter(|known| Some(*known) == line);
                }
                None => {
                    let (rule, tier) = (watcher.notifying.name.clone(), watcher.notifying.tier);
                    found.push(Watch { rule, tier, threshold, line });
                }
            }
        }
        found
    }
}

impl<'a> Watcher<'a> {
    fn new(notifying: &'a Rule, condition: &'a MetricCondition, resources: &Resources) -> Option<Self> {
        let queries = drawing::queries(condition, resources).ok()?;
        let bound = |query: &Query| {
            let place = condition.queries.iter().position(|one| one.id == query.id)?;
            queries.get(place).cloned()
        };
        let number = match Subject::of(condition) {
            Subject::Metric(query) => bound(query).map_or(Number::Other, Number::Metric),
            Subject::Share(counted) => Number::Share(counted.into_iter().filter_map(bound).collect()),
            Subject::TimeLeft(_) | Subject::Other => Number::Other,
        };
        Some(Self { notifying, condition, reads: queries.into_iter().collect(), number })
    }

    fn sees(&self, line: &LineValue) -> bool {
        match (&self.number, line) {
            (Number::Metric(query), LineValue::Statistic(shown)) => query == shown,
            (Number::Share(counted), LineValue::Share { part, whole }) => {
                same(counted, part) && same(&self.reads, part.iter().chain(whole))
            }
            // A capacity changes rarely, so all its statistics are equal.
            (Number::Share(_), LineValue::CapacityUse { used, allowed }) => {
                let metrics: HashSet<_> = self.reads.iter().map(|query| &query.metric).collect();
                metrics == HashSet::from([&used.metric, &allowed.metric])
            }
            _ => false,
        }
    }

    /// Whether the threshold is valid for a point of that period.
    fn is_comparable(&self, period: Period) -> bool {
        let statistic = match &self.number {
            Number::Metric(query) => Some(query.statistic),
            _ => None,
        };
        match statistic {
            // A sum grows with the period.
            Some(Statistic::Sum | Statistic::SampleCount) => self.condition.period == period.seconds(),
            Some(Statistic::Maximum | Statistic::Minimum) => true,
            // A share over a shorter period varies more than the one that the rule compares.
            _ => self.condition.period <= period.seconds(),
        }
    }
}

/// Whether both have the same queries, in any order.
fn same<'q>(of: &HashSet<MetricQuery>, shown: impl IntoIterator<Item = &'q MetricQuery>) -> bool {
    of.iter().collect::<HashSet<_>>() == shown.into_iter().collect::<HashSet<_>>()
}
