//! The functions' charts.

use super::{Entry, Good, Source, Stage};
use crate::metrics::{Gaps, Line, LineValue};
use spillway_core::names::Names;
use spillway_metrics::{Function, Statistic, Unit, archiver, consumer, function, ingest};

pub(super) fn ingest(names: &Names) -> Vec<Entry> {
    let code = Source(Function::from(&names.ingest_function));
    let mut entries =
        vec![code.count(Stage::Ingest, "accepted", ingest::EVENTS_ACCEPTED, Good::Neither).titled(
            "Events accepted",
            "Events that are on disk in the queue, and whose clients got the 202. Dead letters that a replay puts back are not \
             among them.",
        )];
    entries.extend(common(Stage::Ingest, (&names.ingest_function).into()));
    entries
}

pub(super) fn consumer(names: &Names) -> Vec<Entry> {
    let code = Source(Function::from(&names.consumer_function));
    let stage = Stage::Consumer;
    let mut entries = vec![
        code.duration(stage, "accept-to-stored", consumer::ACCEPT_TO_STORED).titled(
            "Time from accepted to stored",
            "From the 202 to the event in the table, waits between attempts included. Only stored events \
             have it, and not those of a replay. Events that are stuck appear in the age of the oldest event.",
        ),
        Entry {
            lines: vec![
                code.line("stored", consumer::RECORDS_STORED, Statistic::Sum),
                code.line("already stored", consumer::RECORDS_ALREADY_STORED, Statistic::Sum),
                code.line("to be retried", consumer::RECORDS_RETRIED, Statistic::Sum),
                code.line("dead-lettered", consumer::RECORDS_REJECTED, Statistic::Sum),
                code.line("of a replay", consumer::RECORDS_REPLAYED, Statistic::Sum),
            ],
            ..code.count(stage, "records", consumer::RECORDS_STORED, Good::Neither)
        }
        .titled(
            "Record outcomes",
            "Each record of a batch has its own outcome. Already stored: the queue delivered the event \
             twice, which may happen at any time. A retried event counts once per attempt. Of a replay: the part of those stored \
             that an operator had put back.",
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
            "How many times the consumer's records have been received, this time included. 1 is normal. It \
             is the early warning before the dead letter queue: the queue's age metric leaves out messages \
             received three times or more. From receive 3 on, only this chart shows them.",
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
        .titled("Records in a batch", "Full batches over a long time mean that the consumer is too slow."),
    );
    entries.push(code.gauge(stage, "unusable-schemas", consumer::UNUSABLE_SCHEMAS, Good::Low).titled(
        "Schemas that can't be used",
        "The version before it stays active. Without one, events of that type become dead letters. The overview names \
         the files.",
    ));
    entries
}

pub(super) fn archiver(names: &Names) -> Vec<Entry> {
    let code = Source(Function::from(&names.archiver_function));
    let mut entries = vec![
        code.gauge(Stage::Archiver, "oldest-dead-letter", archiver::OLDEST_DEAD_LETTER_AGE, Good::Low).titled(
            "Age of the oldest dead letter archived",
            "Time since its event was first sent. A dead letter expires 14 days after that time, not 14 days \
             after its move to the dead letter queue. No metric of the queue shows this age.",
        ),
    ];
    entries.extend(common(Stage::Archiver, (&names.archiver_function).into()));
    entries
}

/// The metrics that Lambda measures for every function.
fn common(stage: Stage, function: Function) -> Vec<Entry> {
    let lambda = Source(function);
    vec![
        lambda.duration(stage, "duration", function::DURATION).titled(
            "Duration",
            "Run time of the function's code, without cold starts. Lambda ends an invocation at the \
             function's timeout, and counts it as an error.",
        ),
        lambda.count(stage, "invocations", function::INVOCATIONS, Good::Neither).titled(
            "Invocations",
            "Number of runs of the function, errors included. Throttled requests are not included.",
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
                "Invocations that ended without an answer: a crash or a timeout. The client gets a 5xx, and \
                 no event of its request was accepted."
            } else {
                "Invocations that ended without an answer: a crash or a timeout. Their whole batch becomes visible \
                 again after the visibility timeout. Single failed records do not count as errors here."
            },
        ),
        lambda.count(stage, "throttles", function::THROTTLES, Good::Low).titled(
            "Throttles",
            "Invocations that were refused because too many ran at once. A queue's messages then wait and are received \
             again, each time with a higher receive count.",
        ),
        lambda.gauge(stage, "concurrency", function::CONCURRENCY, Good::Neither).titled(
            "Concurrency",
            "Maximum number of invocations at the same time. At the limit, throttling begins.",
        ),
    ]
}
