//! A total outage under traffic of each shape: the high rules of the API notify, and each only once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use spillway_alerts::evaluate::timelines;
use spillway_alerts::{AlarmState, Limits, MemoryHistory, RuleSet, Tier};

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
const RULES: &[&str] =
    &["api-5xx-high", "api-5xx-few-high", "api-5xx-hourly-high", "availability-burn-14x-high"];

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
    let mut history = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
    for query in rules.iter().filter_map(|rule| rule.metric()).flat_map(|condition| &condition.queries) {
        match query.stat.metric.name.as_str() {
            "Count" => history.insert(query.stat.clone(), all.clone()),
            "5XXError" => history.insert(query.stat.clone(), failed.clone()),
            _ => {}
        }
    }
    history
}

/// Minutes from the beginning of the outage to each time the rule fired.
fn fired(rules: &RuleSet, shape: &Shape) -> Vec<(String, Vec<i64>)> {
    let found = timelines(rules, &history(rules, shape), START, START + MINUTES * 60, None).unwrap();
    let rules = rules.iter().zip(found).filter(|(rule, _)| rule.tier == Tier::High && rule.notify);
    let minutes = |at: i64| (at - START) / 60 - OUTAGE.start;
    rules
        .map(|(rule, timeline)| {
            let alarms = timeline.changes.iter().filter(|(_, state)| *state == AlarmState::Alarm);
            (rule.name.to_string(), alarms.map(|(at, _)| minutes(*at)).collect())
        })
        .collect()
}

#[test]
fn a_total_outage_notifies_once_under_traffic_of_each_shape() {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let names: Vec<String> = RULES.iter().map(|name| format!("`{name}`")).collect();
    let mut table = format!("| traffic | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(RULES.len()));
    for shape in SHAPES {
        let fired = fired(&rules, shape);
        let mut cells = Vec::new();
        for name in RULES {
            let (_, times) = fired.iter().find(|(rule, _)| rule == name).unwrap();
            assert!(times.len() < 2, "{}: {name} fires {times:?}", shape.name);
            assert!(times.iter().all(|after| OUTAGE.contains(&(after + OUTAGE.start))), "{name}: {times:?}");
            cells.push(times.first().map_or_else(|| "no".to_owned(), |after| format!("{after}")));
        }
        assert!(cells.iter().any(|cell| cell != "no"), "{}: the outage notifies nobody", shape.name);
        table.push_str(&format!("| {} | {} |\n", shape.name, cells.join(" | ")));
    }
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alarms.md");
    let document = std::fs::read_to_string(document).unwrap();
    assert!(document.contains(&table), "docs/alarms.md has another table than this:\n{table}");
}
