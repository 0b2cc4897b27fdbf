//! What the dashboard reads, as ports: metrics, traces, flow, alarms.
//!
//! * [`alarms`]: which rules there are, how each one is, what changed and who was notified.
//! * [`metrics`]: series of numbers, through [`MetricReader`] and the shared [`Cached`] in front of it.
//! * [`catalogue`]: which metrics there are, what they mean, and the traps in them.
//! * [`flow`]: where all events are at this moment, and [`flow::summary`], which says it in words.
//! * [`traces`]: the path of one request.
//!
//! It knows neither where the numbers come from nor how they are drawn.

pub mod alarms;
pub mod catalogue;
pub mod flow;
pub mod metrics;
mod one_answer;
pub mod traces;
mod words;

pub use metrics::{Cached, Freshness, MetricReader, Reading};
pub use one_answer::OneAnswer;
pub use spillway_metrics::{MetricQuery, Period, RangeError, Series, Statistic, TimeRange};

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The source failed or did not answer.
    #[error("{reason}")]
    Unavailable {
        /// Why, in words for the page; it names no secret.
        reason: String,
    },
    /// The source answers fewer questions than it was asked.
    #[error("the source of the numbers refuses further questions for the moment")]
    Throttled,
}
