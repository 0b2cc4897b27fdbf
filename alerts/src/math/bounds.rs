//! The range of values that an expression can have, given the ranges of its metrics.

use super::ast::{Expr, Filler, Function, Operator};

/// Least and greatest value; infinite where nothing is known.
pub(crate) type Bounds = (f64, f64);

const ANY: Bounds = (f64::NEG_INFINITY, f64::INFINITY);

pub(crate) fn bounds(expr: &Expr, metrics: &[Bounds]) -> Bounds {
    use Function as F;
    match expr {
        Expr::Number(value) => (*value, *value),
        Expr::Metric(index) => metrics.get(*index).copied().unwrap_or(ANY),
        Expr::Negate(inner) => {
            let (low, high) = bounds(inner, metrics);
            (-high, -low)
        }
        Expr::Binary(operator, left, right) => {
            binary(*operator, bounds(left, metrics), bounds(right, metrics))
        }
        Expr::Array(items) => items.iter().map(|item| bounds(item, metrics)).reduce(hull).unwrap_or(ANY),
        Expr::Fill(filled, Filler::With(value)) => hull(bounds(filled, metrics), bounds(value, metrics)),
        Expr::Fill(filled, _) => bounds(filled, metrics),
        Expr::Call(F::If, arguments) => {
            // A missing value where the condition holds counts as 0.
            let then = hull(bounds(&arguments[1], metrics), (0.0, 0.0));
            arguments.get(2).map_or(then, |otherwise| hull(then, bounds(otherwise, metrics)))
        }
        Expr::Call(F::Max | F::Min | F::First | F::Last | F::TimeSeries | F::RemoveEmpty, arguments) => {
            bounds(&arguments[0], metrics)
        }
        Expr::Call(F::Sum | F::RunningSum | F::Avg | F::Abs, arguments) => {
            match bounds(&arguments[0], metrics) {
                (low, _) if low >= 0.0 => (0.0, f64::INFINITY),
                _ => ANY,
            }
        }
        Expr::Call(F::StdDev | F::DatapointCount | F::MetricCount | F::DiffTime, _) => (0.0, f64::INFINITY),
        Expr::Call(F::Minute, _) => (0.0, 59.0),
        Expr::Call(F::Hour, _) => (0.0, 23.0),
        Expr::Call(F::Day, _) => (1.0, 7.0),
        Expr::Call(F::Date, _) => (1.0, 31.0),
        Expr::Call(F::Month, _) => (1.0, 12.0),
        Expr::Call(F::Period, _) => (1.0, 86_400.0),
        Expr::Call(..) => ANY,
    }
}

fn hull(one: Bounds, other: Bounds) -> Bounds {
    (one.0.min(other.0), one.1.max(other.1))
}

fn binary(operator: Operator, left: Bounds, right: Bounds) -> Bounds {
    let corners = |f: fn(f64, f64) -> f64| {
        let all = [f(left.0, right.0), f(left.0, right.1), f(left.1, right.0), f(left.1, right.1)];
        // 0 × ∞ is 0 here: a bound, not a limit.
        let all = all.map(|value| if value.is_nan() { 0.0 } else { value });
        (
            all.iter().copied().fold(f64::INFINITY, f64::min),
            all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    };
    match operator {
        Operator::Add => (left.0 + right.0, left.1 + right.1),
        Operator::Subtract => (left.0 - right.1, left.1 - right.0),
        Operator::Multiply => corners(|a, b| a * b),
        // Dividing by something that may come near 0 is unbounded, but it keeps its sign.
        Operator::Divide if left.0 >= 0.0 && right.0 > 0.0 => corners(|a, b| a / b),
        Operator::Divide if left.0 >= 0.0 && right.0 >= 0.0 => (0.0, f64::INFINITY),
        Operator::Divide | Operator::Power => ANY,
        _ => (0.0, 1.0),
    }
}
