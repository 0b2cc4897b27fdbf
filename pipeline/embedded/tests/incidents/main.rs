//! Simulated incidents on the real runtime. A low alarm announces each incident before a high one does. A normal week
//! pages no engineer. Every metric that a rule watches is recorded.

#![expect(clippy::print_stdout, reason = "`cargo xtask bench` and `cargo xtask test` show these tables")]

mod scenario;

use scenario::{DAY, HOUR, Observed, Scenario};
use spillway_alerts::{History, Slots, Tier};
use spillway_core::settings::PipelineSettings;
use spillway_embedded::alarms::TelemetryHistory;
use spillway_embedded::faults::FaultKind;
use spillway_embedded::telemetry::TelemetryReader;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Most low firings in a normal week.
const LOW_A_WEEK: usize = 5;

/// Metrics that rules watch and the embedded runtime does not record, with the reason.
const NOT_RECORDED: &[(&str, &str)] = &[
    (
        "Maximum of Spillway DeadLettersUnindexed FunctionName=functions.archiver",
        "on one machine the archive is one table, without a separate index",
    ),
    ("Maximum of AWS/Lambda ClaimedAccountConcurrency", NO_SERVICE),
    ("Sum of AWS/S3 AllRequests BucketName=archive FilterId=EntireBucket", NO_SERVICE),
    ("Sum of AWS/S3 4xxErrors BucketName=archive FilterId=EntireBucket", NO_SERVICE),
    ("Sum of AWS/S3 5xxErrors BucketName=archive FilterId=EntireBucket", NO_SERVICE),
    ("Sum of AWS/Backup NumberOfBackupJobsFailed BackupVaultName=backup.vault", NO_SERVICE),
    ("Sum of AWS/SNS NumberOfNotificationsFailed TopicName=topics.high", NO_SERVICE),
    ("Sum of AWS/SNS NumberOfNotificationsFailed TopicName=topics.low", NO_SERVICE),
    ("Average of AWS/DynamoDB ReplicationLatency TableName=table ReceivingRegion=table.replica", NO_SERVICE),
    ("Minimum of AWS/CertificateManager DaysToExpiry CertificateArn=api.certificate", NO_SERVICE),
    ("Sum of AWS/CloudFront Requests DistributionId=api.distribution Region=Global", NO_SERVICE),
    ("Average of AWS/CloudFront 5xxErrorRate DistributionId=api.distribution Region=Global", NO_SERVICE),
];

const NO_SERVICE: &str = "one machine has no such service";

/// Noon on Sunday, when incidents begin: there is enough traffic for rates to mean something.
const NOON: i64 = 12 * HOUR;

fn store_outage() -> Scenario {
    let faults = vec![(FaultKind::STORE_OUTAGE, NOON * 60, (NOON + 3 * HOUR) * 60)];
    Scenario { faults, ..begins_at_eleven(NOON + HOUR) }
}

/// The store's capacity falls from one and a half times what is needed to an eighth of it within four hours.
fn throttling_ramp() -> Scenario {
    let settings = PipelineSettings { write_capacity_units: 4.0, ..PipelineSettings::default() };
    let step = |number: i64| {
        let from = (NOON + number * 10) * 60;
        (FaultKind::StoreThrottle { capacity: 0.5 - number as f64 * 0.019 }, from, from + 600)
    };
    Scenario { faults: (0..24).map(step).collect(), settings, ..begins_at_eleven(NOON + 4 * HOUR) }
}

/// For half an hour the store refuses one event in five, at every attempt.
fn poison_burst() -> Scenario {
    Scenario { refused: NOON..NOON + HOUR / 2, ..begins_at_eleven(NOON + 4 * HOUR) }
}

/// Within ten minutes half of all events break their schema: a deployment of the sender goes out.
fn bad_deployment() -> Scenario {
    let poison = |minute: i64| match minute - NOON {
        since @ 0..10 => since as f64 / 20.0,
        10..60 => 0.5,
        _ => 0.0,
    };
    Scenario { poison, ..begins_at_eleven(NOON + HOUR) }
}

/// A deployment with which every invocation of the consumer crashes, while there is little traffic.
fn consumer_crash() -> Scenario {
    let crash = FaultKind::ConsumerCrash { probability: 1.0 };
    let faults = vec![(crash, NOON * 60, (NOON + 3 * HOUR) * 60)];
    let rate = |minute: i64| if minute < 11 * HOUR { 0.0 } else { 0.05 };
    Scenario { rate, faults, expected: 0.0, ..Scenario::without_faults(NOON + HOUR) }
}

/// Clients stop within half an hour.
fn traffic_drop() -> Scenario {
    let rate = |minute: i64| match minute - NOON {
        ..0 => 0.3,
        since @ 0..30 => 0.3 * (1.0 - since as f64 / 30.0),
        _ => 0.0,
    };
    Scenario { rate, ..Scenario::without_faults(NOON + 2 * HOUR) }
}

/// The queue refuses for a moment each minute, a little longer each time: server errors rise to a tenth.
fn slow_leak() -> Scenario {
    let minutes = 6 * HOUR;
    let moment = |number: i64| {
        let from = (NOON + number) * 60;
        (FaultKind::QUEUE_OUTAGE, from, from + number * 6 / minutes)
    };
    let faults = (0..minutes).map(moment).filter(|(_, from, until)| from < until).collect();
    Scenario { faults, ..begins_at_eleven(NOON + minutes) }
}

/// Dead letters arrive, and the archiver is never invoked.
fn archiver_outage() -> Scenario {
    let settings = PipelineSettings { archiver_concurrency: 0, ..PipelineSettings::default() };
    Scenario { settings, ..an_hour_of_dead_letters(NOON + HOUR) }
}

/// Dead letters arrive for an hour, and every invocation of the archiver fails until they are almost lost.
fn archiver_crash() -> Scenario {
    let days = 13 * DAY;
    let faults = vec![(FaultKind::ARCHIVER_OUTAGE, NOON * 60, (NOON + days) * 60)];
    Scenario { faults, ..an_hour_of_dead_letters(NOON + days) }
}

/// A few events from noon to one, of which one in ten breaks its schema, and nothing before and after.
fn an_hour_of_dead_letters(minutes: i64) -> Scenario {
    Scenario {
        rate: |minute| if (NOON..NOON + HOUR).contains(&minute) { 0.05 } else { 0.0 },
        poison: |_| 0.1,
        expected: 0.0,
        ..Scenario::without_faults(minutes)
    }
}

/// From the sixth day on there is three times as much as planned. The budget is for a usual month and half of it again.
fn cost_creep() -> Scenario {
    let rate = |minute: i64| if minute < 5 * DAY { 0.02 } else { 0.06 };
    let settings = PipelineSettings { monthly_budget_usd: 0.46, ..PipelineSettings::default() };
    Scenario { rate, settings, expected: 0.0, ..Scenario::without_faults(19 * DAY) }
}

/// No traffic before eleven: simulating nights costs time and proves nothing here.
fn begins_at_eleven(minutes: i64) -> Scenario {
    Scenario {
        rate: |minute| if minute < 11 * HOUR { 0.0 } else { 1.0 },
        expected: 0.0,
        ..Scenario::without_faults(minutes)
    }
}

/// A name, what happens, and the minute at which it begins.
type Incident = (&'static str, fn() -> Scenario, i64);

#[test]
fn incidents_of_the_store_and_the_queue_notify_a_low_alarm_before_a_high_one() {
    notify_a_low_alarm_before_a_high_one(
        "incidents_store.txt",
        &[
            ("store outage", store_outage, NOON),
            ("throttling ramp", throttling_ramp, NOON),
            ("poison burst", poison_burst, NOON),
            ("slow leak", slow_leak, NOON),
        ],
    );
}

#[test]
fn incidents_of_the_functions_notify_a_low_alarm_before_a_high_one() {
    notify_a_low_alarm_before_a_high_one(
        "incidents_functions.txt",
        &[
            ("consumer crash", consumer_crash, NOON),
            ("archiver outage", archiver_outage, NOON),
            ("archiver crash", archiver_crash, NOON),
        ],
    );
}

#[test]
fn incidents_of_the_senders_notify_a_low_alarm_before_a_high_one() {
    notify_a_low_alarm_before_a_high_one(
        "incidents_senders.txt",
        &[
            ("bad deployment", bad_deployment, NOON),
            ("traffic drop", traffic_drop, NOON),
            ("cost creep", cost_creep, 5 * DAY),
        ],
    );
}

fn notify_a_low_alarm_before_a_high_one(file: &str, incidents: &[Incident]) {
    let mut table = format!(
        "{:<16} {:>9} {:<26} {:>9} {:<26} {:>9}\n",
        "incident", "low after", "", "high after", "", "lead"
    );
    let mut wrong = Vec::new();
    for &(name, scenario, began) in incidents {
        let observed = scenario().run();
        let first = |tier| observed.firings(tier).into_iter().find(|(at, _)| *at >= began);
        let (Some(low), Some(high)) = (first(Tier::Low), first(Tier::High)) else {
            wrong.push(format!("{name}: no low or no high alarm\n{}", observed.periods_in_words()));
            continue;
        };
        let (low_rule, high_rule) = (low.1.as_str(), high.1.as_str());
        let (after, until, lead) = (low.0 - began, high.0 - began, high.0 - low.0);
        let _ = writeln!(
            table,
            "{name:<16} {after:>5} min {low_rule:<26} {until:>5} min {high_rule:<26} {lead:>5} min"
        );
        // One fault, one incident: a further alarm of it is no news, and the news is not later than its first alarm.
        let alerts = observed.high_alerts();
        if alerts.len() != 1 || alerts[0].0 != high.0 {
            wrong.push(format!("{name}: {alerts:?} of {:?}", observed.firings(Tier::High)));
        }
        if lead <= 0 || !observed.without_warning().is_empty() || observed.firings(Tier::High)[0].0 < began {
            wrong.push(format!(
                "{name}: without an earlier low alarm: {:?}\n{}",
                observed.without_warning(),
                observed.periods_in_words()
            ));
        }
    }
    keep(file, &table);
    assert!(wrong.is_empty(), "{table}\n{}", wrong.join("\n"));
}

/// Three quarters of an hour of faults, from noon on, with an event a second.
fn three_quarters_of_an_hour(kinds: &[FaultKind]) -> Scenario {
    let from = NOON * 60;
    let faults = kinds.iter().map(|kind| (kind.clone(), from, from + 45 * 60)).collect();
    // An archiver needs dead letters.
    let poison = |minute: i64| if minute >= NOON { 0.01 } else { 0.0 };
    let needs_dead_letters = kinds.iter().any(|kind| matches!(kind, FaultKind::ArchiverOutage { .. }));
    let poison: fn(i64) -> f64 = if needs_dead_letters { poison } else { |_| 0.0 };
    Scenario { faults, poison, ..begins_at_eleven(NOON + 90) }
}

#[test]
fn each_kind_of_fault_has_at_most_one_high_notification_and_two_faults_have_two() {
    let crash = FaultKind::ConsumerCrash { probability: 1.0 };
    let throttle = FaultKind::StoreThrottle { capacity: 0.0001 };
    let latency = FaultKind::StoreLatency { added: std::time::Duration::from_secs(5), share: 1.0 };
    let half = FaultKind::QueueOutage { share: 0.5 };
    let mut wrong = Vec::new();
    for (name, kinds, expected) in [
        ("store-outage", vec![FaultKind::STORE_OUTAGE], 1),
        ("store-throttle", vec![throttle], 1),
        // Everything is stored, a little later.
        ("store-latency", vec![latency], 0),
        ("consumer-crash", vec![crash], 1),
        ("queue-outage", vec![FaultKind::QUEUE_OUTAGE], 1),
        // No dead letter is near its end.
        ("archiver-outage", vec![FaultKind::ARCHIVER_OUTAGE], 0),
        ("store-outage and queue-outage of half", vec![FaultKind::STORE_OUTAGE, half], 2),
        ("store-outage and archiver-outage", vec![FaultKind::STORE_OUTAGE, FaultKind::ARCHIVER_OUTAGE], 1),
    ] {
        let observed = three_quarters_of_an_hour(&kinds).run();
        let (alerts, alarms) = (observed.high_alerts(), observed.firings(Tier::High));
        let first = alarms.first().map(|(minute, _)| *minute);
        if alerts.len() != expected || alerts.first().map(|(minute, ..)| *minute) != first {
            wrong.push(format!("{name}: {alerts:?} of {alarms:?}\n{}", observed.periods_in_words()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_normal_week_pages_no_engineer() {
    let scenario = Scenario { rate: |_| 0.4, ..Scenario::without_faults(7 * DAY) };
    let observed = scenario.run();
    let (high, low) = (observed.firings(Tier::High), observed.firings(Tier::Low));
    let line =
        format!("a normal week: {} high alarms, {} low ones (at most {LOW_A_WEEK})\n", high.len(), low.len());
    keep("normal_week.txt", &line);
    assert!(high.is_empty(), "{}", observed.periods_in_words());
    assert!(low.len() <= LOW_A_WEEK, "{}", observed.periods_in_words());
}

#[test]
fn every_metric_that_a_rule_watches_is_recorded() {
    let faults = vec![
        (FaultKind::StoreThrottle { capacity: 0.0001 }, NOON * 60, (NOON + 20) * 60),
        (FaultKind::STORE_OUTAGE, (NOON + 20) * 60, (NOON + 40) * 60),
        (FaultKind::QUEUE_OUTAGE, (NOON + 40) * 60, (NOON + 41) * 60),
        (FaultKind::ConsumerCrash { probability: 0.5 }, (NOON + 45) * 60, (NOON + 60) * 60),
        (FaultKind::ARCHIVER_OUTAGE, (NOON + 60) * 60, (NOON + 80) * 60),
    ];
    let poison = |minute: i64| if minute > NOON + 50 { 0.2 } else { 0.0 };
    let rate = |minute: i64| if (NOON..NOON + 2 * HOUR).contains(&minute) { 0.5 } else { 0.05 };
    let observed = Scenario { faults, poison, rate, ..Scenario::without_faults(26 * HOUR) }.run();
    let missing = missing(&observed);
    let excused: BTreeSet<&str> = NOT_RECORDED.iter().map(|(name, _)| *name).collect();
    let names: BTreeSet<&str> = missing.iter().map(String::as_str).collect();
    assert_eq!(names, excused, "recorded by the embedded runtime, or on the list with a reason");
}

/// Statistics that a rule watches and of which there is no value in all the time.
fn missing(observed: &Observed) -> Vec<String> {
    let reader = TelemetryReader::new(observed.folder.path());
    let end = observed.start + jiff::SignedDuration::from_mins(26 * HOUR);
    let history = TelemetryHistory::new(&reader, &observed.in_force.resources, end);
    let slots =
        Slots { first_end: observed.start.as_second() + 60, step: 60, period: 60, len: 26 * HOUR as usize };
    let queries =
        observed.in_force.rules.iter().filter_map(|rule| rule.metric()).flat_map(|metric| &metric.queries);
    let mut missing: Vec<String> = queries
        .filter(|query| {
            let column = history.column(&query.stat, slots).expect("telemetry is readable");
            column.iter().all(|value| value.is_nan())
        })
        .map(|query| query.stat.to_string())
        .collect();
    missing.sort();
    missing.dedup();
    missing
}

/// Saves a result for `cargo xtask test` and `cargo xtask bench`, which show it.
fn keep(name: &str, text: &str) {
    println!("{text}");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join(name), text).expect("the target folder can be written");
}
