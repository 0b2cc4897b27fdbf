//! The YAML form of a rule. `alerts/rules.schema.json` is generated from these types (`schema.rs`), so their comments are
//! what an editor shows.

use super::{Comparison, Link, LowSamples, MissingData, Tier};
use crate::metric::{Dimension, DimensionValue};
use serde::{Deserialize, Serialize};
use spillway_metrics::Statistic;
use std::collections::BTreeMap;

/// One subsystem's alarms. docs/alarms.md describes every field; `spillway alarms check` reports what an editor cannot.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Spillway alarm rules"))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFile {
    /// The part of the system that the rules watch. Composite alarms are made per tier and subsystem.
    pub subsystem: String,
    /// What families of this file can be symptoms of: for each, the families that may cause it, and the minutes that the cause
    /// must have been in alarm before.
    #[serde(default)]
    pub symptom_of: BTreeMap<String, BTreeMap<String, u32>>,
    /// The rules.
    pub rules: Vec<RawRule>,
}

/// What evaluates the rule in AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "kind"))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A CloudWatch metric alarm.
    Metric,
    /// A notification of AWS Budgets.
    Budget,
    /// A composite alarm over other rules.
    Composite,
}

/// One alarm.
#[derive(Debug, Deserialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "rule", transform = super::schema::fields_by_kind)
)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    /// Unique over all files; the alarm's name after the deployment's prefix.
    #[cfg_attr(test, schemars(schema_with = "super::schema::slug"))]
    pub name: String,
    /// What evaluates the rule in AWS.
    pub kind: Kind,
    /// Who is notified, and when.
    pub tier: Tier,
    /// false for the parts of a composite, which do not notify on their own.
    #[serde(default = "yes")]
    pub notify: bool,
    /// What has happened, in one sentence.
    #[cfg_attr(test, schemars(schema_with = "super::schema::sentence"))]
    pub summary: String,
    /// What it means if no engineer acts.
    #[cfg_attr(test, schemars(schema_with = "super::schema::sentence"))]
    pub impact: String,
    /// Page in docs/runbooks, without .md.
    #[cfg_attr(test, schemars(schema_with = "super::schema::slug"))]
    pub runbook: String,
    /// The rules about one condition, which make one incident; the runbook if left out.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "super::schema::slug"))]
    pub family: Option<String>,
    /// For a high rule: the low one that fires earlier.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "super::schema::slug"))]
    pub low_twin: Option<String>,
    /// Where to look first.
    #[serde(default)]
    pub links: Vec<Link>,
    /// The metrics that it reads.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(min = 1, max = 10)))]
    pub metrics: Vec<RawMetric>,
    /// Metric math over the ids in metrics; needed when there are several.
    pub expression: Option<String>,
    /// Seconds that a datapoint covers: 10, 20, 30 or a multiple of 60 up to 86400.
    pub period: Option<u32>,
    /// How a datapoint breaches.
    pub comparison: Option<Comparison>,
    /// A number, or with limit a share of that limit.
    pub threshold: Option<f64>,
    /// Key in alerts/limits.yaml, such as functions.consumer.timeout_ms; the threshold is a share of it.
    pub limit: Option<String>,
    /// M of N.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub datapoints_to_alarm: Option<usize>,
    /// N.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub evaluation_periods: Option<usize>,
    /// What replaces a datapoint that is not there. Alarms on AWS/DynamoDB ignore missing data in any case.
    pub missing_data: Option<MissingData>,
    /// What a percentile does with few samples; evaluate if left out. Only on one percentile, without expression.
    pub low_samples: Option<LowSamples>,
    /// For a composite: ALARM("a") AND NOT OK("b"), over the names of other rules.
    pub alarm_rule: Option<String>,
}

fn yes() -> bool {
    true
}

/// One metric that a rule reads.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "metric"))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMetric {
    /// What the expression calls it.
    #[cfg_attr(test, schemars(regex(pattern = r"^[a-z][A-Za-z0-9_]*$")))]
    pub id: String,
    /// Who publishes it.
    #[cfg_attr(test, schemars(schema_with = "super::schema::namespace"))]
    pub namespace: String,
    /// Its name.
    pub metric: String,
    /// Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99.
    #[cfg_attr(test, schemars(schema_with = "super::schema::statistic"))]
    pub statistic: Statistic,
    /// Whose metric it is.
    #[serde(default)]
    pub dimensions: Vec<RawDimension>,
}

/// One dimension of a metric: with a topology key or with the value itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "dimension", transform = super::schema::resource_or_value)
)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDimension {
    /// CloudWatch's name of it.
    #[cfg_attr(test, schemars(schema_with = "super::schema::dimension"))]
    pub name: String,
    /// Key in the topology; the deployment has the resource's name.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "super::schema::resource"))]
    pub resource: Option<String>,
    /// The value itself.
    pub value: Option<String>,
}

impl RawDimension {
    pub(crate) fn read(self) -> Result<Dimension, String> {
        let value = match (self.resource, self.value) {
            (Some(key), None) => DimensionValue::Resource(key),
            (None, Some(value)) => DimensionValue::Value(value),
            _ => {
                return Err(format!(
                    "dimension `{}`: expected either `resource` (a topology key) or `value`, and not both",
                    self.name
                ));
            }
        };
        Ok(Dimension { name: self.name, value })
    }
}

impl From<Dimension> for RawDimension {
    fn from(dimension: Dimension) -> Self {
        let (resource, value) = match dimension.value {
            DimensionValue::Resource(key) => (Some(key), None),
            DimensionValue::Value(value) => (None, Some(value)),
        };
        Self { name: dimension.name, resource, value }
    }
}
