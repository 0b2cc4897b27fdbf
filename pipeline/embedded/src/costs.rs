//! What the pipeline's usage would cost in AWS: usage × price list, month by month, against a limit.
//!
//! Only what is paid by use is counted: requests, milliseconds, writes. Free tiers, fixed prices (keys, alarms, stored
//! gigabytes) and tax are left out.

use crate::telemetry::{TelemetryReadError, TelemetryReader};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use spillway_core::Timestamp;
use spillway_core::names::Names;
use spillway_metrics::{
    Api, Function, MetricId, MetricQuery, Queue, Statistic, Table, api, function, prices, queue, table,
};

/// Memory of each function in GB, as Terraform has it.
const MEMORY_GB: f64 = 0.25;
const HOUR: u32 = 3_600;
/// The period whose average spending a forecast is based on.
const PACE_OVER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// With less history than this there is no average, and no forecast.
const LEAST_FOR_A_PACE: SignedDuration = SignedDuration::from_hours(24);

/// The spending of the month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spending {
    /// Spent since the month began, in US dollars.
    pub spent_usd: f64,
    /// What will be spent by its end at the present pace; `None` with less than a day of history.
    pub forecast_usd: Option<f64>,
}

/// Computes what was spent in the month of `now` until now.
pub fn spending(
    reader: &TelemetryReader,
    names: &Names,
    now: Timestamp,
) -> Result<Spending, TelemetryReadError> {
    let month = now.to_zoned(TimeZone::UTC).first_of_month().and_then(|day| day.start_of_day());
    let month_began = month.as_ref().map_or(now, jiff::Zoned::timestamp);
    let month_ends = month.and_then(|day| day.checked_add(jiff::Span::new().months(1)));
    let month_ends = month_ends.map_or(now, |day| day.timestamp());
    let from = month_began.min(now - PACE_OVER);
    let hours = hourly(reader, names, from, now)?;
    let at = |hour: usize| {
        from.as_second() - from.as_second().rem_euclid(i64::from(HOUR)) + hour as i64 * i64::from(HOUR)
    };
    let since = |start: Timestamp| -> f64 {
        let hours = hours.iter().enumerate().filter(|(hour, _)| at(*hour) >= start.as_second());
        hours.filter_map(|(_, usd)| *usd).sum()
    };
    let spent_usd = since(month_began);
    let first = hours.iter().position(Option::is_some).map(at).and_then(|at| Timestamp::from_second(at).ok());
    let pace_from = first.unwrap_or(now).max(now - PACE_OVER);
    let history = now.duration_since(pace_from);
    let forecast_usd = (history >= LEAST_FOR_A_PACE).then(|| {
        let pace = since(pace_from) / history.as_secs_f64();
        spent_usd + pace * month_ends.duration_since(now).as_secs_f64()
    });
    Ok(Spending { spent_usd, forecast_usd })
}

/// US dollars hour by hour; `None` where nothing was recorded.
fn hourly(
    reader: &TelemetryReader,
    names: &Names,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Option<f64>>, TelemetryReadError> {
    let prices = priced(names);
    let queries: Vec<_> =
        prices.iter().map(|(metric, _)| MetricQuery::new(metric.clone(), Statistic::Sum)).collect();
    let rows = reader.query(&queries, from, until, HOUR)?;
    let mut hours = vec![None; rows.first().map_or(0, Vec::len)];
    for (row, (_, price)) in rows.iter().zip(&prices) {
        for (hour, value) in hours.iter_mut().zip(row) {
            if let Some(value) = value {
                *hour.get_or_insert(0.0) += value * price;
            }
        }
    }
    Ok(hours)
}

/// Each metric that is paid for, with the price of one.
fn priced(names: &Names) -> Vec<(MetricId, f64)> {
    let price = |key| prices().of_one(key);
    let (queue_request, write_unit) = (price("sqs_request"), price("dynamodb_write_unit"));
    let mut all = vec![(api::REQUESTS.of(&Api::from(names)), price("api_request"))];
    // Each batch that a function gets was received with one request and deleted with another.
    for (name, of_its_queue) in
        [(&names.ingest_function, 0.0), (&names.consumer_function, 2.0), (&names.archiver_function, 2.0)]
    {
        let named = Function::from(name);
        let invocation = price("lambda_request") + of_its_queue * queue_request;
        all.push((function::INVOCATIONS.of(&named), invocation));
        // Durations are in milliseconds.
        all.push((function::DURATION.of(&named), price("lambda_gb_s") * MEMORY_GB / 1_000.0));
    }
    let (primary, dlq) = (Queue::from(&names.queue), Queue::from(&names.dead_letter_queue));
    all.push((queue::SENT.of(&primary), queue_request));
    all.push((queue::SENT.of(&dlq), queue_request));
    // Each dead letter that is deleted there is an object in the archive, and an entry in its index.
    all.push((queue::DELETED.of(&dlq), price("s3_put") + write_unit));
    all.push((table::CONSUMED_WRITES.of(&Table::from(&names.table)), write_unit));
    all
}
