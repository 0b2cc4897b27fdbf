//! What is known of an expression without evaluating it.

use super::ast::{Expr, Filler, Function, Kind, Operator};
use super::parse::MathError;

fn wrong(message: impl Into<String>) -> MathError {
    MathError::at(1, message)
}

/// What `expr` yields, or why its parts do not fit together.
pub(crate) fn kind(expr: &Expr) -> Result<Kind, MathError> {
    match expr {
        Expr::Number(_) => Ok(Kind::Scalar),
        Expr::Metric(_) => Ok(Kind::Series),
        Expr::Negate(inner) => kind(inner),
        Expr::Binary(_, left, right) => match (kind(left)?, kind(right)?) {
            (Kind::Array, Kind::Array) => {
                Err(wrong("two arrays of series cannot be combined; reduce one with SUM, MAX, MIN or AVG"))
            }
            (Kind::Array, _) | (_, Kind::Array) => Ok(Kind::Array),
            (Kind::Series, _) | (_, Kind::Series) => Ok(Kind::Series),
            (Kind::Scalar, Kind::Scalar) => Ok(Kind::Scalar),
        },
        Expr::Array(items) => {
            for item in items {
                if kind(item)? == Kind::Scalar {
                    return Err(wrong("an array holds series, not single numbers"));
                }
            }
            Ok(Kind::Array)
        }
        Expr::Fill(filled, filler) => {
            if let Filler::With(value) = filler
                && kind(value)? == Kind::Array
            {
                return Err(wrong("FILL takes a number, a series, REPEAT or LINEAR to fill with"));
            }
            match kind(filled)? {
                Kind::Scalar => Err(wrong("FILL needs a series, and this is a single number")),
                series => Ok(series),
            }
        }
        Expr::Call(function, arguments) => call_kind(*function, arguments),
    }
}

fn call_kind(function: Function, arguments: &[Expr]) -> Result<Kind, MathError> {
    use Function as F;
    let name = function.name();
    let first = kind(&arguments[0])?;
    match function {
        F::If => {
            // The first argument is not looked at again: nested conditions would double the work each time.
            let mut kinds = vec![first];
            for argument in &arguments[1..] {
                kinds.push(kind(argument)?);
            }
            if kinds.contains(&Kind::Array) {
                return Err(wrong("IF works on series and numbers, not on arrays of series"));
            }
            Ok(Kind::Series)
        }
        F::TimeSeries => match first {
            Kind::Scalar => Ok(Kind::Series),
            _ => Err(wrong("TIME_SERIES takes a single number")),
        },
        F::First | F::Last | F::MetricCount | F::RemoveEmpty => match (first, function) {
            (Kind::Array, F::MetricCount) => Ok(Kind::Scalar),
            (Kind::Array, F::RemoveEmpty) => Ok(Kind::Array),
            (Kind::Array, _) => Ok(Kind::Series),
            _ => Err(wrong(format!("{name} takes an array of series, such as METRICS()"))),
        },
        F::Period => match arguments[0] {
            Expr::Metric(_) => Ok(Kind::Scalar),
            _ => Err(wrong("PERIOD takes a metric, not the result of another expression")),
        },
        _ if first == Kind::Scalar => {
            Err(wrong(format!("{name} takes a series, and this is a single number")))
        }
        _ if reduces(function) => Ok(if first == Kind::Array { Kind::Series } else { Kind::Scalar }),
        _ => Ok(first),
    }
}

/// Functions that make one number of a series, and one series of an array.
pub(crate) fn reduces(function: Function) -> bool {
    use Function as F;
    matches!(function, F::Sum | F::Avg | F::Max | F::Min | F::StdDev | F::DatapointCount)
}

/// See [`super::Expression::is_pointwise`].
pub(crate) fn pointwise(expr: &Expr) -> bool {
    use Function as F;
    match expr {
        Expr::Number(_) | Expr::Metric(_) => true,
        Expr::Negate(inner) => pointwise(inner),
        Expr::Binary(_, left, right) => pointwise(left) && pointwise(right),
        Expr::Array(items) => items.iter().all(pointwise),
        Expr::Fill(filled, Filler::With(value)) => pointwise(filled) && pointwise(value),
        Expr::Fill(_, Filler::Repeat | Filler::Linear) => false,
        Expr::Call(F::Diff | F::DiffTime | F::Rate | F::RunningSum | F::RemoveEmpty, _) => false,
        Expr::Call(function, arguments) => {
            let over_time = reduces(*function) && kind(&arguments[0]) != Ok(Kind::Array);
            !over_time && arguments.iter().all(pointwise)
        }
    }
}

/// See [`super::Expression::is_over_the_range`].
pub(crate) fn over_the_range(expr: &Expr) -> bool {
    use Function as F;
    match expr {
        Expr::Number(_) | Expr::Metric(_) => false,
        Expr::Negate(inner) => over_the_range(inner),
        Expr::Binary(_, left, right) => over_the_range(left) || over_the_range(right),
        Expr::Array(items) => items.iter().any(over_the_range),
        Expr::Fill(filled, Filler::With(value)) => over_the_range(filled) || over_the_range(value),
        Expr::Fill(filled, _) => over_the_range(filled),
        Expr::Call(F::RunningSum, _) => true,
        Expr::Call(function, arguments) => {
            let over_time = reduces(*function) && kind(&arguments[0]) != Ok(Kind::Array);
            over_time || arguments.iter().any(over_the_range)
        }
    }
}

/// See [`super::Expression::is_never_missing`].
pub(crate) fn never_missing(expr: &Expr) -> bool {
    use Function as F;
    match expr {
        Expr::Number(_) => true,
        Expr::Metric(_) => false,
        Expr::Negate(inner) => never_missing(inner),
        // The result of a division or a power may be dropped for any input.
        Expr::Binary(Operator::Divide | Operator::Power, ..) => false,
        Expr::Binary(_, left, right) => match (kind(left), kind(right)) {
            // Two series: one with a value is enough, the other counts as 0.
            (Ok(Kind::Series), Ok(Kind::Series)) => never_missing(left) || never_missing(right),
            _ => never_missing(left) && never_missing(right),
        },
        Expr::Array(items) => items.iter().any(never_missing),
        Expr::Fill(filled, Filler::With(value)) => never_missing(filled) || never_missing(value),
        Expr::Fill(filled, _) => never_missing(filled),
        Expr::Call(F::If, arguments) => {
            arguments.len() == 3 && never_missing(&arguments[0]) && never_missing(&arguments[2])
        }
        Expr::Call(
            F::Minute
            | F::Hour
            | F::Day
            | F::Date
            | F::Month
            | F::Year
            | F::Epoch
            | F::Period
            | F::MetricCount,
            _,
        ) => true,
        Expr::Call(F::Log | F::Log10 | F::Diff | F::DiffTime | F::Rate | F::First | F::Last, _) => false,
        Expr::Call(_, arguments) => never_missing(&arguments[0]),
    }
}

/// Indices of the metrics in `expr`, each once.
pub(crate) fn metrics(expr: &Expr) -> Vec<usize> {
    fn walk(expr: &Expr, found: &mut Vec<usize>) {
        match expr {
            Expr::Number(_) => {}
            Expr::Metric(index) => found.push(*index),
            Expr::Negate(inner) => walk(inner, found),
            Expr::Binary(_, left, right) => {
                walk(left, found);
                walk(right, found);
            }
            Expr::Array(items) | Expr::Call(_, items) => items.iter().for_each(|item| walk(item, found)),
            Expr::Fill(filled, filler) => {
                walk(filled, found);
                if let Filler::With(value) = filler {
                    walk(value, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(expr, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}
