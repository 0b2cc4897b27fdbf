//! What the dashboard reads, as ports: metrics, traces, flow, alarms.
//!
//! * [`alarms`]: the rules, their states, their changes and notifications.
//! * [`metrics`]: series of numbers, from a [`MetricReader`] and the shared cache [`Cached`].
//! * [`catalogue`]: the metrics, their meaning and caveats.
//! * [`incidents`]: alarms of one cause, and what people do about them.
//! * [`flow`]: the current places of all events, and [`flow::summary`] in sentences.
//! * [`Reads`]: dead letters, replays and events for pages, shared by all viewers.
//! * [`traces`]: the path of one request.
//!
//! Adapters read the numbers, and other crates draw them.

pub mod alarms;
pub mod catalogue;
pub mod flow;
pub mod incidents;
pub mod metrics;
mod one_answer;
mod reads;
pub mod traces;
mod words;

pub use metrics::{Cached, Freshness, MetricReader, Reading};
pub use one_answer::{Answers, OneAnswer};
pub use reads::{ReadLimits, Reads};
pub use spillway_metrics::{MetricQuery, Period, RangeError, Series, Statistic, TimeRange};

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The source failed or did not answer.
    #[error("{reason}")]
    Unavailable {
        /// The reason, for the page. It has no secret.
        reason: String,
    },
    /// The source throttles requests.
    #[error("the source of the numbers throttles requests")]
    Throttled,
}
