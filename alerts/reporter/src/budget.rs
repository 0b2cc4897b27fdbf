//! The task `budget`: AWS Budgets has no metrics, so its history and its charts begin here.

use crate::Function;
use spillway_core::metric::{self, Measurement, MetricId, Unit};
use spillway_dashboard_model::ReadError;

/// Measures which share of the month's budget is spent, and which will be.
pub(crate) async fn measure(function: &Function) -> Result<(Option<f64>, Option<f64>), ReadError> {
    let (name, budget) = function.spending.read().await?;
    let (actual, forecast) = (budget.actual_percent(), budget.forecast_percent());
    let measured = [(metric::BUDGET_ACTUAL_PERCENT, actual), (metric::BUDGET_FORECAST_PERCENT, forecast)];
    let measurements: Vec<Measurement> = measured
        .into_iter()
        .filter_map(|(metric, value)| {
            let metric = MetricId::new(metric::NAMESPACE, metric, &[("BudgetName", name.as_str())]);
            Some(Measurement { metric, value: value?, unit: Unit::Percent })
        })
        .collect();
    function.telemetry.measure(&measurements);
    Ok((actual, forecast))
}
