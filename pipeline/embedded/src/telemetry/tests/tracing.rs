use super::super::Mode;
use super::super::segments::MAX_WAITING;
use super::support::{Bench, at, bench};
use spillway_core::ports::TraceSink;
use spillway_core::trace::TraceFilter;
use spillway_core::trace::{Segment, TraceHeader};

/// Records a trace of two segments that begins at that second; returns its id.
fn trace(bench: &Bench, second: i64, event: &str, fault: bool) -> String {
    let id = TraceHeader::new(at(second), true).root;
    let api = Segment { trace_id: id.clone(), ..Segment::new("spillway/live", at(second), at(second + 1)) };
    let mut function = Segment {
        trace_id: id.clone(),
        parent_id: Some(api.id.clone()),
        ..Segment::new("spillway-consumer", at(second + 2), at(second + 5))
    };
    let record = Segment { fault, ..Segment::new("record", at(second + 2), at(second + 3)) };
    function.subsegments.push(record.annotated("event_id", event));
    TraceSink::record(&bench.recorder, api);
    TraceSink::record(&bench.recorder, function);
    id
}

fn ids(bench: &Bench, range: (i64, i64), filter: &TraceFilter, limit: usize) -> (Vec<String>, bool) {
    let hits = bench.reader.traces(at(range.0), at(range.1), filter, limit).unwrap();
    (hits.traces.iter().map(|segments| segments[0].trace_id.clone()).collect(), hits.has_more)
}

#[test]
fn traces_are_found_by_id_time_error_length_and_event() {
    let bench = bench(Mode::Live);
    let good = trace(&bench, 0, "event-1", false);
    let bad = trace(&bench, 100, "event-2", true);
    bench.flush();

    let segments = bench.reader.trace(&good).unwrap();
    assert_eq!(segments.len(), 2);
    assert_eq!(segments[1].parent_id.as_ref(), Some(&segments[0].id));
    assert_eq!(segments[1].subsegments[0].annotations["event_id"], "event-1");

    let all = TraceFilter::default();
    assert_eq!(ids(&bench, (0, 200), &all, 10), (vec![bad.clone(), good.clone()], false), "newest first");
    assert_eq!(ids(&bench, (0, 200), &all, 1), (vec![bad.clone()], true));
    assert_eq!(ids(&bench, (0, 50), &all, 10), (vec![good.clone()], false));
    let failed = TraceFilter { failed: true, ..all.clone() };
    assert_eq!(ids(&bench, (0, 200), &failed, 10), (vec![bad.clone()], false), "a fault inside counts");
    let slow = TraceFilter { at_least_ms: 3_001, ..all.clone() };
    assert_eq!(ids(&bench, (0, 200), &slow, 10), (vec![], false));
    let of_event = TraceFilter { event_id: Some("event-1".into()), ..all };
    assert_eq!(ids(&bench, (0, 200), &of_event, 10), (vec![good], false));
    assert_eq!(ids(&bench, (50, 200), &of_event, 10), (vec![], false));
}

#[test]
fn too_many_segments_are_dropped_and_counted() {
    let bench = bench(Mode::Live);
    for _ in 0..MAX_WAITING + 5 {
        TraceSink::record(&bench.recorder, Segment::new("f", at(0), at(1)));
    }
    assert_eq!(bench.recorder.health().dropped_segments, 5);
}

#[test]
fn traces_are_kept_for_30_days() {
    let bench = bench(Mode::Live);
    let id = trace(&bench, 0, "event-1", false);
    bench.flush();
    bench.advance(29 * 86_400);
    bench.flush();
    assert_eq!(bench.reader.trace(&id).unwrap().len(), 2);
    bench.advance(86_400 + 60);
    bench.flush();
    assert_eq!(bench.reader.trace(&id).unwrap(), []);
    let of_event = TraceFilter { event_id: Some("event-1".into()), ..TraceFilter::default() };
    assert_eq!(ids(&bench, (0, 200), &of_event, 10), (vec![], false));
}
