//! Samples what CloudWatch shows as gauges, and lets messages expire.

use crate::pipeline::Pipeline;
use crate::queue::Which;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::MetricSink as _;
use std::sync::Arc;
use std::time::Duration;

/// Write capacity units that DynamoDB gives an account in a region unless asked for more.
const ACCOUNT_WRITE_CAPACITY: f64 = 80_000.0;
/// Write capacity units that DynamoDB gives one table unless asked for more.
const TABLE_WRITE_CAPACITY: f64 = 40_000.0;

/// Between looks for messages whose retention has run out. It is counted in days.
const EXPIRE_EVERY_S: i64 = 3600;

/// Samples until dropped.
pub async fn run(pipeline: Arc<Pipeline>, interval: Duration) {
    let ports = &pipeline.ports;
    let mut expired_at = ports.clock.now();
    loop {
        sample_queue(&pipeline, Which::Primary, &ports.names.queue).await;
        sample_queue(&pipeline, Which::Dlq, &ports.names.dead_letter_queue).await;
        sample_capacity(&pipeline);
        let now = ports.clock.now();
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

async fn sample_queue(pipeline: &Pipeline, which: Which, name: &str) {
    let snapshot = match pipeline.ports.queues.snapshot(which).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(%error, queue = name, "the queue could not be sampled");
            return;
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
    let account = units / ACCOUNT_WRITE_CAPACITY * 100.0;
    record("AccountProvisionedWriteCapacityUtilization", &[], account, Unit::Percent);
    let largest = units / TABLE_WRITE_CAPACITY * 100.0;
    record("MaxProvisionedTableWriteCapacityUtilization", &[], largest, Unit::Percent);
}
