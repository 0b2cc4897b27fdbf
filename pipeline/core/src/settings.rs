//! The pipeline's settings: the same on one machine and in AWS, with the defaults of Terraform's variables.

use crate::retry::RetrySchedule;
use serde::{Deserialize, Serialize};

/// Limits and rules of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineSettings {
    /// `source` of plain JSON that gets wrapped.
    pub default_source: String,
    /// `type` of plain JSON that gets wrapped.
    pub default_type: String,
    /// Largest event in bytes, as CloudEvents JSON. 240 KiB leaves 16 KiB for message attributes, which SQS
    /// counts too (a dead letter's failures, a replay's ids). So the message fits in 256 KiB, and the event
    /// in a DynamoDB item of 400 KB.
    pub max_event_bytes: usize,
    /// Largest request in bytes. 1 MiB: what one `SendMessageBatch` call carries.
    pub max_request_bytes: usize,
    /// Most events in a batch.
    pub max_batch_events: usize,
    /// Requests a second that the API takes in the long run (API Gateway's default).
    pub api_rate_per_s: f64,
    /// Requests that the API takes at once on top (API Gateway's default).
    pub api_burst: f64,
    /// Receives before a message goes to the DLQ.
    pub max_receive_count: u32,
    /// Seconds a function may take.
    pub function_timeout_s: u32,
    /// Seconds a received message stays invisible: six times the function's timeout, as AWS asks.
    pub visibility_timeout_s: u32,
    /// Seconds that a message is kept, counted from when it was first sent. The longest that SQS allows is 14
    /// days.
    pub retention_s: u32,
    /// Messages in a batch to the consumer.
    pub consumer_batch_size: usize,
    /// Batches that the consumer works on at once.
    pub consumer_concurrency: usize,
    /// Messages in a batch to the archiver.
    pub archiver_batch_size: usize,
    /// Batches that the archiver works on at once.
    pub archiver_concurrency: usize,
    /// When a failed message is tried again.
    pub retry: RetrySchedule,
    /// Write capacity units a second of the event store (1 unit: 1 KB a second).
    pub write_capacity_units: f64,
    /// Messages a second that a replay puts back.
    pub replay_rate_per_s: f64,
    /// What the pipeline may cost a month at AWS's prices, in US dollars.
    pub monthly_budget_usd: f64,
    /// Requests a second that are traced in any case (X-Ray's default sampling rule).
    pub trace_reservoir_per_s: f64,
    /// Share of the other requests that is traced (X-Ray's default sampling rule).
    pub trace_fixed_rate: f64,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        Self {
            default_source: "/spillway/api".to_owned(),
            default_type: "json".to_owned(),
            max_event_bytes: 240 * 1024,
            max_request_bytes: 1024 * 1024,
            max_batch_events: 1000,
            api_rate_per_s: 10_000.0,
            api_burst: 5_000.0,
            max_receive_count: 20,
            function_timeout_s: 30,
            visibility_timeout_s: 180,
            retention_s: 14 * 24 * 3600,
            consumer_batch_size: 10,
            consumer_concurrency: 10,
            archiver_batch_size: 10,
            archiver_concurrency: 5,
            retry: RetrySchedule::default(),
            write_capacity_units: 5_000.0,
            replay_rate_per_s: 50.0,
            monthly_budget_usd: 50.0,
            trace_reservoir_per_s: 1.0,
            trace_fixed_rate: 0.05,
        }
    }
}
