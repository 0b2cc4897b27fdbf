//! Samples what CloudWatch shows as gauges, and lets messages expire.

use crate::costs::{self, Spending};
use crate::pipeline::Pipeline;
use crate::queue::Which;
use spillway_core::Timestamp;
use spillway_core::metric::{self, Measurement, MetricId, Unit};
use spillway_core::ports::MetricSink as _;
use std::sync::Arc;
use std::time::Duration;

/// Write capacity units that DynamoDB gives an account in a region unless asked for more.
const ACCOUNT_WRITE_CAPACITY: f64 = 80_000.0;
/// Write capacity units that DynamoDB gives one table unless asked for more.
const TABLE_WRITE_CAPACITY: f64 = 40_000.0;

/// Between looks for messages whose retention has run out. It is counted in days.
const EXPIRE_EVERY_S: i64 = 3600;

/// Between looks at what was spent. AWS's own figures are hours old; the rules look at an hour.
const SPENDING_EVERY_S: i64 = 300;
/// The same in virtual time, in which telemetry is written once an hour.
const SPENDING_EVERY_S_SIMULATED: i64 = 1_800;

/// Samples until dropped.
pub async fn run(pipeline: Arc<Pipeline>, interval: Duration) {
    let ports = &pipeline.ports;
    let mut expired_at = ports.clock.now();
    let mut spent_at: Option<i64> = None;
    let spending_every = if pipeline.virtual_time { SPENDING_EVERY_S_SIMULATED } else { SPENDING_EVERY_S };
    loop {
        let primary = sample_queue(&pipeline, Which::Primary, &ports.names.queue).await;
        let dlq = sample_queue(&pipeline, Which::Dlq, &ports.names.dead_letter_queue).await;
        sample_capacity(&pipeline);
        let now = ports.clock.now();
        if let Some(oldest) = primary.into_iter().chain(dlq).min() {
            sample_time_to_loss(&pipeline, now, oldest);
        }
        if spent_at.is_none_or(|at| (now.as_second() - at).abs() >= spending_every) {
            spent_at = Some(now.as_second());
            sample_spending(&pipeline, now).await;
        }
        if now.as_second() - expired_at.as_second() >= EXPIRE_EVERY_S {
            expired_at = now;
            expire(&pipeline).await;
        }
        if pipeline.virtual_time {
            pipeline.recorder.flush(ports.clock.now());
        }
        ports.clock.sleep(interval).await;
    }
}

async fn expire(pipeline: &Pipeline) {
    match pipeline.ports.queues.expire().await {
        Ok(0) => {}
        Ok(lost) => tracing::error!(lost, "messages outlived their retention and are lost"),
        Err(error) => tracing::warn!(%error, "expired messages could not be looked for"),
    }
}

/// Returns when the oldest message of all was sent.
async fn sample_queue(pipeline: &Pipeline, which: Which, name: &str) -> Option<Timestamp> {
    let snapshot = match pipeline.ports.queues.snapshot(which).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(%error, queue = name, "the queue could not be sampled");
            return None;
        }
    };
    let record = |metric, value: u64, unit| {
        let metric = MetricId::new("AWS/SQS", metric, &[("QueueName", name)]);
        pipeline.recorder.record(Measurement { metric, value: value as f64, unit });
    };
    record("ApproximateNumberOfMessagesVisible", snapshot.visible, Unit::Count);
    record("ApproximateNumberOfMessagesNotVisible", snapshot.not_visible, Unit::Count);
    record("ApproximateNumberOfMessagesDelayed", snapshot.delayed, Unit::Count);
    record("ApproximateAgeOfOldestMessage", snapshot.oldest_age_s, Unit::Seconds);
    snapshot.oldest_sent_at
}

/// How long until the oldest message expires. A move to the DLQ by the queue itself does not renew its time.
fn sample_time_to_loss(pipeline: &Pipeline, now: Timestamp, oldest: Timestamp) {
    let ports = &pipeline.ports;
    let function = &[("FunctionName", &*ports.names.archiver_function)];
    let metric = MetricId::new(metric::NAMESPACE, metric::TIME_TO_LOSS, function);
    let age = now.as_second() - oldest.as_second();
    let value = (i64::from(ports.settings.retention_s) - age).max(0) as f64;
    pipeline.recorder.record(Measurement { metric, value, unit: Unit::Seconds });
}

async fn sample_spending(pipeline: &Pipeline, now: Timestamp) {
    let names = pipeline.ports.names.clone();
    let reader = Arc::clone(&pipeline.telemetry);
    let spending = if pipeline.virtual_time {
        costs::spending(&reader, &names, now)
    } else {
        let reckoned = tokio::task::spawn_blocking(move || costs::spending(&reader, &names, now)).await;
        let Ok(spending) = reckoned else { return };
        spending
    };
    let Spending { spent_usd, forecast_usd } = match spending {
        Ok(spending) => spending,
        Err(error) => {
            tracing::warn!(%error, "what was spent could not be reckoned");
            return;
        }
    };
    let budget = &[("BudgetName", &*pipeline.ports.names.budget)];
    let limit = pipeline.ports.settings.monthly_budget_usd;
    let figures =
        [(metric::BUDGET_ACTUAL_PERCENT, Some(spent_usd)), (metric::BUDGET_FORECAST_PERCENT, forecast_usd)];
    for (name, usd) in figures {
        if let Some(usd) = usd {
            let metric = MetricId::new(metric::NAMESPACE, name, budget);
            pipeline.recorder.record(Measurement { metric, value: 100.0 * usd / limit, unit: Unit::Percent });
        }
    }
}

fn sample_capacity(pipeline: &Pipeline) {
    let units = pipeline.ports.settings.write_capacity_units;
    let table = &[("TableName", &*pipeline.ports.names.table)];
    let record = |metric, dimensions: &[(&'static str, &str)], value, unit| {
        let metric = MetricId::new("AWS/DynamoDB", metric, dimensions);
        pipeline.recorder.record(Measurement { metric, value, unit });
    };
    record("ProvisionedWriteCapacityUnits", table, units, Unit::Count);
    record("UserErrors", &[], 0.0, Unit::Count);
    record("AccountMaxTableLevelWrites", &[], TABLE_WRITE_CAPACITY, Unit::Count);
    let account = units / ACCOUNT_WRITE_CAPACITY * 100.0;
    record("AccountProvisionedWriteCapacityUtilization", &[], account, Unit::Percent);
    let largest = units / TABLE_WRITE_CAPACITY * 100.0;
    record("MaxProvisionedTableWriteCapacityUtilization", &[], largest, Unit::Percent);
}
