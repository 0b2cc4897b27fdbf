//! Traces: the paths of single requests through the pipeline.

mod cache;

pub use cache::CachedTraces;

use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use spillway_core::trace::Segment;
pub use spillway_core::trace::TraceFilter;
use std::collections::BTreeSet;

/// Reads traces.
#[async_trait]
pub trait TraceReader: Send + Sync {
    /// One trace; `None` if it is unknown, or older than 30 days, the retention of traces.
    async fn get(&self, id: &str) -> Result<Option<Trace>, ReadError>;

    /// Traces that began in the range, newest first, at most `limit`.
    async fn list(
        &self,
        range: TimeRange,
        filter: &TraceFilter,
        limit: usize,
    ) -> Result<TraceList, ReadError>;
}

/// The traces found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceList {
    /// The traces, newest first.
    pub traces: Vec<Trace>,
    /// Whether there are more beyond the limit.
    pub has_more: bool,
}

/// All segments of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its id, `1-…-…`.
    pub id: String,
    /// Its segments, oldest first; never empty.
    segments: Vec<Segment>,
}

/// A segment or subsegment with its depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span<'a> {
    /// The segment or subsegment.
    pub segment: &'a Segment,
    /// Its depth below the root.
    pub depth: usize,
    /// Milliseconds from the trace's beginning to its own.
    pub offset_ms: f64,
    /// Its length in milliseconds.
    pub duration_ms: f64,
}

impl Trace {
    /// A trace of these segments; `None` if there are none.
    pub fn new(id: impl Into<String>, mut segments: Vec<Segment>) -> Option<Self> {
        segments.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
        (!segments.is_empty()).then(|| Self { id: id.into(), segments })
    }

    /// Its segments, oldest first.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Its start, in Unix seconds.
    pub fn start_time(&self) -> f64 {
        self.segments.first().map_or(0.0, |segment| segment.start_time)
    }

    /// From the start of the first segment to the end of the last, in milliseconds. It includes waits in the queue.
    pub fn duration_ms(&self) -> f64 {
        let end = self.segments.iter().map(|segment| segment.end_time).fold(self.start_time(), f64::max);
        (end - self.start_time()) * 1e3
    }

    /// Whether any part of it has a fault, an error or a throttle.
    pub fn has_failed(&self) -> bool {
        self.spans().iter().any(|span| span.segment.fault || span.segment.error || span.segment.throttle)
    }

    /// The ids of its events.
    pub fn event_ids(&self) -> BTreeSet<&str> {
        let spans = self.spans();
        spans.iter().filter_map(|span| span.segment.annotations.get("event_id")?.as_str()).collect()
    }

    /// Segments and subsegments in the order of a table: each below its parent, oldest first. One with an unknown
    /// parent is at the top level.
    pub fn spans(&self) -> Vec<Span<'_>> {
        let known: BTreeSet<&str> = self.segments.iter().flat_map(ids).collect();
        let mut spans = Vec::new();
        for segment in &self.segments {
            let has_cause = segment.parent_id.as_deref().is_some_and(|parent| known.contains(parent));
            if !has_cause {
                self.add(segment, 0, &mut spans);
            }
        }
        // Otherwise segments that name each other as parents would be missing.
        for segment in &self.segments {
            if !spans.iter().any(|span| span.segment.id == segment.id) {
                self.add(segment, 0, &mut spans);
            }
        }
        spans
    }

    fn add<'a>(&'a self, segment: &'a Segment, depth: usize, spans: &mut Vec<Span<'a>>) {
        if spans.iter().any(|span| std::ptr::eq(span.segment, segment)) {
            return;
        }
        spans.push(Span {
            segment,
            depth,
            offset_ms: (segment.start_time - self.start_time()) * 1e3,
            duration_ms: (segment.end_time - segment.start_time) * 1e3,
        });
        let caused = self.segments.iter().filter(|other| other.parent_id.as_deref() == Some(&segment.id));
        let mut below: Vec<&Segment> = segment.subsegments.iter().chain(caused).collect();
        below.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
        for one in below {
            self.add(one, depth + 1, spans);
        }
    }
}

/// The ids of a segment and all its subsegments.
fn ids(segment: &Segment) -> Vec<&str> {
    let mut all = vec![segment.id.as_str()];
    all.extend(segment.subsegments.iter().flat_map(ids));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(id: &str, parent: Option<&str>, start: f64, end: f64) -> Segment {
        Segment {
            name: id.to_owned(),
            id: id.to_owned(),
            parent_id: parent.map(str::to_owned),
            start_time: start,
            end_time: end,
            ..Segment::default()
        }
    }

    fn tree(segments: Vec<Segment>) -> Vec<(String, usize)> {
        let trace = Trace::new("1-a-b", segments).unwrap();
        trace.spans().iter().map(|span| (span.segment.id.clone(), span.depth)).collect()
    }

    #[track_caller]
    fn check(segments: Vec<Segment>, expected: &[(&str, usize)]) {
        let expected: Vec<_> = expected.iter().map(|(id, depth)| ((*id).to_owned(), *depth)).collect();
        assert_eq!(tree(segments), expected);
    }

    #[test]
    fn spans_are_below_their_parents() {
        let mut function = segment("function", Some("api"), 1.0, 3.0);
        function.subsegments = vec![segment("second", None, 2.0, 3.0), segment("first", None, 1.0, 2.0)];
        let consumer = segment("consumer", Some("second"), 5.0, 6.0);
        let order = [("api", 0), ("function", 1), ("first", 2), ("second", 2), ("consumer", 3)];
        check(vec![consumer, function, segment("api", None, 0.0, 4.0)], &order);
    }

    #[test]
    fn segments_without_a_known_parent_are_shown() {
        check(vec![segment("a", Some("never arrived"), 0.0, 1.0)], &[("a", 0)]);
        let ring = vec![segment("a", Some("b"), 0.0, 1.0), segment("b", Some("a"), 1.0, 2.0)];
        check(ring, &[("a", 0), ("b", 1)]);
    }

    #[test]
    fn the_duration_of_a_trace_is_from_its_first_to_its_last_time() {
        let mut late = segment("late", None, 10.0, 12.0);
        late.subsegments
            .push(Segment { fault: true, ..segment("record", None, 10.0, 11.0) }.annotated("event_id", "e"));
        let trace = Trace::new("1-a-b", vec![late, segment("early", None, 1.5, 2.0)]).unwrap();
        assert_eq!(trace.duration_ms(), 10_500.0);
        assert!(trace.has_failed());
        assert_eq!(trace.event_ids().into_iter().collect::<Vec<_>>(), ["e"]);
        assert_eq!(trace.spans()[1].offset_ms, 8_500.0);
        assert!(Trace::new("1-a-b", Vec::new()).is_none());
    }
}
