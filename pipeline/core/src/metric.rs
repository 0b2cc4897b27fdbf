//! Measurements of the metrics in the register.

use spillway_metrics::{Handle, Resource};

pub use spillway_metrics::{MetricId, Unit};

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Of what.
    pub metric: MetricId,
    /// The value, in the unit.
    pub value: f64,
    /// The unit.
    pub unit: Unit,
}

impl Measurement {
    /// A value of the metric of this resource.
    pub fn of<R: Resource>(metric: Handle<R>, resource: &R, value: f64) -> Self {
        Self { metric: metric.of(resource), value, unit: metric.unit() }
    }
}

/// A metric of one resource, named once for many measurements.
#[derive(Clone, Debug)]
pub struct Meter {
    metric: MetricId,
    unit: Unit,
}

impl Meter {
    /// For the metric of this resource.
    pub fn new<R: Resource>(metric: Handle<R>, resource: &R) -> Self {
        Self { metric: metric.of(resource), unit: metric.unit() }
    }

    /// A value of it.
    pub fn measured(&self, value: f64) -> Measurement {
        Measurement { metric: self.metric.clone(), value, unit: self.unit }
    }
}
