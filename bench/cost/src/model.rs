//! Dollars from prices and use. No I/O: everything comes from [`Data`].

use crate::data::{Billing, Data, Load, Use};
use anyhow::{Context, Result};
use spillway_metrics::custom_metrics;

const MILLION: f64 = 1e6;
/// Gigabytes as AWS bills them.
const GB: f64 = 1024.0 * 1024.0 * 1024.0;
/// Maximum number of messages that SQS delivers or deletes in one call.
const SQS_BATCH: f64 = 10.0;
const SECONDS_PER_HOUR: f64 = 3_600.0;
const DAYS_PER_MONTH: f64 = 365.0 / 12.0;

/// A line of a bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The item that is paid for.
    pub what: &'static str,
    /// Dollars.
    pub usd: f64,
}

/// The sum of the lines, in dollars.
pub fn total(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.usd).sum()
}

/// Computes one load from the data.
pub struct Model<'a> {
    data: &'a Data,
    load: &'a Load,
}

impl<'a> Model<'a> {
    /// The model of a load.
    pub fn of(data: &'a Data, load: &'a Load) -> Self {
        Self { data, load }
    }

    /// Events in a month.
    pub fn events_per_month(&self) -> f64 {
        self.load.events_per_s * SECONDS_PER_HOUR * self.data.assumptions.hours_per_month
    }

    /// The cost of a million events, by stage.
    pub fn per_million_events(&self) -> Result<Vec<Line>> {
        let (ingest, consumer) = (self.ingest()?, self.consumer()?);
        let (requests, batches) = (self.requests(), self.batches());
        let measured = &self.data.measured;
        let polled = self.polled();
        let stored_gb = measured.item_bytes * MILLION / GB;
        let storage =
            self.cost("dynamodb_storage", stored_gb)? + self.cost("dynamodb_recovery", stored_gb)?;
        let platform = self.data.assumptions.platform_log_bytes;
        let function_logs =
            requests * (ingest.log_bytes + platform) + batches * (consumer.log_bytes + platform);
        let logs = self.cost("logs_lambda", function_logs / GB)?
            + self.cost("logs_other", requests * self.data.assumptions.access_log_bytes / GB)?;
        Ok(vec![
            Line { what: "API Gateway", usd: self.cost("api_request", requests / MILLION)? },
            Line {
                what: "Answers to the internet",
                usd: self.cost("transfer_out", requests * ingest.answer_bytes / GB)?,
            },
            Line { what: "Ingest function", usd: self.function(requests, self.ingest_ms(ingest))? },
            Line {
                what: "SQS: send, receive, delete",
                usd: self.cost("sqs_request", (requests * ingest.calls + 2.0 * polled) / MILLION)?,
            },
            Line { what: "Consumer function", usd: self.function(batches, self.consumer_ms(consumer))? },
            Line { what: "Table, writes", usd: self.writes(self.load.billing)? },
            Line { what: "Table, a month of keeping them, with recovery", usd: storage },
            Line { what: "Logs", usd: logs },
            Line { what: "Traces", usd: self.cost("xray_trace", self.traces() / MILLION)? },
        ])
    }

    /// The cost of the writes of a million events.
    pub fn writes(&self, billing: Billing) -> Result<f64> {
        let units = self.data.measured.write_units_per_event;
        match billing {
            Billing::OnDemand => self.cost("dynamodb_write_unit", units),
            Billing::Provisioned => {
                let per_s = self.load.events_per_s;
                let capacity = per_s * units / self.data.assumptions.provisioned_utilisation;
                let hours = MILLION / per_s / SECONDS_PER_HOUR;
                self.cost("dynamodb_wcu_hour", capacity * hours)
            }
        }
    }

    /// The fixed monthly cost, which does not depend on the number of events.
    pub fn per_month(data: &Data) -> Result<Vec<Line>> {
        let given = &data.assumptions;
        let cost = |key: &str, units: f64| Ok::<_, anyhow::Error>(average(data, key, units)? * units);
        let seconds = given.hours_per_month * SECONDS_PER_HOUR;
        let polls = given.mapped_queues * given.pollers * seconds / given.poll_s;
        let hours = given.dashboard_hours_per_day * DAYS_PER_MONTH;
        let series = hours * given.dashboard_reads_per_hour * given.dashboard_series;
        let calls = hours * 60.0 * given.dashboard_calls_per_minute;
        Ok(vec![
            Line { what: "Alarms on one metric", usd: cost("alarm_metric", data.alarms.plain as f64)? },
            Line {
                what: "Alarms on metric math",
                usd: cost("alarm_metric", data.alarms.math_metrics as f64)?,
            },
            Line { what: "Alarm for business hours", usd: cost("alarm_metric", given.suppressors)? },
            Line {
                what: "Composite alarms of rules",
                usd: cost("composite_alarm", data.alarms.composites as f64)?,
            },
            Line {
                what: "Composite alarms of subsystems",
                usd: cost("composite_alarm", data.alarms.subsystems as f64)?,
            },
            Line { what: "Reporter function", usd: Self::scheduled(data, "reporter")? },
            Line { what: "Archiver function, repairing its index", usd: Self::scheduled(data, "archiver")? },
            Line { what: "Custom metrics", usd: cost("custom_metric", custom_metrics() as f64)? },
            Line {
                what: "Metrics of the requests to the archive",
                usd: cost("custom_metric", given.request_metrics)?,
            },
            Line { what: "Dashboard: GetMetricData", usd: cost("get_metric_data", series / 1e3)? },
            // Each at the price of the dearest: a call of CloudWatch. Reads of DynamoDB, SQS and S3 cost less.
            Line {
                what: "Dashboard: all other calls, at most",
                usd: cost("cloudwatch_request", calls / 1e3)?,
            },
            Line { what: "SQS: polls of empty queues", usd: cost("sqs_request", polls / MILLION)? },
            Line { what: "Key", usd: cost("kms_key", given.keys)? },
        ])
    }

    /// The monthly cost of a function's schedules: its invocations, their memory, their logs, their requests to
    /// CloudWatch, and the schedules themselves.
    fn scheduled(data: &Data, function: &str) -> Result<f64> {
        let cost = |key: &str, units: f64| Ok::<_, anyhow::Error>(average(data, key, units)? * units);
        let mut usd = 0.0;
        for task in data.assumptions.scheduled.iter().filter(|task| task.function == function) {
            let times = task.per_hour * data.assumptions.hours_per_month;
            let logs = times * (task.log_bytes + data.assumptions.platform_log_bytes);
            usd += cost("schedule_invocation", times / MILLION)?
                + cost("lambda_request", times / MILLION)?
                + cost("lambda_gb_s", times * task.ms.ceil() / 1e3 * task.memory_mb / 1024.0)?
                + cost("get_metric_data", times * task.metrics_read / 1e3)?
                + cost("logs_lambda", logs / GB)?;
        }
        Ok(usd)
    }

    /// The additional cost of a million dead letters, and the part of it that failed tries cause.
    pub fn per_million_dead_letters(&self, receives: f64) -> Result<Vec<Line>> {
        let (measured, given) = (&self.data.measured, &self.data.assumptions);
        let archiver = measured.archiver.first().context("measured.json has no archiver")?;
        let consumer = self.consumer()?;
        let tries = receives - 1.0;
        let batches = MILLION / f64::from(archiver.size);
        let retried = tries * self.batches();
        // In each try the message is received again, and its next visibility timeout is set. At the end it is sent to
        // the DLQ, received there and deleted.
        let sqs = MILLION * (tries / self.records_polled() + tries + 1.0 + 2.0 / SQS_BATCH);
        let archiver_ms =
            self.cpu(archiver) + archiver.round_trips * given.latency_ms.dynamodb.max(given.latency_ms.s3);
        let logs = batches * (archiver.log_bytes + given.platform_log_bytes)
            + retried * (consumer.log_bytes + given.platform_log_bytes);
        let stored_gb = measured.dead_letter_bytes * MILLION / GB;
        Ok(vec![
            Line { what: "SQS", usd: self.cost("sqs_request", sqs / MILLION)? },
            Line {
                what: "Consumer function, tries again",
                usd: self.function(retried, self.consumer_ms(consumer))?,
            },
            Line { what: "Archiver function", usd: self.function(batches, archiver_ms)? },
            Line {
                what: "S3, objects put",
                usd: self.cost("s3_put", measured.dead_letter_puts * MILLION / 1e3)?,
            },
            Line { what: "S3, a month of keeping them", usd: self.cost("s3_storage", stored_gb)? },
            Line {
                what: "Index, writes on demand",
                usd: self.cost("dynamodb_write_unit", measured.dead_letter_write_units)?,
            },
            Line { what: "Logs", usd: self.cost("logs_lambda", logs / GB)? },
        ])
    }

    /// The cost of a million events, at the average price for the whole month's use.
    fn cost(&self, key: &str, per_million_events: f64) -> Result<f64> {
        let millions = self.events_per_month() / MILLION;
        Ok(average(self.data, key, per_million_events * millions)? * per_million_events)
    }

    fn function(&self, invocations: f64, ms: f64) -> Result<f64> {
        let gb_s = invocations * ms.ceil() / 1e3 * self.data.assumptions.memory_mb / 1024.0;
        Ok(self.cost("lambda_request", invocations / MILLION)? + self.cost("lambda_gb_s", gb_s)?)
    }

    /// Requests needed for a million events.
    fn requests(&self) -> f64 {
        MILLION / f64::from(self.load.events_per_request)
    }

    /// Batches of a million events.
    fn batches(&self) -> f64 {
        MILLION / f64::from(self.load.records_per_batch)
    }

    /// Messages that one poll returns.
    fn records_polled(&self) -> f64 {
        f64::from(self.load.records_per_batch).min(SQS_BATCH)
    }

    /// Polls that receive a million events. The same number of calls deletes them.
    fn polled(&self) -> f64 {
        MILLION / self.records_polled()
    }

    fn ingest(&self) -> Result<&'a Use> {
        of_size(&self.data.measured.ingest, self.load.events_per_request, "ingest")
    }

    fn consumer(&self) -> Result<&'a Use> {
        of_size(&self.data.measured.consumer, self.load.records_per_batch, "consumer")
    }

    /// Milliseconds on the share of a CPU that follows from the function's memory.
    fn cpu(&self, used: &Use) -> f64 {
        let share = (self.data.assumptions.memory_mb / self.data.assumptions.mb_of_a_vcpu).min(1.0);
        used.cpu_ms / share
    }

    /// Duration of an invocation of ingest in milliseconds.
    pub fn ingest_ms(&self, used: &Use) -> f64 {
        self.cpu(used) + used.round_trips * self.data.assumptions.latency_ms.sqs
    }

    /// Duration of a batch in milliseconds.
    pub fn consumer_ms(&self, used: &Use) -> f64 {
        self.cpu(used) + used.round_trips * self.data.assumptions.latency_ms.dynamodb
    }

    /// Traces of a million events: one for each sampled request, and one for each batch that contains a sampled event.
    /// The batch gets a separate trace, linked to the events' traces.
    fn traces(&self) -> f64 {
        let given = &self.data.assumptions;
        let per_s = self.load.events_per_s / f64::from(self.load.events_per_request);
        let sampled =
            (given.traces_per_s + given.traced_share * (per_s - given.traces_per_s).max(0.0)) / per_s;
        let share = sampled.min(1.0);
        let of_batch = 1.0 - (1.0 - share).powf(f64::from(self.load.records_per_batch));
        self.requests() * share + self.batches() * of_batch
    }

    /// Events a second.
    pub fn events_per_s(&self) -> f64 {
        self.load.events_per_s
    }

    /// Requests a second.
    pub fn requests_per_s(&self) -> f64 {
        self.load.events_per_s / f64::from(self.load.events_per_request)
    }

    /// Concurrent invocations of ingest.
    pub fn ingest_concurrency(&self) -> Result<f64> {
        Ok(self.requests_per_s() * self.ingest_ms(self.ingest()?).ceil() / 1e3)
    }

    /// Concurrent batches of the consumer.
    pub fn consumer_concurrency(&self) -> Result<f64> {
        let batches = self.load.events_per_s / f64::from(self.load.records_per_batch);
        Ok(batches * self.consumer_ms(self.consumer()?).ceil() / 1e3)
    }

    /// Write units a second.
    pub fn write_units_per_s(&self) -> f64 {
        self.load.events_per_s * self.data.measured.write_units_per_event
    }
}

/// The measurement for that number of events per invocation.
fn of_size<'a>(uses: &'a [Use], size: u32, function: &str) -> Result<&'a Use> {
    let found = uses.iter().find(|measured| measured.size == size);
    found.with_context(|| {
        format!("measured.json has no measurement of {function} with {size} events in an invocation")
    })
}

/// Average price of a unit when this number of units is used in a month.
fn average(data: &Data, key: &str, per_month: f64) -> Result<f64> {
    data.prices.average(key, per_month).with_context(|| format!("prices.json has no price {key}"))
}
