//! Which rules watch what a chart of the catalogue shows.

use super::{AlarmsNow, MetricCondition, Resources, Rule, RuleName, Subject, Tier, drawing};
use crate::catalogue::Entry;
use crate::metrics::LineValue;
use crate::{MetricQuery, Period, Statistic};
use spillway_alerts::rules::Query;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarms::testkit::ScriptedAlarms;
    use crate::alarms::{AlarmSource, RuleSet};
    use crate::catalogue::{Stage, of_stage};
    use futures::FutureExt;
    use spillway_alerts::Limits;
    use spillway_core::names::Names;

    fn watched(stage: Stage, key: &str, minutes: u32) -> Vec<(String, Option<f64>)> {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let names = Names::default();
        let alarms = ScriptedAlarms::new(rules, &names);
        let now = alarms.now().now_or_never().unwrap().unwrap();
        let entry = of_stage(stage, &names).into_iter().find(|entry| entry.key == key).unwrap();
        let found = Watchers::of(&now).watching(&entry, Period::minutes(minutes));
        found.into_iter().map(|watch| (watch.rule.to_string(), watch.threshold)).collect()
    }

    fn expected(rules: &[(&str, Option<f64>)]) -> Vec<(String, Option<f64>)> {
        rules.iter().map(|(rule, threshold)| ((*rule).to_owned(), *threshold)).collect()
    }

    #[test]
    fn a_maximum_has_its_thresholds_whatever_the_period() {
        let ages = expected(&[("queue-age-low", Some(300.0)), ("queue-age-high", Some(1_800.0))]);
        assert_eq!(watched(Stage::Queue, "age", 1), ages);
        assert_eq!(watched(Stage::Queue, "age", 60), ages);
        assert_eq!(watched(Stage::Dlq, "age", 1), []);
    }

    #[test]
    fn a_sum_has_its_threshold_only_over_the_rules_own_period() {
        assert_eq!(watched(Stage::Consumer, "errors", 1), expected(&[("consumer-errors-low", Some(0.0))]));
        assert_eq!(watched(Stage::Consumer, "errors", 5), expected(&[("consumer-errors-low", None)]));
    }

    #[test]
    fn a_share_is_known_by_what_is_counted_and_of_what() {
        let shares = watched(Stage::Table, "error-share", 5);
        let of = |rule: &str| shares.iter().find(|(name, _)| name == rule).and_then(|(_, value)| *value);
        assert_eq!(of("table-throttles-high"), Some(20.0));
        assert_eq!(of("table-system-errors-low"), Some(2.0));
        let api = watched(Stage::Api, "error-share", 5);
        let of = |rule: &str| api.iter().find(|(name, _)| name == rule).map(|(_, value)| *value);
        assert_eq!(of("api-5xx-high"), Some(Some(5.0)));
        assert_eq!(
            of("availability-burn-early-low"),
            Some(None),
            "an hour's share is calmer than five minutes'"
        );
        assert_eq!(of("availability-burn-14x-high"), Some(None), "a composite shows through its parts");
        assert_eq!(watched(Stage::Table, "capacity-use", 5), expected(&[("table-capacity-low", Some(80.0))]));
    }
}
