use super::super::recorder::RecorderHealth;
use super::super::writer::MAX_DATAPOINTS_WAITING;
use super::super::{FILE_NAME, Mode, TelemetryReader};
use super::support::{at, bench, count, latency};
use rusqlite::Connection;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::TraceSink;
use spillway_core::trace::Segment;
use spillway_metrics::{MetricQuery, Statistic};

#[test]
fn data_that_could_not_be_written_is_written_later() {
    let bench = bench(Mode::Live);
    let path = bench.folder.path().join(FILE_NAME);
    // No process can open a folder as a database, not even as root.
    std::fs::create_dir(&path).unwrap();
    for _ in 0..3 {
        bench.record(&count(), 1.0);
        bench.flush();
        bench.advance(1);
    }
    assert!(bench.recorder.health().error.is_some());
    std::fs::remove_dir(&path).unwrap();
    bench.advance(5);
    bench.flush();
    assert_eq!(bench.recorder.health(), RecorderHealth::default());
    assert_eq!(bench.read(&count(), Statistic::Sum, (0, 60), 60), [Some(3.0)]);
}

#[test]
fn a_full_disk_delays_measurements_and_breaks_nothing() {
    let bench = bench(Mode::Live);
    bench.record(&count(), 1.0);
    bench.flush();
    bench.recorder.limit_pages(Some(16));
    // Any failure closes the file, so that the next opening has the limit: here, by another process holding it.
    let blocker = Connection::open(bench.folder.path().join(FILE_NAME)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    bench.record(&count(), 1.0);
    bench.flush();
    assert!(bench.recorder.health().error.is_some_and(|why| why.contains("locked")));
    drop(blocker);

    for _ in 0..200 {
        let mut segment = Segment::new("filler", at(0), at(1)).annotated("text", "x".repeat(1_000));
        segment.trace_id = "1-69556af0-000000000000000000000001".into();
        TraceSink::record(&bench.recorder, segment);
    }
    bench.advance(6);
    bench.flush();
    assert!(bench.recorder.health().error.is_some_and(|why| why.contains("full")));
    assert_eq!(bench.read(&count(), Statistic::Sum, (0, 60), 60), [Some(1.0)], "the old is still readable");

    bench.recorder.limit_pages(None);
    bench.advance(6);
    bench.flush();
    assert_eq!(bench.recorder.health(), RecorderHealth::default());
    assert_eq!(bench.read(&count(), Statistic::Sum, (0, 60), 60), [Some(2.0)]);
    assert_eq!(bench.reader.trace("1-69556af0-000000000000000000000001").unwrap().len(), 200);
}

#[test]
fn what_cannot_be_written_is_read_from_memory_in_the_same_process() {
    let bench = bench(Mode::Live);
    let here = bench.recorder.reader(bench.folder.path());
    let sums = |reader: &TelemetryReader, period| {
        let query = [MetricQuery { metric: count(), statistic: Statistic::Sum }];
        reader.query(&query, at(0), at(120), period).unwrap().remove(0)
    };
    bench.record(&count(), 1.0);
    bench.flush();
    assert_eq!(sums(&here, 60), [Some(1.0), None], "once, from the file");
    let blocker = Connection::open(bench.folder.path().join(FILE_NAME)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    bench.record(&count(), 2.0);
    bench.advance(60);
    bench.record(&count(), 4.0);
    bench.flush();
    assert_eq!(sums(&here, 60), [Some(3.0), Some(4.0)]);
    assert_eq!(sums(&here, 300), [Some(7.0)]);
    assert_eq!(here.newest().unwrap(), Some(at(120)));
    assert_eq!(sums(&bench.reader, 60), [Some(1.0), None], "another process sees only the file");
    assert_eq!(bench.reader.newest().unwrap(), Some(at(60)));
    drop(blocker);
    bench.advance(6);
    bench.flush();
    assert_eq!(sums(&here, 60), [Some(3.0), Some(4.0)]);
    assert_eq!(sums(&bench.reader, 60), [Some(3.0), Some(4.0)]);
}

#[test]
fn what_was_recorded_in_a_future_that_the_clock_was_set_back_from_is_forgotten() {
    let bench = bench(Mode::Live);
    bench.record(&count(), 1.0);
    for hour in 1..=3 {
        bench
            .recorder
            .record_at(&Measurement { metric: count(), value: 10.0, unit: Unit::Count }, at(3_600 * hour));
    }
    bench.recorder.flush(at(4 * 3_600));
    bench.recorder.clock_was_set(at(1_800));
    bench.recorder.record_at(&Measurement { metric: count(), value: 2.0, unit: Unit::Count }, at(1_800));
    bench.recorder.flush(at(1_801));
    bench.recorder.flush(at(2 * 3_600 + 900));
    let hours = bench.read(&count(), Statistic::Sum, (0, 4 * 3_600), 3_600);
    assert_eq!(hours, [Some(3.0), None, None, None]);
}

#[test]
fn data_that_waits_too_long_is_dropped_oldest_first_and_counted() {
    let bench = bench(Mode::Live);
    let path = bench.folder.path().join(FILE_NAME);
    std::fs::create_dir(&path).unwrap();
    let metrics: Vec<_> =
        (0..100).map(|i| MetricId::new("Spillway", "Test", &[("Number", &i.to_string())])).collect();
    let minutes = MAX_DATAPOINTS_WAITING as i64 / 100 + 1;
    for minute in 0..minutes {
        for metric in &metrics {
            let measurement = Measurement { metric: metric.clone(), value: 1.0, unit: Unit::Count };
            bench.recorder.record_at(&measurement, at(60 * minute));
        }
    }
    bench.flush();
    let dropped = bench.recorder.health().dropped_measurements;
    assert_eq!(dropped, 100 * (minutes as u64 / 2));
    std::fs::remove_dir(&path).unwrap();
    bench.advance(6);
    bench.flush();
    let kept = bench.read(&metrics[0], Statistic::Sum, (0, 60 * minutes), 60);
    assert!(kept.first().is_some_and(Option::is_none) && kept.last().is_some_and(Option::is_some));
}

#[test]
fn a_file_of_another_version_is_left_unchanged_and_reported() {
    let bench = bench(Mode::Live);
    let path = bench.folder.path().join(FILE_NAME);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    bench.record(&count(), 1.0);
    bench.flush();
    let error = bench.recorder.health().error.unwrap();
    assert!(error.contains("version 99") && error.contains("move it away"), "{error}");
    let query = [MetricQuery { metric: count(), statistic: Statistic::Sum }];
    let error = bench.reader.query(&query, at(0), at(60), 60).unwrap_err().to_string();
    assert!(error.contains("version 99"), "{error}");
}

#[test]
fn reading_works_during_and_after_writing() {
    let bench = bench(Mode::Live);
    bench.record(&latency(), 1.0);
    bench.flush();
    // A separate reader, as another process has one: it shares only the file.
    let other = TelemetryReader::new(bench.folder.path());
    let query = [MetricQuery { metric: latency(), statistic: Statistic::SampleCount }];
    let read = || other.query(&query, at(0), at(60), 60).unwrap().remove(0).remove(0);

    let writer = Connection::open(bench.folder.path().join(FILE_NAME)).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE datapoint SET count = 77").unwrap();
    assert_eq!(read(), Some(1.0), "an open transaction of another process does not block and is not visible");
    writer.execute_batch("ROLLBACK").unwrap();
    drop(writer);

    bench.record(&latency(), 1.0);
    bench.flush();
    assert_eq!(read(), Some(2.0));
    drop(bench.recorder);
    assert_eq!(read(), Some(2.0), "the pipeline has ended, its history is there");
    let fresh = TelemetryReader::new(bench.folder.path());
    assert_eq!(fresh.query(&query, at(0), at(60), 60).unwrap(), [[Some(2.0)]]);
}
