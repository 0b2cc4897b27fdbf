//! Recorded datapoints, in the form that the evaluator requests.

use super::super::TelemetryHistory;
use super::support::{Bench, age, minute, start};
use spillway_alerts::metric::{Dimension, DimensionValue};
use spillway_alerts::{History, Metric, MetricStat, Slots, Statistic};
use spillway_core::ports::Clock as _;
use std::time::Duration;

fn stat(statistic: Statistic) -> MetricStat {
    let dimension =
        Dimension { name: "QueueName".into(), value: DimensionValue::Resource("queues.primary".into()) };
    let metric = Metric {
        namespace: "AWS/SQS".into(),
        name: "ApproximateAgeOfOldestMessage".into(),
        dimensions: vec![dimension],
    };
    MetricStat { metric, statistic }
}

fn column(bench: &Bench, statistic: Statistic, slots: Slots) -> Vec<String> {
    let resources = bench.pipeline.ports.names.by_topology_key();
    let history = TelemetryHistory::new(&bench.pipeline.telemetry, &resources, bench.clock.now());
    let column = history.column(&stat(statistic), slots).unwrap();
    column.iter().map(|value| if value.is_nan() { "-".to_owned() } else { value.to_string() }).collect()
}

#[tokio::test]
async fn periods_of_any_length_end_at_any_minute() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    for (offset, value) in [(0, 1.0), (1, 2.0), (3, 4.0), (4, 8.0), (4, 2.0)] {
        bench.record_at(minute(offset), age(), value);
    }
    bench.until(10);
    bench.write();
    let end = start().as_second();
    let minutes = Slots { first_end: end + 60, step: 60, period: 60, len: 6 };
    assert_eq!(column(&bench, Statistic::Maximum, minutes), ["1", "2", "-", "4", "8", "-"]);
    assert_eq!(column(&bench, Statistic::SampleCount, minutes), ["1", "1", "-", "1", "2", "-"]);
    let sliding = Slots { first_end: end + 60, step: 60, period: 180, len: 5 };
    assert_eq!(column(&bench, Statistic::Sum, sliding), ["1", "3", "3", "6", "14"]);
    assert_eq!(
        column(&bench, Statistic::Average, Slots { first_end: end + 300, step: 60, period: 180, len: 1 }),
        [(14.0 / 3.0_f64).to_string()],
        "weighted by how many there were"
    );
    let before = Slots { first_end: end - 3_600, step: 60, period: 60, len: 2 };
    assert_eq!(column(&bench, Statistic::Sum, before), ["-", "-"]);
}

#[tokio::test]
async fn a_percentile_over_several_minutes_merges_their_measurements() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    let latency = || {
        let names = &bench.pipeline.ports.names;
        spillway_metrics::api::LATENCY.of(&spillway_metrics::Api::from(&**names))
    };
    // Three minutes of fast requests, then one of slow ones: fewer than one in ten of all.
    for offset in 0..3 {
        for _ in 0..40 {
            bench.record_at(minute(offset), latency(), 20.0);
        }
    }
    for _ in 0..10 {
        bench.record_at(minute(3), latency(), 3_000.0);
    }
    bench.until(5);
    bench.write();
    let metric = Metric {
        namespace: "AWS/ApiGateway".into(),
        name: "Latency".into(),
        dimensions: ["api", "api.stage"]
            .into_iter()
            .zip(["ApiName", "Stage"])
            .map(|(key, name)| Dimension { name: name.into(), value: DimensionValue::Resource(key.into()) })
            .collect(),
    };
    let resources = bench.pipeline.ports.names.by_topology_key();
    let history = TelemetryHistory::new(&bench.pipeline.telemetry, &resources, bench.clock.now());
    let stat = MetricStat { metric, statistic: Statistic::P90 };
    let end = start().as_second();
    let slots = Slots { first_end: end + 240, step: 60, period: 240, len: 4 };
    // The maximum of the minutes would be slow in each.
    let slow: Vec<bool> =
        history.column(&stat, slots).unwrap().iter().map(|value| *value > 1_000.0).collect();
    assert_eq!(slow, [false, true, true, true]);
}

#[tokio::test]
async fn what_is_older_than_its_minutes_is_spread_over_them() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    for offset in 0..5 {
        bench.record_at(minute(offset), age(), 10.0 * (offset + 1) as f64);
    }
    bench.write();
    // Sixteen days later the minutes are deleted, and the five minutes are there.
    for _ in 0..16 {
        bench.clock.advance(Duration::from_secs(86_400));
        bench.record_at(bench.clock.now(), age(), 1.0);
        bench.write();
    }
    let slots = Slots { first_end: start().as_second() + 60, step: 60, period: 60, len: 6 };
    assert_eq!(column(&bench, Statistic::Sum, slots), ["30", "30", "30", "30", "30", "-"]);
    assert_eq!(column(&bench, Statistic::Maximum, slots), ["50", "50", "50", "50", "50", "-"]);
    let whole = Slots { first_end: start().as_second() + 300, step: 60, period: 300, len: 1 };
    assert_eq!(column(&bench, Statistic::Sum, whole), ["150"]);
    assert_eq!(bench.pipeline.telemetry.first_recorded().unwrap(), Some(start()));
}

#[tokio::test]
async fn a_resource_that_has_no_name_here_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    let resources = Default::default();
    let history = TelemetryHistory::new(&bench.pipeline.telemetry, &resources, start());
    let slots = Slots { first_end: start().as_second(), step: 60, period: 60, len: 1 };
    let error = history.column(&stat(Statistic::Sum), slots).unwrap_err();
    assert!(error.source.to_string().contains("`queues.primary`"), "{}", error.source);
}
