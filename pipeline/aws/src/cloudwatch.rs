//! Datapoints from CloudWatch, in as few calls as its limits allow.

#[cfg(any(test, feature = "testkit"))]
pub mod fake;

use crate::explain::{self, ExplainedError};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use spillway_core::Timestamp;
use spillway_metrics::{MetricQuery, Period};
use std::collections::BTreeMap;

/// Most metrics in a call ("GetMetricData" in the CloudWatch API reference).
const MAX_QUERIES: usize = 500;
/// Most datapoints in a call, from the same page. More would come in further pages, one after the other.
const MAX_DATAPOINTS: usize = 100_800;
/// Calls at once. CloudWatch takes 50 a second in an account, and others use it as well.
const AT_ONCE: usize = 4;
/// More pages than any real answer has. The limit stops an answer that always announces another page.
const MAX_PAGES: usize = 1_000;
const CALL: &str = "cloudwatch:GetMetricData";

/// Values by the Unix second at which their period begins. A period without measurements is not there.
pub type Points = BTreeMap<i64, f64>;

/// Reads a series for each query, of the periods that begin from `from` on and before `to`. CloudWatch has nothing for a
/// period that is shorter than what it keeps of that age ([`spillway_metrics::retention`]).
///
/// # Errors
/// [`ExplainedError`] if a call fails: all are needed.
pub async fn read(
    client: &Client,
    queries: &[MetricQuery],
    period: Period,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Points>, ExplainedError> {
    let fitting = fitting(to.as_second().saturating_sub(from.as_second()).max(1), period);
    // Made before they are run: a closure inside the stream would keep the whole from being sent between threads.
    let calls: Vec<_> =
        queries.chunks(fitting).map(|call| one_call(client, call, period, (from, to))).collect();
    let answers: Vec<Vec<Points>> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

/// How many queries over that range fit into one call; at least one.
fn fitting(seconds: i64, period: Period) -> usize {
    let points = seconds / i64::from(period.seconds()) + 1;
    let fit = MAX_DATAPOINTS / usize::try_from(points).unwrap_or(usize::MAX);
    fit.clamp(1, MAX_QUERIES)
}

async fn one_call(
    client: &Client,
    asked: &[MetricQuery],
    period: Period,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Points>, ExplainedError> {
    let queries: Vec<_> =
        asked.iter().enumerate().map(|(position, one)| query(position, one, period)).collect();
    let mut found = vec![Points::new(); asked.len()];
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let answer = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_secs(from.as_second()))
            .end_time(DateTime::from_secs(to.as_second()))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| explain::explain(&error, CALL))?;
        for result in answer.metric_data_results() {
            if matches!(result.status_code(), Some(StatusCode::Forbidden | StatusCode::InternalError)) {
                let message = result.messages().first().and_then(|message| message.value());
                let why = message.unwrap_or("no reason was given");
                return Err(ExplainedError::Failed { reason: format!("{CALL} failed for a metric: {why}") });
            }
            let position =
                result.id().and_then(|id| id.strip_prefix('m')).and_then(|id| id.parse::<usize>().ok());
            let Some(points) = position.and_then(|position| found.get_mut(position)) else { continue };
            points
                .extend(result.timestamps().iter().map(DateTime::secs).zip(result.values().iter().copied()));
        }
        token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
    Err(ExplainedError::Failed { reason: format!("{CALL} returned too many pages") })
}

fn query(position: usize, asked: &MetricQuery, period: Period) -> MetricDataQuery {
    let dimensions = asked.metric.dimensions.iter();
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(&**name).value(&**value).build());
    let metric = Metric::builder()
        .namespace(&*asked.metric.namespace)
        .metric_name(&*asked.metric.name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let period = i32::try_from(period.seconds()).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(asked.statistic.to_string()).build();
    MetricDataQuery::builder().id(format!("m{position}")).metric_stat(stat).build()
}

#[cfg(test)]
mod tests;
