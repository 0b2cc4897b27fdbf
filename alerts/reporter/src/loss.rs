//! The task `time-to-loss`: how long the oldest dead letter that is not archived has at least.
//!
//! A dead letter expires by the time at which its event was first sent, and no metric of SQS shows that: the age metric of
//! a dead letter queue starts at the move, and leaves out messages that were received three times or more, as those are
//! that the archiver cannot archive. So the worst case is reckoned from what is known:
//!
//! * it came into the dead letter queue in the last minute in which the queue was empty throughout, nothing visible and nothing
//!   in flight: what the archiver fails on is the one and the other by turns;
//! * it waited in the first queue as long as any message there was seen to wait in these two weeks, and then through all
//!   its retries, each of them ended by the visibility timeout or by the wait for the next, whichever is longer.
//!
//! So the figure is never too large, as far as the metrics go; it may be too small while dead letters come without a break.

use crate::Function;
use crate::ports::PortError;
use jiff::SignedDuration;
use spillway_core::metric::Measurement;
use spillway_core::retry::RetrySchedule;
use spillway_dashboard_model::ReadError;
use spillway_metrics::{Period, Queue, Series, Statistic, TimeRange, archiver, queue};

/// How far back CloudWatch has metrics by the minute; the retention of a queue is less.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24 + 1);
/// Two weeks of three metrics by the minute are sixty thousand datapoints; one call of CloudWatch gives 100,800. In longer periods a
/// message that is now visible and now in flight would look like an empty queue.
const PERIOD: Period = Period::MINUTE;

/// How long messages are kept, and what happens to them before they are dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Name of the first queue.
    pub queue: String,
    /// Name of the dead letter queue.
    pub dlq: String,
    /// Name of the archiver function, under which the metric stands.
    pub archiver: String,
    /// Seconds that the dead letter queue keeps a message, from when its event was first sent.
    pub retention_s: u32,
    /// Receives after which a message is a dead letter.
    pub max_receive_count: u32,
    /// Waits between them.
    pub retry: RetrySchedule,
    /// Visibility timeout of the first queue, in seconds.
    pub visibility_timeout_s: u32,
}

impl Retention {
    /// The longest time from the first receive to the dead letter queue, in seconds.
    fn retried_for(&self) -> i64 {
        let wait = |count| self.retry.wait(count).as_secs().max(u64::from(self.visibility_timeout_s));
        let seconds: u64 = (1..=self.max_receive_count).map(wait).sum();
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}

/// The time to loss is not known.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The queue did not say what is in it.
    #[error("the dead letter queue could not be looked at: {0}")]
    Queue(#[source] PortError),
    /// Its history is not there.
    #[error("the history of the queues could not be read: {0}")]
    Metrics(#[source] ReadError),
}

/// Measures it, in seconds, while anything waits.
pub(crate) async fn measure(function: &Function) -> Result<Option<i64>, LossError> {
    if function.waiting.dead_letters().await.map_err(LossError::Queue)? == 0 {
        return Ok(None);
    }
    let (retention, now) = (&function.retention, function.telemetry.now());
    let range = TimeRange::last(LOOK_BACK, now);
    let (dlq, primary) = (Queue::from(retention.dlq.as_str()), Queue::from(retention.queue.as_str()));
    let queries = [
        queue::VISIBLE.query(&dlq, Statistic::Maximum),
        queue::NOT_VISIBLE.query(&dlq, Statistic::Maximum),
        queue::AGE_OF_OLDEST.query(&primary, Statistic::Maximum),
    ];
    let read = function.metrics.read(&queries, range, PERIOD).await.map_err(LossError::Metrics)?;
    let [visible, in_flight, age] = &read.series[..] else {
        return Err(LossError::Metrics(ReadError::Unavailable {
            reason: "three series were asked for".into(),
        }));
    };
    let waited_s = age.largest().unwrap_or(0.0) as i64 + retention.retried_for();
    let in_dlq_s = now.as_second() - last_empty(visible, in_flight);
    let left_s = (i64::from(retention.retention_s) - waited_s - in_dlq_s).max(0);
    let archiver = spillway_metrics::Function::from(retention.archiver.as_str());
    function.telemetry.measure(&[Measurement::of(archiver::TIME_TO_LOSS, &archiver, left_s as f64)]);
    tracing::info!(left_s, in_dlq_s, waited_s, "dead letters wait that are not archived");
    Ok(Some(left_s))
}

/// The beginning of the last period in which the queue was known to be empty throughout, as a Unix second. A queue that was not seen
/// empty has held something since its first datapoint; of one without any, nothing is known but that it holds something now.
fn last_empty(visible: &Series, in_flight: &Series) -> i64 {
    let start = |slot: usize| {
        let slots = i64::try_from(slot).unwrap_or(i64::MAX);
        visible.start.as_second().saturating_add(slots.saturating_mul(i64::from(visible.period.seconds())))
    };
    let empty = |slot: usize| {
        let at = |series: &Series| series.points.get(slot).copied().flatten();
        at(visible) == Some(0.0) && at(in_flight) == Some(0.0)
    };
    let slots = visible.points.len();
    let first = visible.points.iter().position(Option::is_some);
    (0..slots).rev().find(|slot| empty(*slot)).or(first).map_or_else(|| start(slots), start)
}
