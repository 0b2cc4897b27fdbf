//! The queues' charts.

use super::{Entry, Good, Source, Stage};
use crate::metrics::Gaps;
use spillway_core::names::Names;
use spillway_metrics::{Function, Queue, Statistic, consumer, queue};

/// The help texts for one queue.
struct Words {
    stage: Stage,
    visible: &'static str,
    age: &'static str,
    sent: &'static str,
    received: &'static str,
    deleted: &'static str,
    not_visible: &'static str,
}

/// The age of the oldest event, with AWS's age beside it.
pub(super) fn oldest(names: &Names) -> Entry {
    let (sqs, code) = (Source(Queue::from(&names.queue)), Source(Function::from(&names.consumer_function)));
    let lines = vec![
        code.line("oldest event", consumer::OLDEST_EVENT_AGE, Statistic::Maximum),
        sqs.line("age in AWS", queue::AGE_OF_OLDEST, Statistic::Maximum),
    ];
    Entry { lines, ..code.gauge(Stage::Queue, "oldest", consumer::OLDEST_EVENT_AGE, Good::Neither) }.titled(
        "Age of the oldest event",
        "Time since the oldest message that is still in the queue was sent, at any receive count. The age in AWS leaves \
         out messages received three times or more, so it stays low in an outage.",
    )
}

pub(super) fn primary(names: &Names) -> Vec<Entry> {
    let mut all = vec![oldest(names)];
    all.extend(measured_by_sqs(names));
    all
}

fn measured_by_sqs(names: &Names) -> Vec<Entry> {
    entries(
        (&names.queue).into(),
        &Words {
            stage: Stage::Queue,
            visible: "Accepted events that the consumer could receive now. It grows when events arrive \
                  faster than the consumer stores them.",
            age: "Age of the oldest message, from when it was sent. It leaves out messages that were \
              received three times or more: SQS moves them to the back of the queue. Watch the consumer's \
              receive counts as well.",
            sent: "Events accepted, and dead letters put back by a replay.",
            received: "Messages handed to the consumer. A message that is received again counts again, so \
                   with retries this is more than was sent.",
            deleted: "Messages that are settled: stored, or put into the dead letter queue by the consumer. Over \
                  a longer time it must equal the number sent.",
            not_visible: "Messages that were received and not settled: being processed, or waiting for the next attempt. \
                      Waits between attempts double up to 15 minutes, so during an outage the events are here.",
        },
    )
}

pub(super) fn dead_letters(names: &Names) -> Vec<Entry> {
    entries(
        (&names.dead_letter_queue).into(),
        &Words {
            stage: Stage::Dlq,
            visible: "Dead letters that wait for the archiver. Normally 0: the archiver takes them within seconds. More \
                  than a few for more than a few minutes means that the archiver fails.",
            age: "How long the oldest dead letter has been in this queue. It expires earlier than this \
              suggests. A message that a standard queue itself moved here keeps its original send time, and \
              expires 14 days after it. It leaves out messages received three times or more.",
            sent: "Dead letters that the consumer sent here. Those that the queue itself moves here, after 20 receives, \
               are not counted: this can stay 0 while dead letters arrive. Watch the messages waiting here \
               and the archiver's invocations instead. They show every dead letter.",
            received: "Messages handed to the archiver. More received than deleted means that archiving \
                   fails and is retried.",
            deleted: "Dead letters that reached the archive.",
            not_visible: "Dead letters that the archiver is processing, or has just failed to archive.",
        },
    )
}

fn entries(queue: Queue, words: &Words) -> Vec<Entry> {
    let sqs = Source(queue);
    let stage = words.stage;
    // SQS reports 0 for its counts while the queue is in use, so a missing period means that it was not used.
    vec![
        sqs.gauge(stage, "visible", queue::VISIBLE, Good::Low).titled("Messages waiting", words.visible),
        sqs.gauge(stage, "age", queue::AGE_OF_OLDEST, Good::Low)
            .titled("Age of the oldest message, in AWS", words.age),
        sqs.gauge(stage, "not-visible", queue::NOT_VISIBLE, Good::Neither)
            .titled("Messages in flight", words.not_visible),
        sqs.count(stage, "sent", queue::SENT, Good::Neither).titled("Messages sent", words.sent),
        sqs.count(stage, "received", queue::RECEIVED, Good::Neither)
            .titled("Messages received", words.received),
        sqs.count(stage, "deleted", queue::DELETED, Good::Neither).titled("Messages deleted", words.deleted),
        Entry { gaps: Gaps::Unknown, ..sqs.gauge(stage, "delayed", queue::DELAYED, Good::Neither) }.titled(
            "Messages delayed",
            "Messages whose delay after sending is not over. Spillway sends none. Waits between attempts \
             count as in flight.",
        ),
    ]
}
