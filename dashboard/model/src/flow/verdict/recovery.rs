//! What is left after storing failed, and when it is done.

use super::super::{FlowSnapshot, Trouble};
use super::Cause;
use crate::catalogue::Stage;
use jiff::{SignedDuration, Timestamp};

/// The events that still wait because of trouble that is over.
pub(super) struct Left {
    /// How many.
    pub(super) events: u64,
    /// When the last one is processed, about.
    pub(super) done_by: Timestamp,
}

/// What is left of trouble that is over; `None` if nothing is.
pub(super) fn left(flow: &FlowSnapshot, cause: Cause, trouble: &Trouble) -> Option<Left> {
    match cause {
        Cause::Table | Cause::Consumer => in_queue(flow, cause, trouble),
        Cause::Archiver if !flow.dlq.is_empty() => {
            let wait = i64::from(flow.limits.visibility_timeout_s);
            Some(Left {
                events: flow.dlq.len(),
                done_by: after(flow, trouble, wait, flow.dlq.len(), Stage::Archiver),
            })
        }
        _ => None,
    }
}

fn in_queue(flow: &FlowSnapshot, cause: Cause, trouble: &Trouble) -> Option<Left> {
    let queue = &flow.queue;
    // What was sent after it ended does not wait for it.
    queue.oldest_sent_at.filter(|sent| *sent < trouble.last_at)?;
    let counts = &queue.receive_counts;
    let events = if counts.is_empty() { queue.len() } else { queue.received_at_least(1) };
    if events == 0 {
        return None;
    }
    let visibility = i64::from(flow.limits.visibility_timeout_s);
    let attempts = counts.iter().rposition(|count| *count > 0).and_then(|count| u32::try_from(count).ok());
    let wait = match (cause, attempts) {
        (Cause::Consumer, _) => visibility,
        (_, Some(attempts)) => flow.limits.retry.wait(attempts.max(1)).as_secs().cast_signed(),
        (_, None) => i64::from(flow.limits.retry.cap_s),
    };
    Some(Left { events, done_by: after(flow, trouble, wait, events, Stage::Table) })
}

/// When the last one is processed: at its next attempt, or later if there are many at the present rate of a stage.
fn after(flow: &FlowSnapshot, trouble: &Trouble, wait_s: i64, events: u64, stage: Stage) -> Timestamp {
    let seconds =
        |from: Timestamp, seconds: i64| from.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(from);
    let next_attempt = seconds(trouble.last_at, wait_s).max(flow.at);
    let minute_ago = flow.at.as_second() - 60;
    let periods = flow.outcomes.as_ref().map_or(&[][..], |outcomes| outcomes.of(stage));
    let in_minute: u64 = periods.iter().filter(|of| of.start >= minute_ago).map(|of| of.ok).sum();
    if in_minute == 0 {
        return next_attempt;
    }
    let at_rate = (60.0 * events as f64 / in_minute as f64).min(1e9) as i64;
    next_attempt.max(seconds(flow.at, at_rate))
}
