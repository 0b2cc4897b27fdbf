//! The task `time-to-loss`: the least time that is left to the oldest dead letter that is not archived.
//!
//! A dead letter expires by the time at which its event was first sent, and no SQS metric shows that time.
//! The age metric of a dead letter queue starts at the move. It also leaves out messages received three times
//! or more, and those are the messages that the archiver cannot archive. So the worst case is computed from
//! what is known:
//!
//! * The dead letter came into the dead letter queue in the last minute in which the queue was empty
//!   throughout. Empty means nothing visible and nothing in flight: a message that the archiver fails on
//!   alternates between the two.
//! * It waited in the first queue as long as the longest wait seen there in the last two weeks. Then it went
//!   through all its retries. Each retry ended by the visibility timeout or by the wait for the next,
//!   whichever is longer.
//!
//! So the result is never too large, as far as the metrics go. It may be too small while dead letters arrive
//! without a break.

use crate::Function;
use crate::ports::PortError;
use jiff::SignedDuration;
use spillway_core::metric::Measurement;
use spillway_core::retry::RetrySchedule;
use spillway_dashboard_model::ReadError;
use spillway_metrics::{Period, Queue, Series, Statistic, TimeRange, archiver, queue};

/// How far back CloudWatch has metrics by the minute; the retention of a queue is less.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(14 * 24 + 1);
/// Two weeks of three metrics by the minute are sixty thousand datapoints; one call of CloudWatch returns up
/// to 100,800. With longer periods, a message that alternates between visible and in flight would look like
/// an empty queue.
const PERIOD: Period = Period::MINUTE;

/// How long messages are kept, and what happens to them before they are dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Name of the first queue.
    pub queue: String,
    /// Name of the dead letter queue.
    pub dlq: String,
    /// Name of the archiver function, under which the metric is published.
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
    /// The number of messages in the queue could not be read.
    #[error("the dead letter queue could not be read: {0}")]
    Queue(#[source] PortError),
    /// The history of the queues could not be read.
    #[error("the history of the queues could not be read: {0}")]
    Metrics(#[source] ReadError),
}

/// Measures the time to loss in seconds, while dead letters wait.
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
            reason: "three series were requested".into(),
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

/// The beginning of the last period in which the queue was known to be empty throughout, as a Unix second. A
/// queue that was never seen empty has held messages since its first datapoint. Of a queue without
/// datapoints, it is only known that it holds messages now.
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
