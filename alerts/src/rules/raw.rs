//! The YAML form of a rule: plain, and the same for every rule, so that Terraform can walk over it.

use super::{Comparison, Link, LowSamples, MissingData, Tier};
use crate::metric::{Dimension, DimensionValue};
use serde::Deserialize;
use spillway_metrics::Statistic;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFile {
    pub subsystem: String,
    pub rules: Vec<RawRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Metric,
    Budget,
    Composite,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    pub name: String,
    pub kind: Kind,
    pub tier: Tier,
    #[serde(default = "yes")]
    pub notify: bool,
    pub summary: String,
    pub impact: String,
    pub runbook: String,
    pub low_twin: Option<String>,
    #[serde(default)]
    pub links: Vec<Link>,
    #[serde(default)]
    pub metrics: Vec<RawMetric>,
    pub expression: Option<String>,
    pub period: Option<u32>,
    pub comparison: Option<Comparison>,
    pub threshold: Option<f64>,
    pub limit: Option<String>,
    pub datapoints_to_alarm: Option<usize>,
    pub evaluation_periods: Option<usize>,
    pub missing_data: Option<MissingData>,
    pub low_samples: Option<LowSamples>,
    pub alarm_rule: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMetric {
    pub id: String,
    pub namespace: String,
    pub metric: String,
    pub statistic: Statistic,
    #[serde(default)]
    pub dimensions: Vec<RawDimension>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDimension {
    pub name: String,
    pub resource: Option<String>,
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
