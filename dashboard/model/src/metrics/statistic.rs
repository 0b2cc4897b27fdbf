//! Statistics, spelled as CloudWatch spells them.

use std::fmt;

/// A statistic of the measurements of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    /// All values added up.
    Sum,
    /// Sum divided by sample count.
    Average,
    /// The smallest value.
    Minimum,
    /// The largest value.
    Maximum,
    /// How many values.
    SampleCount,
    /// A percentile in hundredths of a percent: p99.9 is 9990.
    Percentile(u16),
}

impl Statistic {
    /// Half of all values are at or below.
    pub const P50: Self = Self::Percentile(5_000);
    /// Nine in ten values are at or below.
    pub const P90: Self = Self::Percentile(9_000);
    /// 99 in a hundred values are at or below.
    pub const P99: Self = Self::Percentile(9_900);
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum => f.write_str("Sum"),
            Self::Average => f.write_str("Average"),
            Self::Minimum => f.write_str("Minimum"),
            Self::Maximum => f.write_str("Maximum"),
            Self::SampleCount => f.write_str("SampleCount"),
            Self::Percentile(hundredths) => write!(f, "p{}", f64::from(*hundredths) / 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_written_as_cloudwatch_does() {
        assert_eq!(Statistic::P50.to_string(), "p50");
        assert_eq!(Statistic::Percentile(9_990).to_string(), "p99.9");
    }
}
