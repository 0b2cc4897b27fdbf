//! The identity of a metric, and queries for it.

use crate::Statistic;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A metric of one resource: its name, and the resource as dimensions.
///
/// [`crate::Handle::of`] makes one of a metric in the register.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetricId {
    /// Such as `AWS/SQS`.
    pub namespace: Cow<'static, str>,
    /// Such as `NumberOfMessagesSent`.
    pub name: Cow<'static, str>,
    /// Dimension names and values, in the register's order.
    pub dimensions: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl MetricId {
    /// A metric that may be missing in the register, as in tests and in an operator's own rules.
    pub fn new(namespace: &'static str, name: &'static str, dimensions: &[(&'static str, &str)]) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            dimensions: dimensions
                .iter()
                .map(|(name, value)| ((*name).into(), Cow::Owned((*value).to_owned())))
                .collect(),
        }
    }
}

/// One statistic of one metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricQuery {
    /// The metric.
    pub metric: MetricId,
    /// Which statistic of it.
    pub statistic: Statistic,
}

impl MetricQuery {
    /// A query.
    pub fn new(metric: MetricId, statistic: Statistic) -> Self {
        Self { metric, statistic }
    }
}
