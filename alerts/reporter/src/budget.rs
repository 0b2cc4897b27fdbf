//! The task `budget`: AWS Budgets has no metrics, so its history and its charts begin here.

use crate::Function;
use spillway_core::metric::Measurement;
use spillway_dashboard_model::ReadError;
use spillway_metrics::{Budget, budget};

/// Measures which share of the month's budget is spent, and which will be.
pub(crate) async fn measure(function: &Function) -> Result<(Option<f64>, Option<f64>), ReadError> {
    let (name, budget) = function.spending.read().await?;
    let (actual, forecast) = (budget.actual_percent(), budget.forecast_percent());
    let named = Budget::from(name.as_str());
    let measured = [(budget::ACTUAL, actual), (budget::FORECAST, forecast)];
    let measurements: Vec<Measurement> = measured
        .into_iter()
        .filter_map(|(metric, value)| Some(Measurement::of(metric, &named, value?)))
        .collect();
    function.telemetry.measure(&measurements);
    Ok((actual, forecast))
}
