//! The value axis: its ends and its grid lines.

use crate::Unit;

/// Larger values are shown at the edge, so that drawing does not overflow.
pub(crate) const LIMIT: f64 = 1e18;
/// Smaller values count as zero.
const TINY: f64 = 1e-9;

/// A value axis whose ends are ticks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueAxis {
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// Values with a grid line, ascending, from `min` to `max`.
    pub ticks: Vec<f64>,
}

impl ValueAxis {
    /// The smallest axis of finite numbers with at most `intervals` round steps that contains `low..=high`.
    pub(crate) fn spanning(low: f64, high: f64, unit: Unit, intervals: u32) -> Self {
        // Ticks cannot distinguish floats whose relative difference is smaller than this.
        let same = high - low < TINY.max(high.abs().max(low.abs()) * 1e-9);
        let high = if same { low + least(unit).max(low.abs() * 1e-6) } else { high };
        let intervals = f64::from(intervals.max(1));
        let mut step = step_at_least((high - low) / intervals, unit);
        let (mut first, mut last) = ends(low, high, step);
        // A range that crosses a step at both ends may need one more interval.
        while last - first > intervals {
            step = step_at_least(step * 1.01, unit);
            (first, last) = ends(low, high, step);
        }
        let count = (last - first) as u32;
        let ticks: Vec<f64> = (0..=count).map(|i| (first + f64::from(i)) * step).collect();
        Self { min: first * step, max: last * step, ticks }
    }
}

/// A value that can be drawn: within [`LIMIT`], and zero if it is tiny.
pub(crate) fn tame(value: f64) -> f64 {
    if value.abs() < TINY { 0.0 } else { value.clamp(-LIMIT, LIMIT) }
}

/// Both ends in steps.
fn ends(low: f64, high: f64, step: f64) -> (f64, f64) {
    // A rounding error must not cost another interval.
    ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil())
}

/// The upper end of the axis for a flat line at zero.
fn least(unit: Unit) -> f64 {
    match unit {
        Unit::Count => 2.0,
        Unit::Milliseconds => 10.0,
        Unit::Bytes => 1024.0,
        Unit::Seconds => 10.0,
        Unit::Number | Unit::PerSecond | Unit::Percent | Unit::Dollars => 1.0,
    }
}

/// The smallest round step of at least `raw`: 1-2-5 for decimal units, powers of two for bytes,
/// and what clocks show for durations.
fn step_at_least(raw: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Count => decimal(raw).max(1.0),
        Unit::Number | Unit::PerSecond | Unit::Percent | Unit::Dollars => decimal(raw),
        Unit::Seconds => clock(raw),
        Unit::Milliseconds => 1000.0 * clock(raw / 1000.0),
        Unit::Bytes => (raw.max(1.0) * (1.0 - 1e-9)).log2().ceil().exp2(),
    }
}

fn decimal(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let wanted = raw / power * (1.0 - 1e-9);
    power * [1.0, 2.0, 5.0].into_iter().find(|s| *s >= wanted).unwrap_or(10.0)
}

fn clock(raw: f64) -> f64 {
    const DAY: f64 = 86_400.0;
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0,
        21_600.0,
    ];
    if raw <= 0.5 {
        return decimal(raw);
    }
    let wanted = raw * (1.0 - 1e-9);
    STEPS
        .into_iter()
        .chain([DAY / 2.0, DAY])
        .find(|s| *s >= wanted)
        .unwrap_or_else(|| DAY * decimal(raw / DAY).max(2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(low: f64, high: f64, unit: Unit, expected: &[&str]) {
        let axis = ValueAxis::spanning(low, high, unit, 4);
        let labels: Vec<_> = axis.ticks.iter().map(|t| unit.format(*t).replace('\u{a0}', " ")).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn decimal_steps_are_one_two_or_five() {
        check(0.0, 9.0, Unit::Number, &["0", "5", "10"]);
        check(0.0, 17.0, Unit::Number, &["0", "5", "10", "15", "20"]);
        check(0.0, 1900.0, Unit::PerSecond, &["0/s", "500/s", "1 k/s", "1.5 k/s", "2 k/s"]);
        check(0.0, 0.37, Unit::Percent, &["0 %", "0.1 %", "0.2 %", "0.3 %", "0.4 %"]);
        check(0.0, 100.0, Unit::Percent, &["0 %", "50 %", "100 %"]);
        check(-30.0, 45.0, Unit::Number, &["−50", "0", "50"]);
    }

    #[test]
    fn counts_have_no_fractions() {
        check(0.0, 0.0, Unit::Count, &["0", "1", "2"]);
        check(0.0, 1.0, Unit::Count, &["0", "1"]);
        check(0.0, 3.0, Unit::Count, &["0", "1", "2", "3"]);
    }

    #[test]
    fn durations_step_like_clocks() {
        check(0.0, 2280.0, Unit::Seconds, &["0 s", "10 min", "20 min", "30 min", "40 min"]);
        check(0.0, 100.0, Unit::Seconds, &["0 s", "30 s", "1 min", "1.5 min", "2 min"]);
        check(0.0, 1800.0, Unit::Milliseconds, &["0 ms", "500 ms", "1 s", "1.5 s", "2 s"]);
        check(0.0, 3e6, Unit::Seconds, &["0 s", "10 d", "20 d", "30 d", "40 d"]);
    }

    #[test]
    fn sizes_step_by_powers_of_two() {
        check(0.0, 1e6, Unit::Bytes, &["0 B", "256 KiB", "512 KiB", "768 KiB", "1 MiB"]);
    }

    #[test]
    fn a_range_far_from_zero_keeps_its_detail() {
        check(99.2, 99.95, Unit::Percent, &["99.2 %", "99.4 %", "99.6 %", "99.8 %", "100 %"]);
    }

    #[test]
    fn any_range_has_at_most_the_given_number_of_intervals() {
        for exponent in -12..40 {
            for unit in [Unit::Count, Unit::Number, Unit::Bytes, Unit::Seconds, Unit::Milliseconds] {
                let high = 3.7 * 10f64.powi(exponent);
                for low in [0.0, -high, high * 0.99, -high * 0.3] {
                    let axis = ValueAxis::spanning(low, high, unit, 4);
                    assert!(
                        axis.ticks.len() <= 5 && axis.ticks.len() >= 2,
                        "{low}..{high} {unit:?}: {axis:?}"
                    );
                    assert!(
                        axis.min <= low + TINY * low.abs().max(1.0)
                            && axis.max >= high - TINY * high.abs().max(1.0)
                    );
                }
            }
        }
    }
}
