//! The overview's charts: evidence for how the whole pipeline is, from several stages at once.

use super::{Entry, Good, Source, Stage};
use crate::Statistic;
use crate::metrics::Gaps;
use spillway_core::metric::{self, Unit};
use spillway_core::names::Names;

/// The charts of the overview. Each belongs to the stage where to look further.
pub fn overview(names: &Names) -> Vec<Entry> {
    let api = Source {
        namespace: "AWS/ApiGateway",
        dimensions: vec![("ApiName", &names.api), ("Stage", &names.stage)],
    };
    let lambda = |function| Source { namespace: "AWS/Lambda", dimensions: vec![("FunctionName", function)] };
    let own =
        Source { namespace: metric::NAMESPACE, dimensions: vec![("FunctionName", &names.consumer_function)] };
    let queue = Source { namespace: "AWS/SQS", dimensions: vec![("QueueName", &names.queue)] };
    let table = Source {
        namespace: "AWS/DynamoDB",
        dimensions: vec![("TableName", &names.table), ("Operation", "PutItem")],
    };
    let sum = |source: &Source<'_>, label, name| source.line(label, name, Statistic::Sum);
    vec![
        Entry {
            metric: "NumberOfMessagesSent, RecordsStored, RecordsAlreadyStored",
            lines: vec![
                sum(&queue, "accepted", "NumberOfMessagesSent"),
                sum(&own, "stored", metric::RECORDS_STORED),
                sum(&own, "already stored", metric::RECORDS_ALREADY_STORED),
            ],
            ..queue.count(Stage::Queue, "accepted-and-stored", "NumberOfMessagesSent", Good::Neither)
        }
        .titled(
            "Accepted and stored",
            "Events that came in and events that reached the table. Where the lines part, events wait; after an outage \
             stored runs above accepted until it has caught up. Dead letters that are put back count as accepted again.",
        ),
        own.duration(Stage::Consumer, "accept-to-stored", metric::ACCEPT_TO_STORED).titled(
            "Time from accepted to stored",
            "From the 202 to the event being in the table. Only stored events have it: what is stuck shows up in the \
             age of the oldest message.",
        ),
        Entry {
            metric: "ApproximateNumberOfMessagesVisible, ApproximateNumberOfMessagesNotVisible",
            lines: vec![
                queue.line("waiting", "ApproximateNumberOfMessagesVisible", Statistic::Maximum),
                queue.line("in flight", "ApproximateNumberOfMessagesNotVisible", Statistic::Maximum),
            ],
            gaps: Gaps::Unknown,
            ..queue.count(Stage::Queue, "depth", "ApproximateNumberOfMessagesVisible", Good::Low)
        }
        .titled(
            "Events in the queue",
            "Waiting can be received now; in flight are being worked on, or have failed and wait for their next attempt.",
        ),
        Entry {
            unit: Unit::Seconds,
            ..queue.gauge(Stage::Queue, "age", "ApproximateAgeOfOldestMessage", Good::Low)
        }
        .titled(
            "Age of the oldest message",
            "It leaves out messages received three times or more, as SQS does; the countdown to the dead letter queue \
             shows those.",
        ),
        Entry {
            metric: "5XXError, Errors, ThrottledRequests, SystemErrors",
            lines: vec![
                sum(&api, "API 5xx", "5XXError"),
                sum(&lambda(&names.ingest_function), "ingest", "Errors"),
                sum(&lambda(&names.consumer_function), "consumer", "Errors"),
                sum(&lambda(&names.archiver_function), "archiver", "Errors"),
                sum(&table, "table throttled", "ThrottledRequests"),
                sum(&table, "table failed", "SystemErrors"),
            ],
            ..api.count(Stage::Api, "errors", "5XXError", Good::Low)
        }
        .titled("Errors by stage", "Requests, invocations and writes that failed. All zero is how it should be."),
        Entry {
            metric: "RecordsRetried, RecordsRejected",
            lines: vec![
                sum(&own, "to be tried again", metric::RECORDS_RETRIED),
                sum(&own, "dead-lettered", metric::RECORDS_REJECTED),
            ],
            ..own.count(Stage::Consumer, "setbacks", metric::RECORDS_RETRIED, Good::Low)
        }
        .titled(
            "Records not stored at once",
            "Records that failed and are tried again, each attempt counted, and records given up. What the queue itself \
             moves to the dead letter queue after 20 receives is not among them.",
        ),
    ]
}
