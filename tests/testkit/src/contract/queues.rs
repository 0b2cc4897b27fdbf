//! The reader of queues. What an adapter cannot know it leaves out, so the cases about it allow that.

use futures::future::BoxFuture;
use spillway_core::Timestamp;
use spillway_core::ports::QueueKind;
use spillway_core::queue::QueueSnapshot;
use spillway_dashboard_model::flow::QueueReader;
use std::any::Any;
use std::sync::Arc;

/// Both queues without messages, and the reader of them.
pub struct EmptyQueues {
    /// Works on the queues.
    pub act: ActOnQueues,
    /// The reader.
    pub reader: Arc<dyn QueueReader>,
    /// The time by the clock of the queues.
    pub now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Values that must live as long as the reader, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Work on the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends messages to the primary queue.
    Send(usize),
    /// Receives messages of the primary queue, and settles none of them yet.
    Receive(usize),
    /// Deletes received messages.
    Settle(usize),
    /// Moves received messages to the DLQ.
    DeadLetter(usize),
}

/// Works on the queues. The reader sees the result when the future ends.
pub type ActOnQueues = Box<dyn Fn(Act) -> BoxFuture<'static, ()> + Send + Sync>;

suite! { $ queues of super::EmptyQueues:
    an_empty_queue_has_nothing,
    messages_are_visible_until_they_are_received,
    settled_messages_are_gone,
    dead_lettered_messages_are_in_the_dlq,
    an_age_is_that_of_a_message_which_is_there,
    receive_counts_are_of_all_messages_or_not_known,
}

impl EmptyQueues {
    async fn after(&self, acts: &[Act]) -> (QueueSnapshot, QueueSnapshot) {
        for act in acts {
            (self.act)(*act).await;
        }
        let primary = self.reader.snapshot(QueueKind::Primary).await.unwrap();
        (primary, self.reader.snapshot(QueueKind::Dlq).await.unwrap())
    }
}

fn numbers(queue: &QueueSnapshot) -> (u64, u64, u64) {
    (queue.visible, queue.not_visible, queue.delayed)
}

async fn an_empty_queue_has_nothing(queues: &EmptyQueues) {
    let (primary, dlq) = queues.after(&[]).await;
    for queue in [primary, dlq] {
        assert!(queue.is_empty() && numbers(&queue) == (0, 0, 0));
        assert_eq!((queue.oldest_age_s, queue.oldest_sent_at), (0, None));
        assert_eq!(queue.first_dead_letter_at, None);
    }
}

async fn messages_are_visible_until_they_are_received(queues: &EmptyQueues) {
    let (primary, dlq) = queues.after(&[Act::Send(5)]).await;
    assert_eq!((numbers(&primary), primary.len()), ((5, 0, 0), 5));
    assert!(dlq.is_empty(), "one queue is not the other");
    let (primary, _) = queues.after(&[Act::Receive(2)]).await;
    assert_eq!((numbers(&primary), primary.len()), ((3, 2, 0), 5));
}

async fn settled_messages_are_gone(queues: &EmptyQueues) {
    let (primary, dlq) = queues.after(&[Act::Send(3), Act::Receive(3), Act::Settle(2)]).await;
    assert_eq!((numbers(&primary), numbers(&dlq)), ((0, 1, 0), (0, 0, 0)));
}

async fn dead_lettered_messages_are_in_the_dlq(queues: &EmptyQueues) {
    let (primary, dlq) = queues.after(&[Act::Send(3), Act::Receive(2), Act::DeadLetter(2)]).await;
    assert_eq!((numbers(&primary), numbers(&dlq)), ((1, 0, 0), (2, 0, 0)));
}

async fn an_age_is_that_of_a_message_which_is_there(queues: &EmptyQueues) {
    let before = (queues.now)();
    let (primary, _) = queues.after(&[Act::Send(1)]).await;
    if let Some(sent_at) = primary.oldest_sent_at {
        // Queues have milliseconds, and ages have seconds.
        let sent_at = sent_at.as_second();
        assert!((before.as_second() - 1..=(queues.now)().as_second()).contains(&sent_at), "{sent_at}");
    }
    let (primary, _) = queues.after(&[Act::Receive(1), Act::Settle(1)]).await;
    assert_eq!((primary.oldest_age_s, primary.oldest_sent_at), (0, None));
}

async fn receive_counts_are_of_all_messages_or_not_known(queues: &EmptyQueues) {
    let (primary, _) = queues.after(&[Act::Send(4), Act::Receive(3)]).await;
    let counts = &primary.receive_counts;
    assert!(counts.is_empty() || counts[..] == [1, 3], "{counts:?}");
    assert!(counts.is_empty() || primary.received_at_least(1) == 3);
}
