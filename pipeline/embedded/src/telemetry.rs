//! Datapoints under CloudWatch names and X-Ray segments, in a SQLite file of their own.
//!
//! [`Recorder`] takes measurements and segments in. It keeps them in memory and writes them when told to flush, so
//! that recording never waits for a disk, and a full disk never stops an event. [`TelemetryReader`] reads the file, in
//! this process or in another one.
//!
//! What CloudWatch does is done here too: measurements become statistic sets of one minute, and longer periods are kept
//! longer ([`spillway_metrics::retention`]). Segments are kept for 30 days, as X-Ray does.

mod file;
mod histogram;
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
pub use reader::{TelemetryReadError, TelemetryReader};
pub use recorder::{MetricHandle, Mode, Recorder, RecorderHealth};
pub use statistics::StatisticSet;
pub use traces::TraceHits;
