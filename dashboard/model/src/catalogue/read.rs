//! Reads the numbers of charts in one call.

use super::Entry;
use crate::metrics::first_point;
use crate::{Freshness, MetricReader, ReadError};
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The numbers of several charts.
#[derive(Clone, Debug, PartialEq)]
pub struct Charts {
    /// The numbers of each entry, in the same order.
    pub charts: Vec<ChartNumbers>,
    /// The range, widened to whole periods: the start and the end of the charts.
    pub range: TimeRange,
    /// The period of all lines.
    pub period: Period,
    /// The age of the numbers.
    pub freshness: Freshness,
}

/// The numbers of one chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartNumbers {
    /// A series for each of the entry's lines, in the same order.
    pub lines: Vec<Series>,
}

impl ChartNumbers {
    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.points.iter().all(Option::is_none))
    }
}

/// Reads the numbers of charts.
///
/// # Errors
/// [`ReadError`] if there are no numbers, not even old ones.
pub async fn read(
    reader: &dyn MetricReader,
    entries: &[Entry],
    range: TimeRange,
    period: Period,
) -> Result<Charts, ReadError> {
    let range = range.aligned(period);
    let mut seen = HashSet::new();
    let all = entries.iter().flat_map(|entry| &entry.lines).flat_map(|line| line.queries());
    let queries: Vec<MetricQuery> = all.filter(|query| seen.insert(*query)).cloned().collect();
    let reading = reader.read(&queries, range, period).await?;
    // The periods after the reading are unknown: zeros there would look like the end of an outage.
    let age = reading.freshness.read_at.as_second() - range.from().as_second();
    let known = usize::try_from(age.div_euclid(i64::from(period.seconds())) + 1).unwrap_or(0);
    let recorded = first_point(reading.series.iter().map(Arc::as_ref)).map_or(0..0, |since| since..known);
    let read: HashMap<&MetricQuery, &Series> =
        queries.iter().zip(reading.series.iter().map(Arc::as_ref)).collect();
    let charts = entries.iter().map(|entry| ChartNumbers {
        lines: entry
            .lines
            .iter()
            .map(|line| line.evaluate(&read, (range, period), entry.gaps, &recorded))
            .collect(),
    });
    Ok(Charts { charts: charts.collect(), range, period, freshness: reading.freshness })
}
