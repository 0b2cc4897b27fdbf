//! Traces from X-Ray.

mod document;
mod filter;

use crate::read_error;
use async_trait::async_trait;
use aws_sdk_xray::Client;
use aws_sdk_xray::types::TraceSummary;
use aws_smithy_types::DateTime;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use spillway_aws::explain;
use spillway_core::trace::{Segment, TraceHeader};
use spillway_dashboard_model::traces::{Trace, TraceFilter, TraceList, TraceReader};
use spillway_dashboard_model::{ReadError, TimeRange};
use std::collections::HashMap;

/// Maximum time range of a search for summaries ("GetTraceSummaries" in the X-Ray API reference).
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(6);
/// Maximum number of traces in a `BatchGetTraces`.
const MAX_TRACES: usize = 5;
/// Maximum number of concurrent calls.
const AT_ONCE: usize = 4;
/// Maximum number of pages of summaries in one window. A window with more is reported as incomplete.
const MAX_PAGES: usize = 20;
/// Number of requests for traces that X-Ray returns as unprocessed. It does so for unknown traces as well.
const MAX_TRIES: usize = 2;

/// Reads traces of an account and region.
pub struct XRayTraces {
    client: Client,
}

/// Summaries of one window.
struct Window {
    found: Vec<Summary>,
    is_cut: bool,
}

struct Summary {
    id: String,
    start: f64,
}

impl XRayTraces {
    /// Reads through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn window(
        &self,
        from: Timestamp,
        to: Timestamp,
        filter: Option<&str>,
    ) -> Result<Window, ReadError> {
        let mut window = Window { found: Vec::new(), is_cut: false };
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let answer = self
                .client
                .get_trace_summaries()
                .start_time(DateTime::from_secs(from.as_second()))
                .end_time(DateTime::from_secs(to.as_second()))
                .set_filter_expression(filter.map(str::to_owned))
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| read_error(explain::explain(&error, "xray:GetTraceSummaries")))?;
            window.found.extend(answer.trace_summaries().iter().filter_map(summary));
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(window);
            }
        }
        window.is_cut = true;
        Ok(window)
    }

    /// Complete traces, in the order of their ids. Unknown traces are left out.
    async fn whole(&self, ids: &[String]) -> Result<Vec<Trace>, ReadError> {
        let calls: Vec<_> = ids.chunks(MAX_TRACES).map(|ids| self.batch(ids)).collect();
        let answers: Vec<HashMap<String, Vec<Segment>>> =
            stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        let mut segments: HashMap<String, Vec<Segment>> = answers.into_iter().flatten().collect();
        Ok(ids.iter().filter_map(|id| Trace::new(id.as_str(), segments.remove(id)?)).collect())
    }

    async fn batch(&self, ids: &[String]) -> Result<HashMap<String, Vec<Segment>>, ReadError> {
        let mut found: HashMap<String, Vec<Segment>> = HashMap::new();
        let mut ids = ids.to_vec();
        for _ in 0..MAX_TRIES {
            let mut pages = self.client.batch_get_traces().set_trace_ids(Some(ids)).into_paginator().send();
            let mut left = Vec::new();
            while let Some(page) = pages.next().await {
                let page =
                    page.map_err(|error| read_error(explain::explain(&error, "xray:BatchGetTraces")))?;
                left.extend_from_slice(page.unprocessed_trace_ids());
                for trace in page.traces() {
                    let Some(id) = trace.id() else { continue };
                    let documents = trace.segments().iter().filter_map(|segment| segment.document());
                    found.entry(id.to_owned()).or_default().extend(documents.filter_map(document::read));
                }
            }
            if left.is_empty() {
                return Ok(found);
            }
            ids = left;
        }
        Ok(found)
    }
}

fn summary(summary: &TraceSummary) -> Option<Summary> {
    let id = summary.id()?.to_owned();
    // The id has the second of the start as well.
    let start = summary.start_time().map(DateTime::as_secs_f64).or_else(|| begun(&id))?;
    Some(Summary { id, start })
}

fn begun(id: &str) -> Option<f64> {
    let seconds = id.split('-').nth(1)?;
    u32::from_str_radix(seconds, 16).ok().map(f64::from)
}

/// Splits a range into windows that X-Ray accepts, the newest first.
fn windows(range: TimeRange) -> Vec<(Timestamp, Timestamp)> {
    let mut windows = Vec::new();
    let mut to = range.to();
    while to > range.from() {
        let from = to.checked_sub(LONGEST_WINDOW).unwrap_or(range.from()).max(range.from());
        windows.push((from, to));
        to = from;
    }
    windows
}

#[async_trait]
impl TraceReader for XRayTraces {
    async fn get(&self, id: &str) -> Result<Option<Trace>, ReadError> {
        // X-Ray refuses a call with an invalid id. Here such an id is an unknown trace.
        if TraceHeader::parse(&format!("Root={id}")).is_none() {
            return Ok(None);
        }
        Ok(self.whole(&[id.to_owned()]).await?.pop())
    }

    async fn list(
        &self,
        range: TimeRange,
        filter: &TraceFilter,
        limit: usize,
    ) -> Result<TraceList, ReadError> {
        let expression = filter::expression(filter);
        let mut list = TraceList::default();
        for (from, to) in windows(range) {
            let mut window = self.window(from, to, expression.as_deref()).await?;
            window.found.sort_by(|a, b| b.start.total_cmp(&a.start).then_with(|| a.id.cmp(&b.id)));
            window.found.dedup_by(|a, b| a.id == b.id);
            for ids in window.found.chunks(limit.max(1)) {
                let ids: Vec<_> = ids.iter().map(|summary| summary.id.clone()).collect();
                let traces = self.whole(&ids).await?;
                list.traces.extend(traces.into_iter().filter(|trace| filter::matches(filter, trace)));
                if list.traces.len() > limit {
                    break;
                }
            }
            if list.traces.len() > limit || window.is_cut {
                list.has_more = true;
                list.traces.truncate(limit);
                break;
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests;
