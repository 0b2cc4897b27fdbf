//! Evaluation over a frame of datapoints, whole columns at a time.

use super::ast::{Expr, Filler, Function, Operator};
use super::functions;
use std::borrow::Cow;

/// The datapoints of one evaluation: a column for each of the rule's metrics, NaN where one is missing.
pub(crate) struct Frame<'a> {
    /// By metric index, each with `len` values.
    pub columns: &'a [&'a [f64]],
    /// Start of the first slot's period, in seconds since 1970. CloudWatch stamps a datapoint with it.
    pub first_start: i64,
    /// Seconds from slot to slot.
    pub step: i64,
    /// Seconds that each datapoint covers.
    pub period: u32,
    /// Number of slots.
    pub len: usize,
}

pub(crate) enum Value<'a> {
    Scalar(f64),
    Series(Cow<'a, [f64]>),
    Array(Vec<Cow<'a, [f64]>>),
}

impl Value<'_> {
    pub(crate) fn into_series(self, len: usize) -> Vec<f64> {
        match self {
            Self::Series(series) => series.into_owned(),
            Self::Scalar(value) => vec![value; len],
            Self::Array(mut all) => match all.pop() {
                Some(series) => series.into_owned(),
                None => vec![f64::NAN; len],
            },
        }
    }
}

pub(crate) fn evaluate<'a>(expr: &Expr, frame: &Frame<'a>) -> Value<'a> {
    match expr {
        Expr::Number(value) => Value::Scalar(*value),
        Expr::Metric(index) => Value::Series(Cow::Borrowed(frame.columns[*index])),
        Expr::Negate(inner) => map(evaluate(inner, frame), |value| -value),
        Expr::Binary(operator, left, right) => {
            binary(*operator, evaluate(left, frame), evaluate(right, frame))
        }
        Expr::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                match evaluate(item, frame) {
                    Value::Series(series) => all.push(series),
                    Value::Array(more) => all.extend(more),
                    Value::Scalar(_) => {}
                }
            }
            Value::Array(all)
        }
        Expr::Fill(filled, filler) => {
            let with = match filler {
                Filler::With(value) => Some(evaluate(value, frame)),
                _ => None,
            };
            map_series(evaluate(filled, frame), |series| match (filler, &with) {
                (Filler::Repeat, _) => functions::fill_repeat(series),
                (Filler::Linear, _) => functions::fill_linear(series),
                (_, Some(Value::Series(with))) => functions::fill_with(series, |slot| with[slot]),
                (_, Some(Value::Scalar(with))) => functions::fill_with(series, |_| *with),
                _ => {}
            })
        }
        Expr::Call(function, arguments) => call(*function, arguments, frame),
    }
}

fn call<'a>(function: Function, arguments: &[Expr], frame: &Frame<'a>) -> Value<'a> {
    use Function as F;
    match function {
        F::If => return choose(arguments, frame),
        F::Period => return Value::Scalar(f64::from(frame.period)),
        F::Minute | F::Hour | F::Day | F::Date | F::Month | F::Year | F::Epoch => {
            return Value::Series(Cow::Owned(functions::clock(function, frame)));
        }
        _ => {}
    }
    let value = evaluate(&arguments[0], frame);
    match function {
        F::Abs => map(value, f64::abs),
        F::Ceil => map(value, f64::ceil),
        F::Floor => map(value, f64::floor),
        F::Log => map(value, f64::ln),
        F::Log10 => map(value, f64::log10),
        F::Diff => map_series(value, |series| functions::change(series, |difference, _| difference)),
        F::DiffTime => {
            let step = frame.step as f64;
            map_series(value, |series| functions::change(series, |_, slots| slots * step))
        }
        F::Rate => {
            let step = frame.step as f64;
            map_series(value, |series| {
                functions::change(series, |difference, slots| difference / (slots * step))
            })
        }
        F::RunningSum => map_series(value, functions::running_sum),
        F::TimeSeries => Value::Series(Cow::Owned(value.into_series(frame.len))),
        F::MetricCount => match value {
            Value::Array(all) => Value::Scalar(all.len() as f64),
            _ => Value::Scalar(1.0),
        },
        F::First => match value {
            Value::Array(all) => Value::Series(all.into_iter().next().unwrap_or_default()),
            other => other,
        },
        F::Last => match value {
            Value::Array(all) => Value::Series(all.into_iter().next_back().unwrap_or_default()),
            other => other,
        },
        F::RemoveEmpty => match value {
            Value::Array(all) => {
                Value::Array(all.into_iter().filter(|series| series.iter().any(|v| !v.is_nan())).collect())
            }
            other => other,
        },
        _ => match value {
            Value::Array(all) => Value::Series(Cow::Owned(functions::across(function, &all, frame.len))),
            Value::Series(series) => {
                Value::Scalar(functions::reduce(function, series.iter().copied(), series.len()))
            }
            Value::Scalar(value) => Value::Scalar(value),
        },
    }
}

/// `IF(condition, then, otherwise)`: where the condition is true and `then` has no datapoint, the result is 0. Where
/// the condition is false and `otherwise` has no datapoint or is left out, there is no result. Where the condition
/// has no datapoint, there is no result either.
fn choose<'a>(arguments: &[Expr], frame: &Frame<'a>) -> Value<'a> {
    let condition = evaluate(&arguments[0], frame);
    let then = evaluate(&arguments[1], frame);
    let otherwise = arguments.get(2).map(|expr| evaluate(expr, frame));
    let at = |value: &Value<'_>, slot: usize| match value {
        Value::Scalar(value) => *value,
        Value::Series(series) => series[slot],
        Value::Array(_) => f64::NAN,
    };
    let chosen = (0..frame.len)
        .map(|slot| {
            let condition = at(&condition, slot);
            if condition.is_nan() {
                f64::NAN
            } else if condition != 0.0 {
                let value = at(&then, slot);
                if value.is_nan() { 0.0 } else { value }
            } else {
                otherwise.as_ref().map_or(f64::NAN, |value| at(value, slot))
            }
        })
        .collect();
    Value::Series(Cow::Owned(chosen))
}

fn binary<'a>(operator: Operator, left: Value<'a>, right: Value<'a>) -> Value<'a> {
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(operator.apply(left, right)),
        (Value::Scalar(left), right) => map(right, |right| operator.apply(left, right)),
        (left, Value::Scalar(right)) => map(left, |left| operator.apply(left, right)),
        (Value::Series(left), Value::Series(right)) => Value::Series(series_pair(operator, left, &right)),
        (Value::Array(all), Value::Series(one)) => {
            Value::Array(all.into_iter().map(|left| series_pair(operator, left, &one)).collect())
        }
        (Value::Series(one), Value::Array(all)) => {
            Value::Array(all.into_iter().map(|right| series_pair(operator, one.clone(), &right)).collect())
        }
        // Refused when the expression is parsed.
        (Value::Array(all), Value::Array(_)) => Value::Array(all),
    }
}

/// Two series: where only one has a datapoint the other counts as 0, where neither has one there is no result.
fn series_pair<'a>(operator: Operator, left: Cow<'a, [f64]>, right: &[f64]) -> Cow<'a, [f64]> {
    let mut left = left.into_owned();
    for (left, right) in left.iter_mut().zip(right) {
        *left = match (left.is_nan(), right.is_nan()) {
            (false, false) => operator.apply(*left, *right),
            (true, true) => f64::NAN,
            (true, false) => operator.apply(0.0, *right),
            (false, true) => operator.apply(*left, 0.0),
        };
    }
    Cow::Owned(left)
}

/// Applies `f` to each datapoint that exists; a result that is not finite is dropped.
fn map<'a>(value: Value<'a>, f: impl Fn(f64) -> f64) -> Value<'a> {
    let apply = |value: f64| {
        if value.is_nan() {
            return value;
        }
        let value = f(value);
        if value.is_finite() { value } else { f64::NAN }
    };
    match value {
        Value::Scalar(value) => Value::Scalar(apply(value)),
        series => map_series(series, |series| series.iter_mut().for_each(|value| *value = apply(*value))),
    }
}

fn map_series<'a>(value: Value<'a>, mut f: impl FnMut(&mut [f64])) -> Value<'a> {
    let mut owned = |series: Cow<'a, [f64]>| -> Cow<'a, [f64]> {
        let mut series = series.into_owned();
        f(&mut series);
        Cow::Owned(series)
    };
    match value {
        Value::Scalar(value) => Value::Scalar(value),
        Value::Series(series) => Value::Series(owned(series)),
        Value::Array(all) => Value::Array(all.into_iter().map(owned).collect()),
    }
}
