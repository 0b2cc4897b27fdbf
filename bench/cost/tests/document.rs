//! docs/cost.md contains exactly what follows from prices and measurements.

use spillway_bench_cost::data::{Billing, Data, Load};
use spillway_bench_cost::model::{Model, total};
use spillway_bench_cost::{UPDATE, document};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn data() -> Data {
    Data::read(&root()).expect("the data fits")
}

#[test]
fn every_figure_of_the_document_is_what_the_model_says() {
    let (found, expected) = document(&root()).expect("the document has a place for each table");
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "docs/cost.md is out of date; run `{UPDATE}`. The first line that differs: {differs:#?}"
    );
}

#[test]
fn a_load_costs_what_was_computed_by_hand() {
    let mut data = data();
    let measured = &mut data.measured;
    measured.write_units_per_event = 1.0;
    measured.item_bytes = 1024.0 * 1024.0 * 1024.0 / 1e6;
    for used in measured.ingest.iter_mut().chain(&mut measured.consumer) {
        (used.cpu_ms, used.round_trips, used.calls) = (0.0, 1.0, 1.0);
        (used.log_bytes, used.answer_bytes) = (0.0, 0.0);
    }
    let given = &mut data.assumptions;
    (given.latency_ms.sqs, given.latency_ms.dynamodb, given.memory_mb) = (10.0, 20.0, 1024.0);
    (given.platform_log_bytes, given.access_log_bytes) = (0.0, 0.0);
    let load =
        Load { events_per_s: 10.0, events_per_request: 1, records_per_batch: 10, ..data.loads[0].clone() };
    let lines = Model::of(&data, &load).per_million_events().unwrap();
    let of = |what: &str| lines.iter().find(|line| line.what == what).map(|line| line.usd).unwrap();
    let close =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    close(of("API Gateway"), 3.5);
    close(of("Ingest function"), 0.2 + 10_000.0 * 0.000_013_333_4);
    close(of("SQS: send, receive, delete"), 1.2 * 0.4);
    close(of("Consumer function"), 0.02 + 2_000.0 * 0.000_013_333_4);
    close(of("Table, writes"), 0.625);
    close(of("Table, a month of keeping them, with recovery"), 0.45);
    close(of("Logs"), 0.0);
    // One request a second is traced, and a twentieth of the other nine. A batch of ten is traced if it contains at
    // least one of them.
    let share: f64 = (1.0 + 0.05 * 9.0) / 10.0;
    close(of("Traces"), 5.0 * (share + 0.1 * (1.0 - (1.0 - share).powi(10))));
}

#[test]
fn a_larger_month_is_never_cheaper_and_a_larger_batch_never_dearer() {
    let data = data();
    let month = |per_s: f64| {
        let load = Load { events_per_s: per_s, ..data.loads[0].clone() };
        let model = Model::of(&data, &load);
        total(&model.per_million_events().unwrap()) * model.events_per_month()
    };
    let months: Vec<f64> = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5].map(month).to_vec();
    assert!(months.is_sorted(), "{months:?}");
    let sqs = |records: u32| {
        let load = Load { records_per_batch: records, ..data.loads[0].clone() };
        Model::of(&data, &load).per_million_events().unwrap()[3].usd
    };
    assert!(sqs(10) < sqs(1) && sqs(100) <= sqs(10));
}

#[test]
fn provisioned_writes_cost_less_than_on_demand_if_the_load_is_steady() {
    let data = data();
    let model = Model::of(&data, &data.loads[1]);
    let (on_demand, provisioned) =
        (model.writes(Billing::OnDemand).unwrap(), model.writes(Billing::Provisioned).unwrap());
    // 3,600 units at 70 % cost 0.00065 $ an hour.
    assert!((provisioned / on_demand - 0.00065 / 3_600.0 / 0.7 * 1e6 / 0.625).abs() < 1e-9);
}

#[test]
fn what_the_rules_cost_is_what_their_files_ask_for() {
    // Counted in the text of the files, not with the reader that the model uses.
    let (mut plain, mut math, mut math_metrics, mut composites) = (0, 0, 0, 0);
    let mut notified = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(root().join("alerts/rules")).expect("the rules are there") {
        let file = entry.expect("an entry").path();
        if file.file_name().is_some_and(|name| name == "budget.yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a rule file is readable");
        for rule in text.split("\n  - name: ").skip(1) {
            // Resources that a deployment has only if its operator wants them.
            let options = ["api.certificate", "api.distribution", "backup.vault", "table.replica"];
            if options.iter().any(|key| rule.contains(&format!("resource: {key} "))) {
                continue;
            }
            let metrics = rule.lines().filter(|line| line.trim().starts_with("namespace: ")).count();
            let is = |line: &str| rule.lines().any(|found| found.trim() == line);
            match metrics {
                0 => composites += usize::from(is("kind: composite")),
                1 => plain += 1,
                _ => (math, math_metrics) = (math + 1, math_metrics + metrics),
            }
            if !is("notify: false") {
                notified.insert((file.clone(), is("tier: high")));
            }
        }
    }
    // The reporter's own alarm reads two metrics. No rule describes that alarm or its composite.
    let subsystems = notified.len() + 1;
    (math, math_metrics) = (math + 1, math_metrics + 2);
    let alarms = data().alarms;
    assert_eq!((alarms.plain, alarms.math, alarms.math_metrics), (plain, math, math_metrics));
    assert_eq!((alarms.composites, alarms.subsystems), (composites, subsystems));
    let lines = Model::per_month(&data()).expect("all prices are there");
    let of = |what: &str| lines.iter().find(|line| line.what == what).map(|line| line.usd).expect("a line");
    let is =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    is(of("Alarms on one metric"), 0.1 * plain as f64);
    is(of("Alarms on metric math"), 0.1 * math_metrics as f64);
    is(
        of("Composite alarms of rules") + of("Composite alarms of subsystems"),
        0.5 * (composites + subsystems) as f64,
    );
}

#[test]
fn the_reporter_costs_what_was_computed_by_hand() {
    let mut data = data();
    data.assumptions.scheduled.retain(|task| task.what == "budget");
    data.assumptions.platform_log_bytes = 0.0;
    let task = &mut data.assumptions.scheduled[0];
    (task.per_hour, task.ms, task.memory_mb) = (2.0, 500.0, 2048.0);
    (task.metrics_read, task.log_bytes) = (3.0, 1024.0 * 1024.0 * 1024.0 / 1_460.0);
    let lines = Model::per_month(&data).expect("all prices are there");
    let found = lines.iter().find(|line| line.what == "Reporter function").expect("a line").usd;
    // 1,460 times in 730 hours: the schedule, the request, a GB-second and three metrics. Together they log a GB.
    let expected = 1_460.0 * (1e-6 + 0.2e-6 + 0.000_013_333_4 + 3.0 * 0.01 / 1e3) + 0.5;
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn every_price_has_a_source_of_aws_and_a_date() {
    for price in &data().prices.prices {
        assert!(
            price.source.starts_with("https://aws.amazon.com/")
                || price.source.starts_with("https://docs.aws.amazon.com/")
        );
        assert!(price.as_of.len() == 10 && price.as_of.starts_with("20"), "{}: {}", price.key, price.as_of);
    }
}
