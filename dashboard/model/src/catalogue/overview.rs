//! The overview's charts: the main metrics of several stages.

use super::{Entry, Good, Source, Stage, queues};
use crate::metrics::{Gaps, Line};
use spillway_core::names::Names;
use spillway_metrics::{Api, Function, Handle, Queue, Resource, Statistic, Writes};
use spillway_metrics::{api, consumer, function, ingest, queue, writes};

/// The charts of the overview. Each belongs to the stage that has more details.
pub fn overview(names: &Names) -> Vec<Entry> {
    let of_api = Source(Api::from(names));
    let of_ingest = Source(Function::from(&names.ingest_function));
    let of_consumer = Source(Function::from(&names.consumer_function));
    let of_archiver = Source(Function::from(&names.archiver_function));
    let of_queue = Source(Queue::from(&names.queue));
    let of_writes = Source(Writes::from(&names.table));
    vec![
        Entry {
            lines: vec![
                sum(&of_ingest, "accepted", ingest::EVENTS_ACCEPTED),
                sum(&of_consumer, "stored", consumer::RECORDS_STORED),
                sum(&of_consumer, "already stored", consumer::RECORDS_ALREADY_STORED),
                sum(&of_consumer, "of a replay", consumer::RECORDS_REPLAYED),
            ],
            ..of_ingest.count(Stage::Queue, "accepted-and-stored", ingest::EVENTS_ACCEPTED, Good::Neither)
        }
        .titled(
            "Accepted and stored",
            "Events accepted and events written to the table. A gap between the lines means that events \
             wait. After an outage, stored is above accepted until the backlog is gone. Of a replay: the \
             part of those stored that an operator had put back. They are not accepted a second time.",
        ),
        of_consumer.duration(Stage::Consumer, "accept-to-stored", consumer::ACCEPT_TO_STORED).titled(
            "Time from accepted to stored",
            "From the 202 to the event in the table. Only stored events have it, and not those of a replay. \
             Events that are stuck appear in the age of the oldest event.",
        ),
        Entry {
            lines: vec![
                of_queue.line("visible", queue::VISIBLE, Statistic::Maximum),
                of_queue.line("not visible", queue::NOT_VISIBLE, Statistic::Maximum),
            ],
            gaps: Gaps::Unknown,
            ..of_queue.count(Stage::Queue, "depth", queue::VISIBLE, Good::Low)
        }
        .titled(
            "Messages in the queue",
            "Replayed ones included. Visible: can be received. Not visible: being processed, or waiting for the next attempt.",
        ),
        queues::oldest(names),
        Entry {
            lines: vec![
                sum(&of_api, "API 5xx", api::SERVER_ERRORS),
                sum(&of_ingest, "ingest", function::ERRORS),
                sum(&of_consumer, "consumer", function::ERRORS),
                sum(&of_archiver, "archiver", function::ERRORS),
                sum(&of_writes, "table throttled", writes::THROTTLED),
                sum(&of_writes, "table failed", writes::FAILED),
            ],
            ..of_api.count(Stage::Api, "errors", api::SERVER_ERRORS, Good::Low)
        }
        .titled("Errors by stage", "Requests, invocations and writes that failed. Normal is zero."),
        Entry {
            lines: vec![
                sum(&of_consumer, "to be retried", consumer::RECORDS_RETRIED),
                sum(&of_consumer, "dead-lettered", consumer::RECORDS_REJECTED),
            ],
            ..of_consumer.count(Stage::Consumer, "setbacks", consumer::RECORDS_RETRIED, Good::Low)
        }
        .titled(
            "Retries and rejections",
            "Records that failed and are retried, once per attempt, and records that became dead letters. \
             Messages that the queue itself moves to the dead letter queue after 20 receives are not \
             included.",
        ),
    ]
}

fn sum<R: Resource>(source: &Source<R>, label: &'static str, metric: Handle<R>) -> Line {
    source.line(label, metric, Statistic::Sum)
}
