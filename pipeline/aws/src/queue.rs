//! The primary queue on SQS.

use crate::backoff::Pace;
use crate::send::Sender;
use async_trait::async_trait;
use spillway_core::ids::MessageId;
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{EventQueue, QueueError};

/// The sending side of an SQS queue.
///
/// `Ok` means that SQS confirmed the message. A call whose connection broke after it was sent is retried. If
/// time runs out, it is reported as unavailable: SQS may have the message although nothing was promised. That
/// is harmless, because the store takes each event once. A sender who sends it again produces the same event.
#[derive(Clone, Debug)]
pub struct SqsQueue(Sender);

impl SqsQueue {
    /// The queue with that URL. Sending a message is retried for a third of the time that the client's limits
    /// allow for a call. With a function of 10 s that is 2.3 s, and the last try ends in time for an answer.
    pub fn new(client: aws_sdk_sqs::Client, queue_url: impl Into<String>) -> Self {
        Self(Sender::new(&client, queue_url.into()))
    }

    /// With other waits between tries, or another deadline.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.0.set_pace(pace);
        self
    }
}

#[async_trait]
impl EventQueue for SqsQueue {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        self.0.send(messages).await
    }
}
