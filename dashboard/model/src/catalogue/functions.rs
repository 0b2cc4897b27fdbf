//! The functions' charts.

use super::{Entry, Good, Source, Stage};
use crate::metrics::{Gaps, Line, LineValue};
use spillway_core::names::Names;
use spillway_metrics::{Function, Statistic, Unit, archiver, consumer, function};

pub(super) fn ingest(names: &Names) -> Vec<Entry> {
    common(Stage::Ingest, (&names.ingest_function).into())
}

pub(super) fn consumer(names: &Names) -> Vec<Entry> {
    let code = Source(Function::from(&names.consumer_function));
    let stage = Stage::Consumer;
    let mut entries = vec![
        code.duration(stage, "accept-to-stored", consumer::ACCEPT_TO_STORED).titled(
            "Time from accepted to stored",
            "From the 202 to the event being in the table, waits between attempts included: what the pipeline takes as \
             a whole. Only stored events have it, so events that are stuck show up elsewhere: in the queue's age and \
             in the receive counts.",
        ),
        Entry {
            lines: vec![
                code.line("stored", consumer::RECORDS_STORED, Statistic::Sum),
                code.line("already stored", consumer::RECORDS_ALREADY_STORED, Statistic::Sum),
                code.line("to be tried again", consumer::RECORDS_RETRIED, Statistic::Sum),
                code.line("dead-lettered", consumer::RECORDS_REJECTED, Statistic::Sum),
            ],
            ..code.count(stage, "records", consumer::RECORDS_STORED, Good::Neither)
        }
        .titled(
            "What came of each record",
            "Each record of a batch has an outcome of its own. Already stored: the same event came twice, which the \
             queue may do at any time. An event that is tried again counts once for each attempt.",
        ),
        Entry {
            lines: vec![
                code.line("max", consumer::RECEIVE_COUNT, Statistic::Maximum),
                code.line("p99", consumer::RECEIVE_COUNT, Statistic::P99),
                code.line("p50", consumer::RECEIVE_COUNT, Statistic::P50),
            ],
            gaps: Gaps::Unknown,
            ..code.count(stage, "receive-count", consumer::RECEIVE_COUNT, Good::Low)
        }
        .titled(
            "Receive count of records",
            "How many times the records that the consumer works on have been received, this time included. 1 is \
             normal. It is the early warning before the dead letter queue: the queue's age metric leaves out \
             messages received three times or more, so between receive 3 and the last one only this shows them.",
        ),
    ];
    entries.extend(common(stage, (&names.consumer_function).into()));
    entries.push(
        Entry {
            lines: vec![
                code.line("average", consumer::BATCH_SIZE, Statistic::Average),
                code.line("max", consumer::BATCH_SIZE, Statistic::Maximum),
            ],
            gaps: Gaps::Unknown,
            ..code.count(stage, "batch-size", consumer::BATCH_SIZE, Good::Neither)
        }
        .titled(
            "Records in a batch",
            "Full batches over a long time mean that the consumer is not keeping up.",
        ),
    );
    entries
}

pub(super) fn archiver(names: &Names) -> Vec<Entry> {
    let code = Source(Function::from(&names.archiver_function));
    let mut entries = vec![
        code.gauge(Stage::Archiver, "oldest-dead-letter", archiver::OLDEST_DEAD_LETTER_AGE, Good::Low).titled(
            "Age of the oldest dead letter archived",
            "Time since its event was first sent. A dead letter expires by that time, 14 days after it, and not by the \
             time at which it came to the dead letter queue; no metric of the queue's own shows it.",
        ),
    ];
    entries.extend(common(Stage::Archiver, (&names.archiver_function).into()));
    entries
}

/// What Lambda measures of every function.
fn common(stage: Stage, function: Function) -> Vec<Entry> {
    let lambda = Source(function);
    vec![
        lambda.duration(stage, "duration", function::DURATION).titled(
            "Duration",
            "Time that the function's code takes, without cold starts. An invocation that reaches the function's \
             timeout is ended and counts as an error.",
        ),
        lambda.count(stage, "invocations", function::INVOCATIONS, Good::Neither).titled(
            "Invocations",
            "Times that the function was run, errors included. Throttled requests are not in it.",
        ),
        Entry {
            unit: Unit::Percent,
            lines: vec![Line {
                label: "errors",
                value: LineValue::Share {
                    part: vec![lambda.query(function::ERRORS, Statistic::Sum)],
                    whole: vec![lambda.query(function::INVOCATIONS, Statistic::Sum)],
                },
            }],
            ..lambda.count(stage, "error-share", function::ERRORS, Good::Low)
        }
        .titled("Share of invocations that failed", "Errors divided by invocations."),
        lambda.count(stage, "errors", function::ERRORS, Good::Low).titled(
            "Errors",
            if stage == Stage::Ingest {
                "Invocations that ended without an answer: a crash or a timeout. The client gets a 5xx and nothing of \
                 its request was accepted."
            } else {
                "Invocations that ended without an answer: a crash or a timeout. Their whole batch becomes visible \
                 again after the visibility timeout. Records that fail one by one are no errors here."
            },
        ),
        lambda.count(stage, "throttles", function::THROTTLES, Good::Low).titled(
            "Throttles",
            "Invocations that were refused because too many ran at once. A queue's messages then wait and are received \
             again, each time with a higher receive count.",
        ),
        lambda.gauge(stage, "concurrency", function::CONCURRENCY, Good::Neither).titled(
            "Running at once",
            "The largest number of invocations at the same time. At its limit, throttles begin.",
        ),
    ]
}
