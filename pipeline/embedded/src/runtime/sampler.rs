//! Samples what CloudWatch shows as gauges, and lets messages expire.

use crate::costs::{self, Spending};
use crate::pipeline::Pipeline;
use spillway_core::Timestamp;
use spillway_core::metric::Measurement;
use spillway_core::ports::{MetricSink as _, QueueKind, QueueReceiver as _};
use spillway_metrics::{
    Account, Budget, Function, Queue, Table, account, archiver, budget, consumer, queue, table,
};
use std::sync::Arc;
use std::time::Duration;

/// DynamoDB's default limit of write capacity units for an account in a region.
const ACCOUNT_WRITE_CAPACITY: f64 = 80_000.0;
/// DynamoDB's default limit of write capacity units for one table.
const TABLE_WRITE_CAPACITY: f64 = 40_000.0;

/// Between searches for messages whose retention has run out. Retention is counted in days.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);

/// Between computations of the spending. AWS's own numbers are hours old; the rules use an hour of data.
const SPENDING_EVERY: Duration = Duration::from_secs(300);
/// The same in virtual time, in which telemetry is written once an hour.
const SPENDING_EVERY_SIMULATED: Duration = Duration::from_secs(1_800);

/// Samples until dropped.
pub async fn run(pipeline: Arc<Pipeline>, interval: Duration) {
    let ports = &pipeline.ports;
    let mut expired_at = ports.clock.elapsed();
    let mut spent_at: Option<Duration> = None;
    let spending_every = if pipeline.virtual_time { SPENDING_EVERY_SIMULATED } else { SPENDING_EVERY };
    loop {
        let primary = sample_queue(&pipeline, QueueKind::Primary, (&ports.names.queue).into()).await;
        let dlq = sample_queue(&pipeline, QueueKind::Dlq, (&ports.names.dead_letter_queue).into()).await;
        if let Some(primary) = primary {
            sample_oldest(&pipeline, primary);
        }
        sample_capacity(&pipeline);
        sample_schemas(&pipeline).await;
        let now = ports.clock.now();
        if let Some(oldest) = primary.into_iter().chain(dlq).flatten().min() {
            sample_time_to_loss(&pipeline, now, oldest);
        }
        let elapsed = ports.clock.elapsed();
        if spent_at.is_none_or(|at| elapsed - at >= spending_every) {
            spent_at = Some(elapsed);
            sample_spending(&pipeline, now).await;
        }
        if elapsed - expired_at >= EXPIRE_EVERY {
            expired_at = elapsed;
            expire(&pipeline).await;
        }
        if pipeline.virtual_time {
            pipeline.recorder.flush(ports.clock.now());
        }
        ports.clock.sleep(interval).await;
    }
}

async fn expire(pipeline: &Pipeline) {
    match pipeline.local.queues.expire().await {
        Ok(0) => {}
        Ok(lost) => tracing::error!(lost, "messages outlived their retention and are lost"),
        Err(error) => tracing::warn!(%error, "expired messages could not be deleted"),
    }
}

/// Returns when the oldest message of all was sent, if there is one; `None` if the queue can't be read.
async fn sample_queue(pipeline: &Pipeline, kind: QueueKind, named: Queue) -> Option<Option<Timestamp>> {
    let snapshot = match pipeline.local.queues.snapshot(kind).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(%error, queue = %named.0, "the queue could not be sampled");
            return None;
        }
    };
    let record = |metric, value: u64| {
        pipeline.recorder.record(Measurement::of(metric, &named, value as f64));
    };
    record(queue::VISIBLE, snapshot.visible);
    record(queue::NOT_VISIBLE, snapshot.not_visible);
    record(queue::DELAYED, snapshot.delayed);
    record(queue::AGE_OF_OLDEST, snapshot.oldest_age_s);
    Some(snapshot.oldest_sent_at)
}

/// The age of the oldest event that is not stored. It is 0 if none waits, so that the end of a wait is seen.
fn sample_oldest(pipeline: &Pipeline, oldest: Option<Timestamp>) {
    let now = pipeline.ports.clock.now();
    let age = oldest.map_or(0, |sent| (now.as_second() - sent.as_second()).max(0));
    let function = Function::from(&pipeline.ports.names.consumer_function);
    pipeline.recorder.record(Measurement::of(consumer::OLDEST_EVENT_AGE, &function, age as f64));
}

/// How long until the oldest message expires. A move to the DLQ by the queue itself does not renew its time.
fn sample_time_to_loss(pipeline: &Pipeline, now: Timestamp, oldest: Timestamp) {
    let ports = &pipeline.ports;
    let age = now.as_second() - oldest.as_second();
    let value = (i64::from(ports.settings.retention_s) - age).max(0) as f64;
    let function = Function::from(&ports.names.archiver_function);
    pipeline.recorder.record(Measurement::of(archiver::TIME_TO_LOSS, &function, value));
}

/// The consumer measures this with each batch. Without traffic a file that can't be used is found here.
async fn sample_schemas(pipeline: &Pipeline) {
    let ports = &pipeline.ports;
    let unusable = ports.schemas.current().await.problems().len();
    let function = Function::from(&ports.names.consumer_function);
    pipeline.recorder.record(Measurement::of(consumer::UNUSABLE_SCHEMAS, &function, unusable as f64));
}

async fn sample_spending(pipeline: &Pipeline, now: Timestamp) {
    let names = Arc::clone(&pipeline.ports.names);
    let reader = Arc::clone(&pipeline.telemetry);
    let spending = if pipeline.virtual_time {
        costs::spending(&reader, &names, now)
    } else {
        let computed = tokio::task::spawn_blocking(move || costs::spending(&reader, &names, now)).await;
        let Ok(spending) = computed else { return };
        spending
    };
    let Spending { spent_usd, forecast_usd } = match spending {
        Ok(spending) => spending,
        Err(error) => {
            tracing::warn!(%error, "the spending could not be computed");
            return;
        }
    };
    let named = Budget::from(&pipeline.ports.names.budget);
    let limit = pipeline.ports.settings.monthly_budget_usd;
    for (metric, usd) in [(budget::ACTUAL, Some(spent_usd)), (budget::FORECAST, forecast_usd)] {
        if let Some(usd) = usd {
            pipeline.recorder.record(Measurement::of(metric, &named, 100.0 * usd / limit));
        }
    }
}

fn sample_capacity(pipeline: &Pipeline) {
    let units = pipeline.ports.settings.write_capacity_units;
    let named = Table::from(&pipeline.ports.names.table);
    pipeline.recorder.record(Measurement::of(table::PROVISIONED_WRITES, &named, units));
    let record = |metric, value| pipeline.recorder.record(Measurement::of(metric, &Account, value));
    record(account::USER_ERRORS, 0.0);
    record(account::TABLE_WRITES_LIMIT, TABLE_WRITE_CAPACITY);
    record(account::PROVISIONED_SHARE, units / ACCOUNT_WRITE_CAPACITY * 100.0);
    record(account::LARGEST_TABLE_SHARE, units / TABLE_WRITE_CAPACITY * 100.0);
}
