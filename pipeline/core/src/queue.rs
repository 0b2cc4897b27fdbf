//! The content of a queue.

use crate::Timestamp;

/// A queue at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSnapshot {
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages received and not settled: being worked on, or waiting for their next attempt.
    pub not_visible: u64,
    /// Messages sent with a delay that is not over.
    pub delayed: u64,
    /// Age of the oldest message in seconds as SQS computes it: without those received three times or more.
    pub oldest_age_s: u64,
    /// When the oldest message was sent, including those that SQS leaves out. Its retention counts from this time.
    pub oldest_sent_at: Option<Timestamp>,
    /// How many messages were received never, once, twice and so on. Empty where that is not known, as in AWS.
    pub receive_counts: Vec<u64>,
    /// When the first message goes to the dead letter queue, if nothing changes.
    pub first_dead_letter_at: Option<Timestamp>,
}

impl QueueSnapshot {
    /// All messages in it.
    pub fn len(&self) -> u64 {
        self.visible + self.not_visible + self.delayed
    }

    /// Whether it has no messages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Messages received at least that often.
    pub fn received_at_least(&self, times: u32) -> u64 {
        self.receive_counts.iter().skip(times as usize).sum()
    }
}
