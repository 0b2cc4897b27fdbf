//! The rate of events by time of day and week, and in a burst.

use spillway_core::Timestamp;
use std::time::Duration;

/// Load by the hour in UTC: low at night, high at noon, highest in the evening.
const HOURS: [f64; 24] = [
    0.42, 0.30, 0.24, 0.22, 0.26, 0.40, 0.64, 0.88, 1.06, 1.18, 1.26, 1.34, 1.40, 1.30, 1.20, 1.16, 1.22,
    1.36, 1.56, 1.72, 1.66, 1.32, 0.94, 0.62,
];

/// Load by the day, Monday first.
const DAYS: [f64; 7] = [0.98, 0.94, 0.94, 0.98, 1.06, 1.12, 0.98];

/// The rate at a time, in the unit of `base`, which is the mean over a week.
///
/// The curve has no steps: it interpolates between hours and days.
pub fn rate_at(at: Timestamp, base: f64) -> f64 {
    let hours = at.as_millisecond() as f64 / 3_600_000.0;
    // 1970-01-01 was a Thursday; each value applies at the middle of its hour or day.
    let days = hours / 24.0 + 3.0;
    base * between(&HOURS, hours - 0.5) / mean(&HOURS) * between(&DAYS, days - 0.5) / mean(&DAYS)
}

fn between(values: &[f64], position: f64) -> f64 {
    let whole = position.floor();
    let share = position - whole;
    // Positions before 1970 are negative; the table repeats in both directions.
    let index = (whole as i64).rem_euclid(values.len() as i64) as usize;
    values[index] * (1.0 - share) + values[(index + 1) % values.len()] * share
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A burst of traffic, such as after a newsletter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// When it begins.
    pub from: Timestamp,
    /// Its duration.
    pub length: Duration,
    /// Its maximum, as a multiple of the usual rate.
    pub factor: f64,
}

impl Burst {
    /// Its multiplier at a time: up to `factor` in its first tenth, then back to 1.
    pub fn factor_at(&self, at: Timestamp) -> f64 {
        let passed =
            at.duration_since(self.from).as_secs_f64() / self.length.as_secs_f64().max(f64::MIN_POSITIVE);
        let height = match passed {
            passed if !(0.0..1.0).contains(&passed) => 0.0,
            passed if passed < 0.1 => passed / 0.1,
            passed => (1.0 - passed) / 0.9,
        };
        1.0 + (self.factor - 1.0) * height
    }
}

/// A base rate with bursts on top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rhythm {
    /// Events a second, the mean over a week without bursts.
    pub base: f64,
    /// Bursts; the factors of overlapping ones multiply.
    pub bursts: Vec<Burst>,
}

impl Rhythm {
    /// Events a second at a time.
    pub fn rate_at(&self, at: Timestamp) -> f64 {
        self.bursts.iter().fold(rate_at(at, self.base), |rate, burst| rate * burst.factor_at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_mean_of_a_week_is_the_base() {
        let start = at("2026-03-02T00:00:00Z");
        let minutes = 7 * 24 * 60;
        let sum: f64 =
            (0..minutes).map(|minute| rate_at(start + Duration::from_secs(minute * 60), 5.0)).sum();
        assert!((sum / minutes as f64 - 5.0).abs() < 0.05, "{}", sum / minutes as f64);
    }

    #[test]
    fn the_rate_is_low_at_night_and_high_in_the_evening_and_has_no_steps() {
        let start = at("2026-03-02T00:00:00Z");
        assert!(rate_at(at("2026-03-03T03:30:00Z"), 1.0) < 0.3);
        assert!(rate_at(at("2026-03-07T19:30:00Z"), 1.0) > 1.7);
        let rates: Vec<_> =
            (0..8 * 24 * 60).map(|minute| rate_at(start + Duration::from_secs(minute * 60), 1.0)).collect();
        assert!(rates.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.01));
    }

    #[test]
    fn a_burst_rises_to_its_factor_and_ends() {
        let from = at("2026-03-02T12:00:00Z");
        let burst = Burst { from, length: Duration::from_secs(1000), factor: 8.0 };
        let factor = |second: i64| burst.factor_at(from + jiff::SignedDuration::from_secs(second));
        assert_eq!(factor(-1), 1.0);
        assert!((factor(50) - 4.5).abs() < 1e-9);
        assert!((factor(100) - 8.0).abs() < 1e-9);
        assert_eq!(factor(1000), 1.0);
        let rhythm = Rhythm { base: 2.0, bursts: vec![burst] };
        let top = from + Duration::from_secs(100);
        assert!((rhythm.rate_at(top) / rate_at(top, 2.0) - 8.0).abs() < 1e-9);
    }
}
