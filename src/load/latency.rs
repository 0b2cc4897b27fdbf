//! Durations and their quantiles.

use serde::Serialize;
use std::time::Duration;

/// All measured durations. Each takes four bytes, so an hour at 5,000 per second takes 72 MB. Quantiles are exact.
#[derive(Debug, Default)]
pub struct Latencies(Vec<u32>);

/// The quantiles of durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of the durations were at most this.
    pub p50: f64,
    /// 99 % of the durations were at most this.
    pub p99: f64,
    /// The longest duration.
    pub max: f64,
}

impl Latencies {
    /// Adds a duration. More than 71 min counts as 71 min.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// The quantiles, by nearest rank; `None` if there are no durations.
    pub fn quantiles(mut self) -> Option<Quantiles> {
        self.0.sort_unstable();
        let last = self.0.len().checked_sub(1)?;
        let at = |index: usize| f64::from(self.0[index.min(last)]) / 1000.0;
        let rank = |percent: usize| at((self.0.len() * percent).div_ceil(100).saturating_sub(1));
        Some(Quantiles { p50: rank(50), p99: rank(99), max: at(last) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut latencies = Latencies::default();
        assert_eq!(Latencies::default().quantiles(), None);
        (1..=200).rev().for_each(|ms| latencies.add(Duration::from_millis(ms)));
        let expected = Quantiles { p50: 100.0, p99: 198.0, max: 200.0 };
        assert_eq!(latencies.quantiles(), Some(expected));
    }
}
