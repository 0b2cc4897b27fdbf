//! The functions' charts.

use super::{Entry, Good, Source, Stage};
use crate::Statistic;
use crate::metrics::{Gaps, Line, LineValue};
use spillway_core::metric::{self, Unit};
use spillway_core::names::Names;

pub(super) fn ingest(names: &Names) -> Vec<Entry> {
    common(Stage::Ingest, &names.ingest_function)
}

pub(super) fn consumer(names: &Names) -> Vec<Entry> {
    let code = own(&names.consumer_function);
    let stage = Stage::Consumer;
    let mut entries = vec![
        code.duration(stage, "accept-to-stored", metric::ACCEPT_TO_STORED).titled(
            "Time from accepted to stored",
            "From the 202 to the event being in the table, waits between attempts included: what the pipeline takes as \
             a whole. Only stored events have it, so events that are stuck show up elsewhere: in the queue's age and \
             in the receive counts.",
        ),
        Entry {
            unit: Unit::Count,
            metric: "RecordsStored, RecordsAlreadyStored, RecordsRetried, RecordsRejected",
            lines: vec![
                code.line("stored", metric::RECORDS_STORED, Statistic::Sum),
                code.line("already stored", metric::RECORDS_ALREADY_STORED, Statistic::Sum),
                code.line("to be tried again", metric::RECORDS_RETRIED, Statistic::Sum),
                code.line("dead-lettered", metric::RECORDS_REJECTED, Statistic::Sum),
            ],
            ..code.count(stage, "records", metric::RECORDS_STORED, Good::Neither)
        }
        .titled(
            "What came of each record",
            "Each record of a batch has an outcome of its own. Already stored: the same event came twice, which the \
             queue may do at any time. An event that is tried again counts once for each attempt.",
        ),
        Entry {
            unit: Unit::Count,
            lines: vec![
                code.line("max", metric::RECEIVE_COUNT, Statistic::Maximum),
                code.line("p99", metric::RECEIVE_COUNT, Statistic::P99),
                code.line("p50", metric::RECEIVE_COUNT, Statistic::P50),
            ],
            gaps: Gaps::Unknown,
            ..code.count(stage, "receive-count", metric::RECEIVE_COUNT, Good::Low)
        }
        .titled(
            "Receive count of records",
            "How many times the records that the consumer works on have been received, this time included. 1 is \
             normal. It is the early warning before the dead letter queue: the queue's age metric leaves out \
             messages received three times or more, so between receive 3 and the last one only this shows them.",
        ),
    ];
    entries.extend(common(stage, &names.consumer_function));
    entries.push(
        Entry {
            lines: vec![
                code.line("average", metric::BATCH_SIZE, Statistic::Average),
                code.line("max", metric::BATCH_SIZE, Statistic::Maximum),
            ],
            gaps: Gaps::Unknown,
            ..code.count(stage, "batch-size", metric::BATCH_SIZE, Good::Neither)
        }
        .titled(
            "Records in a batch",
            "Full batches over a long time mean that the consumer is not keeping up.",
        ),
    );
    entries
}

pub(super) fn archiver(names: &Names) -> Vec<Entry> {
    let code = own(&names.archiver_function);
    let mut entries = vec![
        Entry {
            unit: Unit::Seconds,
            ..code.gauge(Stage::Archiver, "oldest-dead-letter", metric::OLDEST_DEAD_LETTER_AGE, Good::Low)
        }
        .titled(
            "Age of the oldest dead letter archived",
            "Time since its event was first sent. A dead letter expires by that time, 14 days after it, and not by the \
             time at which it came to the dead letter queue; no metric of the queue's own shows it.",
        ),
    ];
    entries.extend(common(Stage::Archiver, &names.archiver_function));
    entries
}

/// Metrics that the function's own code emits.
fn own(function: &str) -> Source<'_> {
    Source { namespace: metric::NAMESPACE, dimensions: vec![("FunctionName", function)] }
}

/// What Lambda measures of every function.
fn common(stage: Stage, function: &str) -> Vec<Entry> {
    let lambda = Source { namespace: "AWS/Lambda", dimensions: vec![("FunctionName", function)] };
    vec![
        lambda.duration(stage, "duration", "Duration").titled(
            "Duration",
            "Time that the function's code takes, without cold starts. An invocation that reaches the function's \
             timeout is ended and counts as an error.",
        ),
        lambda.count(stage, "invocations", "Invocations", Good::Neither).titled(
            "Invocations",
            "Times that the function was run, errors included. Throttled requests are not in it.",
        ),
        Entry {
            unit: Unit::Percent,
            metric: "Errors, Invocations",
            lines: vec![Line {
                label: "errors",
                value: LineValue::Share {
                    part: vec![lambda.query("Errors", Statistic::Sum)],
                    whole: vec![lambda.query("Invocations", Statistic::Sum)],
                },
            }],
            ..lambda.count(stage, "error-share", "Errors", Good::Low)
        }
        .titled("Share of invocations that failed", "Errors divided by invocations."),
        lambda.count(stage, "errors", "Errors", Good::Low).titled(
            "Errors",
            if stage == Stage::Ingest {
                "Invocations that ended without an answer: a crash or a timeout. The client gets a 5xx and nothing of \
                 its request was accepted."
            } else {
                "Invocations that ended without an answer: a crash or a timeout. Their whole batch becomes visible \
                 again after the visibility timeout. Records that fail one by one are no errors here."
            },
        ),
        lambda.count(stage, "throttles", "Throttles", Good::Low).titled(
            "Throttles",
            "Invocations that were refused because too many ran at once. A queue's messages then wait and are received \
             again, each time with a higher receive count.",
        ),
        lambda.gauge(stage, "concurrency", "ConcurrentExecutions", Good::Neither).titled(
            "Running at once",
            "The largest number of invocations at the same time. At its limit, throttles begin.",
        ),
    ]
}
