//! An incident under traffic of each shape: rules notify, and each only once. `docs/alarm-shapes.md` has the result.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use expect_test::expect_file;
use jiff::Timestamp;
use spillway_alerts::evaluate::timelines;
use spillway_alerts::incidents::{Families, Tracker, TrackerState};
use spillway_alerts::{AlarmState, Limits, RuleSet, StateChange, Tier};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use world::{FAULT, Fault, MINUTES, SHAPES, START, Shape, World};

struct Incident {
    title: &'static str,
    fault: Fault,
    /// Whether a high alarm must report it under each traffic.
    pages: bool,
}

const INCIDENTS: &[Incident] = &[
    Incident { title: "The ingest function fails at each request", fault: Fault::IngestFails, pages: true },
    Incident {
        title: "Lambda throttles each request to the ingest function",
        fault: Fault::IngestIsThrottled,
        pages: true,
    },
    Incident { title: "Each request takes nine seconds", fault: Fault::IngestIsSlow, pages: false },
    Incident { title: "Each request is refused as invalid", fault: Fault::RequestsAreInvalid, pages: false },
    Incident { title: "Accepted events do not reach the queue", fault: Fault::EventsAreLost, pages: true },
    Incident { title: "Each event breaks its schema", fault: Fault::EventsBreakTheirSchema, pages: false },
    Incident { title: "The table fails each write", fault: Fault::StoreFails, pages: true },
    Incident { title: "The table throttles each write", fault: Fault::StoreThrottles, pages: true },
    Incident { title: "Each write takes half a minute", fault: Fault::StoreIsSlow, pages: false },
    Incident { title: "The consumer crashes at each batch", fault: Fault::ConsumerCrashes, pages: true },
    Incident {
        title: "Lambda throttles each batch of the consumer",
        fault: Fault::ConsumerIsThrottled,
        pages: true,
    },
    Incident { title: "No consumer asks for messages", fault: Fault::ConsumerIsGone, pages: true },
    Incident { title: "Each event was stored before", fault: Fault::EventsAreDuplicates, pages: false },
    Incident {
        title: "Each event breaks its schema, and the archiver fails at each dead letter",
        fault: Fault::ArchiverFails,
        pages: false,
    },
    Incident {
        title: "Each event breaks its schema, and no archiver asks for dead letters",
        fault: Fault::ArchiverIsGone,
        pages: true,
    },
];

/// The rules as Terraform deploys them: how many requests to expect at any hour is not set.
fn rules() -> RuleSet {
    let mut limits = Limits::built_in().unwrap();
    limits.set("api.expected_requests_per_5_minutes", 0.0);
    RuleSet::built_in(&limits).unwrap()
}

/// When each rule that notifies fired, in minutes from the beginning of the fault.
fn fired(rules: &RuleSet, shape: &Shape, fault: Fault) -> Vec<Vec<i64>> {
    let world = World::of(rules, shape, fault);
    let found = timelines(rules, &world, START, START + MINUTES as i64 * 60, None).unwrap();
    let minutes = |at: i64| (at - START) / 60 - FAULT.start as i64;
    let alarms = rules.iter().zip(found).filter(|(rule, _)| rule.notify).map(|(_, timeline)| {
        let alarms = timeline.changes.iter().filter(|(_, state)| *state == AlarmState::Alarm);
        alarms.map(|(at, _)| minutes(*at)).collect()
    });
    alarms.collect()
}

#[test]
fn no_rule_fires_without_a_fault_under_traffic_of_each_shape() {
    let rules = rules();
    let names: Vec<_> = rules.iter().filter(|rule| rule.notify).map(|rule| &rule.name).collect();
    for shape in SHAPES {
        for (name, fired) in names.iter().zip(fired(&rules, shape, Fault::Nothing)) {
            assert!(fired.is_empty(), "{}: {name} fires at {fired:?}", shape.name);
        }
    }
}

#[test]
fn each_incident_notifies_once_under_traffic_of_each_shape() {
    let rules = rules();
    let notifying: Vec<_> = rules.iter().filter(|rule| rule.notify).collect();
    let mut wrong = Vec::new();
    let mut tables = String::new();
    let mut silent: BTreeSet<&str> = notifying.iter().map(|rule| rule.name.as_str()).collect();
    for incident in INCIDENTS {
        let columns: Vec<_> = SHAPES.iter().map(|shape| fired(&rules, shape, incident.fault)).collect();
        for (shape, column) in SHAPES.iter().zip(&columns) {
            let place = format!("{}; {}", incident.title, shape.name);
            let mut told = false;
            for (rule, fired) in notifying.iter().zip(column) {
                told |= !fired.is_empty() && (!incident.pages || rule.tier == Tier::High);
                if fired.len() > 1 || fired.iter().any(|after| *after < 0) {
                    wrong.push(format!("{place}: {} fires at {fired:?}", rule.name));
                }
            }
            if !told {
                wrong.push(format!("{place}: {}", if incident.pages { "pages nobody" } else { "is silent" }));
            }
        }
        let shapes: Vec<&str> = SHAPES.iter().filter_map(|shape| shape.name.split(':').next()).collect();
        let _ = write!(
            tables,
            "\n## {}\n\n| rule | {} |\n|---|{}\n",
            incident.title,
            shapes.join(" | "),
            "---|".repeat(shapes.len())
        );
        for (index, rule) in notifying.iter().enumerate() {
            if columns.iter().all(|column| column[index].is_empty()) {
                continue;
            }
            silent.remove(rule.name.as_str());
            let cell = |column: &Vec<Vec<i64>>| match &column[index][..] {
                [] => "–".to_owned(),
                fired => format!("{}, {}×", fired[0], fired.len()),
            };
            let cells: Vec<_> = columns.iter().map(cell).collect();
            let _ = writeln!(tables, "| `{}` | {} |", rule.name, cells.join(" | "));
        }
    }
    tables.push_str(
        "\n## In none of these\n\n\
         These rules do not follow from the requests of a day. They watch the number of requests itself, limits of the account, the\n\
         functions and the table, cost, certificates, schemas, backups, notifications, what CloudFront and S3 refuse, and ages of\n\
         days. Their scenarios are in `alerts/tests/scenarios`.\n\n",
    );
    for name in silent {
        let _ = writeln!(tables, "* `{name}`");
    }
    // `UPDATE_EXPECT=1 cargo test -p spillway-alerts --test alarms traffic_shapes` writes it again.
    expect_file!["../../../docs/alarm-shapes.md"].assert_eq(&format!("{}{tables}", introduction()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The high alerts of a day with some faults, in minutes from their beginning, and the firings of high rules that notify.
fn high_alerts(rules: &RuleSet, shape: &Shape, faults: &[Fault]) -> (Vec<i64>, Vec<i64>) {
    let minutes = |at: i64| (at - START) / 60 - FAULT.start as i64;
    let mut changes = Vec::new();
    for fault in faults {
        let world = World::of(rules, shape, *fault);
        let found = timelines(rules, &world, START, START + MINUTES as i64 * 60, None).unwrap();
        for (rule, timeline) in rules.iter().zip(found) {
            for both in timeline.changes.windows(2) {
                let ((_, from), (at, to)) = (both[0], both[1]);
                let at = Timestamp::from_second(at).unwrap();
                changes.push(StateChange { rule: rule.name.clone(), at, from, to, reason: String::new() });
            }
        }
    }
    changes.sort_by_key(|change| change.at);
    let is_high = |change: &&StateChange| {
        let rule = rules.get(change.rule.as_str()).unwrap();
        change.to == AlarmState::Alarm && rule.notify && rule.tier == Tier::High
    };
    let today = changes.iter().filter(is_high).map(|change| minutes(change.at.as_second())).collect();
    let news = Tracker::new(Families::of(rules), TrackerState::default()).take(&changes);
    let alerts = news.iter().filter(|of| of.tier == Tier::High && of.news.is_alert());
    (alerts.map(|of| minutes(of.change.at.as_second())).collect(), today)
}

#[test]
fn each_incident_has_one_high_alert_as_early_as_its_first_high_alarm() {
    let rules = rules();
    let mut wrong = Vec::new();
    for incident in INCIDENTS {
        for shape in SHAPES {
            let (alerts, alarms) = high_alerts(&rules, shape, &[incident.fault]);
            // One that pages no engineer under some traffic has no high alarm there. In these two cases the events are
            // invalid and the archiver has a fault: two incidents, of which each may page.
            let faults = match incident.fault {
                Fault::ArchiverFails | Fault::ArchiverIsGone => 2,
                _ => 1,
            };
            let is_right = match alarms.is_empty() {
                true => alerts.is_empty(),
                false => (1..=faults).contains(&alerts.len()),
            };
            if !is_right || alerts.first() != alarms.first() {
                wrong.push(format!("{}; {}: {alerts:?} of {alarms:?}", incident.title, shape.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_faults_at_once_have_two_high_alerts() {
    let rules = rules();
    let steady = &SHAPES[0];
    let mut wrong = Vec::new();
    for pair in [
        [Fault::StoreFails, Fault::IngestFails],
        [Fault::StoreFails, Fault::EventsBreakTheirSchema],
        [Fault::StoreFails, Fault::ConsumerCrashes],
        [Fault::IngestFails, Fault::ConsumerCrashes],
        [Fault::IngestFails, Fault::EventsAreLost],
        [Fault::EventsBreakTheirSchema, Fault::ConsumerIsThrottled],
    ] {
        let first = |fault| high_alerts(&rules, steady, &[fault]).0[0];
        let mut alone = pair.map(first);
        alone.sort_unstable();
        let (both, alarms) = high_alerts(&rules, steady, &pair);
        if both != alone {
            wrong.push(format!("{both:?}, and alone {alone:?}, of {alarms:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn introduction() -> String {
    let mut text = String::from(
        "# Alarms under traffic of each shape\n\
         \n\
         Requests do not come evenly. Each table shows an incident of six hours. A cell has the minutes until the rule fires, and\n\
         how often it fires in that day; – means never. No rule fires twice, and none without an incident. Each incident fires a\n\
         rule under each traffic, and a high one if events are at risk.\n\
         \n\
         The page is generated: a test of `alerts` simulates each day, evaluates every rule, and compares the result with this page.\n\
         `UPDATE_EXPECT=1 cargo test -p spillway-alerts --test alarms traffic_shapes` writes it again.\n\
         \n",
    );
    for shape in SHAPES {
        let (name, what) = shape.name.split_once(": ").unwrap();
        let _ = writeln!(text, "* **{name}**: {what}");
    }
    text
}
