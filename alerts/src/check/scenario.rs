//! A scenario: datapoints in, states out.

use super::notation::parse_series;
use super::unique;
use crate::evaluate::{Timeline, timeline_of};
use crate::history::MemoryHistory;
use crate::metric::MetricStat;
use crate::rules::{Condition, Items, Limits, LowSamples, Problem, Rule, RuleName, RuleSet, read_items};
use crate::state::AlarmState;
use jiff::Timestamp;
use serde::Deserialize;
use serde_yaml_ng::{Mapping, Value};
use spillway_metrics::Statistic;
use std::collections::BTreeMap;

/// Monday, 2026-01-05, 00:00 UTC: the default start of a scenario.
const USUAL_START: i64 = 1_767_571_200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    scenarios: Vec<RawScenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    name: String,
    rule: Value,
    start: Option<Timestamp>,
    interval: Option<u32>,
    before: Option<AlarmState>,
    #[serde(deserialize_with = "unique::map")]
    series: BTreeMap<String, Value>,
    #[serde(deserialize_with = "unique::map")]
    expect: BTreeMap<usize, AlarmState>,
}

/// One scenario, ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The rule that it is about.
    pub rule: RuleName,
    /// The rule itself, if the scenario brings its own.
    pub inline: Option<Rule>,
    /// When the first datapoint begins.
    pub start: Timestamp,
    /// Seconds that each datapoint covers.
    pub interval: u32,
    /// State before the first evaluation.
    pub before: AlarmState,
    /// Values by metric id, one an interval, NaN for gaps.
    pub series: BTreeMap<String, Vec<f64>>,
    /// States by datapoint: each holds from its datapoint on until the next one named, the last until the end.
    pub expect: BTreeMap<usize, AlarmState>,
    /// File it was read from.
    pub file: String,
    /// Line of that file where it begins.
    pub line: usize,
}

/// A scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(pub Problem);

/// Reads a scenario file. Every problem is reported, not only the first.
pub fn parse_scenarios(file: &str, text: &str, limits: &Limits) -> Result<Vec<Scenario>, Vec<Problem>> {
    let Items { file: readable, lines, mut problems } = read_items::<ScenarioFile>(file, text, "scenarios");
    let mut scenarios = Vec::new();
    let raw = readable.map(|file| file.scenarios).unwrap_or_default();
    if raw.is_empty() && problems.is_empty() {
        let message = "the list `scenarios` is empty; expected at least one scenario".to_owned();
        problems.push(Problem { file: file.to_owned(), line: 1, rule: None, message });
    }
    for (index, raw) in raw.into_iter().enumerate() {
        let name = raw.name.clone();
        match read(raw, file, lines.rule(index), limits) {
            Ok(scenario) => scenarios.push(scenario),
            Err((field, message)) => problems.push(Problem {
                file: file.to_owned(),
                line: lines.field(index, field),
                rule: Some(name),
                message,
            }),
        }
    }
    if problems.is_empty() {
        return Ok(scenarios);
    }
    problems.sort_by_key(|problem| problem.line);
    Err(problems)
}

type Wrong = (&'static str, String);

fn read(raw: RawScenario, file: &str, line: usize, limits: &Limits) -> Result<Scenario, Wrong> {
    let interval = raw.interval.unwrap_or(60);
    if interval == 0 {
        return Err(("interval", "expected a number of seconds above 0".to_owned()));
    }
    let (rule, inline) = match raw.rule {
        Value::String(name) => (RuleName::new(name), None),
        Value::Mapping(fields) => {
            let rule = inline_rule(fields, interval, limits).map_err(|message| ("rule", message))?;
            if let Some(message) = rule.metric().and_then(|condition| misfit(interval, condition.period)) {
                return Err(("interval", message));
            }
            (rule.name.clone(), Some(rule))
        }
        _ => return Err(("rule", "expected the name of a rule, or a rule of the scenario's own".to_owned())),
    };
    let mut series = BTreeMap::new();
    for (id, text) in raw.series {
        let text = match text {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(("series", format!("{id}: expected values such as `0x10 5+1x20 -`"))),
        };
        let values = parse_series(&text).map_err(|error| ("series", format!("{id}: {error}")))?;
        series.insert(id, values);
    }
    let longest = series.values().map(Vec::len).max().unwrap_or(0);
    match raw.expect.last_key_value() {
        None => return Err(("expect", "expected at least one state, such as `0: OK`".to_owned())),
        Some((last, _)) if *last >= longest => {
            let message =
                format!("a state is expected at {last}, but the series end at {}", longest as i64 - 1);
            return Err(("expect", message));
        }
        Some(_) => {}
    }
    let start = match raw.start {
        Some(start) => start,
        None => Timestamp::from_second(USUAL_START).map_err(|error| ("start", error.to_string()))?,
    };
    // CloudWatch's periods begin at multiples of their length. Values between them would be in two periods, or in none.
    if start.subsec_nanosecond() != 0 || start.as_second().rem_euclid(interval.into()) != 0 {
        let message =
            format!("expected a start at a multiple of the interval of {interval} s, found {start}");
        return Err(("start", message));
    }
    Ok(Scenario {
        name: raw.name,
        rule,
        inline,
        start,
        interval,
        before: raw.before.unwrap_or_default(),
        series,
        expect: raw.expect,
        file: file.to_owned(),
        line,
    })
}

/// A scenario's own rule. It may have any field of a rule. Fields left out get a default, so that the rule is
/// only about its subject.
fn inline_rule(fields: Mapping, interval: u32, limits: &Limits) -> Result<Rule, String> {
    let defaults = format!(
        "name: inline\nkind: metric\ntier: low\nsummary: A rule of a scenario.\nimpact: None.\nrunbook: inline\n\
         metrics: [{{id: m1, namespace: Scenario, metric: M1, statistic: Average}}]\nperiod: {interval}\n\
         comparison: GreaterThanThreshold\nthreshold: 0.5\ndatapoints_to_alarm: 1\nevaluation_periods: 1\n\
         missing_data: missing\n"
    );
    let mut rule: Mapping = serde_yaml_ng::from_str(&defaults).map_err(|error| error.to_string())?;
    rule.extend(fields);
    let mut file = Mapping::new();
    file.insert("subsystem".into(), "scenario".into());
    file.insert("rules".into(), Value::Sequence(vec![Value::Mapping(rule)]));
    let text = serde_yaml_ng::to_string(&file).map_err(|error| error.to_string())?;
    let set = RuleSet::parse(&[("rule", &text)], limits).map_err(|error| match error {
        crate::rules::LoadError::Invalid { problems } => {
            problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    })?;
    set.iter().next().cloned().ok_or_else(|| "expected a rule".to_owned())
}

impl Scenario {
    /// Number of datapoints.
    pub fn len(&self) -> usize {
        self.series.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Whether it has no datapoints at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it is, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    fn problem(&self, message: impl Into<String>) -> ScenarioError {
        ScenarioError(Problem {
            file: self.file.clone(),
            line: self.line,
            rule: Some(self.name.clone()),
            message: message.into(),
        })
    }

    /// Its datapoints under the metrics that its rule reads. Series that the rule does not read are an error.
    pub fn history(&self, rules: &RuleSet) -> Result<MemoryHistory, ScenarioError> {
        let rule = rules
            .get(self.rule.as_str())
            .ok_or_else(|| self.problem(format!("no rule is called `{}`", self.rule)))?;
        let mut known = BTreeMap::new();
        collect(rule, rules, &mut known);
        // A scenario also shows that the low twin fires earlier.
        if let Some(twin) = rule.low_twin.as_ref().and_then(|twin| rules.get(twin.as_str())) {
            collect(twin, rules, &mut known);
        }
        let mut periods = Vec::new();
        collect_periods(rule, rules, &mut periods);
        if let Some(message) = periods.into_iter().find_map(|period| misfit(self.interval, period)) {
            return Err(self.problem(message));
        }
        let mut history = MemoryHistory::new(self.start, self.interval);
        for (id, values) in &self.series {
            let stats = known.get(id).ok_or_else(|| {
                let ids: Vec<&str> = known.keys().map(String::as_str).collect();
                self.problem(format!("the rule has no metric `{id}`; it has {}", ids.join(", ")))
            })?;
            for stat in stats {
                history.insert(stat.clone(), values.clone());
            }
        }
        Ok(history)
    }

    /// States of `rule` over the scenario's datapoints.
    pub(crate) fn play(
        &self,
        rule: &RuleName,
        rules: &RuleSet,
        history: &MemoryHistory,
    ) -> Result<Timeline, ScenarioError> {
        let from = self.start.as_second();
        let until = from + self.len() as i64 * i64::from(self.interval);
        let before = if *rule == self.rule { self.before } else { AlarmState::default() };
        // Series at the resolution of a longer period are evaluated as each datapoint comes in.
        let every = (self.interval != 60).then_some(self.interval);
        timeline_of(rules, rule, history, (from, until), before, every)
            .map_err(|error| self.problem(error.to_string()))
    }

    /// When datapoint `index` has come in.
    pub(crate) fn moment(&self, index: usize) -> i64 {
        self.start.as_second() + (index as i64 + 1) * i64::from(self.interval)
    }

    /// The state expected at datapoint `index`; `None` before the first that is named.
    pub(crate) fn expected(&self, index: usize) -> Option<AlarmState> {
        self.expect.range(..=index).next_back().map(|(_, state)| *state)
    }
}

/// Why values of `interval` seconds make up no datapoints of `period`. States would then come from no datapoint at all.
fn misfit(interval: u32, period: u32) -> Option<String> {
    let fits = period.is_multiple_of(interval) && (interval >= 60 || period < 60);
    (!fits).then(|| {
        let minutes = if period > 60 { ", or 60 for minutes" } else { "" };
        format!(
            "each value covers {interval} s, and a datapoint of the rule {period} s; let `interval` be {period}{minutes}"
        )
    })
}

/// Periods of the rule, and of the parts of a composite.
fn collect_periods(rule: &Rule, rules: &RuleSet, periods: &mut Vec<u32>) {
    match &rule.condition {
        Condition::Metric(condition) => periods.push(condition.period),
        Condition::Composite(composite) => {
            for part in composite.rule.names().into_iter().filter_map(|name| rules.get(name)) {
                collect_periods(part, rules, periods);
            }
        }
    }
}

/// Metrics by id: of the rule, and of the parts of a composite. What counts the samples of a percentile that waits for
/// enough of them is called `<id>.samples`.
fn collect(rule: &Rule, rules: &RuleSet, known: &mut BTreeMap<String, Vec<MetricStat>>) {
    let mut add = |id: String, stat: &MetricStat| {
        let stats = known.entry(id).or_default();
        if !stats.contains(stat) {
            stats.push(stat.clone());
        }
    };
    match &rule.condition {
        Condition::Metric(condition) => {
            for query in &condition.queries {
                add(query.id.clone(), &query.stat);
                if condition.low_samples == LowSamples::Ignore
                    && query.stat.statistic.significant_samples().is_some()
                {
                    let counts = MetricStat { statistic: Statistic::SampleCount, ..query.stat.clone() };
                    add(format!("{}.samples", query.id), &counts);
                }
            }
        }
        Condition::Composite(composite) => {
            for part in composite.rule.names().into_iter().filter_map(|name| rules.get(name)) {
                collect(part, rules, known);
            }
        }
    }
}
