//! An incident under traffic of each shape: rules notify, and each only once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use spillway_alerts::evaluate::timelines;
use spillway_alerts::{AlarmState, Limits, MemoryHistory, RuleSet};

/// Monday, 2026-01-05, 00:00 UTC.
const START: i64 = 1_767_571_200;
const MINUTES: i64 = 24 * 60;
/// When every request begins to fail, and when none does any more.
const OUTAGE: std::ops::Range<i64> = 8 * 60..14 * 60;

/// Requests in each minute; CloudWatch has no datapoint of a minute without any.
struct Shape {
    name: &'static str,
    requests: fn(i64) -> u32,
}

const SHAPES: &[Shape] = &[
    Shape { name: "steady: 60 a minute", requests: |_| 60 },
    Shape {
        name: "bursty: 120 in one minute of five",
        requests: |minute| if minute % 5 == 0 { 120 } else { 0 },
    },
    Shape {
        name: "bursty: 50 in one minute of three",
        requests: |minute| if minute % 3 == 0 { 50 } else { 0 },
    },
    Shape { name: "sparse: 1 a minute", requests: |_| 1 },
    Shape {
        // The batch comes a few minutes earlier or later each hour.
        name: "hourly: a batch of 60 an hour",
        requests: |minute| if minute % 60 == [10, 14, 7, 12][(minute / 60 % 4) as usize] { 60 } else { 0 },
    },
    Shape { name: "night: 6 an hour", requests: |minute| if minute % 10 == 3 { 1 } else { 0 } },
];

/// The high rules about requests that end in a server error.
const OUTAGE_RULES: &[&str] =
    &["api-5xx-high", "api-5xx-few-high", "api-5xx-hourly-high", "availability-burn-14x-high"];

/// Rules about requests that are refused as invalid, and about events that break their schema.
const REFUSAL_RULES: &[&str] =
    &["api-4xx-low", "records-rejected-low", "records-rejected-high", "dead-letters-arriving-high"];

fn history(rules: &RuleSet, shape: &Shape) -> MemoryHistory {
    let requests = |minute: i64| match (shape.requests)(minute) {
        0 => f64::NAN,
        requests => f64::from(requests),
    };
    let all: Vec<f64> = (0..MINUTES).map(requests).collect();
    let failed = (0..MINUTES).zip(&all).map(|(minute, requests)| {
        let fails = OUTAGE.contains(&minute) || requests.is_nan();
        if fails { *requests } else { 0.0 }
    });
    let failed: Vec<f64> = failed.collect();
    let good: Vec<f64> = all.iter().zip(&failed).map(|(all, failed)| all - failed).collect();
    let none: Vec<f64> = all.iter().map(|requests| requests * 0.0).collect();
    // SQS has a datapoint of each minute.
    let filled =
        |values: &[f64]| values.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect();
    let mut history = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
    for query in rules.iter().filter_map(|rule| rule.metric()).flat_map(|condition| &condition.queries) {
        let metric = &query.stat.metric;
        let of_dlq = metric.dimensions.iter().any(|one| format!("{:?}", one.value).contains("queues.dlq"));
        let values = match metric.name.as_str() {
            "Count" => all.clone(),
            "5XXError" | "4XXError" | "RecordsRejected" => failed.clone(),
            "RecordsStored" => good.clone(),
            "RecordsRetried" | "RecordsAlreadyStored" => none.clone(),
            "NumberOfMessagesSent" | "NumberOfMessagesReceived" | "NumberOfMessagesDeleted" if of_dlq => {
                filled(&failed)
            }
            "ApproximateNumberOfMessagesVisible" | "ApproximateNumberOfMessagesNotVisible" if of_dlq => {
                filled(&none)
            }
            _ => continue,
        };
        history.insert(query.stat.clone(), values);
    }
    history
}

/// Minutes from the beginning of the outage to each time the rule fired.
fn fired(rules: &RuleSet, shape: &Shape) -> Vec<(String, Vec<i64>)> {
    let found = timelines(rules, &history(rules, shape), START, START + MINUTES * 60, None).unwrap();
    let rules = rules.iter().zip(found);
    let minutes = |at: i64| (at - START) / 60 - OUTAGE.start;
    rules
        .map(|(rule, timeline)| {
            let alarms = timeline.changes.iter().filter(|(_, state)| *state == AlarmState::Alarm);
            (rule.name.to_string(), alarms.map(|(at, _)| minutes(*at)).collect())
        })
        .collect()
}

/// A row for each traffic, a column for each rule: minutes until it fires. None fires twice.
fn table(columns: &[&str]) -> Vec<Vec<String>> {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let row = |shape: &Shape| {
        let fired = fired(&rules, shape);
        let cell = |name: &&str| {
            let (_, times) = fired.iter().find(|(rule, _)| rule == name).unwrap();
            assert!(times.len() < 2, "{}: {name} fires {times:?}", shape.name);
            assert!(times.iter().all(|after| OUTAGE.contains(&(after + OUTAGE.start))), "{name}: {times:?}");
            times.first().map_or_else(|| "no".to_owned(), ToString::to_string)
        };
        columns.iter().map(cell).collect()
    };
    SHAPES.iter().map(row).collect()
}

/// `docs/alarms.md` has this table.
fn is_documented(columns: &[&str], cells: &[Vec<String>]) {
    let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    let mut table = format!("| traffic | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(columns.len()));
    for (shape, cells) in SHAPES.iter().zip(cells) {
        table.push_str(&format!("| {} | {} |\n", shape.name, cells.join(" | ")));
    }
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alarms.md");
    let document = std::fs::read_to_string(document).unwrap();
    assert!(document.contains(&table), "docs/alarms.md has another table than this:\n{table}");
}

#[test]
fn a_total_outage_notifies_once_under_traffic_of_each_shape() {
    let cells = table(OUTAGE_RULES);
    for (shape, cells) in SHAPES.iter().zip(&cells) {
        assert!(cells.iter().any(|cell| cell != "no"), "{}: the outage notifies nobody", shape.name);
    }
    is_documented(OUTAGE_RULES, &cells);
}

#[test]
fn refused_requests_and_rejected_events_notify_once_under_traffic_of_each_shape() {
    is_documented(REFUSAL_RULES, &table(REFUSAL_RULES));
}
