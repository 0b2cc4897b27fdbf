//! The port that reads series of numbers, and the lines of charts.

mod cache;
mod line;

pub use cache::Cached;
pub use line::{Gaps, Line, LineValue, first_point};

use crate::ReadError;
use async_trait::async_trait;
use jiff::Timestamp;
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::sync::Arc;

/// The age of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The time of the read.
    pub read_at: Timestamp,
    /// The error of the last read, if it failed. The page then shows that its numbers are old.
    pub error: Option<ReadError>,
}

/// An answer: a series for each query, in the queries' order.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The series. All have the same start, period and length.
    pub series: Vec<Arc<Series>>,
    /// Their age.
    pub freshness: Freshness,
}

/// Reads metrics.
#[async_trait]
pub trait MetricReader: Send + Sync {
    /// A series for each query over the range, widened to whole periods. A metric that was never recorded has a series
    /// of gaps.
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError>;
}
