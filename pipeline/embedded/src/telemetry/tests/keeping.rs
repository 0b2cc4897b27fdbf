use super::super::Mode;
use super::support::{Bench, at, bench, count, latency};
use rusqlite::Connection;
use spillway_core::metric::{Measurement, Unit};
use spillway_metrics::Statistic;

fn rows(bench: &Bench, period: i64) -> i64 {
    let connection = Connection::open(bench.folder.path().join("telemetry.db")).unwrap();
    connection
        .query_row("SELECT count(*) FROM datapoint WHERE period = ?1", [period], |row| row.get(0))
        .unwrap()
}

/// Two hours with 1, 2, 3 … in each minute.
fn two_hours() -> Bench {
    let bench = bench(Mode::Live);
    for minute in 0..120 {
        bench.record(&count(), f64::from(minute));
        bench.record(&latency(), f64::from(minute));
        bench.flush();
        bench.advance(60);
    }
    bench.flush();
    bench
}

#[test]
fn longer_periods_are_the_sum_of_shorter_ones() {
    let bench = two_hours();
    let hours = |statistic| bench.read(&latency(), statistic, (0, 7_200), 3_600);
    assert_eq!(hours(Statistic::SampleCount), [Some(60.0), Some(60.0)]);
    assert_eq!(hours(Statistic::Sum), [Some(1_770.0), Some(5_370.0)]);
    assert_eq!(hours(Statistic::Minimum), [Some(0.0), Some(60.0)]);
    assert_eq!(hours(Statistic::Percentile(5000)), [Some(29.0), Some(89.0)]);
    let fives = bench.read(&count(), Statistic::Sum, (0, 7_200), 300);
    let exact: Vec<_> = (0..24).map(|i| Some(f64::from(5 * (5 * i) + 10))).collect();
    assert_eq!(fives, exact);
    let quarters = bench.read(&count(), Statistic::SampleCount, (0, 7_200), 900);
    assert_eq!(quarters, vec![Some(15.0); 8]);
    assert!(rows(&bench, 300) >= 2 * 23 && rows(&bench, 3_600) >= 2, "they were written, not only computed");
}

#[test]
fn a_late_measurement_still_reaches_the_longer_periods() {
    let bench = two_hours();
    let late = Measurement { metric: count(), value: 1_000.0, unit: Unit::Count };
    bench.recorder.record_at(&late, at(30));
    for _ in 0..2 {
        bench.flush();
        assert_eq!(bench.read(&count(), Statistic::Maximum, (0, 300), 300), [Some(1_000.0)]);
        assert_eq!(bench.read(&count(), Statistic::SampleCount, (0, 3_600), 3_600), [Some(61.0)]);
        bench.advance(400);
    }
}

#[test]
fn minutes_are_kept_15_days_five_minutes_63_and_hours_455() {
    const DAY: u64 = 86_400;
    let bench = two_hours();
    let sum = |period| {
        let values = bench.read(&count(), Statistic::Sum, (0, 7_200), period);
        values.iter().flatten().sum::<f64>()
    };
    let all = f64::from((0..120).sum::<i32>());
    bench.advance(14 * DAY);
    bench.flush();
    assert_eq!([sum(60), sum(300), sum(3_600)], [all, all, all]);
    bench.advance(DAY);
    bench.flush();
    assert_eq!([sum(60), sum(300), sum(3_600)], [0.0, all, all]);
    bench.advance(48 * DAY);
    bench.flush();
    assert_eq!([sum(60), sum(300), sum(3_600)], [0.0, 0.0, all]);
    bench.advance(392 * DAY);
    bench.flush();
    assert_eq!([sum(60), sum(300), sum(3_600)], [0.0, 0.0, 0.0]);
}

#[test]
fn measurements_older_than_two_weeks_are_refused_and_counted() {
    let bench = bench(Mode::Live);
    let old = Measurement { metric: count(), value: 1.0, unit: Unit::Count };
    bench.recorder.record_at(&old, at(-15 * 86_400));
    bench.recorder.record_at(&old, at(-13 * 86_400));
    bench.flush();
    assert_eq!(bench.recorder.health().dropped_measurements, 1);
}
