//! Statistic sets: what CloudWatch keeps of the measurements of one period.

use super::histogram::Histogram;
use spillway_metrics::{MetricId, Statistic};

/// Whether a metric keeps a histogram, so that it has percentiles. The register decides.
pub(super) fn has_percentiles(metric: &MetricId) -> bool {
    spillway_metrics::named(&metric.namespace, &metric.name).any(|metric| metric.percentiles)
}

/// The measurements of a period, summed up.
#[derive(Clone, Debug)]
pub struct StatisticSet {
    /// All values added up.
    pub sum: f64,
    /// How many values.
    pub count: u64,
    /// The smallest value.
    pub minimum: f64,
    /// The largest value.
    pub maximum: f64,
    pub(super) histogram: Option<Histogram>,
}

impl StatisticSet {
    pub(super) fn empty(with_histogram: bool) -> Self {
        Self {
            sum: 0.0,
            count: 0,
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
            histogram: with_histogram.then(Histogram::default),
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        self.minimum = self.minimum.min(value);
        self.maximum = self.maximum.max(value);
        if let Some(histogram) = &mut self.histogram {
            histogram.add(value);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.merge_numbers(other.sum, other.count, other.minimum, other.maximum);
        if let Some(theirs) = &other.histogram {
            self.histogram.get_or_insert_default().merge(theirs);
        }
    }

    pub(super) fn merge_numbers(&mut self, sum: f64, count: u64, minimum: f64, maximum: f64) {
        self.sum += sum;
        self.count = self.count.saturating_add(count);
        self.minimum = self.minimum.min(minimum);
        self.maximum = self.maximum.max(maximum);
    }

    /// The statistic's value; `None` if there were no measurements, or for a percentile without a histogram. A percentile
    /// is within 1 % of the exact one.
    pub fn value(&self, statistic: Statistic) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        match statistic {
            Statistic::Sum => Some(self.sum),
            Statistic::Average => Some(self.sum / self.count as f64),
            Statistic::Minimum => Some(self.minimum),
            Statistic::Maximum => Some(self.maximum),
            Statistic::SampleCount => Some(self.count as f64),
            Statistic::Percentile(hundredths) => {
                let value = self.histogram.as_ref()?.percentile(f64::from(hundredths) / 100.0)?;
                Some(value.clamp(self.minimum, self.maximum))
            }
        }
    }
}
