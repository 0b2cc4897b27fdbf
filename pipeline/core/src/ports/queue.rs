//! The queues: sending, receiving, and the handling of failed messages.

use crate::Timestamp;
use crate::failure::Failure;
use crate::ids::{MessageId, ReceiptHandle};
use crate::message::{self, Attribute, MAX_ATTRIBUTES, MessageAttributes, OutgoingMessage, ReceivedMessage};
use async_trait::async_trait;
use std::time::Duration;

/// Why a queue did not accept a message or an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// It accepts nothing at the moment: a full disk, an outage. Nothing is promised, and it does not have the message.
    #[error("the queue accepts nothing at the moment: {reason}")]
    Unavailable {
        /// Why, for the log and for people who operate this; it names no secret.
        reason: String,
    },
    /// It did not confirm the message and may have it nevertheless: the connection broke, or no answer came in time. Nothing
    /// is promised. Sending it again is safe, since the store takes an event once. The ledger counts these.
    #[error("the queue did not confirm the message: {reason}")]
    InDoubt {
        /// Why, for the log and for people who operate this; it names no secret.
        reason: String,
    },
    /// The queue accepts less than was sent. It accepted nothing of this message.
    #[error("the queue is over its rate")]
    Throttled,
    /// This message will never fit.
    #[error("the message has {bytes} bytes, the queue takes {limit}")]
    TooLarge {
        /// The message's size.
        bytes: usize,
        /// The queue's limit.
        limit: usize,
    },
    /// It will never accept this message, for a reason other than its size.
    #[error("the queue does not accept this message: {reason}")]
    Rejected {
        /// Why, for the log and for people who operate this.
        reason: String,
    },
}

/// Most bytes of a message with its attributes. Terraform sets this limit on both queues: with 240 KiB for an event it
/// leaves 16 KiB for what Spillway adds.
pub const LARGEST_MESSAGE: usize = 256 * 1024;

/// A message's size as SQS counts it: body, and name, type and value of each attribute. System attributes are free.
pub fn message_size(message: &OutgoingMessage) -> usize {
    let attribute = |(name, value): (&String, &Attribute)| name.len() + value.size();
    message.body.len() + message.attributes.iter().map(attribute).sum::<usize>()
}

/// The characters that SQS carries: those of XML 1.0.
pub(crate) fn is_carried(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

impl QueueError {
    /// Why a queue will never accept this message, by SQS's rules. Every queue applies them, so that a
    /// pipeline on one machine accepts the same messages as one in AWS.
    pub fn refusal(message: &OutgoingMessage) -> Option<Self> {
        let bytes = message_size(message);
        if bytes > LARGEST_MESSAGE {
            return Some(Self::TooLarge { bytes, limit: LARGEST_MESSAGE });
        }
        let rejected = |reason: String| Some(Self::Rejected { reason });
        if message.body.is_empty() {
            return rejected("its body is empty".to_owned());
        }
        let values = message.attributes.values().map(Attribute::as_str);
        let mut texts = std::iter::once(message.body.as_str()).chain(values);
        if let Some(c) = texts.find_map(|text| text.chars().find(|c| !is_carried(*c))) {
            return rejected(format!(
                "it has the character U+{:04X}, which SQS does not carry",
                u32::from(c)
            ));
        }
        if message.attributes.len() > MAX_ATTRIBUTES {
            return rejected("it has more than 10 message attributes".to_owned());
        }
        None
    }

    /// Whether the queue will never accept this message, so that a retry cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::Rejected { .. } => true,
            Self::Unavailable { .. } | Self::InDoubt { .. } | Self::Throttled => false,
        }
    }
}

/// The sending side of the primary queue.
#[async_trait]
pub trait EventQueue: Send + Sync {
    /// Sends messages; returns one answer for each, in their order. `Ok` means that the message is durable.
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>>;
}

/// Leave this message alone for a while, then receive it again.
#[derive(Clone, Debug)]
pub struct Deferral {
    /// The message.
    pub receipt_handle: ReceiptHandle,
    /// For how long it stays invisible from now on.
    pub delay: Duration,
    /// All known failures of it, the newest last. A queue that can store them returns them with the next
    /// receive.
    pub failures: Vec<Failure>,
}

/// Put this message into the DLQ now.
#[derive(Clone, Debug)]
pub struct DeadLetterOrder {
    /// The message.
    pub message: ReceivedMessage,
    /// All known failures of it, the deciding one last.
    pub failures: Vec<Failure>,
}

impl DeadLetterOrder {
    /// The message attributes to send it to the DLQ with: its own, and those for the archiver.
    pub fn attributes(&self) -> MessageAttributes {
        let message = &self.message;
        let own = [
            (message::ORIGINAL_MESSAGE_ID, message.original_message_id().into_string()),
            (message::FIRST_SENT, message.first_sent_at().to_string()),
            (message::RECEIVE_COUNT, message.receive_count.to_string()),
            (message::FAILURES, serde_json::to_string(&self.failures).unwrap_or_default()),
        ];
        message::with_own(&message.attributes, own)
    }
}

/// One of the two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Where accepted events wait.
    Primary,
    /// Where messages go after too many receives.
    Dlq,
}

/// The receiving side of both queues, for a runtime that polls them itself. In AWS Lambda does that.
#[async_trait]
pub trait QueueReceiver: Send + Sync {
    /// Receives up to `most` visible messages and hides them for the visibility timeout. A message of the primary queue
    /// that was received too often already goes to the DLQ instead.
    ///
    /// # Errors
    /// Nothing was received.
    async fn receive(&self, queue: QueueKind, most: usize) -> Result<Vec<ReceivedMessage>, QueueError>;

    /// Deletes messages that are settled. A handle from an earlier receive deletes nothing. Returns how many it deleted.
    ///
    /// # Errors
    /// Nothing was deleted.
    async fn delete(&self, queue: QueueKind, handles: &[ReceiptHandle]) -> Result<usize, QueueError>;

    /// Deletes messages whose retention has run out. Returns how many are lost. The message of a replay is not: its dead
    /// letter is archived again.
    ///
    /// # Errors
    /// It failed. What was deleted stays so; the next call goes on.
    async fn expire(&self) -> Result<usize, QueueError>;

    /// When the next message becomes visible; `None` if the queue has none.
    async fn next_visible(&self, queue: QueueKind) -> Result<Option<Timestamp>, QueueError>;

    /// Resolves when a message may have become visible.
    async fn arrival(&self, queue: QueueKind);
}

/// The orders that a consumer gives the primary queue for messages that it could not settle.
#[async_trait]
pub trait Redelivery: Send + Sync {
    /// Sets when messages become visible again. Returns one answer for each, with an error for a handle that
    /// names no message. Where it fails, the visibility timeout that was set at the receive applies.
    async fn defer(&self, deferrals: &[Deferral]) -> Vec<Result<(), QueueError>>;

    /// Puts messages into the DLQ; returns one answer for each. After `Ok` the message may be deleted from
    /// the primary queue.
    async fn dead_letter(&self, orders: &[DeadLetterOrder]) -> Vec<Result<(), QueueError>>;
}
