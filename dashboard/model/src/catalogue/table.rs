//! The table's charts, and those of the account.

use super::{Entry, Good, Source, Stage};
use crate::metrics::{Line, LineValue};
use crate::{MetricQuery, Statistic};
use spillway_core::metric::Unit;
use spillway_core::names::Names;

const NAMESPACE: &str = "AWS/DynamoDB";
/// The only call that writes: a conditional put for each event.
const WRITE: (&str, &str) = ("Operation", "PutItem");

/// 100 × part ÷ all requests, where a request is throttled, failed or done. After AWS's sample for monitoring DynamoDB
/// for operational awareness, which alarms at 2 % on both.
fn share_of_requests(label: &'static str, part: MetricQuery, writes: &Source<'_>) -> Line {
    let whole = vec![
        writes.query("ThrottledRequests", Statistic::Sum),
        writes.query("SystemErrors", Statistic::Sum),
        writes.query("SuccessfulRequestLatency", Statistic::SampleCount),
    ];
    Line { label, value: LineValue::Share { part: vec![part], whole } }
}

pub(super) fn entries(names: &Names) -> Vec<Entry> {
    let stage = Stage::Table;
    let table = Source { namespace: NAMESPACE, dimensions: vec![("TableName", &names.table)] };
    let writes = Source { namespace: NAMESPACE, dimensions: vec![("TableName", &names.table), WRITE] };
    let [throttled, failed] =
        ["ThrottledRequests", "SystemErrors"].map(|name| writes.query(name, Statistic::Sum));
    let consumed = table.query("ConsumedWriteCapacityUnits", Statistic::Sum);
    let provisioned = table.query("ProvisionedWriteCapacityUnits", Statistic::Maximum);
    vec![
        Entry {
            unit: Unit::Percent,
            metric: "ThrottledRequests, SystemErrors, SuccessfulRequestLatency",
            lines: vec![
                share_of_requests("throttled", throttled, &writes),
                share_of_requests("failed", failed, &writes),
            ],
            ..writes.count(stage, "error-share", "ThrottledRequests", Good::Low)
        }
        .titled(
            "Share of writes refused",
            "Of all writes (done, throttled and failed), how many the table refused for lack of capacity and how many \
             it failed on. The events are tried again with growing waits. DynamoDB reports the counts only when they are not 0; \
             here a missing one counts as 0.",
        ),
        Entry {
            metric: "ConsumedWriteCapacityUnits, ProvisionedWriteCapacityUnits",
            lines: vec![
                Line { label: "consumed", value: LineValue::PerSecond(consumed.clone()) },
                Line { label: "provisioned", value: LineValue::Statistic(provisioned.clone()) },
            ],
            ..table.count(stage, "write-capacity", "ConsumedWriteCapacityUnits", Good::Neither)
        }
        .titled(
            "Write capacity, units a second",
            "A unit writes up to 1 KB. Consumed is the mean over the period: a short burst may be throttled although \
             the mean is far below what is provisioned.",
        ),
        Entry {
            unit: Unit::Percent,
            metric: "ConsumedWriteCapacityUnits, ProvisionedWriteCapacityUnits",
            lines: vec![Line {
                label: "used",
                value: LineValue::CapacityUse { used: consumed, allowed: provisioned },
            }],
            ..table.count(stage, "capacity-use", "ConsumedWriteCapacityUnits", Good::Low)
        }
        .titled(
            "Write capacity used",
            "Consumed divided by provisioned write capacity. From about 80 % on, bursts are throttled.",
        ),
        writes.count(stage, "throttled", "ThrottledRequests", Good::Low).titled(
            "Writes throttled",
            "Requests refused for lack of capacity, one for each request.",
        ),
        table.count(stage, "write-throttle-events", "WriteThrottleEvents", Good::Low).titled(
            "Write throttle events",
            "Single items refused for lack of capacity. A request with several items can count more than once here and \
             once under writes throttled.",
        ),
        writes.count(stage, "system-errors", "SystemErrors", Good::Low).titled(
            "Writes failed",
            "Requests that the table service answered with an error of its own (5xx). The write may have happened all \
             the same; writing again is safe.",
        ),
        writes.duration(stage, "latency", "SuccessfulRequestLatency").titled(
            "Write latency",
            "Time for a successful write, measured inside the service: the network and the client's own retries are \
             not in it.",
        ),
    ]
}

pub(super) fn account() -> Vec<Entry> {
    let account = Source { namespace: NAMESPACE, dimensions: Vec::new() };
    let stage = Stage::Account;
    vec![
        Entry {
            unit: Unit::Percent,
            ..account.gauge(
                stage,
                "account-utilisation",
                "AccountProvisionedWriteCapacityUtilization",
                Good::Low,
            )
        }
        .titled(
            "Write capacity provisioned, of the account's limit",
            "All tables of the region together. At 100 % no table can be given more; AWS's sample alarms at 80 %.",
        ),
        Entry {
            unit: Unit::Percent,
            ..account.gauge(
                stage,
                "largest-table-utilisation",
                "MaxProvisionedTableWriteCapacityUtilization",
                Good::Low,
            )
        }
        .titled(
            "Write capacity provisioned, of the limit for one table",
            "The table with the most provisioned capacity against the limit for a single table. AWS's sample alarms at \
             80 %.",
        ),
        account.count(stage, "user-errors", "UserErrors", Good::Low).titled(
            "User errors",
            "Requests that the table service refused as wrong (4xx other than throttling), of all tables of the \
             region: the metric has no dimension, so it does not say whose they are. A condition that was not \
             met, as for an event that is stored already, is not among them.",
        ),
    ]
}
