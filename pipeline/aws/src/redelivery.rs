//! What a consumer reports to SQS about messages that it could not settle.

use crate::backoff::{Backoff, Pace};
use crate::call_error::{CallError, call_error};
use crate::queue::{CALLS_AT_ONCE, MAX_IN_A_CALL, SqsQueue, failed_entry, given_up, missing_entry, refused};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use futures::{StreamExt as _, stream};
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{
    DeadLetterOrder, Deferral, EventQueue as _, LARGEST_MESSAGE, QueueError, Redelivery, message_size,
};
use std::collections::HashMap;
use std::time::Duration;

/// SQS hides a message for 12 hours at most, counted from its receive ("ChangeMessageVisibility" in the SQS API reference).
const LONGEST_DELAY_S: i32 = 12 * 3600;
/// Bytes of a failure's message that is not cut any further.
const SHORTEST_MESSAGE: usize = 16;

/// Deferring by the visibility timeout, and dead-lettering by sending to the DLQ.
///
/// SQS can't store failures with a message that stays in the queue, so a deferral drops them. The consumer's logs and
/// traces have them. A message that is given up takes its failures along into the DLQ.
#[derive(Clone, Debug)]
pub struct SqsRedelivery {
    client: Client,
    queue_url: String,
    dlq: SqsQueue,
    pace: Pace,
}

impl SqsRedelivery {
    /// For messages of the queue with that URL. An order is retried for the same time as in
    /// [`crate::SqsQueue`].
    pub fn new(client: Client, queue_url: impl Into<String>, dlq_url: impl Into<String>) -> Self {
        let pace = Pace::for_limits(client.config().timeout_config());
        let dlq = SqsQueue::new(client.clone(), dlq_url);
        let retries = aws_sdk_sqs::config::retry::RetryConfig::disabled();
        let config = client.config().to_builder().retry_config(retries).build();
        Self { client: Client::from_conf(config), queue_url: queue_url.into(), dlq, pace }
    }

    /// With other waits between tries, or another deadline.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.dlq = self.dlq.with_pace(pace);
        self.pace = pace;
        self
    }

    /// Defers what fits one call, until each is deferred, refused, or out of time.
    async fn defer_call(&self, deferrals: &[Deferral], mut backoff: Backoff) -> Vec<Result<(), QueueError>> {
        let mut answers: Vec<Option<Result<(), QueueError>>> = vec![None; deferrals.len()];
        loop {
            let open: Vec<_> = (0..deferrals.len()).filter(|&position| answers[position].is_none()).collect();
            let mut last = Vec::new();
            for (position, result) in self.defer_once(deferrals, &open).await {
                match result {
                    Ok(()) => answers[position] = Some(Ok(())),
                    Err(error) if error.decision.is_retryable() => last.push((position, error)),
                    Err(error) => answers[position] = Some(Err(refused(error))),
                }
            }
            if !last.is_empty() && backoff.wait().await {
                continue;
            }
            for (position, error) in last {
                answers[position] = Some(Err(given_up(error)));
            }
            return answers.into_iter().map(|answer| answer.unwrap_or(Ok(()))).collect();
        }
    }

    async fn defer_once(
        &self,
        deferrals: &[Deferral],
        positions: &[usize],
    ) -> Vec<(usize, Result<(), CallError>)> {
        const ACTION: &str = "ChangeMessageVisibilityBatch";
        let entry = |&position: &usize| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(position.to_string())
                .receipt_handle(deferrals[position].receipt_handle.as_str())
                .visibility_timeout(whole_seconds(deferrals[position].delay))
                .build()
        };
        let for_all = |error: CallError| {
            positions.iter().map(|&position| (position, Err(error.clone()))).collect::<Vec<_>>()
        };
        let entries = match positions.iter().map(entry).collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(_) => return for_all(missing_entry(ACTION)),
        };
        let call = self.client.change_message_visibility_batch().queue_url(&self.queue_url);
        let output = match call.set_entries(Some(entries)).send().await {
            Ok(output) => output,
            Err(error) => return for_all(call_error(ACTION, &error)),
        };
        let failed: HashMap<_, _> = output.failed.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let answer = |position: usize| {
            let id = position.to_string();
            match failed.get(id.as_str()) {
                Some(entry) => Err(failed_entry(ACTION, entry)),
                None if output.successful.iter().any(|entry| entry.id == id) => Ok(()),
                None => Err(missing_entry(ACTION)),
            }
        };
        positions.iter().map(|&position| (position, answer(position))).collect()
    }
}

#[async_trait]
impl Redelivery for SqsRedelivery {
    async fn defer(&self, deferrals: &[Deferral]) -> Vec<Result<(), QueueError>> {
        let backoff = Backoff::new(self.pace);
        let calls: Vec<_> =
            deferrals.chunks(MAX_IN_A_CALL).map(|call| self.defer_call(call, backoff.clone())).collect();
        let answers: Vec<_> = stream::iter(calls).buffered(CALLS_AT_ONCE).collect().await;
        answers.into_iter().flatten().collect()
    }

    async fn dead_letter(&self, orders: &[DeadLetterOrder]) -> Vec<Result<(), QueueError>> {
        let messages: Vec<_> = orders.iter().map(outgoing).collect();
        let answers = self.dlq.send(&messages).await;
        answers.into_iter().map(|answer| answer.map(|_| ())).collect()
    }
}

/// Whole seconds, rounded up: a message that is back too early wastes a receive.
fn whole_seconds(delay: Duration) -> i32 {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(LONGEST_DELAY_S).min(LONGEST_DELAY_S)
}

/// The message for the DLQ. If body and failures are too large together, the oldest failures are left out: the newest
/// one says why it was given up.
fn outgoing(order: &DeadLetterOrder) -> OutgoingMessage {
    let mut order = order.clone();
    loop {
        let message = OutgoingMessage {
            body: order.message.body.clone(),
            attributes: order.attributes(),
            trace_header: order.message.trace_header.clone(),
        };
        let excess = message_size(&message).saturating_sub(LARGEST_MESSAGE);
        if excess == 0 || order.failures.is_empty() {
            return message;
        }
        if order.failures.len() > 1 {
            order.failures.remove(0);
        } else if let Some(last) = order.failures.first_mut() {
            // Some characters are longer in the message than in the text, because JSON escapes them. If the text is shorter
            // than the excess, half of it is tried.
            let length = last.message.len();
            let keep = length.saturating_sub(excess + '…'.len_utf8()).max(length / 2);
            if length <= SHORTEST_MESSAGE {
                if last.group_key.take().is_none() {
                    return message;
                }
                continue;
            }
            last.message.truncate(last.message.floor_char_boundary(keep));
            last.message.push('…');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::Timestamp;
    use spillway_core::failure::{Failure, FailureClass};
    use spillway_core::message::{FAILURES, MessageAttributes, ReceivedMessage};

    fn order(body: usize, failures: &[usize]) -> DeadLetterOrder {
        order_of(body, failures.iter().map(|length| "x".repeat(*length)))
    }

    fn order_of(body: usize, messages: impl Iterator<Item = String>) -> DeadLetterOrder {
        let failure = |message| Failure {
            message,
            ..Failure::new(FailureClass::Schema, "", &"v1".into(), Timestamp::UNIX_EPOCH)
        };
        DeadLetterOrder {
            message: ReceivedMessage {
                message_id: "m".into(),
                receipt_handle: "r".into(),
                body: "b".repeat(body),
                attributes: MessageAttributes::new(),
                trace_header: None,
                sent_at: Timestamp::UNIX_EPOCH,
                receive_count: 1,
                failures: Vec::new(),
                redriven: false,
            },
            failures: messages.map(failure).collect(),
        }
    }

    fn failures(message: &OutgoingMessage) -> Vec<Failure> {
        serde_json::from_str(message.attributes[FAILURES].as_str()).unwrap()
    }

    #[test]
    fn a_dead_letter_fits_the_queue_and_keeps_its_newest_failure() {
        let all = outgoing(&order(1000, &[10, 10, 10]));
        assert_eq!(failures(&all).len(), 3);
        let some = outgoing(&order(245_000, &[8000, 8000, 9000]));
        assert!(message_size(&some) <= LARGEST_MESSAGE);
        assert_eq!(failures(&some).iter().map(|failure| failure.message.len()).collect::<Vec<_>>(), [9000]);
        let cut = outgoing(&order(250_000, &[20_000]));
        assert!(message_size(&cut) <= LARGEST_MESSAGE);
        assert!(failures(&cut)[0].message.ends_with('…') && failures(&cut)[0].message.len() > 10_000);
    }

    #[test]
    fn a_message_that_grows_when_it_is_escaped_fits_the_queue_as_well() {
        for c in ["\u{1}", "\"", "é"] {
            let order = order_of(255_000, [c.repeat(4000), c.repeat(4000)].into_iter());
            assert!(message_size(&outgoing(&order)) <= LARGEST_MESSAGE, "{c:?}");
        }
    }

    #[test]
    fn delays_are_whole_seconds_within_what_sqs_takes() {
        assert_eq!(whole_seconds(Duration::from_millis(4500)), 5);
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_secs(1 << 40)), 43_200);
    }
}
