//! Datapoints under CloudWatch names and X-Ray segments, in a SQLite file of their own.
//!
//! [`Recorder`] accepts measurements and segments. It keeps them in memory and writes them when the caller
//! flushes it. So recording never waits for a disk, and a full disk never stops an event. [`TelemetryReader`]
//! reads the file, in this process or in another one.
//!
//! Aggregation works as in CloudWatch: measurements become statistic sets of one minute, and longer periods
//! are kept longer ([`spillway_metrics::retention`]). Segments are kept for 30 days, as in X-Ray.

mod file;
mod histogram;
mod memory;
mod moving;
mod reader;
mod recorder;
mod retention;
mod segments;
mod slots;
mod statistics;
#[cfg(test)]
mod tests;
mod traces;
mod writer;

pub use file::FILE_NAME;
pub use moving::moving_percentiles;
pub use reader::{TelemetryReadError, TelemetryReader};
pub use recorder::{MetricHandle, Mode, Recorder, RecorderHealth};
pub use statistics::StatisticSet;
pub use traces::TraceHits;
