//! Functions over whole series.

use super::ast::Function;
use super::evaluate::Frame;
use std::borrow::Cow;

pub(crate) fn fill_with(series: &mut [f64], with: impl Fn(usize) -> f64) {
    for (slot, value) in series.iter_mut().enumerate() {
        if value.is_nan() {
            *value = with(slot);
        }
    }
}

/// The last real value is repeated until the next. Before the first there is nothing to repeat.
pub(crate) fn fill_repeat(series: &mut [f64]) {
    let mut last = f64::NAN;
    for value in series {
        if value.is_nan() {
            *value = last;
        } else {
            last = *value;
        }
    }
}

/// A straight line across each gap. A gap at either end has only one side, and stays.
pub(crate) fn fill_linear(series: &mut [f64]) {
    let mut before: Option<usize> = None;
    for slot in 0..series.len() {
        if series[slot].is_nan() {
            continue;
        }
        if let Some(from) = before {
            let (low, high, gap) = (series[from], series[slot], (slot - from) as f64);
            for (steps, between) in series[from..slot].iter_mut().enumerate().skip(1) {
                *between = low + (high - low) * steps as f64 / gap;
            }
        }
        before = Some(slot);
    }
}

/// `f(difference, slots)` to the previous datapoint, across gaps. The first datapoint has no previous one.
pub(crate) fn change(series: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    let mut before: Option<(usize, f64)> = None;
    for (slot, value) in series.iter_mut().enumerate() {
        if value.is_nan() {
            continue;
        }
        let now = *value;
        *value = before.map_or(f64::NAN, |(at, previous)| f(now - previous, (slot - at) as f64));
        before = Some((slot, now));
    }
}

pub(crate) fn running_sum(series: &mut [f64]) {
    let mut sum = 0.0;
    for value in series.iter_mut().filter(|value| !value.is_nan()) {
        sum += *value;
        *value = sum;
    }
}

/// One number from `values`, of which there are `len` slots with gaps among them. NaN if there is no datapoint at all.
pub(crate) fn reduce(function: Function, values: impl Iterator<Item = f64>, len: usize) -> f64 {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| !value.is_nan()) {
        count += 1.0;
        sum += value;
        squares += value * value;
        least = least.min(value);
        most = most.max(value);
    }
    if function == Function::DatapointCount {
        return count;
    }
    if count == 0.0 {
        return f64::NAN;
    }
    match function {
        Function::Sum => sum,
        // "Missing values are treated as 0": they count in the divisor.
        Function::Avg => sum / len as f64,
        Function::Min => least,
        Function::Max => most,
        Function::StdDev => (squares / count - (sum / count) * (sum / count)).max(0.0).sqrt(),
        _ => f64::NAN,
    }
}

/// One series from several, slot by slot.
pub(crate) fn across(function: Function, all: &[Cow<'_, [f64]>], len: usize) -> Vec<f64> {
    (0..len).map(|slot| reduce(function, all.iter().map(|series| series[slot]), all.len())).collect()
}

/// Time functions: always UTC, so a rule that uses them ignores daylight saving.
pub(crate) fn clock(function: Function, frame: &Frame<'_>) -> Vec<f64> {
    (0..frame.len).map(|slot| clock_at(function, frame.first_start + slot as i64 * frame.step)).collect()
}

fn clock_at(function: Function, epoch: i64) -> f64 {
    const DAY: i64 = 86_400;
    let value = match function {
        Function::Epoch => epoch,
        Function::Minute => epoch.rem_euclid(3_600) / 60,
        Function::Hour => epoch.rem_euclid(DAY) / 3_600,
        // 1970-01-01 was a Thursday.
        Function::Day => (epoch.div_euclid(DAY) + 3).rem_euclid(7) + 1,
        _ => {
            let Ok(time) = jiff::Timestamp::from_second(epoch) else { return f64::NAN };
            let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
            match function {
                Function::Date => i64::from(date.day()),
                Function::Month => i64::from(date.month()),
                _ => i64::from(date.year()),
            }
        }
    };
    value as f64
}
