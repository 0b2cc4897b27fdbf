//! The compiled form of the rules: checked, flat JSON, which Terraform and the reporter read. They parse no YAML, no
//! expression and no name.
//!
//! Each rule is one line, so a change of one rule is a change of one line. The hash covers the whole text but the hash
//! itself: `terraform/modules/compiled_rules` computes it as [`digest`] does.

use super::raw::{Kind, RawDimension};
use super::{
    Comparison, CompositeCondition, Condition, Limits, Link, LowSamples, MetricCondition, MissingData, Query,
    Rule, RuleName, RuleSet, Service, Tier,
};
use crate::evaluate::{AlarmRule, AlarmRuleError};
use crate::math::{Expression, MathError};
use crate::metric::{Metric, MetricStat};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use spillway_metrics::Statistic;
use std::fmt::Write as _;

/// The version of the form. It changes when a field is renamed, removed or means something else.
pub const FORMAT: u32 = 1;

/// A composite depends on states. Its page shows an hour before the change, like the page of an alarm over an
/// hour.
const COMPOSITE_LOOKS_BACK_S: u64 = 3_600;

/// The compiled rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CompiledError {
    /// The text is not of this form.
    #[error("the compiled rules could not be read: {0}; run `spillway alarms compile` again")]
    Json(#[from] serde_json::Error),
    /// Another version of the program wrote it.
    #[error(
        "the compiled rules have format {found}, expected {FORMAT}; run `spillway alarms compile` of this version"
    )]
    Format {
        /// The format of the text.
        found: u32,
    },
    /// The text is not what the compiler wrote.
    #[error(
        "the compiled rules were changed by hand; change the rule files and run `spillway alarms compile`"
    )]
    Changed,
    /// A rule names a limit that the file lacks.
    #[error("{rule}: no limit is called `{limit}`; run `spillway alarms compile` again")]
    Limit {
        /// The rule.
        rule: String,
        /// The limit's key.
        limit: String,
    },
    /// A field that rules of this kind have is null.
    #[error("{rule}: expected the field `{field}`; run `spillway alarms compile` again")]
    Field {
        /// The rule.
        rule: String,
        /// The field.
        field: &'static str,
    },
    /// A dimension has no value, or two.
    #[error("{0}; run `spillway alarms compile` again")]
    Dimension(String),
    /// An expression is not one of this version.
    #[error(transparent)]
    Expression(#[from] MathError),
    /// The rule of a composite is not one of this version.
    #[error(transparent)]
    AlarmRule(#[from] AlarmRuleError),
}

/// The members that decide whether the rest can be read.
#[derive(Deserialize)]
struct Header {
    format: u32,
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: u32,
    #[serde(rename = "sha256")]
    _sha256: String,
    limits: Limits,
    rules: Vec<CompiledRule>,
}

/// One rule. Every field is always there; one that the rule's kind does not have is null or empty.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompiledRule {
    name: RuleName,
    subsystem: String,
    kind: Kind,
    tier: Tier,
    notify: bool,
    /// Topics that the rule's own alarm notifies, by tier. Low alarms notify through their subsystem's composite.
    actions: Vec<Tier>,
    summary: String,
    impact: String,
    runbook: String,
    /// The rules about one condition, which make one incident. A file of an earlier version has none: then it is the runbook.
    #[serde(default)]
    family: String,
    #[serde(default)]
    symptom_of: Vec<CompiledCause>,
    /// Path of the alarm's page on the dashboard, over a range that is longer than the alarm's.
    page: String,
    /// Path of the runbook on the dashboard.
    runbook_page: String,
    low_twin: Option<RuleName>,
    links: Vec<Link>,
    metrics: Vec<CompiledMetric>,
    expression: Option<String>,
    period: Option<u32>,
    comparison: Option<Comparison>,
    /// With `limit` a share of that limit.
    threshold: Option<f64>,
    limit: Option<String>,
    datapoints_to_alarm: Option<usize>,
    evaluation_periods: Option<usize>,
    missing_data: Option<MissingData>,
    low_samples: Option<LowSamples>,
    /// Each name is that of a rule and appears between `("` and `")`.
    alarm_rule: Option<String>,
}

/// A family that this one can be a symptom of.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompiledCause {
    family: String,
    after_min: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompiledMetric {
    id: String,
    namespace: String,
    metric: String,
    statistic: Statistic,
    /// Whether the statistic is what CloudWatch calls an extended one.
    percentile: bool,
    dimensions: Vec<RawDimension>,
}

/// The rules as text that [`RuleSet::compiled`] and Terraform read. `limits` are the ones that a deployment has unless it
/// sets others. The same rules give the same text.
///
/// # Errors
/// A number cannot be written as JSON, which [`RuleSet`] and [`Limits`] rule out.
pub fn compile(rules: &RuleSet, limits: &Limits) -> Result<String, serde_json::Error> {
    let mut text = format!("{{\n\"format\": {FORMAT},\n{}", hash_line(""));
    // Writing to a string cannot fail.
    let _ = write!(text, "\"limits\": {},\n\"rules\": [", serde_json::to_string(limits)?);
    for (index, rule) in rules.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n{}", serde_json::to_string(&CompiledRule::of(rule))?);
    }
    text.push_str("\n]\n}\n");
    Ok(text.replace(&hash_line(""), &hash_line(&digest(&text, ""))))
}

fn hash_line(hash: &str) -> String {
    format!("\"sha256\": \"{hash}\",\n")
}

/// The hash of a text in which the hash itself is left empty.
fn digest(text: &str, hash: &str) -> String {
    let blank = text.replace(&hash_line(hash), &hash_line(""));
    format!("{:x}", Sha256::digest(blank))
}

impl RuleSet {
    /// Reads what [`compile`] wrote. Thresholds are for the file's limits, with those of `deployment` in their place.
    ///
    /// # Errors
    /// The text has another format, was changed, or is no such text.
    pub fn compiled(text: &str, deployment: &Limits) -> Result<Self, CompiledError> {
        let header: Header = serde_json::from_str(text)?;
        if header.format != FORMAT {
            return Err(CompiledError::Format { found: header.format });
        }
        if digest(text, &header.sha256) != header.sha256 {
            return Err(CompiledError::Changed);
        }
        let file: File = serde_json::from_str(text)?;
        let limits = file.limits.with(deployment);
        let rules = file.rules.into_iter().map(|rule| rule.read(&limits));
        Ok(Self::assemble(rules.collect::<Result<_, _>>()?))
    }
}

impl CompiledRule {
    fn of(rule: &Rule) -> Self {
        let metric = rule.metric();
        let composite = match &rule.condition {
            Condition::Composite(composite) => Some(composite),
            Condition::Metric(_) => None,
        };
        let kind = match metric.map(|metric| metric.service) {
            Some(Service::CloudWatch) => Kind::Metric,
            Some(Service::Budgets) => Kind::Budget,
            None => Kind::Composite,
        };
        let acts = rule.notify && (rule.tier == Tier::High || kind == Kind::Budget);
        Self {
            name: rule.name.clone(),
            subsystem: rule.subsystem.clone(),
            kind,
            tier: rule.tier,
            notify: rule.notify,
            actions: if acts { vec![rule.tier] } else { Vec::new() },
            summary: rule.summary.clone(),
            impact: rule.impact.clone(),
            runbook: rule.runbook.clone(),
            family: rule.family.clone(),
            symptom_of: rule
                .symptom_of
                .iter()
                .map(|(family, after_min)| CompiledCause { family: family.clone(), after_min: *after_min })
                .collect(),
            page: format!("/alarms/{}?range={}", rule.name, range(metric)),
            runbook_page: format!("/runbooks/{}", rule.runbook),
            low_twin: rule.low_twin.clone(),
            links: rule.links.clone(),
            metrics: metric.map_or_else(Vec::new, |metric| {
                metric.queries.iter().cloned().map(CompiledMetric::from).collect()
            }),
            expression: metric.and_then(|metric| metric.expression.clone()),
            period: metric.map(|metric| metric.period),
            comparison: metric.map(|metric| metric.comparison),
            threshold: metric.map(|metric| metric.threshold_factor),
            limit: metric.and_then(|metric| metric.limit.clone()),
            datapoints_to_alarm: metric.map(|metric| metric.datapoints_to_alarm),
            evaluation_periods: metric.map(|metric| metric.evaluation_periods),
            missing_data: metric.map(|metric| metric.missing_data),
            low_samples: metric.map(|metric| metric.low_samples),
            alarm_rule: composite.map(|composite| composite.rule.to_string()),
        }
    }

    fn read(self, limits: &Limits) -> Result<Rule, CompiledError> {
        let condition = match self.kind {
            Kind::Composite => {
                let text = self.require("alarm_rule", self.alarm_rule.clone())?;
                Condition::Composite(CompositeCondition { rule: AlarmRule::parse(&text)?, text })
            }
            Kind::Metric => Condition::Metric(Box::new(self.metric(Service::CloudWatch, limits)?)),
            Kind::Budget => Condition::Metric(Box::new(self.metric(Service::Budgets, limits)?)),
        };
        Ok(Rule {
            name: self.name,
            subsystem: self.subsystem,
            tier: self.tier,
            notify: self.notify,
            summary: self.summary,
            impact: self.impact,
            family: if self.family.is_empty() { self.runbook.clone() } else { self.family },
            symptom_of: self.symptom_of.into_iter().map(|cause| (cause.family, cause.after_min)).collect(),
            runbook: self.runbook,
            low_twin: self.low_twin,
            links: self.links,
            condition,
            file: "rules.json".to_owned(),
            line: 1,
        })
    }

    fn metric(&self, service: Service, limits: &Limits) -> Result<MetricCondition, CompiledError> {
        let queries = self.metrics.iter().map(CompiledMetric::read).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
        let math = match &self.expression {
            Some(text) => Expression::parse(text, &ids)?,
            None => Expression::identity(),
        };
        let scale = match &self.limit {
            None => 1.0,
            Some(key) => limits
                .get(key)
                .ok_or_else(|| CompiledError::Limit { rule: self.name.to_string(), limit: key.clone() })?,
        };
        let factor = self.require("threshold", self.threshold)?;
        Ok(MetricCondition {
            service,
            expression: self.expression.clone(),
            math,
            queries,
            period: self.require("period", self.period)?,
            comparison: self.require("comparison", self.comparison)?,
            threshold: factor * scale,
            threshold_factor: factor,
            limit: self.limit.clone(),
            datapoints_to_alarm: self.require("datapoints_to_alarm", self.datapoints_to_alarm)?,
            evaluation_periods: self.require("evaluation_periods", self.evaluation_periods)?,
            missing_data: self.require("missing_data", self.missing_data)?,
            low_samples: self.require("low_samples", self.low_samples)?,
        })
    }

    fn require<T>(&self, field: &'static str, value: Option<T>) -> Result<T, CompiledError> {
        value.ok_or_else(|| CompiledError::Field { rule: self.name.to_string(), field })
    }
}

/// A range of the dashboard that shows what led to the alarm and what followed.
fn range(metric: Option<&MetricCondition>) -> &'static str {
    let looks_back = metric
        .map_or(COMPOSITE_LOOKS_BACK_S, |metric| u64::from(metric.period) * metric.evaluation_periods as u64);
    match looks_back {
        0..=1_800 => "3h",
        1_801..=21_600 => "24h",
        _ => "7d",
    }
}

impl From<Query> for CompiledMetric {
    fn from(query: Query) -> Self {
        let MetricStat { metric, statistic } = query.stat;
        Self {
            id: query.id,
            namespace: metric.namespace,
            metric: metric.name,
            statistic,
            percentile: matches!(statistic, Statistic::Percentile(_)),
            dimensions: metric.dimensions.into_iter().map(RawDimension::from).collect(),
        }
    }
}

impl CompiledMetric {
    fn read(&self) -> Result<Query, CompiledError> {
        let dimensions = self.dimensions.iter().cloned().map(RawDimension::read);
        let metric = Metric {
            namespace: self.namespace.clone(),
            name: self.metric.clone(),
            dimensions: dimensions.collect::<Result<_, _>>().map_err(CompiledError::Dimension)?,
        };
        Ok(Query { id: self.id.clone(), stat: MetricStat { metric, statistic: self.statistic } })
    }
}

#[cfg(test)]
mod tests;
