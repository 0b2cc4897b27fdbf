//! The table's charts, and those of the account.

use super::{Entry, Good, Source, Stage};
use crate::metrics::{Line, LineValue};
use spillway_core::names::Names;
use spillway_metrics::{Account, MetricQuery, Statistic, Table, Unit, Writes, account, table, writes};

/// 100 × part ÷ all requests, where a request is throttled, failed or done. AWS's sample for monitoring DynamoDB for
/// operational awareness alarms at 2 % for both.
fn share_of_requests(label: &'static str, part: MetricQuery, source: &Source<Writes>) -> Line {
    let whole = vec![
        source.query(writes::THROTTLED, Statistic::Sum),
        source.query(writes::FAILED, Statistic::Sum),
        source.query(writes::LATENCY, Statistic::SampleCount),
    ];
    Line { label, value: LineValue::Share { part: vec![part], whole } }
}

pub(super) fn entries(names: &Names) -> Vec<Entry> {
    let stage = Stage::Table;
    let of_table = Source(Table::from(&names.table));
    let of_writes = Source(Writes::from(&names.table));
    let [throttled, failed] =
        [writes::THROTTLED, writes::FAILED].map(|metric| of_writes.query(metric, Statistic::Sum));
    let consumed = of_table.query(table::CONSUMED_WRITES, Statistic::Sum);
    let provisioned = of_table.query(table::PROVISIONED_WRITES, Statistic::Maximum);
    vec![
        Entry {
            unit: Unit::Percent,
            lines: vec![
                share_of_requests("throttled", throttled, &of_writes),
                share_of_requests("failed", failed, &of_writes),
            ],
            ..of_writes.count(stage, "error-share", writes::THROTTLED, Good::Low)
        }
        .titled(
            "Share of writes refused",
            "The share of all writes (done, throttled and failed) that the table refused for lack of \
             capacity, and the share that failed. The consumer retries the events with growing delays. \
             DynamoDB reports the counts only when they are not 0; here a missing one counts as 0.",
        ),
        Entry {
            lines: vec![
                Line { label: "consumed", value: LineValue::PerSecond(consumed.clone()) },
                Line { label: "provisioned", value: LineValue::Statistic(provisioned.clone()) },
            ],
            ..of_table.count(stage, "write-capacity", table::CONSUMED_WRITES, Good::Neither)
        }
        .titled(
            "Write capacity, units a second",
            "A unit writes up to 1 KB. Consumed is the mean over the period: a short burst may be throttled although \
             the mean is far below what is provisioned.",
        ),
        Entry {
            unit: Unit::Percent,
            lines: vec![Line {
                label: "used",
                value: LineValue::CapacityUse { used: consumed, allowed: provisioned },
            }],
            ..of_table.count(stage, "capacity-use", table::CONSUMED_WRITES, Good::Low)
        }
        .titled(
            "Write capacity used",
            "Consumed divided by provisioned write capacity. From about 80 % on, bursts are throttled.",
        ),
        of_writes.count(stage, "throttled", writes::THROTTLED, Good::Low).titled(
            "Writes throttled",
            "Requests refused for lack of capacity, one for each request.",
        ),
        of_table.count(stage, "write-throttle-events", table::WRITE_THROTTLES, Good::Low).titled(
            "Write throttle events",
            "Single items refused for lack of capacity. A request with several items can count more than once here and \
             once under writes throttled.",
        ),
        of_writes.count(stage, "system-errors", writes::FAILED, Good::Low).titled(
            "Writes failed",
            "Requests that the table service answered with a server error (5xx). The write may have \
             succeeded. Writing again is safe.",
        ),
        of_writes.duration(stage, "latency", writes::LATENCY).titled(
            "Write latency",
            "Duration of a successful write, measured inside the service, without the network and the \
             client's retries.",
        ),
    ]
}

pub(super) fn account() -> Vec<Entry> {
    let source = Source(Account);
    let stage = Stage::Account;
    vec![
        source.gauge(stage, "account-utilisation", account::PROVISIONED_SHARE, Good::Low).titled(
            "Write capacity provisioned, of the account's limit",
            "The sum of all tables of the region. At 100 % no table can get more. AWS's sample alarms at 80 %.",
        ),
        source.gauge(stage, "largest-table-utilisation", account::LARGEST_TABLE_SHARE, Good::Low).titled(
            "Write capacity provisioned, of the limit for one table",
            "The table with the most provisioned capacity against the limit for a single table. AWS's sample alarms at \
             80 %.",
        ),
        source.count(stage, "user-errors", account::USER_ERRORS, Good::Low).titled(
            "User errors",
            "Requests that the table service refused as invalid (4xx other than throttling). They are of all \
             tables of the region: the metric has no dimension. Failed conditions, as for an event that is \
             stored already, are not included.",
        ),
    ]
}
