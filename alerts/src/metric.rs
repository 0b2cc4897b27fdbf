//! What a rule measures: a metric, identified by topology key rather than by deployed name, and a statistic
//! of it.

use serde::Serialize;
use spillway_metrics::{MetricId, MetricQuery, Statistic};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Whose metric it is: a dimension's value is either looked up in the topology or fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DimensionValue {
    /// A topology key such as `queues.primary`; the deployment has the resource's name.
    Resource(String),
    /// The value itself, such as `PutItem`.
    Value(String),
}

/// One dimension of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Dimension {
    /// CloudWatch's name of the dimension, such as `QueueName`.
    pub name: String,
    /// Its value.
    #[serde(flatten)]
    pub value: DimensionValue,
}

/// A metric, not yet bound to a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Metric {
    /// Such as `AWS/SQS`.
    pub namespace: String,
    /// Such as `ApproximateAgeOfOldestMessage`.
    pub name: String,
    /// In the rule's order.
    pub dimensions: Vec<Dimension>,
}

/// Deployed names by topology key: `queues.primary` → `spillway-prod-primary`.
pub type Resources = BTreeMap<String, String>;

/// A rule names a resource that the topology does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the topology has no `{0}`; it must name every resource that a rule watches")]
pub struct UnknownResource(pub String);

impl Metric {
    /// The metric in one deployment.
    ///
    /// # Errors
    /// [`UnknownResource`] if the topology lacks what it is about.
    pub fn bind(&self, resources: &Resources) -> Result<MetricId, UnknownResource> {
        let dimensions = self.dimensions.iter().map(|dimension| {
            let value = match &dimension.value {
                DimensionValue::Value(value) => value,
                DimensionValue::Resource(key) => {
                    resources.get(key).ok_or_else(|| UnknownResource(key.clone()))?
                }
            };
            Ok((Cow::Owned(dimension.name.clone()), Cow::Owned(value.clone())))
        });
        Ok(MetricId {
            namespace: self.namespace.clone().into(),
            name: self.name.clone().into(),
            dimensions: dimensions.collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.namespace, self.name)?;
        for dimension in &self.dimensions {
            let (DimensionValue::Resource(value) | DimensionValue::Value(value)) = &dimension.value;
            write!(f, " {}={value}", dimension.name)?;
        }
        Ok(())
    }
}

/// One statistic of one metric: what a single series holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct MetricStat {
    /// The metric.
    pub metric: Metric,
    /// Which statistic of it.
    pub statistic: Statistic,
}

impl MetricStat {
    /// What has to be read for it in one deployment.
    ///
    /// # Errors
    /// [`UnknownResource`] if the topology lacks what the metric is about.
    pub fn bind(&self, resources: &Resources) -> Result<MetricQuery, UnknownResource> {
        Ok(MetricQuery::new(self.metric.bind(resources)?, self.statistic))
    }
}

impl fmt::Display for MetricStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.statistic, self.metric)
    }
}
