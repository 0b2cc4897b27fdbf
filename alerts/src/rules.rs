//! The rules: alarms as data.
//!
//! `alerts/rules/*.yaml` is the one source, and this crate is its only reader. Terraform and the reporter read what
//! [`compile`] makes of it. `docs/alarms.md` describes the format.

mod compiled;
mod items;
mod limits;
mod load;
mod locate;
mod raw;
#[cfg(test)]
mod schema;
mod unreadable;
mod validate;
mod words;

pub use compiled::{CompiledError, FORMAT, compile};
pub(crate) use items::{Items, read as read_items};
pub use limits::{Limits, LimitsError};
pub use load::{LoadError, RuleSet, read_folder};
pub use validate::Problem;

use crate::evaluate::AlarmRule;
use crate::math::Expression;
use crate::metric::MetricStat;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use strum::{IntoStaticStr, VariantArray};

/// Name of a rule, and of its alarm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleName(String);

impl RuleName {
    /// Takes any text; only those in a [`RuleSet`] are known to be well formed.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is notified, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "tier"))]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Needs a person now, at any hour.
    High,
    /// Needs a person in business hours.
    Low,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Low => "low",
        })
    }
}

/// How a datapoint is compared with the threshold, spelled as CloudWatch spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "comparison"))]
pub enum Comparison {
    /// `>`
    #[serde(rename = "GreaterThanThreshold")]
    Greater,
    /// `>=`
    #[serde(rename = "GreaterThanOrEqualToThreshold")]
    GreaterOrEqual,
    /// `<`
    #[serde(rename = "LessThanThreshold")]
    Less,
    /// `<=`
    #[serde(rename = "LessThanOrEqualToThreshold")]
    LessOrEqual,
}

impl Comparison {
    /// Whether `value` is on the wrong side of `threshold`.
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Greater => value > threshold,
            Self::GreaterOrEqual => value >= threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
        }
    }

    /// `>`, `>=`, `<` or `<=`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }

    /// On which side of the threshold the values are that breach: `over`, `at or over`, `under` or `at or under`.
    pub fn side(self) -> &'static str {
        match self {
            Self::Greater => "over",
            Self::GreaterOrEqual => "at or over",
            Self::Less => "under",
            Self::LessOrEqual => "at or under",
        }
    }
}

/// The substitute for a missing datapoint, when CloudWatch needs one in order to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "missing_data"))]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum MissingData {
    /// Nothing: without any datapoint the state is `INSUFFICIENT_DATA`.
    Missing,
    /// The state stays as it is.
    Ignore,
    /// One on the wrong side.
    Breaching,
    /// One on the right side.
    NotBreaching,
}

impl MissingData {
    /// All four.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As Terraform and CloudWatch spell it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a percentile does while there are too few samples for a significant value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "low_samples"))]
#[serde(rename_all = "lowercase")]
pub enum LowSamples {
    /// It is still evaluated.
    #[default]
    Evaluate,
    /// The state stays as it is.
    Ignore,
}

/// A page of the dashboard that a person who was notified reads first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "link"))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What is there.
    pub title: String,
    /// Path on the dashboard, such as `/metrics?stage=queue`.
    #[cfg_attr(test, schemars(regex(pattern = "^/")))]
    pub page: String,
}

/// One metric that a rule reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Query {
    /// What the expression calls it.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub stat: MetricStat,
}

/// Which service evaluates the rule in AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// A CloudWatch metric alarm.
    CloudWatch,
    /// A notification of AWS Budgets, which has no CloudWatch metric.
    Budgets,
}

/// A condition on datapoints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricCondition {
    /// Which service evaluates it in AWS.
    pub service: Service,
    /// The metrics that are read; one, or as many as the expression needs.
    pub queries: Vec<Query>,
    /// The expression as written, if there is one.
    pub expression: Option<String>,
    #[serde(skip)]
    pub(crate) math: Expression,
    /// Seconds that a datapoint covers.
    pub period: u32,
    /// How a datapoint breaches.
    pub comparison: Comparison,
    /// The effective threshold: the file's number, times the limit if the rule names one.
    pub threshold: f64,
    /// The number in the file.
    pub threshold_factor: f64,
    /// The limit that the file's number is a share of, such as `functions.consumer.timeout_ms`.
    pub limit: Option<String>,
    /// M: this number of the last N datapoints must breach.
    pub datapoints_to_alarm: usize,
    /// N.
    pub evaluation_periods: usize,
    /// What replaces missing datapoints.
    pub missing_data: MissingData,
    /// What a percentile does with few samples.
    pub low_samples: LowSamples,
}

impl MetricCondition {
    /// The treatment of missing data that CloudWatch really applies. Alarms on `AWS/DynamoDB` metrics ignore missing
    /// data with any setting.
    pub fn effective_missing_data(&self) -> MissingData {
        let dynamo =
            self.queries.iter().any(|query| query.stat.metric.namespace == spillway_metrics::DYNAMODB);
        if dynamo { MissingData::Ignore } else { self.missing_data }
    }

    /// Whether every moment has a value, so that the treatment of missing data can never matter.
    pub fn is_never_missing(&self) -> bool {
        self.math.is_never_missing()
    }

    /// How many datapoints CloudWatch retrieves in order to have N real ones: the evaluation range.
    ///
    /// AWS does not publish the number; its tables show 5 for N = 3, and so it is N + 2 here.
    pub fn evaluation_range(&self) -> usize {
        self.evaluation_periods + 2
    }

    /// Seconds between two evaluations: a minute, 10 s for high-resolution alarms, an hour for alarms that look back
    /// more than a day.
    pub fn evaluated_every(&self) -> u32 {
        if self.period < 60 {
            10
        } else if self.evaluation_periods as u64 * u64::from(self.period) > 86_400 {
            3_600
        } else {
            60
        }
    }

    /// In words: `3 of 5 datapoints of 60 s > 600`.
    pub fn describe(&self) -> String {
        format!(
            "{} of {} datapoints of {} s {} {}",
            self.datapoints_to_alarm,
            self.evaluation_periods,
            self.period,
            self.comparison.symbol(),
            self.threshold
        )
    }
}

/// A condition on the states of other alarms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompositeCondition {
    /// As written: `ALARM("a") AND NOT ALARM("b")`.
    #[serde(rename = "alarm_rule")]
    pub text: String,
    #[serde(skip)]
    pub(crate) rule: AlarmRule,
}

/// When an alarm fires.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Condition {
    /// On datapoints.
    Metric(Box<MetricCondition>),
    /// On the states of other alarms.
    Composite(CompositeCondition),
}

/// One alarm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Its name, unique over all files.
    pub name: RuleName,
    /// The part of the system that it watches, after which its file is named.
    pub subsystem: String,
    /// Who is notified, and when.
    pub tier: Tier,
    /// Whether the rule notifies at all. The parts of a composite alarm do not notify on their own.
    pub notify: bool,
    /// What has happened, in one sentence.
    pub summary: String,
    /// The consequence for the system's users if no engineer acts.
    pub impact: String,
    /// Page in `docs/runbooks/`, without `.md`.
    pub runbook: String,
    /// The rules about one condition, such as twins, are one family. Their alarms are one incident.
    pub family: String,
    /// The families that this one can be a symptom of, each with the minutes that it must have been in alarm before.
    pub symptom_of: BTreeMap<String, u32>,
    /// For a high rule: the low one that fires earlier.
    pub low_twin: Option<RuleName>,
    /// Where to look first.
    pub links: Vec<Link>,
    /// When it fires.
    #[serde(flatten)]
    pub condition: Condition,
    /// File it was read from.
    pub file: String,
    /// Line of that file where it begins.
    pub line: usize,
}

impl Rule {
    /// Its condition on datapoints, unless it is a composite.
    pub fn metric(&self) -> Option<&MetricCondition> {
        match &self.condition {
            Condition::Metric(condition) => Some(condition),
            Condition::Composite(_) => None,
        }
    }

    /// The names of the rules that it is made of, if it is a composite.
    pub fn parts(&self) -> Vec<&str> {
        match &self.condition {
            Condition::Metric(_) => Vec::new(),
            Condition::Composite(composite) => composite.rule.names(),
        }
    }

    /// Its condition in words.
    pub fn describe(&self) -> String {
        match &self.condition {
            Condition::Metric(condition) => condition.describe(),
            Condition::Composite(composite) => composite.text.clone(),
        }
    }

    /// Where it was defined, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}
