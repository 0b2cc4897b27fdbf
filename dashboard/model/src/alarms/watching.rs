//! Which rules watch what a chart of the catalogue shows.

use super::{AlarmsNow, MetricCondition, Resources, Rule, RuleName, Subject, Tier, drawing};
use crate::catalogue::Entry;
use crate::metrics::LineValue;
use spillway_alerts::rules::Query;
use spillway_metrics::{MetricQuery, Period, Statistic};
use std::collections::HashSet;

/// A rule that watches what a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The rule of which people are notifying.
    pub rule: RuleName,
    /// Its tier.
    pub tier: Tier,
    /// Its threshold in the chart's unit; `None` if the chart's points are not what the rule compares, such as sums
    /// over longer periods.
    pub threshold: Option<f64>,
    /// Which of the chart's lines it watches; `None` if there is one line only, or the rule watches several.
    pub line: Option<&'static str>,
}

/// All rules with what they read in this deployment, to be asked about many charts.
#[derive(Clone, Debug, Default)]
pub struct Watchers<'a> {
    all: Vec<Watcher<'a>>,
}

#[derive(Clone, Debug)]
struct Watcher<'a> {
    /// Of which people are notifying.
    notifying: &'a Rule,
    /// The rule itself, or a part of it.
    condition: &'a MetricCondition,
    /// Everything that it reads.
    reads: HashSet<MetricQuery>,
    /// What its number is.
    number: Number,
}

/// What a rule's number is, in this deployment.
#[derive(Clone, Debug)]
enum Number {
    Metric(MetricQuery),
    Share(HashSet<MetricQuery>),
    Other,
}

impl<'a> Watchers<'a> {
    /// The rules of which people are notifying, and the parts of those that are composites.
    pub fn of(now: &'a AlarmsNow) -> Self {
        let notifying = now.rules.iter().filter(|rule| rule.notify);
        Self { all: notifying.flat_map(|rule| Self::of_rule(now, rule).all).collect() }
    }

    /// One rule, with its parts.
    pub fn of_rule(now: &'a AlarmsNow, notifying: &'a Rule) -> Self {
        let parts = notifying.parts().into_iter().filter_map(|part| now.rules.get(part));
        // What the topology does not have is not on any chart either.
        let watchers = parts.chain([notifying]).filter_map(Rule::metric);
        Self {
            all: watchers
                .filter_map(|condition| Watcher::new(notifying, condition, &now.resources))
                .collect(),
        }
    }

    /// The rules that watch what `entry` shows, whose points each cover a `period`.
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
            Subject::Other => Number::Other,
        };
        Some(Self { notifying, condition, reads: queries.into_iter().collect(), number })
    }

    fn sees(&self, line: &LineValue) -> bool {
        match (&self.number, line) {
            (Number::Metric(query), LineValue::Statistic(shown)) => query == shown,
            (Number::Share(counted), LineValue::Share { part, whole }) => {
                same(counted, part) && same(&self.reads, part.iter().chain(whole))
            }
            // A capacity changes seldom: whichever statistic of it is taken is the same.
            (Number::Share(_), LineValue::CapacityUse { used, allowed }) => {
                let metrics: HashSet<_> = self.reads.iter().map(|query| &query.metric).collect();
                metrics == HashSet::from([&used.metric, &allowed.metric])
            }
            _ => false,
        }
    }

    /// Whether a point of that period can be held against the threshold.
    fn is_comparable(&self, period: Period) -> bool {
        let statistic = match &self.number {
            Number::Metric(query) => Some(query.statistic),
            _ => None,
        };
        match statistic {
            // Over a longer period there is more of it.
            Some(Statistic::Sum | Statistic::SampleCount) => self.condition.period == period.seconds(),
            Some(Statistic::Maximum | Statistic::Minimum) => true,
            // Over a shorter period than the rule's it is wilder than what the rule compares.
            _ => self.condition.period <= period.seconds(),
        }
    }
}

/// Whether these are the same queries, in whatever order.
fn same<'q>(of: &HashSet<MetricQuery>, shown: impl IntoIterator<Item = &'q MetricQuery>) -> bool {
    of.iter().collect::<HashSet<_>>() == shown.into_iter().collect::<HashSet<_>>()
}
