use super::super::{Mode, Recorder, TelemetryReadError, TelemetryReader};
use super::support::{START, at, bench, count, latency};
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_metrics::{MetricQuery, Statistic};
use std::sync::Arc;

#[test]
fn a_minute_becomes_a_statistic_set() {
    let bench = bench(Mode::Live);
    for value in [10.0, 40.0, 20.0, 30.0] {
        bench.record(&latency(), value);
    }
    bench.flush();
    let statistics = [
        (Statistic::Sum, 100.0),
        (Statistic::Average, 25.0),
        (Statistic::Minimum, 10.0),
        (Statistic::Maximum, 40.0),
        (Statistic::SampleCount, 4.0),
        (Statistic::Percentile(5000), 20.0),
        (Statistic::Percentile(9900), 40.0),
    ];
    for (statistic, expected) in statistics {
        assert_eq!(bench.read(&latency(), statistic, (0, 60), 60), [Some(expected)], "{statistic:?}");
    }
}

#[test]
fn the_current_minute_is_readable_and_grows_with_each_flush() {
    let bench = bench(Mode::Live);
    for flushes in 1..=3 {
        bench.record(&latency(), 8.0);
        bench.flush();
        bench.advance(2);
        let read = |statistic| bench.read(&latency(), statistic, (0, 60), 60);
        assert_eq!(read(Statistic::SampleCount), [Some(f64::from(flushes))]);
        assert_eq!(read(Statistic::Percentile(5000)), [Some(8.0)], "histograms are merged, not replaced");
    }
}

#[test]
fn a_new_process_adds_to_the_minute_of_the_old_one() {
    let mut bench = bench(Mode::Live);
    bench.record(&latency(), 1.0);
    bench.flush();
    bench.recorder = Recorder::new(bench.folder.path(), bench.clock.clone(), Mode::Live);
    bench.record(&latency(), 99.0);
    bench.flush();
    assert_eq!(bench.read(&latency(), Statistic::SampleCount, (0, 60), 60), [Some(2.0)]);
    assert_eq!(bench.read(&latency(), Statistic::Percentile(10_000), (0, 60), 60), [Some(99.0)]);
}

#[test]
fn periods_without_measurements_are_gaps() {
    let bench = bench(Mode::Live);
    bench.record(&count(), 1.0);
    bench.advance(180);
    bench.record(&count(), 2.0);
    bench.flush();
    assert_eq!(bench.read(&count(), Statistic::Sum, (0, 240), 60), [Some(1.0), None, None, Some(2.0)]);
    assert_eq!(bench.read(&latency(), Statistic::Sum, (0, 120), 60), [None, None], "never recorded");
    assert_eq!(
        bench.read(&count(), Statistic::Percentile(5000), (0, 60), 60),
        [None],
        "a metric without a histogram has no percentiles"
    );
}

#[test]
fn the_range_is_rounded_to_whole_periods() {
    let bench = bench(Mode::Live);
    bench.record(&count(), 1.0);
    bench.flush();
    assert_eq!(bench.read(&count(), Statistic::Sum, (30, 61), 60), [Some(1.0), None]);
    assert_eq!(bench.read(&count(), Statistic::Sum, (0, 0), 60), []);
    let query = [MetricQuery { metric: count(), statistic: Statistic::Sum }];
    for (from, to, period) in [(0, 60, 0), (0, 60, 90), (60, 0, 60)] {
        let error = bench.reader.query(&query, at(from), at(to), period).unwrap_err();
        assert!(matches!(error, TelemetryReadError::Range { .. }), "{error}");
    }
}

#[test]
fn dimensions_distinguish_metrics() {
    let bench = bench(Mode::Live);
    let of = |function: &str| MetricId::new("AWS/Lambda", "Duration", &[("FunctionName", function)]);
    bench.record(&of("a"), 5.0);
    bench.record(&of("b"), 7.0);
    bench.flush();
    assert_eq!(bench.read(&of("a"), Statistic::Maximum, (0, 60), 60), [Some(5.0)]);
    assert_eq!(bench.read(&of("b"), Statistic::Maximum, (0, 60), 60), [Some(7.0)]);
    assert_eq!(bench.reader.metrics().unwrap(), [of("a"), of("b")]);
}

#[test]
fn what_is_not_a_number_is_left_out() {
    let bench = bench(Mode::Live);
    for value in [f64::NAN, f64::INFINITY, 3.0] {
        bench.record(&latency(), value);
    }
    bench.flush();
    assert_eq!(bench.read(&latency(), Statistic::Sum, (0, 60), 60), [Some(3.0)]);
}

#[test]
fn handles_and_explicit_times_record_the_same_metric() {
    let bench = bench(Mode::Live);
    bench.recorder.handle(&count(), Unit::Count).record(1.0);
    bench.record(&count(), 1.0);
    let measurement = Measurement { metric: count(), value: 5.0, unit: Unit::Count };
    bench.recorder.record_at(&measurement, at(-60));
    bench.flush();
    assert_eq!(bench.read(&count(), Statistic::Sum, (-60, 60), 60), [Some(5.0), Some(2.0)]);
}

#[test]
fn nothing_recorded_yet_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let reader = TelemetryReader::new(folder.path());
    let query = [MetricQuery { metric: count(), statistic: Statistic::Sum }];
    assert_eq!(reader.query(&query, at(0), at(120), 60).unwrap(), [[None, None]]);
    assert!(reader.metrics().unwrap().is_empty());
    assert!(reader.trace("1-00000000-000000000000000000000000").unwrap().is_empty());
}

#[test]
fn recording_from_many_threads_loses_nothing() {
    let bench = bench(Mode::Live);
    let recorder = Arc::new(bench.recorder);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let handle = recorder.handle(&count(), Unit::Count);
                for _ in 0..5_000 {
                    handle.record(1.0);
                }
            });
        }
        for _ in 0..20 {
            recorder.flush(at(0));
        }
    });
    recorder.finish(at(0));
    let query = [MetricQuery { metric: count(), statistic: Statistic::Sum }];
    let sums = bench.reader.query(&query, at(0), at(60), 60).unwrap();
    assert_eq!(sums, [[Some(20_000.0)]]);
    assert_eq!(START % 3_600, 0);
}
