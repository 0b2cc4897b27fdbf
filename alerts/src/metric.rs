//! What a rule measures: a metric, told apart by topology key rather than by deployed name, and a statistic of it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A statistic over one period, spelled as CloudWatch spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    /// Sum divided by sample count.
    Average,
    /// Sum of the samples.
    Sum,
    /// Smallest sample.
    Minimum,
    /// Largest sample.
    Maximum,
    /// How many samples.
    SampleCount,
    /// A percentile in hundredths of a percent: `p99.9` is 9990.
    Percentile(u16),
}

impl Statistic {
    /// The fewest samples for which CloudWatch takes this percentile to be significant:
    /// 10 / (1 - percentile) from p50 on, 10 / percentile below. `None` for other statistics.
    pub fn significant_samples(self) -> Option<f64> {
        let Self::Percentile(hundredths) = self else { return None };
        let share = f64::from(hundredths) / 10_000.0;
        let tail = if share >= 0.5 { 1.0 - share } else { share };
        (tail > 0.0).then(|| 10.0 / tail)
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Average => f.write_str("Average"),
            Self::Sum => f.write_str("Sum"),
            Self::Minimum => f.write_str("Minimum"),
            Self::Maximum => f.write_str("Maximum"),
            Self::SampleCount => f.write_str("SampleCount"),
            Self::Percentile(hundredths) => write!(f, "p{}", f64::from(*hundredths) / 100.0),
        }
    }
}

impl FromStr for Statistic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => return percentile(text).ok_or_else(|| unknown_statistic(text)),
        })
    }
}

fn percentile(text: &str) -> Option<Statistic> {
    let digits = text.strip_prefix('p')?;
    if !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let percent: f64 = digits.parse().ok()?;
    let hundredths = percent * 100.0;
    (hundredths > 0.0 && hundredths < 10_000.0 && (hundredths - hundredths.round()).abs() < 1e-6)
        .then(|| Statistic::Percentile(hundredths.round() as u16))
}

fn unknown_statistic(text: &str) -> String {
    format!(
        "unknown statistic `{text}`, expected Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99"
    )
}

impl Serialize for Statistic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Statistic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Whose metric it is: a dimension's value is either looked up in the topology or fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DimensionValue {
    /// A topology key such as `queues.primary`; the deployment says what it is called there.
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
    /// Dimension names with the values they have in one deployment.
    pub fn bind<'a>(&'a self, resources: &'a Resources) -> Result<Vec<(&'a str, &'a str)>, UnknownResource> {
        self.dimensions
            .iter()
            .map(|dimension| {
                let value = match &dimension.value {
                    DimensionValue::Value(value) => value,
                    DimensionValue::Resource(key) => {
                        resources.get(key).ok_or_else(|| UnknownResource(key.clone()))?
                    }
                };
                Ok((dimension.name.as_str(), value.as_str()))
            })
            .collect()
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

impl fmt::Display for MetricStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.statistic, self.metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read_and_written_as_cloudwatch_spells_them() {
        for name in ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p99", "p99.9"] {
            assert_eq!(name.parse::<Statistic>().unwrap().to_string(), name);
        }
        for wrong in ["average", "p0", "p100", "p", "pp", "p-1", "tm99"] {
            assert!(wrong.parse::<Statistic>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        assert_eq!(Statistic::Percentile(9_900).significant_samples().map(f64::round), Some(1_000.0));
        assert_eq!(Statistic::Percentile(5_000).significant_samples(), Some(20.0));
        assert_eq!(Statistic::Sum.significant_samples(), None);
    }
}
