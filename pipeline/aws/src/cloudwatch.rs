//! Datapoints from CloudWatch, in as few calls as its limits allow.

#[cfg(any(test, feature = "testkit"))]
pub mod fake;

use crate::explain::{self, ExplainedError};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use spillway_core::Timestamp;
use spillway_core::metric::MetricId;
use std::collections::BTreeMap;

/// Most metrics in a call ("GetMetricData" in the CloudWatch API reference).
const MOST_QUERIES: usize = 500;
/// Most datapoints in a call, from the same page. More would come in further pages, one after the other.
const MOST_DATAPOINTS: usize = 100_800;
/// Calls at once. CloudWatch takes 50 a second in an account, and others use it as well.
const AT_ONCE: usize = 4;
/// No answer has so many pages; one that says so forever must not be believed.
const MOST_PAGES: usize = 1_000;
const CALL: &str = "cloudwatch:GetMetricData";

/// One statistic of one metric, in periods of a length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// The metric.
    pub metric: MetricId,
    /// As CloudWatch spells it: `Sum`, `p99`.
    pub statistic: String,
    /// Length of a period in seconds: a multiple of 60; of 300 if the range begins more than 15 days ago, of 3,600 if it
    /// begins more than 63 days ago.
    pub period_s: u32,
}

/// Values by the Unix second at which their period begins. A period without measurements is not there.
pub type Points = BTreeMap<i64, f64>;

/// Reads a series for each ask, of the periods that begin from `from` on and before `to`.
///
/// # Errors
/// [`ExplainedError`] if a call fails: all are needed.
pub async fn read(
    client: &Client,
    asks: &[Ask],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Points>, ExplainedError> {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(1);
    let mut calls: Vec<&[Ask]> = Vec::new();
    let mut rest = asks;
    while !rest.is_empty() {
        let (call, others) = rest.split_at(fitting(rest, seconds));
        calls.push(call);
        rest = others;
    }
    // Made before they are run: a closure inside the stream would keep the whole from being sent between threads.
    let calls: Vec<_> = calls.into_iter().map(|call| one_call(client, call, from, to)).collect();
    let answers: Vec<Vec<Points>> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

/// How many of these fit into one call; at least one.
fn fitting(asks: &[Ask], seconds: i64) -> usize {
    let mut datapoints = 0;
    let fit = asks.iter().take(MOST_QUERIES).take_while(|ask| {
        let points = seconds / i64::from(ask.period_s.max(1)) + 1;
        datapoints += usize::try_from(points).unwrap_or(usize::MAX / 2);
        datapoints <= MOST_DATAPOINTS
    });
    fit.count().max(1)
}

async fn one_call(
    client: &Client,
    asks: &[Ask],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Points>, ExplainedError> {
    let queries: Vec<_> = asks.iter().enumerate().map(|(position, ask)| query(position, ask)).collect();
    let mut found = vec![Points::new(); asks.len()];
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
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
    Err(ExplainedError::Failed { reason: format!("{CALL} answers with page after page and no end") })
}

fn query(position: usize, ask: &Ask) -> MetricDataQuery {
    let dimensions = ask.metric.dimensions.iter();
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(&**name).value(&**value).build());
    let metric = Metric::builder()
        .namespace(&*ask.metric.namespace)
        .metric_name(&*ask.metric.name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let period = i32::try_from(ask.period_s).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(&ask.statistic).build();
    MetricDataQuery::builder().id(format!("m{position}")).metric_stat(stat).build()
}

#[cfg(test)]
mod tests;
