//! Statistics, spelled as CloudWatch spells them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A statistic of the measurements of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    /// Sum divided by sample count.
    Average,
    /// All values added up.
    Sum,
    /// The smallest value.
    Minimum,
    /// The largest value.
    Maximum,
    /// How many values.
    SampleCount,
    /// A percentile in hundredths of a percent: `p99.9` is 9990.
    Percentile(u16),
}

impl Statistic {
    /// Half of all values are at or below.
    pub const P50: Self = Self::Percentile(5_000);
    /// Nine in ten values are at or below.
    pub const P90: Self = Self::Percentile(9_000);
    /// 99 in a hundred values are at or below.
    pub const P99: Self = Self::Percentile(9_900);

    /// The fewest samples with which CloudWatch treats this percentile as significant: 10 / (1 - percentile) from p50
    /// on, 10 / percentile below. `None` for other statistics.
    pub fn significant_samples(self) -> Option<f64> {
        let Self::Percentile(hundredths) = self else { return None };
        // In whole hundredths of a percent: 1 - 0.9 is a little less than 0.1, and 100 samples would be too few.
        let tail = if hundredths >= 5_000 { 10_000_u16.checked_sub(hundredths)? } else { hundredths };
        (tail > 0).then(|| 100_000.0 / f64::from(tail))
    }

    /// Whether the values of shorter periods add up to that of a longer one.
    pub fn adds_up(self) -> bool {
        matches!(self, Self::Sum | Self::SampleCount)
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
            _ => return percentile(text).ok_or_else(|| unknown(text)),
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

fn unknown(text: &str) -> String {
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
        assert_eq!(serde_json::to_string(&Statistic::Percentile(9_990)).unwrap(), "\"p99.9\"");
    }

    #[test]
    fn percentiles_are_written_as_cloudwatch_does() {
        assert_eq!(Statistic::P50.to_string(), "p50");
        assert_eq!(Statistic::Percentile(9_990).to_string(), "p99.9");
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        assert_eq!(Statistic::P99.significant_samples(), Some(1_000.0));
        assert_eq!(Statistic::P90.significant_samples(), Some(100.0));
        assert_eq!(Statistic::Percentile(5_000).significant_samples(), Some(20.0));
        assert_eq!(Statistic::Sum.significant_samples(), None);
    }
}
