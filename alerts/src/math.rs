//! Metric math: the expressions that CloudWatch evaluates over metrics.
//!
//! An [`Expression`] is parsed once against the metric ids of its rule, so evaluation never looks a name up. A
//! missing datapoint is a NaN. A result that is not finite, such as a division by zero, is a missing datapoint too,
//! since CloudWatch drops it.
//!
//! Source of the rules: "Using math expressions with CloudWatch metrics" in the CloudWatch user guide.

mod ast;
mod bounds;
mod evaluate;
mod functions;
mod inspect;
mod lexer;
mod parse;

pub use ast::Function;
pub(crate) use bounds::Bounds;
pub(crate) use evaluate::Frame;
pub use parse::MathError;

use ast::{Expr, Kind};

/// A parsed expression that yields one time series.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Expr,
    pointwise: bool,
    never_missing: bool,
}

impl Expression {
    /// Parses `text`, whose metrics are called `ids`, and checks that it yields exactly one series.
    pub fn parse(text: &str, ids: &[&str]) -> Result<Self, MathError> {
        let root = parse::parse(text, ids)?;
        match inspect::kind(&root)? {
            Kind::Series => {}
            Kind::Scalar => {
                return Err(MathError::at(
                    1,
                    "an alarm needs a time series, and this yields a single number; wrap it in TIME_SERIES()",
                ));
            }
            Kind::Array => {
                return Err(MathError::at(
                    1,
                    "an alarm needs one time series, and this yields several; reduce them with SUM, MAX, MIN or AVG",
                ));
            }
        }
        Ok(Self { pointwise: inspect::pointwise(&root), never_missing: inspect::never_missing(&root), root })
    }

    /// The metric with index 0 as it is.
    pub(crate) fn identity() -> Self {
        Self { root: Expr::Metric(0), pointwise: true, never_missing: false }
    }

    /// Whether each result depends on the inputs of the same moment only. If not, the result depends on how
    /// many datapoints CloudWatch retrieved. Then the expression has to be evaluated again over each window.
    pub fn is_pointwise(&self) -> bool {
        self.pointwise
    }

    /// Whether a result depends on all datapoints that CloudWatch retrieved: `AVG(m)`, `RUNNING_SUM(m)`. How many those
    /// are is not published.
    pub fn is_over_the_range(&self) -> bool {
        inspect::over_the_range(&self.root)
    }

    /// Whether there is a result for every moment, even when no metric has any data: `FILL(m, 0)`.
    pub fn is_never_missing(&self) -> bool {
        self.never_missing
    }

    /// Indices of the metrics that the expression reads.
    pub(crate) fn metrics(&self) -> Vec<usize> {
        inspect::metrics(&self.root)
    }

    /// The range of the result if the metrics lie between `metrics`.
    pub(crate) fn bounds(&self, metrics: &[Bounds]) -> Bounds {
        bounds::bounds(&self.root, metrics)
    }

    /// Evaluates over all slots of `frame`; the result has `frame.len` values, NaN where there is none.
    pub(crate) fn evaluate(&self, frame: &Frame<'_>) -> Vec<f64> {
        evaluate::evaluate(&self.root, frame).into_series(frame.len)
    }
}

#[cfg(test)]
mod tests;
