//! What a rule compares with its threshold, for charts.

use crate::history::{History, Slots, SourceError};
use crate::math::Frame;
use crate::rules::MetricCondition;
use std::borrow::Cow;

impl MetricCondition {
    /// The value of the metric, or of the expression over all metrics, in each of `slots`; NaN where there is none.
    pub fn values(&self, history: &dyn History, slots: Slots) -> Result<Vec<f64>, SourceError> {
        let columns: Vec<Cow<'_, [f64]>> =
            self.queries.iter().map(|query| history.column(&query.stat, slots)).collect::<Result<_, _>>()?;
        let columns: Vec<&[f64]> = columns.iter().map(AsRef::as_ref).collect();
        Ok(self.math.evaluate(&Frame {
            columns: &columns,
            first_start: slots.first_end - i64::from(slots.period),
            step: i64::from(slots.step),
            period: slots.period,
            len: slots.len,
        }))
    }
}
