//! The last minutes in periods of five seconds.

use super::super::{FILE_NAME, Mode, TelemetryReader};
use super::support::{Bench, at, bench, count, latency};
use rusqlite::Connection;
use spillway_metrics::{MetricQuery, Statistic, retention::RECENT};

const SHORT: u32 = RECENT.period.seconds();

fn sums(reader: &TelemetryReader, to: i64) -> Vec<Option<f64>> {
    let query = [MetricQuery { metric: count(), statistic: Statistic::Sum }];
    reader.query(&query, at(0), at(to), SHORT).unwrap().remove(0)
}

/// One request at 1, 2, 7 and 13 s.
fn four(bench: &Bench) {
    for seconds in [1, 1, 5, 6] {
        bench.advance(seconds);
        bench.record(&count(), 1.0);
    }
}

#[test]
fn outcomes_are_read_at_once_in_the_same_process_and_after_a_flush_in_others() {
    for mode in [Mode::Live, Mode::Simulation { write_every_s: 3_600 }] {
        let bench = bench(mode);
        let here = bench.recorder.reader(bench.folder.path());
        four(&bench);
        let all = [Some(2.0), Some(1.0), Some(1.0)];
        assert_eq!(sums(&here, 15), all, "{mode:?}: before a flush");
        assert_eq!(sums(&bench.reader, 15), [None; 3]);
        bench.flush();
        bench.record(&count(), 5.0);
        assert_eq!(sums(&here, 15), [Some(2.0), Some(1.0), Some(6.0)], "{mode:?}: half of it is flushed");
        bench.recorder.finish(bench.now());
        assert_eq!(sums(&bench.reader, 15), [Some(2.0), Some(1.0), Some(6.0)], "{mode:?}");
        assert_eq!(sums(&here, 15), [Some(2.0), Some(1.0), Some(6.0)], "{mode:?}: nothing counts twice");
    }
}

#[test]
fn only_what_a_verdict_is_made_of_has_short_periods() {
    let bench = bench(Mode::Live);
    bench.record(&latency(), 5.0);
    bench.flush();
    assert_eq!(bench.read(&latency(), Statistic::Maximum, (0, 5), SHORT), [None]);
    assert_eq!(bench.read(&latency(), Statistic::Maximum, (0, 60), 60), [Some(5.0)]);
}

#[test]
fn outcomes_that_cannot_be_written_are_in_memory() {
    let bench = bench(Mode::Live);
    let here = bench.recorder.reader(bench.folder.path());
    std::fs::create_dir(bench.folder.path().join(FILE_NAME)).unwrap();
    four(&bench);
    bench.flush();
    assert!(bench.recorder.health().error.is_some());
    std::fs::remove_dir(bench.folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(sums(&here, 15), [Some(2.0), Some(1.0), Some(1.0)]);
}

#[test]
fn short_periods_are_deleted_and_minutes_stay() {
    let bench = bench(Mode::Live);
    four(&bench);
    bench.flush();
    bench.advance(RECENT.seconds.cast_unsigned() + 3_600);
    bench.record(&count(), 1.0);
    bench.flush();
    let rows = |period: u32| -> i64 {
        let file = Connection::open(bench.folder.path().join(FILE_NAME)).unwrap();
        let count = "SELECT count(*) FROM datapoint WHERE period = ?1";
        file.query_row(count, [period], |row| row.get(0)).unwrap()
    };
    assert_eq!((rows(SHORT), rows(60)), (1, 2));
}
