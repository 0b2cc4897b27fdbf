//! The queues.

use super::{MemoryPipeline, QueuedMessage, State};
use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ids::{MessageId, ReceiptHandle};
use spillway_core::message::{FAILURES, OutgoingMessage, REPLAY_ID, ReceivedMessage};
use spillway_core::ports::{
    DeadLetterOrder, Deferral, EventQueue, QueueError, QueueKind, QueueReceiver, Redelivery,
};
use std::time::Duration;

/// How long a received message is hidden.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a message is kept.
const RETENTION: Duration = Duration::from_secs(14 * 86_400);
/// Number of receives after which a message of the primary queue goes to the DLQ.
const MAX_RECEIVE_COUNT: u32 = 20;

impl State {
    fn enqueue(&mut self, queue: QueueKind, message: OutgoingMessage, now: Timestamp) -> MessageId {
        let id = MessageId::random();
        self.messages.push(QueuedMessage {
            queue,
            id: id.clone(),
            message,
            sent_at: now,
            visible_at: now,
            receive_count: 0,
            failures: Vec::new(),
        });
        id
    }
}

/// A handle identifies the message and the receive: a handle from an earlier receive is no longer valid.
fn receipt_handle(message: &QueuedMessage) -> ReceiptHandle {
    ReceiptHandle::new(format!("{}.{}", message.id, message.receive_count))
}

#[async_trait]
impl EventQueue for MemoryPipeline {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        self.asked.notify_one();
        let waits = self.state().sends_wait;
        if waits {
            self.gate.acquire().await.unwrap().forget();
        }
        let now = self.time();
        let state = &mut *self.state();
        let mut answers = Vec::new();
        for (position, message) in messages.iter().enumerate().take(state.answers) {
            if let Some(error) = state
                .refusal
                .as_mut()
                .and_then(|refuse| refuse(position, message))
                .or_else(|| QueueError::refusal(message))
            {
                answers.push(Err(error));
                continue;
            }
            // A replay is not a new promise: its message has a promise already.
            state.accepted += u64::from(!message.attributes.contains_key(REPLAY_ID));
            state.sent.push(message.clone());
            answers.push(Ok(state.enqueue(QueueKind::Primary, message.clone(), now)));
        }
        answers
    }
}

#[async_trait]
impl Redelivery for MemoryPipeline {
    async fn defer(&self, deferrals: &[Deferral]) -> Vec<Result<(), QueueError>> {
        let now = self.time();
        let state = &mut *self.state();
        state.deferred.extend_from_slice(deferrals);
        let messages = &mut state.messages;
        let mut defer = |deferral: &Deferral| {
            let found =
                messages.iter_mut().find(|message| receipt_handle(message) == deferral.receipt_handle);
            let Some(message) = found else {
                return Err(QueueError::Rejected {
                    reason: "the receipt handle names no message".to_owned(),
                });
            };
            message.visible_at = now + deferral.delay;
            message.failures.clone_from(&deferral.failures);
            Ok(())
        };
        deferrals.iter().map(&mut defer).collect()
    }

    async fn dead_letter(&self, orders: &[DeadLetterOrder]) -> Vec<Result<(), QueueError>> {
        let now = self.time();
        let state = &mut *self.state();
        if state.dlq_is_down {
            return orders.iter().map(|_| Err(QueueError::Throttled)).collect();
        }
        for order in orders {
            state.messages.retain(|message| receipt_handle(message) != order.message.receipt_handle);
            let message = OutgoingMessage {
                body: order.message.body.clone(),
                attributes: order.attributes(),
                trace_header: order.message.trace_header.clone(),
            };
            state.enqueue(QueueKind::Dlq, message, now);
        }
        state.dead_lettered.extend_from_slice(orders);
        self.dead_lettered.notify_one();
        orders.iter().map(|_| Ok(())).collect()
    }
}

#[async_trait]
impl QueueReceiver for MemoryPipeline {
    async fn receive(&self, queue: QueueKind, most: usize) -> Result<Vec<ReceivedMessage>, QueueError> {
        let now = self.time();
        let state = &mut *self.state();
        let visible =
            state.messages.iter_mut().filter(|message| message.queue == queue && message.visible_at <= now);
        let receive = |message: &mut QueuedMessage| {
            if queue == QueueKind::Primary && message.receive_count >= MAX_RECEIVE_COUNT {
                (message.queue, message.receive_count) = (QueueKind::Dlq, 0);
                return None;
            }
            message.visible_at = now + VISIBILITY_TIMEOUT;
            message.receive_count += 1;
            Some(ReceivedMessage {
                message_id: message.id.clone(),
                receipt_handle: receipt_handle(message),
                body: message.message.body.clone(),
                attributes: message.message.attributes.clone(),
                trace_header: message.message.trace_header.clone(),
                sent_at: message.sent_at,
                receive_count: message.receive_count,
                failures: message.failures.clone(),
                redriven: queue == QueueKind::Dlq && !message.message.attributes.contains_key(FAILURES),
            })
        };
        Ok(visible.take(most).filter_map(receive).collect())
    }

    async fn delete(&self, queue: QueueKind, handles: &[ReceiptHandle]) -> Result<usize, QueueError> {
        let messages = &mut self.state().messages;
        let before = messages.len();
        messages.retain(|message| message.queue != queue || !handles.contains(&receipt_handle(message)));
        Ok(before - messages.len())
    }

    async fn expire(&self) -> Result<usize, QueueError> {
        let oldest = self.time() - RETENTION;
        let messages = &mut self.state().messages;
        let before = messages.len();
        messages.retain(|message| message.sent_at >= oldest);
        Ok(before - messages.len())
    }

    async fn next_visible(&self, queue: QueueKind) -> Result<Option<Timestamp>, QueueError> {
        let state = self.state();
        let messages = state.messages.iter().filter(|message| message.queue == queue);
        Ok(messages.map(|message| message.visible_at).min())
    }

    async fn arrival(&self, queue: QueueKind) {
        match queue {
            QueueKind::Primary => self.asked.notified().await,
            QueueKind::Dlq => self.dead_lettered.notified().await,
        }
    }
}
