//! The port that reads series of numbers, and what charts make of them.

mod cache;
mod line;

pub use cache::Cached;
pub use line::{Gaps, Line, LineValue, first_point};

use crate::ReadError;
use async_trait::async_trait;
use jiff::Timestamp;
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::sync::Arc;

/// How new an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When it was read.
    pub read_at: Timestamp,
    /// Why it is not newer, if something stands in the way. The page then says that it shows old numbers.
    pub error: Option<ReadError>,
}

/// An answer: a series for each query, in the queries' order.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The series. All have the same start, period and length.
    pub series: Vec<Arc<Series>>,
    /// How new they are.
    pub freshness: Freshness,
}

/// Reads metrics.
#[async_trait]
pub trait MetricReader: Send + Sync {
    /// A series for each query over the range, made wider to whole periods. A metric that was never recorded has a
    /// series of gaps.
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError>;
}
