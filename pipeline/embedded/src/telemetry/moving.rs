//! Percentiles over periods that may overlap, as alarms over more than a minute need them.

use super::histogram::Histogram;
use super::statistics::StatisticSet;

/// The percentile of each period, NaN where nothing was measured. A percentile of a longer period does not follow from those
/// of shorter ones, so the measurements are merged. `sets` have the second at which each begins, in order. `periods` have
/// their beginnings and ends (excluded), each no earlier than those of the one before.
pub fn moving_percentiles(
    sets: &[(i64, StatisticSet)],
    hundredths: u16,
    periods: impl Iterator<Item = (i64, i64)>,
) -> Vec<f64> {
    let mut merged = Histogram::default();
    let (mut first, mut next) = (0, 0);
    let percentile = |(from, until): (i64, i64)| {
        while let Some((_, set)) = sets.get(next).filter(|(start, _)| *start < until) {
            set.histogram.iter().for_each(|histogram| merged.merge(histogram));
            next += 1;
        }
        while let Some((_, set)) = sets[..next].get(first).filter(|(start, _)| *start < from) {
            set.histogram.iter().for_each(|histogram| merged.remove(histogram));
            first += 1;
        }
        let inside = &sets[first..next];
        let least = inside.iter().map(|(_, set)| set.minimum).fold(f64::INFINITY, f64::min);
        let most = inside.iter().map(|(_, set)| set.maximum).fold(f64::NEG_INFINITY, f64::max);
        let value = merged.percentile(f64::from(hundredths) / 100.0);
        value.map_or(f64::NAN, |value| value.max(least).min(most))
    };
    periods.map(percentile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[f64]) -> StatisticSet {
        let mut set = StatisticSet::empty(true);
        values.iter().for_each(|value| set.add(*value));
        set
    }

    #[test]
    fn measurements_are_merged_and_not_percentiles() {
        // Nine in ten requests of the hour are fast, although all those of its last minute are slow.
        let sets = [(0, set(&[10.0; 90])), (60, set(&[5_000.0; 10])), (180, set(&[70.0]))];
        let periods = [(-60, 0), (0, 60), (0, 120), (60, 120), (60, 180), (120, 240), (240, 300)];
        let found = moving_percentiles(&sets, 9_000, periods.into_iter());
        assert!(found[0].is_nan() && found[6].is_nan(), "{found:?}");
        assert_eq!(found[1..6], [10.0, 10.0, 5_000.0, 5_000.0, 70.0]);
    }
}
