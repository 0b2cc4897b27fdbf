//! The reader of traces: single traces. How it searches depends on the adapter, so each adapter tests that itself.

use futures::future::BoxFuture;
use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::trace::{Segment, TraceHeader, segment_id};
use spillway_dashboard_model::traces::TraceReader;
use std::any::Any;
use std::sync::Arc;

/// A place for segments, and the reader of it.
pub struct EmptyTraces {
    /// When the traces of the cases begin.
    pub start: Timestamp,
    /// Records segments. The reader finds them when the future ends.
    pub record: RecordSegments,
    /// The reader.
    pub reader: Arc<dyn TraceReader>,
    /// Values that must live as long as the reader, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Records segments.
pub type RecordSegments = Box<dyn Fn(Vec<Segment>) -> BoxFuture<'static, ()> + Send + Sync>;

suite! { $ traces of super::EmptyTraces:
    a_trace_is_read_with_all_its_segments,
    a_trace_that_was_never_recorded_is_unknown,
}

impl EmptyTraces {
    fn segment(&self, trace: &TraceHeader, parent: Option<&Segment>, name: &str, second: i64) -> Segment {
        let at = |second| self.start + SignedDuration::from_secs(second);
        let mut segment = Segment::new(name, at(second), at(second + 1));
        segment.trace_id = trace.root.clone();
        segment.parent_id = parent.map(|parent| parent.id.clone());
        segment
    }
}

async fn a_trace_is_read_with_all_its_segments(traces: &EmptyTraces) {
    let mut recorded = Vec::new();
    // X-Ray returns five traces at once.
    for _ in 0..7 {
        let trace = TraceHeader::new(traces.start, true);
        let mut ingest = traces.segment(&trace, None, "spillway-ingest", 0);
        let mut call = traces.segment(&trace, None, "SQS", 0);
        call.trace_id = String::new();
        call.namespace = Some("aws".into());
        ingest.subsegments.push(call);
        let consumer = traces
            .segment(&trace, Some(&ingest.subsegments[0]), "spillway-consumer", 2)
            .annotated("event_id", format!("e-{}", segment_id()))
            .annotated("outcome", "stored");
        (traces.record)(vec![ingest.clone(), consumer.clone()]).await;
        recorded.push((trace.root, ingest, consumer));
    }
    for (id, ingest, consumer) in &recorded {
        let trace = traces.reader.get(id).await.unwrap().expect("the trace was recorded");
        assert_eq!((&trace.id, trace.segments()), (id, &[ingest.clone(), consumer.clone()][..]));
        let tree: Vec<_> = trace.spans().iter().map(|span| (span.segment.name.clone(), span.depth)).collect();
        let expected = [("spillway-ingest", 0), ("SQS", 1), ("spillway-consumer", 2)];
        assert_eq!(tree, expected.map(|(name, depth)| (name.to_owned(), depth)));
        assert_eq!(trace.event_ids().len(), 1);
    }
}

async fn a_trace_that_was_never_recorded_is_unknown(traces: &EmptyTraces) {
    let never = TraceHeader::new(traces.start, true).root;
    assert_eq!(traces.reader.get(&never).await.unwrap(), None);
    assert_eq!(traces.reader.get("no trace at all").await.unwrap(), None);
}
