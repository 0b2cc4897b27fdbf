//! What makes a rule well formed. Each problem names file, line and what was expected.

use super::locate::Lines;
use super::raw::{Kind, RawFile, RawMetric, RawRule};
use super::{
    CompositeCondition, Condition, Limits, LowSamples, MetricCondition, Query, Rule, RuleName, Service, Tier,
    words,
};
use crate::evaluate::AlarmRule;
use crate::math::Expression;
use crate::metric::{Metric, MetricStat};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// One thing that is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// File as it was given.
    pub file: String,
    /// Line in it, counted from 1.
    pub line: usize,
    /// Which rule, if it is known.
    pub rule: Option<String>,
    /// What was found and what was expected.
    pub message: String,
}

impl Problem {
    /// A file that is no YAML, or YAML of another shape.
    pub(crate) fn of_yaml(file: &str, error: &serde_yaml_ng::Error) -> Self {
        let message = error.to_string();
        let (line, place) = error.location().map_or((1, String::new()), |location| {
            (location.line(), format!(" at line {} column {}", location.line(), location.column()))
        });
        // The line comes before the message, as in every problem.
        let message = message.strip_suffix(&place).unwrap_or(&message);
        Self { file: file.to_owned(), line, rule: None, message: words::plain(message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, "{rule}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Reports problems of one rule.
struct Reporter<'a> {
    file: &'a str,
    lines: &'a Lines,
    index: usize,
    name: String,
    problems: &'a mut Vec<Problem>,
}

impl Reporter<'_> {
    fn at(&mut self, field: &str, message: impl Into<String>) {
        let line = self.lines.field(self.index, field);
        self.on(line, message);
    }

    fn on(&mut self, line: usize, message: impl Into<String>) {
        let (file, rule) = (self.file.to_owned(), Some(self.name.clone()));
        self.problems.push(Problem { file, line, rule, message: message.into() });
    }

    fn require<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.at(field, format!("expected the field `{field}`"));
        }
        value
    }
}

/// CloudWatch's 255 characters, less the deployment's name and a hyphen: Terraform allows 24 characters.
const LONGEST_NAME: usize = 230;

/// Checks the rules of one file one by one and appends those that are well formed.
pub(crate) fn file(
    file: &str,
    lines: &Lines,
    raw: RawFile,
    limits: &Limits,
    rules: &mut Vec<Rule>,
    problems: &mut Vec<Problem>,
) {
    let before = problems.len();
    if raw.rules.is_empty() && problems.is_empty() {
        let message = "the list `rules` is empty; expected at least one rule".to_owned();
        problems.push(Problem { file: file.to_owned(), line: 1, rule: None, message });
    }
    for (index, rule) in raw.rules.into_iter().enumerate() {
        let mut reporter = Reporter { file, lines, index, name: rule.name.clone(), problems };
        if let Some(mut rule) = read(rule, &raw.subsystem, limits, &mut reporter) {
            rule.symptom_of = raw.symptom_of.get(&rule.family).cloned().unwrap_or_default();
            rules.push(rule);
        }
    }
    if problems.len() > before {
        return;
    }
    for family in raw.symptom_of.keys() {
        if !rules.iter().any(|rule| rule.file == file && rule.family == *family) {
            let message = format!("symptom_of: no rule of this file is of the family `{family}`");
            problems.push(Problem { file: file.to_owned(), line: 1, rule: None, message });
        }
    }
}

fn read(mut raw: RawRule, subsystem: &str, limits: &Limits, reporter: &mut Reporter<'_>) -> Option<Rule> {
    let before = reporter.problems.len();
    if !is_slug(&raw.name) {
        reporter.at(
            "name",
            "expected a name of lower-case letters, digits and single hyphens, such as `queue-age-high`",
        );
    } else if raw.name.len() > LONGEST_NAME {
        let message = format!(
            "expected a name of at most {LONGEST_NAME} characters, found {}; CloudWatch allows 255, and the deployment's \
             name comes before it",
            raw.name.len()
        );
        reporter.at("name", message);
    }
    if !is_slug(&raw.runbook) {
        reporter.at(
            "runbook",
            format!("`{}` is not a page of docs/runbooks; leave out folder and .md", raw.runbook),
        );
    }
    if let Some(family) = raw.family.as_ref().filter(|family| !is_slug(family)) {
        reporter
            .at("family", format!("`{family}` is no family; expected a name such as `consumer-throttles`"));
    }
    for (field, text) in [("summary", &raw.summary), ("impact", &raw.impact)] {
        if text.trim().is_empty() || text.contains('\n') {
            reporter.at(field, format!("expected one sentence in `{field}`"));
        }
    }
    for link in &raw.links {
        if !link.page.starts_with('/') {
            reporter.at(
                "links",
                format!("expected a path on the dashboard that starts with `/`, found `{}`", link.page),
            );
        }
    }
    match (raw.tier, &raw.low_twin) {
        (Tier::Low, Some(_)) => reporter.at("low_twin", "only a high rule has a low twin"),
        (Tier::High, None) if raw.notify => {
            reporter.at("tier", "expected `low_twin`: every high rule names a low rule that fires earlier")
        }
        _ => {}
    }
    let condition = match raw.kind {
        Kind::Composite => composite(&raw, reporter).map(Condition::Composite),
        Kind::Metric => metric(&mut raw, Service::CloudWatch, limits, reporter).map(boxed),
        Kind::Budget => metric(&mut raw, Service::Budgets, limits, reporter).map(boxed),
    };
    if reporter.problems.len() > before {
        return None;
    }
    Some(Rule {
        name: RuleName::new(raw.name),
        subsystem: subsystem.to_owned(),
        tier: raw.tier,
        notify: raw.notify,
        summary: raw.summary,
        impact: raw.impact,
        family: raw.family.unwrap_or_else(|| raw.runbook.clone()),
        symptom_of: BTreeMap::new(),
        runbook: raw.runbook,
        low_twin: raw.low_twin.map(RuleName::new),
        links: raw.links,
        condition: condition?,
        file: reporter.file.to_owned(),
        line: reporter.lines.rule(reporter.index),
    })
}

fn boxed(condition: MetricCondition) -> Condition {
    Condition::Metric(Box::new(condition))
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

fn composite(raw: &RawRule, reporter: &mut Reporter<'_>) -> Option<CompositeCondition> {
    let unused = [
        ("metrics", !raw.metrics.is_empty()),
        ("expression", raw.expression.is_some()),
        ("period", raw.period.is_some()),
        ("comparison", raw.comparison.is_some()),
        ("threshold", raw.threshold.is_some()),
        ("limit", raw.limit.is_some()),
        ("datapoints_to_alarm", raw.datapoints_to_alarm.is_some()),
        ("evaluation_periods", raw.evaluation_periods.is_some()),
        ("missing_data", raw.missing_data.is_some()),
        ("low_samples", raw.low_samples.is_some()),
    ];
    for (field, _) in unused.into_iter().filter(|(_, given)| *given) {
        reporter.at(field, format!("a composite rule reads other alarms, not metrics: remove `{field}`"));
    }
    let text = reporter.require("alarm_rule", raw.alarm_rule.clone())?;
    match AlarmRule::parse(&text) {
        Ok(rule) => Some(CompositeCondition { text, rule }),
        Err(error) => {
            reporter.at("alarm_rule", error.to_string());
            None
        }
    }
}

fn metric(
    raw: &mut RawRule,
    service: Service,
    limits: &Limits,
    reporter: &mut Reporter<'_>,
) -> Option<MetricCondition> {
    if raw.alarm_rule.is_some() {
        reporter.at("alarm_rule", "only a rule of `kind: composite` has an `alarm_rule`");
    }
    let queries = queries(std::mem::take(&mut raw.metrics), reporter);
    let math = expression(raw.expression.as_deref(), &queries, reporter);
    let period = reporter.require("period", raw.period);
    let comparison = reporter.require("comparison", raw.comparison);
    let factor = reporter.require("threshold", raw.threshold);
    let needed = reporter.require("datapoints_to_alarm", raw.datapoints_to_alarm);
    let looked_at = reporter.require("evaluation_periods", raw.evaluation_periods);
    let missing_data = reporter.require("missing_data", raw.missing_data);
    let scale = match &raw.limit {
        None => Some(1.0),
        Some(key) => {
            let value = limits.get(key);
            if value.is_none() {
                let known: Vec<&str> = limits.keys().collect();
                reporter.at("limit", format!("no limit is called `{key}`; known are {}", known.join(", ")));
            }
            value
        }
    };
    if factor.is_some_and(|factor| !factor.is_finite()) {
        reporter.at("threshold", "expected a finite number");
    }
    let has_percentile = queries.iter().any(|query| query.stat.statistic.significant_samples().is_some());
    if raw.low_samples.is_some() && !has_percentile {
        reporter.at("low_samples", "`low_samples` is for percentiles; none of the metrics has one");
    } else if raw.low_samples.is_some() && raw.expression.is_some() {
        // CloudWatch supports it only for an alarm on one metric, and would evaluate this one in any case.
        reporter.at("low_samples", "`low_samples` is for a rule on one percentile without an `expression`");
    }
    if let (Some(period), Some(needed), Some(looked_at)) = (period, needed, looked_at) {
        window(period, needed, looked_at, reporter);
    }
    Some(MetricCondition {
        service,
        expression: raw.expression.take(),
        math: math?,
        queries,
        period: period?,
        comparison: comparison?,
        threshold: factor? * scale?,
        threshold_factor: factor?,
        limit: raw.limit.take(),
        datapoints_to_alarm: needed?,
        evaluation_periods: looked_at?,
        missing_data: missing_data?,
        low_samples: raw.low_samples.unwrap_or(LowSamples::Evaluate),
    })
}

/// Limits of `PutMetricAlarm`.
fn window(period: u32, needed: usize, looked_at: usize, reporter: &mut Reporter<'_>) {
    let valid =
        matches!(period, 10 | 20 | 30) || (period >= 60 && period.is_multiple_of(60) && period <= 86_400);
    if !valid {
        reporter.at(
            "period",
            format!("expected 10, 20, 30 or a multiple of 60 up to 86400 seconds, found {period}"),
        );
    }
    if needed == 0 || looked_at == 0 || needed > looked_at {
        reporter.at(
            "datapoints_to_alarm",
            format!("expected M of N with 1 <= M <= N, found {needed} of {looked_at}"),
        );
        return;
    }
    let most = if period >= 3_600 { 604_800 } else { 86_400 };
    if valid && looked_at as u64 * u64::from(period) > most {
        reporter.at(
            "evaluation_periods",
            format!(
                "{looked_at} periods of {period} s are more than the {most} s that CloudWatch looks back"
            ),
        );
    }
}

fn queries(metrics: Vec<RawMetric>, reporter: &mut Reporter<'_>) -> Vec<Query> {
    if metrics.is_empty() || metrics.len() > 10 {
        reporter.at("metrics", format!("expected 1 to 10 metrics, found {}", metrics.len()));
    }
    let mut queries: Vec<Query> = Vec::new();
    for (index, raw) in metrics.into_iter().enumerate() {
        let line = reporter.lines.metric(reporter.index, index);
        let starts_low = raw.id.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        if !starts_low || !raw.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            reporter.on(
                line,
                format!("metric id `{}`: expected a lower-case letter, then letters, digits or _", raw.id),
            );
        }
        if queries.iter().any(|query| query.id == raw.id) {
            reporter.on(line, format!("metric id `{}` is used twice", raw.id));
        }
        let mut dimensions = Vec::new();
        for dimension in raw.dimensions {
            match dimension.read() {
                Ok(dimension) => dimensions.push(dimension),
                Err(message) => reporter.on(line, message),
            }
        }
        let metric = Metric { namespace: raw.namespace, name: raw.metric, dimensions };
        queries.push(Query { id: raw.id, stat: MetricStat { metric, statistic: raw.statistic } });
    }
    queries
}

fn expression(text: Option<&str>, queries: &[Query], reporter: &mut Reporter<'_>) -> Option<Expression> {
    let Some(text) = text else {
        if queries.len() > 1 {
            reporter.at("metrics", "several metrics need an `expression` that makes one series of them");
        }
        return Some(Expression::identity());
    };
    let ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    match Expression::parse(text, &ids) {
        Ok(parsed) => {
            let used = parsed.metrics();
            for (index, id) in ids.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
                let line = reporter.lines.metric(reporter.index, index);
                reporter.on(line, format!("the expression does not use `{id}`"));
            }
            Some(parsed)
        }
        Err(error) => {
            reporter.at("expression", error.to_string());
            None
        }
    }
}

/// Checks rules against each other. References are checked only if every rule could be read.
pub(crate) fn check_between(rules: &[Rule], complete: bool, problems: &mut Vec<Problem>) {
    let mut known: HashMap<&str, &Rule> = HashMap::new();
    let mut report = |rule: &Rule, message: String| {
        let (file, name) = (rule.file.clone(), Some(rule.name.to_string()));
        problems.push(Problem { file, line: rule.line, rule: name, message });
    };
    for rule in rules {
        if let Some(first) = known.insert(rule.name.as_str(), rule) {
            report(rule, format!("the name is taken by the rule at {}", first.place()));
        }
    }
    if !complete {
        return;
    }
    for rule in rules {
        if let Some(twin) = &rule.low_twin {
            match known.get(twin.as_str()) {
                None => report(rule, format!("low_twin: no rule is called `{twin}`")),
                Some(twin) if twin.tier != Tier::Low || !twin.notify => {
                    report(rule, format!("low_twin: `{}` must be of tier low and must notify", twin.name));
                }
                Some(_) => {}
            }
        }
        if let Condition::Composite(composite) = &rule.condition {
            for name in composite.rule.names() {
                if !known.contains_key(name) {
                    report(rule, format!("alarm_rule: no rule is called `{name}`"));
                }
            }
            if reaches(rule.name.as_str(), composite, &known, &mut Vec::new()) {
                report(rule, "alarm_rule: refers to itself".to_owned());
            }
        }
    }
}

fn reaches<'a>(
    target: &str,
    composite: &'a CompositeCondition,
    known: &HashMap<&'a str, &'a Rule>,
    seen: &mut Vec<&'a str>,
) -> bool {
    composite.rule.names().into_iter().any(|name| {
        let Some((name, rule)) = known.get_key_value(name) else { return false };
        if *name == target {
            return true;
        }
        if seen.contains(name) {
            return false;
        }
        seen.push(name);
        match &rule.condition {
            Condition::Composite(inner) => reaches(target, inner, known, seen),
            Condition::Metric(_) => false,
        }
    })
}
