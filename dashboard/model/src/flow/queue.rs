//! The inside of a queue.

use crate::ReadError;
use async_trait::async_trait;
use jiff::Timestamp;

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Where accepted events wait.
    Primary,
    /// Where they go after too many receives.
    DeadLetter,
}

/// A queue at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSnapshot {
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages received and not settled: being worked on, or waiting for their next attempt.
    pub not_visible: u64,
    /// Messages sent with a delay that is not over.
    pub delayed: u64,
    /// Age of the oldest message in seconds as SQS reckons it: without those received three times or more.
    pub oldest_age_s: u64,
    /// When the oldest message of all was sent, those that SQS leaves out among them. It expires by this time.
    pub oldest_sent_at: Option<Timestamp>,
    /// How many messages were never received, once, twice … Empty where that is not known, as in AWS.
    pub receive_counts: Vec<u64>,
    /// When the first message goes to the dead letter queue, if nothing changes.
    pub first_dead_letter_at: Option<Timestamp>,
}

impl QueueSnapshot {
    /// All messages in it.
    pub fn len(&self) -> u64 {
        self.visible + self.not_visible + self.delayed
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Messages received at least so many times.
    pub fn received_at_least(&self, times: u32) -> u64 {
        self.receive_counts.iter().skip(times as usize).sum()
    }
}

/// Looks into queues.
#[async_trait]
pub trait QueueReader: Send + Sync {
    /// A queue as it is now.
    ///
    /// # Errors
    /// [`ReadError`] if the source did not answer.
    async fn snapshot(&self, queue: Queue) -> Result<QueueSnapshot, ReadError>;
}

/// Messages on their way to the dead letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countdown {
    /// From which attempt on a message is counted.
    pub from_attempt: u32,
    /// After how many it is given up.
    pub max_receive_count: u32,
    /// How many there are.
    pub messages: u64,
    /// When the first of them is dead-lettered, if nothing changes.
    pub first_at: Option<Timestamp>,
    /// Messages at attempt 1, 2, 3 …, up to the last one.
    pub by_attempt: Vec<u64>,
}

impl Countdown {
    /// From this attempt on it is more than a short trouble: more than a minute after the first attempt.
    const FROM_ATTEMPT: u32 = 5;

    /// The countdown of a queue.
    pub fn of(queue: &QueueSnapshot, max_receive_count: u32) -> Self {
        let from_attempt = Self::FROM_ATTEMPT.min(max_receive_count);
        let messages = queue.received_at_least(from_attempt);
        Self {
            from_attempt,
            max_receive_count,
            messages,
            first_at: queue.first_dead_letter_at.filter(|_| messages > 0),
            by_attempt: (1..=max_receive_count as usize)
                .map(|attempt| queue.receive_counts.get(attempt).copied().unwrap_or(0))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_countdown_begins_with_the_fifth_attempt() {
        let at = Timestamp::UNIX_EPOCH;
        let queue = |receive_counts: &[u64]| QueueSnapshot {
            receive_counts: receive_counts.to_vec(),
            first_dead_letter_at: Some(at),
            ..QueueSnapshot::default()
        };
        let none = Countdown::of(&queue(&[10, 4, 3, 2, 1]), 20);
        assert_eq!((none.messages, none.first_at), (0, None), "a first attempt is no countdown");
        assert_eq!(none.by_attempt[..4], [4, 3, 2, 1]);
        assert_eq!(none.by_attempt.len(), 20);
        let some = Countdown::of(&queue(&[10, 0, 0, 0, 0, 3, 0, 1]), 20);
        assert_eq!((some.messages, some.first_at), (4, Some(at)));
    }
}
