//! The inside of a queue.

use crate::ReadError;
use async_trait::async_trait;
use jiff::Timestamp;
use spillway_core::ports::QueueKind;
use spillway_core::queue::QueueSnapshot;

/// Reads queues.
#[async_trait]
pub trait QueueReader: Send + Sync {
    /// The current state of a queue.
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError>;
}

/// Messages that approach the dead letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countdown {
    /// The first attempt that counts.
    pub from_attempt: u32,
    /// The maximum receive count.
    pub max_receive_count: u32,
    /// The number of messages.
    pub messages: u64,
    /// When the first message is dead-lettered, if all further attempts fail.
    pub first_at: Option<Timestamp>,
    /// Messages at attempt 1, 2, 3 …, up to the last one.
    pub by_attempt: Vec<u64>,
}

impl Countdown {
    /// From this attempt on, the problem has lasted: more than a minute has passed since the first attempt.
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
